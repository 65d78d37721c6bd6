"""What no run of a board may break."""

from __future__ import annotations

import numpy as np

from mien.robot import wire
from tests.bench.firmware.avr_face import COUNT_US, AvrFace


class Guard:
    """Checks that no pulse leaves its limits and none changes faster than its slew.

    One update moves a pulse by one step of the core. A pose takes 4 ms on the bus, so that one
    update may be late and the next one carry two steps; a servo looks every 20 ms. What counts is
    the slew over the time that has passed since the pulse was taken, up to one step before.
    """

    def __init__(self, face: AvrFace) -> None:
        self.face = face
        self.changed_at = np.full(len(face.safe), face.rig.now())
        self.last = face.pulses()
        self.observed = 0

    def look(self) -> None:
        now, pulses = self.face.rig.now(), self.face.pulses()
        driven = pulses > 0
        slop = COUNT_US / 2 + 1e-6
        assert (pulses >= self.face.low - slop)[driven].all()
        assert (pulses <= self.face.high + slop)[driven].all()
        steps = np.floor((now - self.changed_at) * 1e6 / wire.STEP_US) + 2
        both = driven & (self.last > 0)
        allowed = self.face.slew * steps + COUNT_US
        assert (np.abs(pulses - self.last) <= allowed)[both].all()
        changed = pulses != self.last
        self.changed_at[changed] = now
        self.last = pulses
        self.observed += int(changed.any())
