"""Actuator dynamics: dead time and maximum speed of each actuator, from its step responses.

Each actuator alone makes a few strokes at the speed that the face's YAML allows, over the range of
the single poses. The camera captures frames meanwhile. The fitted self-model gives the actuator's
position in each frame: the point on its predicted path that is nearest to the observed face. A
servo is modelled by a dead time and a maximum speed. The estimate is the posterior mean of both,
and the error is the posterior standard deviation.

Limits of the method: a PCA9685 accepts a new pulse every 20 ms. A stroke starts up to 20 ms late,
and the mean over the strokes is accurate to about 3 ms. The lag of the skin is part of the dead
time. An error of ``--camera-delay`` shifts all dead times equally. A maximum speed can be measured
only if it is lower than the YAML's, because no command is faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien.calibration.capture.capture_rig import CaptureRig, ObservedRun
from mien.calibration.identify.step_response import StepResponse, fit_step_response
from mien.models.face.regions import COUNT
from mien.models.formats import read_arrays, write_arrays
from mien.models.self_model.model import SelfModel
from mien.models.self_model.neck import NECK, neck_features
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.safety import Limiter

FOLDER, VERSION = "pace", 1
_TRACE = ("sent_at", "sent", "seen_at", "seen", "head")
RATE_HZ = 60.0
HOLD_TICKS = 13  # odd: a camera at half the rate captures each stroke at another phase
LEAD_TICKS = 6
NECK_SHARE = 0.5  # of the neck's range: within the poses of the plan
SLOW_SHARE = 0.9
"""An actuator is reported slow below this share of the YAML's speed, by twice the error."""
LATE_S = 0.03
"""An actuator is reported late if its dead time exceeds the median by this and twice the error."""
_PATH_POINTS = 97
_MARGIN = 0.15  # of the range, on either side, so that noise is not cut off


@dataclass(frozen=True)
class ActuatorDynamics:
    """Dynamics of one actuator.

    Attributes:
        actuator: its name.
        dead_s, dead_error_s: dead time from the command to the skin and its standard error, s;
            NaN: not visible.
        speed, speed_error: maximum speed and its standard error, commands/s; NaN: not visible.
        speed_limit: of the YAML, commands/s. The commands moved at this speed.
        frames: number of frames used.
    """

    actuator: str
    dead_s: float
    dead_error_s: float
    speed: float
    speed_error: float
    speed_limit: float
    frames: int

    @property
    def visible(self) -> bool:
        """Whether the camera saw the actuator move."""
        return bool(np.isfinite(self.dead_s))

    @property
    def slow(self) -> bool:
        """Whether it is significantly slower than the YAML allows."""
        return self.speed + 2.0 * self.speed_error < SLOW_SHARE * self.speed_limit


def stroke_commands(face: FaceConfig, i: int) -> Floats:
    """Commands (T, n) at ``RATE_HZ``: actuator ``i`` moves to and fro at its highest speed."""
    low, high = face.limits[i]
    if face.actuators[face.names[i]].region == "neck":
        low, high = NECK_SHARE * low, NECK_SHARE * high
    ends = (high, low, high, 0.0)
    limit, at = Limiter(face), face.safe.copy()
    at[i] = 0.0
    rows = [at] * LEAD_TICKS
    for end in ends:
        goal = at.copy()
        goal[i] = end
        while True:
            before, at = at, limit(goal, at, 1.0 / RATE_HZ).commands
            if np.array_equal(at, before):
                break
            rows.append(at)
        rows += [at] * HOLD_TICKS
    return np.array(rows)


def record_step_responses(
    face: FaceConfig, rig: CaptureRig, folder: Path, skip: NDArray[np.bool_]
) -> Iterator[tuple[str, ObservedRun]]:
    """Record the step responses of the actuators, and store each in the folder.

    Actuators in ``skip`` (n,) and those recorded before are left out. Yields each name and its run.
    """
    (folder / FOLDER).mkdir(exist_ok=True)
    for i, name in enumerate(face.names):
        before = _trace(folder, name)
        if skip[i] or (before is not None and 2 * _seen(before).sum() >= len(before["seen"])):
            continue
        commands = stroke_commands(face, i)
        rig.move_to(commands[0])
        run = rig.run_trajectory(commands, RATE_HZ, every=2)
        arrays = {
            "actuator": name,
            "sent_at": run.sent_at,
            "sent": run.sent[:, i],
            "seen_at": run.seen_at,
            "seen": run.seen.astype(np.float32),
            "head": run.head,
        }
        write_arrays(folder / FOLDER / f"{name}.npz", VERSION, arrays)
        yield name, run


def identify_dynamics(face: FaceConfig, model: SelfModel, folder: Path) -> list[ActuatorDynamics]:
    """Dynamics of all actuators with recorded step responses, in the face's order."""
    out = []
    for i, name in enumerate(face.names):
        trace = _trace(folder, name)
        if trace is None:
            continue
        response = None
        if name in NECK:
            response = _neck_response(model, i, trace)
        elif i in model.inputs:
            response = _skin_response(model, i, trace)
        dead, dead_error, share, share_error = response or StepResponse.unknown()
        limit = float(face.speed[i])
        frames = int(_seen(trace).sum())
        speed, speed_error = share * limit, share_error * limit
        out.append(ActuatorDynamics(name, dead, dead_error, speed, speed_error, limit, frames))
    return out


def damaged_traces(face: FaceConfig, folder: Path) -> list[str]:
    """Actuators whose recorded step responses cannot be used: damaged, or of another actuator."""
    recorded = (n for n in face.names if (folder / FOLDER / f"{n}.npz").exists())
    return [name for name in recorded if _trace(folder, name) is None]


