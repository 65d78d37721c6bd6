"""Reader of a show: every fault is told with its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, Final

from pydantic import ValidationError

from mien.models.errors import ModelError
from mien.models.reading.bounded import FileError
from mien.models.reading.strict import fault_lines, listed
from mien.models.reading.yaml_file import at_lines, key_lines, line_of, read_yaml
from mien.robot.errors import InputError
from mien.robot.names import printable
from mien.robot.show.poses import HeldPose, held
from mien.robot.show.schema import Show

EXAMPLE: Final = "write a show such as: sound: hello.wav"


@dataclass(frozen=True)
class ShowFile:
    """A show, its file, and what its keyframes hold.

    Attributes:
        path: the file.
        show: its content.
        poses: what each keyframe holds, in their order.
        lines: line, from 1, of each place such as ``keyframes.0.at``.
    """

    path: Path
    show: Show
    poses: tuple[HeldPose, ...]
    lines: Mapping[str, int]

    def line(self, place: str) -> int:
        """Line of a place, or of what holds it; 0 if there is none."""
        return line_of(self.lines, place)

    def refusal(self, faults: list[tuple[str, str]]) -> InputError:
        """An error that lists faults: place and text of each."""
        return _refusal(self.path, at_lines(self.lines, faults))

    def check_times(self, seconds: float) -> None:
        """Check that everything begins before the sound ends.

        Args:
            seconds: duration of the sound.

        Raises:
            InputError: something does not; all of it is listed.
        """
        late = [
            (f"{kind}.{k}", f"{what} begins at {start:g} s, and the sound ends at {seconds:.2f} s")
            for kind, what, starts in (
                ("emotions", "the emotion", [c.start for c in self.show.emotions]),
                ("keyframes", "the keyframe", [f.at for f in self.show.keyframes]),
                ("regenerate", "the span", [r.start for r in self.show.regenerate]),
            )
            for k, start in enumerate(starts)
            if start >= seconds
        ]
        if late:
            raise self.refusal(late)


def read_show(path: Path) -> ShowFile:
    """Read a show.

    Raises:
        InputError: no such file, not YAML, or faults in it; every fault is listed with its line.
    """
    try:
        tree: Any = read_yaml(path)
        lines = key_lines(path)
    except FileError as e:
        raise InputError(e.message, EXAMPLE) from e
    except OSError as e:
        raise InputError(
            f"cannot read the show {path}: {e.strerror}", "mien direct SHOW.yaml"
        ) from e
    if not isinstance(tree, dict):
        kind = "empty" if tree is None else f"a {type(tree).__name__} and no object with keys"
        raise InputError(f"the show {path} is {kind}", EXAMPLE)
    try:
        show = Show.model_validate(tree)
    except ValidationError as e:
        named = [(t.split(": ")[0], t) for t in fault_lines(e)]
        raise _refusal(path, at_lines(lines, named)) from e
    faults: list[tuple[str, str]] = []
    poses = []
    for k, frame in enumerate(show.keyframes):
        try:
            poses.append(held(frame, show.poses))
        except ModelError as e:
            faults.append((f"keyframes.{k}.pose", e.message))
    if not faults:
        faults = _clashes(show, poses)
    out = ShowFile(path, show, tuple(poses), lines)
    if faults:
        raise out.refusal(faults)
    return out


def _clashes(show: Show, poses: list[HeldPose]) -> list[tuple[str, str]]:
    """Keyframes that hold one curve at the same time."""
    out = []
    order = sorted(range(len(poses)), key=lambda k: show.keyframes[k].at)
    last: dict[int, int] = {}
    for k in order:
        frame = show.keyframes[k]
        for column in poses[k].values:
            before = last.get(column)
            if before is not None:
                end = show.keyframes[before].at + show.keyframes[before].hold
                if frame.at < end or frame.at == show.keyframes[before].at:
                    out.append((
                        f"keyframes.{k}.at",
                        f"the keyframe at {frame.at:g} s holds what the one at "
                        f"{show.keyframes[before].at:g} s holds until {end:g} s",
                    ))  # fmt: skip
                    break
        for column in poses[k].values:
            last[column] = k
    return out


def _refusal(path: Path, faults: list[str]) -> InputError:
    shown = listed([printable(" ".join(text.split())) for text in faults])
    return InputError(
        f"the show {path} has faults, no take is made:\n{shown}",
        f"mien direct {quote(str(path))}, once they are mended",
    )
