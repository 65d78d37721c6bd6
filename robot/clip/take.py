"""Recorded takes as motion of a face: blendshapes of a CSV, or commands of an MCAP recording."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.regions import lip_gap
from mien.robot.control.loop import RATE_HZ
from mien.robot.errors import InputError
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import FaceConfig, Floats, load_face
from mien.robot.face.servo_play import ServoPlay
from mien.robot.face.solver import FaceSolver, neck
from mien.robot.faces import DEFAULT_FACE
from mien.robot.media.livelink_takes import ROTATIONS, Take, read_csv
from mien.robot.recording.playback import poses
from mien.robot.recording.reading import Recording

MCAP: Final = b"\x89MCAP"
"""First bytes of a recording of ``mien live --record``."""
_HEAD: Final = [ROTATIONS.index(f"Head{axis}") for axis in ("Yaw", "Pitch", "Roll")]
_CHUNK: Final = 256


@dataclass(frozen=True)
class Motion:
    """A take that is ready to be played.

    Attributes:
        face: the face that it moves.
        seconds: duration.
        commands: time in s -> commands (n,). Times must not go back.
        target_gap: times (T,) in s -> target lip gap (T,) mm; None where the take has commands.
        notes: what a user should know of the file.
        lag_s: time in s by which the skin follows the commands, where they are not ahead already.
    """

    face: FaceConfig
    seconds: float
    commands: Callable[[float], Floats]
    target_gap: Callable[[Floats], Floats] | None
    notes: tuple[str, ...]
    lag_s: float = 0.0


def load_motion(
    path: Path, face: str | None, calibration: Path | None, rate: float | None
) -> Motion:
    """Read a take, whichever of the two formats it has.

    Args:
        path: a CSV of Live Link Face, or an MCAP recording.
        face: name or YAML file; None takes that of the recording, or the default.
        calibration: self-model for a CSV; None takes the one that ships.
        rate: timecode frames per second of a CSV; None infers it.

    Raises:
        InputError: no such file, neither format, a face that does not fit, or an unknown rate.
    """
    if not path.is_file():
        raise InputError(f"there is no take at {path}", "mien play TAKE.csv or TAKE.mcap")
    with path.open("rb") as file:
        recorded = file.read(len(MCAP)) == MCAP
    if recorded:
        return _of_recording(path, Recording(path).face if face is None else load_face(face))
    take = read_csv(path, rate)
    if take.base is None:
        raise InputError(
            f"the timecode of {path} does not tell how many frames it counts in a second",
            f"mien play {quote(str(path))} --rate 60 (the app's own), or 24, 25, 30",
        )
    return _of_take(take, Calibrated(load_face(face or DEFAULT_FACE), calibration))


def _of_take(take: Take, calibrated: Calibrated) -> Motion:
    order = np.argsort(take.times, kind="stable")
    times, weights = take.times[order], np.clip(take.weights[order], 0.0, 1.0)
    necks, solver = neck(take.rotations[order][:, _HEAD]), FaceSolver(calibrated)
    lead = ServoPlay(calibrated.face)
    solver.warm_up()

    def at(t: Floats, rows: NDArray[np.floating]) -> Floats:
        """Rows (T, k) at times ``t`` (m,), linear between them, held before and after."""
        after = np.clip(np.searchsorted(times, t), 1, max(len(times) - 1, 1))
        last = np.minimum(after, len(times) - 1)
        span = np.maximum(times[last] - times[after - 1], 1e-9)
        share = np.clip((t - times[after - 1]) / span, 0.0, 1.0)[:, None]
        return np.asarray(rows[after - 1] + share * (rows[last] - rows[after - 1]))

    def commands(t: float) -> Floats:
        when = np.array([t])
        found = solver.solve(at(when, weights)[0], at(when, necks)[0], 1.0 / RATE_HZ)
        return lead(found.commands)

    def target_gap(t: Floats) -> Floats:
        parts = np.split(t, range(_CHUNK, len(t), _CHUNK))
        return np.concatenate([lip_gap(solver.targets(at(part, weights))) for part in parts])

    seconds, lag_s = float(times[-1]), calibrated.lag_s
    return Motion(calibrated.face, seconds, commands, target_gap, take.notes, lag_s)


def _of_recording(path: Path, face: FaceConfig) -> Motion:
    notes: list[str] = []
    rows = list(poses(path, face, notes.append))
    times, sent = np.array([t for t, _ in rows]), np.stack([pose for _, pose in rows])

    def commands(t: float) -> Floats:
        return np.array([np.interp(t, times, column) for column in sent.T])

    return Motion(face, float(times[-1]), commands, None, tuple(notes))
