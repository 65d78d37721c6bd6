"""Key frames that a network proposes for the sound of a show, written into it to be edited."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from shlex import quote
from typing import Any, Final

import numpy as np

from mien.models.files import write_whole
from mien.models.manner import config
from mien.models.manner.features import features
from mien.models.manner.keyframes import WEIGHTS, Key, Proposer
from mien.robot.errors import InputError
from mien.robot.expression.life import BROW_REST
from mien.robot.face.solver import HEAD_RANGE_DEG
from mien.robot.show.manner import BROW_GAIN, TURN_GAIN
from mien.robot.show.poses import held
from mien.robot.show.scene import Scene
from mien.robot.show.schema import Keyframe
from mien.robot.show.show_file import ShowFile

MARK: Final = "# proposed"
"""Comment behind each keyframe that was proposed."""
HOLD_S: Final = 0.1
EASE_S: Final = 0.2
LEAST_SHAPE: Final = 0.08
LEAST_DEG: Final = 0.3
_AXES: Final = ("yaw", "pitch", "roll")


@lru_cache(maxsize=1)
def proposer(path: Path = WEIGHTS) -> Proposer:
    """The network of a weights file.

    Raises:
        ModelError: no such file, or no weights of it.
    """
    return Proposer(path)


def proposals(scene: Scene) -> list[Keyframe]:
    """Keyframes for a sound, in order of time. The same sound gives the same ones."""
    frames = -(-scene.frames * config.FPS // 60)
    found = proposer().propose(features(scene.padded, frames))
    out = [frame for key in found if (frame := keyframe(key)) is not None]
    return [frame for frame in out if frame.at < scene.seconds]


def keyframe(key: Key) -> Keyframe | None:
    """A key as a keyframe of a show; None if nothing of it would be seen."""
    at = round(key.frame / config.FPS, 2)
    given: dict[str, Any]
    if key.track == "head":
        degrees = np.degrees(TURN_GAIN * np.array(key.values))
        degrees = np.clip(degrees, -np.array(HEAD_RANGE_DEG), HEAD_RANGE_DEG).round(1)
        if np.abs(degrees).max() < LEAST_DEG:
            return None
        given = {"head": dict(zip(_AXES, degrees.tolist(), strict=True))}
    else:
        brow, lid = key.values
        shut = float(config.shut(np.array(lid)))
        if shut > 0.5:  # half a blink is none
            shapes = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
        else:
            low = round(float(np.clip(BROW_REST + BROW_GAIN * brow, -1.0, 1.0)), 2)
            if abs(low) < LEAST_SHAPE:
                return None
            down = {"browDownLeft": low, "browDownRight": low}
            up = {"browInnerUp": -low, "browOuterUpLeft": round(-0.7 * low, 2),
                  "browOuterUpRight": round(-0.7 * low, 2)}  # fmt: skip
            shapes = down if low > 0 else up
        given = {"shapes": shapes}
    blink = "eyeBlinkLeft" in given.get("shapes", {})
    hold, ease = (0.05, 0.12) if blink else (HOLD_S, EASE_S)
    return Keyframe.model_validate({"at": at, "hold": hold, "ease": ease, **given})


def fitting(file: ShowFile, found: Sequence[Keyframe]) -> list[Keyframe]:
    """Those that leave the curves of the show's own keyframes, and of each other, alone."""
    own = [
        (f.at - f.ease, f.at + f.hold + f.ease, set(pose.values))
        for f, pose in zip(file.show.keyframes, file.poses, strict=True)
    ]
    out = []
    for frame in found:
        columns = set(held(frame, file.show.poses).values)
        first, last = frame.at - frame.ease, frame.at + frame.hold + frame.ease
        if not any(first < b and last > a and columns & taken for a, b, taken in own):
            own.append((frame.at, frame.at + frame.hold, columns))
            out.append(frame)
    return out


def lines_of(frames: Sequence[Keyframe]) -> list[str]:
    """Keyframes as lines of YAML without indentation."""
    out = []
    for frame in frames:
        parts = [f"at: {frame.at:g}"]
        if frame.shapes:
            inner = ", ".join(f"{name}: {value:g}" for name, value in frame.shapes.items())
            parts.append(f"shapes: {{{inner}}}")
        if frame.head.axes:
            inner = ", ".join(f"{_AXES[k]}: {v:g}" for k, v in frame.head.axes.items())
            parts.append(f"head: {{{inner}}}")
        parts += [f"hold: {frame.hold:g}", f"ease: {frame.ease:g}"]
        out.append(f"- {{{', '.join(parts)}}}  {MARK}")
    return out


def write(file: ShowFile, frames: Sequence[Keyframe]) -> None:
    """Add keyframes to the file of a show, whole or not at all; all else of it stays.

    Raises:
        InputError: the keyframes of the show stand on one line, where none can be added.
    """
    text = file.path.read_text(encoding="utf-8")
    lines = text.splitlines()
    new = lines_of(frames)
    at = next((k for k, line in enumerate(lines) if re.match(r"keyframes\s*:", line)), None)
    if at is None:
        lines += ["keyframes:", *(f"  {line}" for line in new)]
    else:
        if not re.fullmatch(r"keyframes\s*:\s*(#.*)?", lines[at]):
            raise InputError(
                f"line {at + 1} of {file.path}: the keyframes stand on one line, where none can be "
                "added",
                f"write each on a line of its own, then mien direct {quote(str(file.path))} "
                "--propose",
            )
        follows = next((line for line in lines[at + 1 :] if line.lstrip().startswith("-")), "  -")
        indent = follows[: len(follows) - len(follows.lstrip())]
        lines[at + 1 : at + 1] = [f"{indent}{line}" for line in new]
    write_whole(file.path, "\n".join(lines) + "\n")
