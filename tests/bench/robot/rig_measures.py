"""What kind of robot a rig is, in numbers: memory of its tendons, bends, spread over builds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import FaceConfig
from mien.robot.face.safety import Limiter
from mien.robot.sim.rig import Rig

F64 = NDArray[np.float64]
SETTLE_S = 0.5


def random_poses(face: FaceConfig, count: int, seed: int) -> F64:
    """(count, n) commands, uniform within the limits and let through by the interlocks."""
    limiter, generator = Limiter(face), np.random.default_rng(seed)
    low, high = face.limits.T
    wanted = generator.uniform(low, high, (count, len(face.names)))
    return np.array([limiter(w, face.safe, 1e3).commands for w in wanted])


def landmarks_at(
    rig: Rig, poses: F64, at_each: Callable[[Rig], None] = lambda _: None, settle: float = SETTLE_S
) -> F64:
    """(count, 478, 3) mm at every pose of (count, n), moved to one after the other."""
    out = []
    for pulses in to_pulses(rig.face, poses):
        for _ in range(round(settle / rig.dt)):
            rig.step(pulses)
        out.append(rig.landmarks())
        at_each(rig)
    return np.array(out)


def hysteresis(rig: Rig, levels: int = 11) -> dict[str, float]:
    """How far apart a string's point is on the way up and on the way down, by actuator.

    The largest distance along its travel at one command, as a share of that travel, from slow
    staircases 0 -> 1 -> 0. The point is the node that the string pulls.
    """
    out = {}
    for tendon in rig.machine.plan.tendons.values():
        rig.reset()
        k, node = rig.face.index(tendon.actuator), rig.machine.net.names.index(tendon.node)
        rise = np.linspace(0.0, 1.0, levels)
        track = []
        for value in np.concatenate([rise, rise[::-1]]):
            pose = np.zeros(len(rig.face.names))
            pose[k] = value
            landmarks_at(rig, pose[None], settle=0.4)
            track.append(rig.skin_state().nodes[node])
        up, down = np.array(track[:levels]), np.array(track[levels:])[::-1]
        travel = up[-1] - up[0]
        length = float(np.linalg.norm(travel))
        apart = (down - up) @ travel / length
        out[tendon.actuator] = float(np.abs(apart).max()) / length
    return out


class LinearMap:
    """The best affine map from commands (N, n) to landmarks (N, 478, 3), by least squares."""

    def __init__(self, poses: F64, landmarks: F64) -> None:
        flat = landmarks.reshape(len(landmarks), -1)
        self._solution = np.linalg.lstsq(_with_one(poses), flat, rcond=None)[0]

    def residual(self, poses: F64, landmarks: F64) -> float:
        """RMS distance of a landmark from the map, mm."""
        off = _with_one(poses) @ self._solution - landmarks.reshape(len(landmarks), -1)
        return float(np.sqrt(3.0 * np.mean(off**2)))


def _with_one(poses: F64) -> F64:
    return np.hstack([poses, np.ones((len(poses), 1))])


def motion(landmarks: F64) -> float:
    """RMS distance of a landmark from its mean place over (N, 478, 3), mm."""
    return float(np.sqrt(3.0 * np.mean((landmarks - landmarks.mean(axis=0)) ** 2)))
