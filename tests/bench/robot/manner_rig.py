"""Curves on the rig and back: what a face shows of a take, after inverse, servos and skin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien.models.face.blendshapes import ARKIT, FPS
from mien.robot.face.actuators import to_pulses
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import Floats
from mien.robot.face.safety import Limiter
from mien.robot.face.servo_play import led
from mien.robot.show.direct import performed
from mien.robot.show.imitation import Reader
from mien.robot.show.keyframes import Hold
from mien.robot.sim.rig import Rig

SETTLE_S = 0.4


@dataclass(frozen=True, eq=False)
class Shown:
    """What the rig showed, a row each 1/60 s.

    Attributes:
        landmarks: (T, 478, 3) mm, true, in the head frame.
        head: (T, 3) rad, true yaw, pitch and roll of the neck.
    """

    landmarks: Floats
    head: Floats


class RigReader:
    """Plays curves on one rig and reads blendshapes back from its true landmarks.

    Args:
        calibrated: the face.
        build: seed of the rig's tolerances.
    """

    def __init__(self, calibrated: Calibrated, build: int = 0) -> None:
        self.calibrated, self.rig = calibrated, Rig(calibrated.face, build)
        self._ticks = 0

    def play(self, curves: NDArray[np.floating], held: Sequence[Hold] = ()) -> Shown:
        """Curves (T, 55) at 60 fps as ``mien direct`` performs them, their delay removed.

        They are sent ahead by the face's lag.

        Args:
            curves: of a take.
            held: what its keyframes hold; a curve that only passes a pose has none.
        """
        face = self.calibrated.face
        now = np.asarray(curves, np.float32)
        solved = performed(self.calibrated, now, now[:, : len(ARKIT)], held).commands
        late = self.calibrated.lag_s * FPS
        at = np.minimum(np.arange(len(curves)) + late, len(curves) - 1)
        low = at.astype(int)
        high = np.minimum(low + 1, len(curves) - 1)
        commands = led(face, solved)
        ahead = commands[low] + (at - low)[:, None] * (commands[high] - commands[low])
        self.rig.reset()
        limit, last = Limiter(face), np.zeros(len(face.names))
        for _ in range(round(SETTLE_S * FPS)):
            last = self._step(limit(ahead[0], last, 1 / FPS).commands, last)
        landmarks, necks = [], []
        for target in ahead:
            landmarks.append(self.rig.landmarks())
            necks.append(self.rig.head_pose()[:3, :3])
            last = self._step(limit(target, last, 1 / FPS).commands, last)
        yaw, x, z = Rotation.from_matrix(np.array(necks)).as_euler("YXZ").T
        return Shown(np.array(landmarks), np.stack([yaw, -x, -z], axis=1))

    def _step(self, commands: Floats, last: Floats) -> Floats:
        """Move from ``last`` to ``commands`` in 1/60 s, as the board interpolates."""
        per_tick = 1.0 / FPS / self.rig.dt
        count = int((self._ticks + 1) * per_tick) - int(self._ticks * per_tick)
        self._ticks += 1
        for k in range(count):
            now = last + (k + 1) / count * (commands - last)
            self.rig.step(to_pulses(self.calibrated.face, now))
        return commands

    @cached_property
    def rest(self) -> Floats:
        """Landmarks (478, 3) mm of the rig at neutral."""
        self.rig.reset()
        zero = np.zeros(len(self.calibrated.face.names))
        for _ in range(30):
            self._step(zero, zero)
        return self.rig.landmarks()

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self.calibrated, self.rest)

    def read(self, shown: Shown) -> Floats:
        """Blendshapes (T, 52) of what the rig showed, within what this face can reach."""
        return self._reader(shown.landmarks)