def late_actuators(dynamics: list[ActuatorDynamics]) -> list[ActuatorDynamics]:
    """Actuators whose dead time is significantly longer than the median."""
    median = _median_dead_s(dynamics)
    return [p for p in dynamics if p.dead_s - 2.0 * p.dead_error_s > median + LATE_S]


def rows(dynamics: list[ActuatorDynamics]) -> dict[str, dict[str, float | bool | None]]:
    """Dynamics by actuator for JSON, in ms and commands/s; None where nothing was visible."""

    def known(value: float) -> float | None:
        return round(value, 4) if np.isfinite(value) else None

    late = late_actuators(dynamics)
    return {
        p.actuator: {
            "dead_ms": known(1e3 * p.dead_s),
            "dead_error_ms": known(1e3 * p.dead_error_s),
            "speed": known(p.speed),
            "speed_error": known(p.speed_error),
            "speed_allowed": p.speed_limit,
            "looks": p.frames,
            "slow": p.slow,
            "late": p in late,
        }
        for p in dynamics
    }


def warnings(dynamics: list[ActuatorDynamics]) -> list[str]:
    """A sentence for each slow or late actuator, with the remedy."""
    median = _median_dead_s(dynamics)
    slow = [
        f"{p.actuator} is slow: it reaches {p.speed:.1f} +- {p.speed_error:.1f} commands/s, "
        f"the YAML allows {p.speed_limit:g}: set its speed to {p.speed:.1f}, or repair it"
        for p in dynamics
        if p.slow
    ]
    return slow + [
        f"{p.actuator} is late: its dead time is {1e3 * p.dead_s:.0f} +- "
        f"{1e3 * p.dead_error_s:.0f} ms, the median is {1e3 * median:.0f} ms: "
        "check its linkage for play"
        for p in late_actuators(dynamics)
    ]


def _median_dead_s(dynamics: list[ActuatorDynamics]) -> float:
    """Median dead time (s) of the actuators."""
    return float(np.median([p.dead_s for p in dynamics if p.visible] or [np.nan]))


def _trace(folder: Path, name: str) -> dict[str, Floats] | None:
    """Recorded step responses of an actuator; None if missing, damaged or of another actuator."""
    try:
        arrays = read_arrays(folder / FOLDER / f"{name}.npz", VERSION)
        if str(arrays.pop("actuator", name)) != name:
            return None
        trace = {k: arrays[k].astype(np.float64) for k in _TRACE}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    sent, seen = len(trace["sent"]), len(trace["seen"])
    shapes: dict[str, tuple[int, ...]] = {"sent_at": (sent,), "sent": (sent,), "seen_at": (seen,)}
    shapes |= {"seen": (seen, COUNT, 3), "head": (seen, 4, 4)}
    good = sent > 1 and all(trace[k].shape == shape for k, shape in shapes.items())
    times = ("sent_at", "sent", "seen_at")
    return trace if good and all(np.isfinite(trace[k]).all() for k in times) else None


def _seen(trace: dict[str, Floats]) -> NDArray[np.bool_]:
    """Frames (S,) with a face."""
    return np.asarray(np.isfinite(trace["seen"]).all((1, 2)))


def _skin_response(model: SelfModel, i: int, trace: dict[str, Floats]) -> StepResponse | None:
    good = _seen(trace)
    if 2 * good.sum() < len(good):
        return None
    at = int(np.flatnonzero(model.inputs == i)[0])
    x = np.zeros((_PATH_POINTS, len(model.inputs)))
    x[:, at] = positions = _path_positions(trace["sent"])
    path = _centred(model.decode(model.latents(x))).reshape(_PATH_POINTS, -1)
    seen = _centred(trace["seen"][good]).reshape(int(good.sum()), -1)
    tendon = np.flatnonzero(model.tendons == at)
    to_inputs: Callable[[Floats], Floats] = np.asarray
    if len(tendon):
        play = model.play
        width, growth = float(play.half_width[tendon[0]]), float(play.growth[tendon[0]])

        def to_inputs(u: Floats) -> Floats:
            """The tendon's pulls at successive commands (T, ...)."""
            pull, out = np.zeros(u.shape[1:]), np.empty_like(u)
            for t, now in enumerate(u):
                r = width + growth * now
                pull = out[t] = np.minimum(np.maximum(pull, now - r), now + r)
            return out

    return fit_step_response(trace, good, positions, path, seen, to_inputs)


def _neck_response(model: SelfModel, i: int, trace: dict[str, Floats]) -> StepResponse | None:
    good = np.asarray(np.isfinite(trace["head"]).all((1, 2)))
    if not len(model.neck) or 2 * good.sum() < len(good):
        return None
    three = np.zeros((_PATH_POINTS, len(NECK)))
    three[:, NECK.index(model.names[i])] = positions = _path_positions(trace["sent"])
    path = np.degrees(neck_features(three) @ model.neck[:, :3])
    turn = trace["head"][good][:, :3, :3]
    early = trace["seen_at"][good] <= trace["sent_at"][LEAD_TICKS]
    if not early.any():
        return None
    rest = Rotation.from_matrix(turn[early]).mean().inv()
    seen = np.degrees((rest * Rotation.from_matrix(turn)).as_rotvec())
    return fit_step_response(trace, good, positions, path, seen, np.asarray)


def _path_positions(sent: Floats) -> Floats:
    """Commands (P,) along the path, with a margin beyond those sent."""
    low, high = sent.min(), sent.max()
    more = _MARGIN * (high - low)
    return np.linspace(low - more, high + more, _PATH_POINTS)


def _centred(landmarks: Floats) -> Floats:
    """Landmarks (S, 478, 3) without the camera's drift."""
    return np.asarray(landmarks - landmarks.mean(1, keepdims=True))
