"""A show to a take: generate, regenerate, hold keyframes, and keep what no edit asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import ARKIT, FPS
from mien.models.files import whole
from mien.models.manner.style_file import Style
from mien.models.manner.weights import WEIGHTS
from mien.robot.errors import InputError
from mien.robot.expression.performance import Performance, solved
from mien.robot.face.actuators import to_pulses
from mien.robot.face.calibrated import Calibrated, FittedFace
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.safety import Limiter
from mien.robot.face.servo_play import led
from mien.robot.face.solver import head_gains
from mien.robot.recording.recorder import MAX_QUEUED_RECORDS, Recorder
from mien.robot.show.arrival import EARLY, entered, key_frames, planned
from mien.robot.show.edits import basis, changed, describe, items, joined
from mien.robot.show.generator import Curves, Generator, generate, neck_of, rules, seed_of
from mien.robot.show.imitation import styled, within_reach
from mien.robot.show.keyframes import Hold, holds, overlay
from mien.robot.show.limits import Shortfall, out_of_reach, out_of_time
from mien.robot.show.manner import manner
from mien.robot.show.scene import Scene, scene_of
from mien.robot.show.show_file import ShowFile
from mien.robot.show.takes import KeptTake, TakeFiles, stored, write_take

GENERATORS: Final[dict[str, Generator]] = {"manner": manner, "rules": rules}
"""Generators by name. `mien bench manner` compares them."""
MAX_TAKE: Final = 999


@dataclass(frozen=True)
class Directed:
    """A take that is ready to be written and played.

    Attributes:
        scene: its sound.
        curves: (T, 55).
        performance: the same on one face.
        news: what of it is new, and notes for the user.
        late: what its keyframes lose to each other and to speed.
        record: side-car content besides the items.
    """

    scene: Scene
    curves: Curves
    performance: Performance
    news: tuple[str, ...]
    late: list[Shortfall]
    basis: dict[str, Any]


def default_generator() -> str:
    """The manner network, or the rules where its weights are missing."""
    return "manner" if WEIGHTS.is_file() else "rules"


def files_of(show: Path, take: int, folder: Path | None = None) -> TakeFiles:
    """Where the files of a take are: beside the show, or in ``folder``.

    Raises:
        InputError: no such number of a take, or a folder that cannot be made.
    """
    if not 1 <= take <= MAX_TAKE:
        raise InputError(f"take {take}: allowed are 1 to {MAX_TAKE}", "--take 2")
    home = folder or show.parent
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise InputError(f"cannot make {home}: {e.strerror}", "--out FOLDER") from e
    return TakeFiles(home / f"{show.stem}-take{take}")


def curves_for(file: ShowFile, scene: Scene, take: int, by: Generator = rules) -> Curves:
    """Curves of a take, made from nothing."""
    show = file.show
    made = generate(scene, show.seed, take, show.regenerate, by)
    return stored(overlay(made, scene.times, holds(show.keyframes, file.poses)))


def direct(
    file: ShowFile,
    face: Calibrated,
    take: int = 1,
    style: Style | None = None,
    kept: KeptTake | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> Directed:
    """Perform a show on a face.

    Args:
        file: the show.
        face: the face.
        take: another number gives another performance.
        style: to imitate, as far as the face can.
        kept: the take that was made before. Where no edit asks for more, its curves stay.
        progress: called with the share that is done, 0 to 1.

    Raises:
        InputError: the show does not fit its sound, or the kept take has another length.
    """
    scene = scene_of(file, head_gains(face.face, file.show.head_gain))
    generator: str = file.show.generator or default_generator()
    by = GENERATORS[generator]
    if style is not None:
        scene = replace(scene, style=style.codes)
        if style.moves:
            by = styled(by, within_reach(face, style))
    curves = curves_for(file, scene, take, by)
    now = basis(file.show, scene, take, generator, style)
    news: list[str] = []
    if kept is not None and kept.basis != now:
        different = sorted(k for k in now if kept.basis.get(k) != now[k])
        news.append(f"another {', '.join(different)}: all of it is new")
    elif kept is not None:
        if len(kept.curves) != len(curves):
            raise InputError(
                f"the kept take has {len(kept.curves)} frames, and its sound {len(curves)}",
                "move its files away, and mien direct makes a new one",
            )
        mask = changed(kept.items, items(file.show, file.poses), scene.times)
        if kept.edited:
            news.append("the kept take was changed by hand; it stays so where no edit is asked")
        curves = stored(joined(kept.curves, curves, mask))
        news.append(describe(mask))
    held = holds(file.show.keyframes, file.poses)
    performance = performed(face, curves, scene.spoken, held, progress)
    sent = limited(face.face, performance.commands)
    late = out_of_time(face, file.show.keyframes, file.poses, curves, scene.times, sent)
    performance = replace(performance, commands=led(face.face, performance.commands))
    return Directed(scene, curves, performance, tuple(news), late, now)


def reach_of(file: ShowFile, face: FittedFace) -> list[Shortfall]:
    """What the keyframes of a show cannot be on a face."""
    return out_of_reach(face, file.poses)


def performed(
    face: Calibrated,
    curves: Curves,
    spoken: NDArray[np.float32],
    held: Sequence[Hold] = (),
    progress: Callable[[float], None] = lambda _: None,
) -> Performance:
    """Curves on a face: commands by its inverse, at the speed of its servos, key frames first."""
    now = entered(curves, held)
    weights, head = now[:, : len(ARKIT)], neck_of(now)
    found = solved(face, weights, head, spoken, progress, EARLY / FPS)
    keys = key_frames(held, len(curves))
    return replace(found, commands=planned(found.commands, face.face.speed / FPS, keys))


def limited(face: FaceConfig, commands: Floats) -> Floats:
    """Commands (T, n) at 60 fps as the limiter lets them through, from the first one on."""
    limit, out = Limiter(face), np.empty_like(commands)
    last = np.clip(commands[0], *face.limits.T)
    for k, target in enumerate(commands):
        last = out[k] = limit(target, last, 1.0 / FPS).commands
    return out


def write(files: TakeFiles, file: ShowFile, made: Directed, face: Calibrated, take: int) -> None:
    """Write all files of a take: curves, sound, record, and its commands as MCAP.

    Raises:
        MienError: a file cannot be written.
    """
    show = file.show
    spans = items(show, file.poses)
    seeds = [{"region": r.region, "start_s": r.start, "end_s": r.end, "attempt": r.attempt,
              "seed": seed_of(show.seed, take, r)} for r in show.regenerate]  # fmt: skip
    about = {
        "show": file.path.name, "take": take, "face": face.face.name,
        "seed": seed_of(show.seed, take), "regenerated": seeds,
        "next": f"mien play {quote(files.csv.name)}",
    }  # fmt: skip
    write_take(files, made.curves, made.scene, made.basis, spans, about)
    with whole(files.path(".mcap")) as part:
        _record(part, face, made, about)


def _record(path: Path, face: Calibrated, made: Directed, about: dict[str, Any]) -> None:
    """The commands of a take as a recording. They are ahead by the lag of the face, as in a run."""
    recorder = Recorder(path, face.face, {**about, "piece": True})
    ahead = made.performance.at(face.lag_s)
    limit, last = Limiter(face.face), np.clip(ahead(0.0), *face.face.limits.T)
    try:
        for k in range(len(made.curves)):
            step = limit(target := ahead(k / FPS), last, 1.0 / FPS)
            last, t = step.commands, (k + 1) / FPS
            recorder.put("/tick", t, {
                "t": t, "late_s": 0.0, "wanted": target, "sent": last,
                "pulses_us": to_pulses(face.face, last), "clipped": int(step.clipped.sum()),
                "slowed": int(step.slowed.sum()), "locked": list(step.locked),
            })  # fmt: skip
            while recorder.queued > MAX_QUEUED_RECORDS // 2 and recorder.failed is None:
                time.sleep(0.005)
            recorder.check()
    finally:
        recorder.close()
    recorder.check()
