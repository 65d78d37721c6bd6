"""How long the stop takes at any moment of a run: runs in lock-step that are stopped at a moment.

For ``mien bench safety`` and the tests. ``tests.bench.robot.live_flood`` measures it on the
machine's clock.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.robot.control.connect import connected
from mien.robot.control.estop_socket import EstopSocket
from mien.robot.control.loop import Loop
from mien.robot.errors import EmergencyStopError, MienError
from mien.robot.face.config import FaceConfig, Floats, load_face
from mien.robot.wire import State
from tests.bench.firmware.line import Line
from tests.bench.firmware.noise import flips

FACE: Final = "hobby9"
FOLLOW_S: Final = 1.5
HEARD_S: Final = 0.02
AFTER_S: Final = 1.0
"""Watched for so long after the end of a run: nothing drives again."""


def _plain(_line: Line) -> None:
    """A good line and a board that answers at once."""


def _noisy(line: Line) -> None:
    line.damage = lambda data: flips(data, line.rng, 1e-3)


def _late(line: Line) -> None:
    """The run waits in ARM for a servo board."""
    line.core.set_servo_board(0, False)
    line.on_tick = lambda: line.core.set_servo_board(0, line.now() > 1.0)


def _mute(line: Line) -> None:
    """The board starts late: the run waits for HELLO."""
    line.deaf = True
    line.on_tick = lambda: setattr(line, "deaf", line.now() < 0.8)


def _failsafe(line: Line) -> None:
    """The line is dead for a while: the board goes to FAILSAFE, the run brings it back."""
    line.on_tick = lambda: setattr(line, "deaf", 1.2 < line.now() < 1.9)


COURSES: Final[Mapping[str, Callable[[Line], None]]] = {
    "plain": _plain, "noisy": _noisy, "late": _late, "mute": _mute, "failsafe": _failsafe,
}  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """One run that was stopped.

    Attributes:
        asked_s: simulated time of the request. off_ms: from there to outputs off.
        driven: outputs were on at the request. reached: the board could hear then, and 20 ms long.
        state: of the board, ``AFTER_S`` after the end of the run.
        again: something was driven after the outputs were off.
        error: what the run ended with, None if it ended before it was asked.
        answer: what whoever asked was told, empty if nobody was.
    """

    asked_s: float
    off_ms: float
    driven: bool
    reached: bool
    state: State
    again: bool
    error: EmergencyStopError | None
    answer: str


class _Told(EstopSocket):
    """The end of the socket that the run sees; remembers the answer."""

    answer = ""

    def stopped(self, state: str) -> None:
        self.answer = state

    def failed(self, why: str) -> None:
        self.answer = why


class Asking:
    """Line and clock of a run in lock-step, on which the stop is asked for at one moment."""

    def __init__(self, line: Line, moment: float, heard: EstopSocket) -> None:
        self._line, self._moment, self._heard = line, moment, heard
        self.asked: tuple[float, bool, bool] | None = None
        """Time of the request; whether outputs were on, and the board could hear it."""

    def now(self) -> float:
        """Simulated seconds."""
        return self._line.now()

    def sleep_until(self, t: float) -> None:
        """Until ``t``, or until the request, which wakes the run."""
        if self.asked is None and t >= self._moment:
            self._line.advance(max(0.0, self._moment - self.now()))
            self._ask()
            return
        self._line.advance(max(0.0, t - self.now()))

    def write(self, data: bytes) -> None:
        """See ``Transport``."""
        self._line.write(data)

    def read(self, timeout_s: float = 0.0) -> bytes:
        """See ``Transport``. The request comes while it waits and does not wake it."""
        data = self._line.read(timeout_s)
        if self.asked is None and self.now() >= self._moment:
            self._ask()
        return data

    def reopen(self) -> None:
        """See ``Transport``."""
        self._line.reopen()

    def close(self) -> None:
        """See ``Transport``."""
        self._line.close()

    def _ask(self) -> None:
        line = self._line
        self.asked = (self._moment, line.core.drive, not (line.deaf or line.unplugged))
        self._heard.requested.set()


def trial(face: FaceConfig, course: str, moment: float) -> Trial:
    """One run (connect, arm, ramp, follow, ramp to rest, release), stopped at ``moment`` s."""
    line, heard = Line(seed=7), _Told()
    COURSES[course](line)
    asking = Asking(line, moment, heard)
    driven: list[tuple[float, bool]] = []
    dead: list[float] = []
    happens = line.on_tick

    def watch() -> None:
        happens()
        driven.append((line.now(), line.core.drive))
        if asking.asked and line.now() - moment < HEARD_S and line.deaf:
            dead.append(line.now())

    line.on_tick = watch
    error: EmergencyStopError | None = None
    try:
        _move(face, asking, heard)
    except EmergencyStopError as e:
        error = e
    line.advance(AFTER_S)
    at, on, reached = asking.asked or (moment, False, False)
    after = [(t, d) for t, d in driven if t >= at]
    off = next((t for t, d in after if not d), after[-1][0]) if on else at
    again = any(d for t, d in after if t > off)
    state = State(line.core.state)
    return Trial(at, 1e3 * (off - at), on, reached and not dead, state, again, error, heard.answer)


def length_s(face: FaceConfig, course: str) -> float:
    """How long such a run takes if nobody stops it."""
    line, nobody = Line(seed=7), EstopSocket()
    COURSES[course](line)
    _move(face, Asking(line, np.inf, nobody), nobody)
    return line.now()


def _move(face: FaceConfig, asking: Asking, heard: EstopSocket) -> None:
    with connected(face, asking, asking, heard) as (board, clock):
        end: list[float] = []

        def commands(t: float) -> Floats | None:
            end[:] = end or [t + FOLLOW_S]
            return None if t > end[0] else _wave(face, t)

        Loop(face, board, clock).follow(commands)


def _wave(face: FaceConfig, t: float) -> Floats:
    lo, hi = face.limits.T
    return np.asarray(0.5 * (lo + hi) + 0.4 * (hi - lo) * np.cos(2 * np.pi * t))


def estop_any_moment_ms(trials: int = 60, seed: int = 0, face: str = FACE) -> float:
    """The longest way from the request to outputs off over ``trials`` moments of each course, ms.

    Raises:
        MienError: a run that was not stopped for good, or said so without being stopped.
    """
    config, draw, worst = load_face(face), random.Random(seed), 0.0
    for course in COURSES:
        length = length_s(config, course)
        for _ in range(trials):
            found = trial(config, course, draw.uniform(0.0, length))
            if not found.reached:
                continue  # no byte gets through: that the run says so is tested elsewhere
            if found.state != State.ESTOP or found.again or found.answer != State.ESTOP.name:
                raise MienError(f"not stopped, course {course}: {found}")
            worst = max(worst, found.off_ms)
    return worst
