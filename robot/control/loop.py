"""The one loop: the only caller of the board, at absolute deadlines, on the clock it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mien.robot.control.driver import Driver
from mien.robot.errors import DeviceError, EmergencyStopError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.safety import Limiter, ramp, ramp_seconds

RATE_HZ = 60
NUDGE_S = 0.0005
SETTLE_S = 0.15
"""Held at the safe pose before release, so that the servos have arrived."""


class Clock(Protocol):
    """Time as the loop sees it: the machine's, or the rig's own."""

    def now(self) -> float:
        """Seconds, never going back."""

    def sleep_until(self, t: float) -> None:
        """Return when ``now()`` is at least ``t``; at once if it already is.

        One that obeys stop requests (``mien.robot.control.emergency``) raises EmergencyStopError at
        that moment.
        """


@dataclass(frozen=True)
class Tick:
    """What one turn of the loop did.

    Attributes:
        t: time in the clip, s; negative while the face moves to the first pose.
        target: (n,) commands before the limiter.
        sent: (n,) commands after the limiter.
        pulses: (n,) us as the board took them.
        clipped, slowed: (n,) bool, what the limiter had to change.
        locked: interlocks that held something back.
        late_s: how long after its deadline the board had the setpoint.
    """

    t: float
    target: Floats
    sent: Floats
    pulses: Floats
    clipped: NDArray[np.bool_]
    slowed: NDArray[np.bool_]
    locked: tuple[str, ...]
    late_s: float = 0.0


class Loop:
    """Moves one face through one connected board.

    What the limiter remembers is where the face is. After ARM, also after that of a link that came
    back, the board moves to its safe pose whatever it receives, and its servos start one group
    after the other. Until that is over nothing but the safe pose is sent.

    Args:
        face: the face.
        board: connected; the loop arms it and at the end disarms it.
        clock: the board's clock.
        observe: called after each tick; a recorder or a camera. It must not block.
    """

    def __init__(
        self,
        face: FaceConfig,
        board: Driver,
        clock: Clock,
        observe: Callable[[Tick], None] = lambda _: None,
    ) -> None:
        self._face, self._board, self._clock, self._observe = face, board, clock, observe
        self._limit = Limiter(face)
        self._last = face.safe.copy()
        self.missed = 0

    def play(
        self, commands: Callable[[float], Floats], seconds: float, lead_in_s: float = 0.0
    ) -> None:
        """Arm, move gently to the first pose, follow ``commands(t)`` (n,), return and release.

        The first pose is that of ``-lead_in_s``. Commands that are sent ahead of their clip need a
        lead-in as long, or the clip begins in its middle: the lips of a first /p/ would never meet.

        However it ends (done, Ctrl-C, an error in ``commands``), the face ramps to its safe pose
        and is released; a board that no longer answers does that by itself when the host is silent.
        """
        face = self._face
        try:
            self._arm()
            early = int(np.ceil(lead_in_s * RATE_HZ - 1e-9))
            first = np.clip(commands(-early / RATE_HZ), *face.limits.T)
            self._ramp(first, before=True, until=-early)
            start = self._clock.now() + early / RATE_HZ
            for k in range(-early, round(seconds * RATE_HZ)):
                self._tick(start, k / RATE_HZ, commands(k / RATE_HZ))
        finally:
            self.rest()

    def follow(
        self,
        commands: Callable[[float], Floats | None],
        phase: Callable[[float], float] = lambda _: 0.0,
    ) -> None:
        """Arm and follow ``commands(t)`` (n,), ``t`` on the clock, until it is None; then rest.

        Deadlines are absolute. After a stall the ticks that were missed are left out and counted
        (``missed``), never made up for in a burst. ``phase(t)`` says by how many seconds the ticks
        lie behind where they should be; they move there by 0.5 ms a tick.
        """
        try:
            self._arm()
            target = commands(self._clock.now())
            if target is not None:
                self._ramp(np.clip(target, *self._face.limits.T), before=True)
            due = self._clock.now()
            while (target := commands(due)) is not None:
                self._tick(due, 0.0, target, at=due)
                due += 1.0 / RATE_HZ - float(np.clip(phase(due), -NUDGE_S, NUDGE_S))
                behind = int((self._clock.now() - due) * RATE_HZ)
                if behind > 0:
                    self.missed += behind
                    due += behind / RATE_HZ
        finally:
            self.rest()

    def rest(self) -> None:
        """Ramp to the safe pose and release. Never raises for a board that is gone.

        Raises:
            EmergencyStopError: the outputs are off already.
        """
        try:
            self._ramp(self._face.safe, before=False)
            self._board.disarm()
        except EmergencyStopError:
            raise
        except DeviceError:
            return

    def _arm(self) -> None:
        self._board.arm()
        self._last = self._face.safe.copy()  # the board homes there, wherever a run before ended

    def _ramp(self, goal: Floats, before: bool, until: int = 0) -> None:
        """Move to ``goal``; ``before`` a clip the last tick is number ``until - 1`` of it."""
        origin, total = self._last, ramp_seconds(self._face, self._last, goal)
        homed_s = self._board.homed_at - self._clock.now()  # the servos start group after group
        wait = max(0.0, homed_s + 1.0 / RATE_HZ) if before else 0.0
        count = int(np.ceil((wait + total) * RATE_HZ)) + 1
        if not before:  # the last setpoint is still ahead of the board, and the servo behind it
            count += int(np.ceil((self._board.lead_s + SETTLE_S) * RATE_HZ))
        offset = (until - count) / RATE_HZ if before else 0.0
        start = self._clock.now() - offset
        for k in range(count):
            target = ramp(self._face, origin, goal, (k + 1) / RATE_HZ - wait)
            self._tick(start, offset + k / RATE_HZ, target, observed=before)

    def _tick(
        self, start: float, t: float, target: Floats, observed: bool = True, at: float | None = None
    ) -> None:
        pace = self._board.pace(start + t)
        last = self._last if pace > 0.0 else self._face.safe.copy()  # the board homes by itself
        limited = self._limit(target, last, pace / RATE_HZ)
        pulses = to_pulses(self._face, limited.commands)
        sent = self._board.send(start + t, pulses)
        late = self._clock.now() - (start + t)
        self._last = limited.commands
        self._board.read()
        self._clock.sleep_until(start + t + 1.0 / RATE_HZ)
        if observed:
            self._observe(
                Tick(
                    t if at is None else at,
                    target,
                    limited.commands,
                    sent,
                    limited.clipped,
                    limited.slowed,
                    limited.locked,
                    late,
                )
            )
