"""A real face before a real camera: a loop in its own thread holds the face, others may think.

The loop is ``mien.robot.control.loop.Loop`` and the only caller of the board. It sends sixty times
a second
whatever the caller is busy with (a fit, a picture, a question), so that the board never misses its
host; and however the session ends (done, Ctrl-C, an error, the caller's death), it ramps the face
to its safe pose and releases it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from mien.calibration.capture.dataset import Setup
from mien.calibration.capture.frame_filter import UNSEEN, Frame, Sieve, said
from mien.calibration.capture.rest_pose import Rest, check_same, seen_at_rest
from mien.calibration.capture.rig import RATE_HZ, SETTLE_S, Followed, Look, Studio
from mien.robot.control.loop import Clock, Loop, Tick
from mien.robot.errors import DeviceError, MienError
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.safety import ramp_seconds
from mien.robot.link.board import Board

RESTING_LOOKS, RESTING_TRIES = 5, 30
SOFT_START_S = 0.5  # of the firmware
_PATIENCE_S = 30.0  # longer than the board may be away


class Watcher(Protocol):
    """What looks: ``mien.calibration.capture.camera.Eyes``, or a stand-in."""

    bias: Floats

    def look(self, since: float, sure: bool = True) -> Frame:
        """A picture not seen before, taken at ``since`` or later."""

    def settle(self, count: int) -> None:
        """Take the last ``count`` looks as the face at rest."""

    def register(self, count: int) -> None:
        """Follow the skin from the last ``count`` looks on, those of the face at rest."""

    def report(self) -> dict[str, float]:
        """How it went."""

    def close(self) -> None:
        """Let it go."""


@dataclass(frozen=True, eq=False)
class _Clip:
    """Commands (T, n) to be played at ``rate`` Hz from ``start`` s on."""

    start: float
    rate: float
    commands: Floats

    def at(self, t: float) -> Floats | None:
        """The row that is due, None after the last."""
        k = round((t - self.start) * self.rate)
        return self.commands[max(k, 0)] if k < len(self.commands) else None


class LiveStudio(Studio):
    """See ``Studio``. What is really there is not known here: ``truth`` is None.

    Args:
        face: the face.
        board: connected; from ``start`` to ``stop`` only the loop calls it.
        clock: the board's, and that of the pictures.
        eyes: the camera.
        setup: whose data this will be.
        folder: where the resting face is kept, so that later sessions compare with it.
        close: called at the end.
    """

    def __init__(
        self,
        face: FaceConfig,
        board: Board,
        clock: Clock,
        eyes: Watcher,
        setup: Setup,
        folder: Path | None = None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(face, board, clock, self._picture, setup, close=close)
        self._eyes, self._folder = eyes, folder
        self._turn = threading.Condition()
        self._goal: Floats | None = face.safe.copy()
        self._clip: _Clip | None = None
        self._played: list[Tick] = []
        self._tick: Tick | None = None
        self._error: BaseException | None = None
        self._over = False
        self._still_since = 0.0
        self._links = 0
        self._thread = threading.Thread(target=self._run, name="face")

    def start(self) -> None:
        """Arm, go to neutral, and see whether the face there is the one that is expected.

        Raises:
            DeviceError: no board, no face in view, or it stands elsewhere than before.
            ConfigError: another face.
        """
        before = None if self._folder is None else Rest.load(self._folder, self._face.name)
        self._began = self._clock.now()
        self._thread.start()
        self._send(self._face.safe)
        self._hold(SOFT_START_S + self._way(self._face.safe))
        self.go(np.zeros(len(self._face.names)))
        self._hold(SETTLE_S)
        if before is not None:
            self._eyes.bias = before.bias
            check_same(before, self._rest(), self._folder or Path(), self._face.name)
        else:
            self._rest()
            self._eyes.settle(RESTING_LOOKS)
            before = self._rest()
            if self._folder is not None:
                before.save(self._folder)
        self._eyes.register(RESTING_LOOKS)
        self._sieve = Sieve(before.head, before.landmarks)

    def go(self, goal: Floats) -> Floats:
        """See ``Studio``. Goes again when the board was away on the way."""
        while True:
            links = self._links = self._linked()
            sent = super().go(goal)
            self._still_since = self._clock.now() + SETTLE_S
            if self._linked() == links:
                return sent
            self._hold(SOFT_START_S + self._way(goal))

    def look(self) -> Look:
        """See ``Studio``. Looks again when the board was away: the face has been elsewhere."""
        look = super().look()
        while self._linked() != self._links:
            self.go(self._last)
            again = super().look()
            self._tally.dropped["link"] += 1
            away = {**look.dropped, "link": look.dropped.get("link", 0) + 1}
            look = replace(again, dropped={**away, **again.dropped})
        return look

    def clear(self) -> Floats:
        """See ``Stage``: the mean of some usable pictures, NaN without any."""
        frames = (self._picture() for _ in range(2 * RESTING_LOOKS))
        still = self._neck_still(self._last)
        good = [f.landmarks for f in frames if self._sieve.judge(f, still) is None]
        return np.mean(good, axis=0) if good else UNSEEN

    def follow(self, commands: Floats, rate: float, every: int = 1) -> Followed:  # noqa: ARG002
        """See ``Stage``; one look at each picture of the camera, at the time it was taken."""
        clip = _Clip(self._clock.now() + 2.0 / rate, rate, commands)
        looks: list[tuple[float, Frame]] = []
        with self._turn:
            self._played, self._clip = [], clip
        self._goal = commands[-1]
        since = clip.start
        while since < clip.start + len(commands) / rate:
            self._check()
            frame = self._eyes.look(since, sure=False)
            since = frame.time if np.isfinite(frame.time) else self._clock.now()
            looks.append((since, frame))
        with self._turn:
            self._clip, played = None, self._played
        self._send(commands[-1])
        at = clip.start + np.arange(len(commands)) / rate
        ticks = np.array([t.t for t in played])
        sent = np.array([t.sent for t in played])
        even = np.stack([np.interp(at, ticks, column) for column in sent.T], axis=1)
        return self._followed(at + self._board.lead_s, even, looks, self._neck_still(commands))

    def report(self) -> dict[str, float]:
        """Age of the pictures and the link's counters, for ``metrics.json``."""
        return self._eyes.report() | {f"link_{k}": v for k, v in self._board.report().items()}

    def stop(self) -> None:
        """Ramp to the safe pose and release; a second Ctrl-C releases at once."""
        try:
            with self._turn:
                self._goal = self._clip = None
            if self._thread.ident is not None:
                self._thread.join()
        finally:
            self._eyes.close()
            self._close()

    def _run(self) -> None:
        try:
            Loop(self._face, self._board, self._clock, self._observe).follow(self._due)
        except BaseException as e:  # told to the caller, who is in another thread
            self._error = e
        finally:
            with self._turn:
                self._over = True
                self._turn.notify_all()

    def _due(self, t: float) -> Floats | None:
        """The loop asks where to be at ``t``; None ends it."""
        with self._turn:
            if self._goal is None or not threading.main_thread().is_alive():
                return None
            row = None if self._clip is None else self._clip.at(t)
            return self._goal if row is None else row

    def _observe(self, tick: Tick) -> None:
        with self._turn:
            self._tick = tick
            if self._clip is not None:
                self._played.append(tick)
            self._turn.notify_all()

    def _send(self, goal: Floats, rate: float = RATE_HZ) -> None:
        """Let the loop have a goal; returns when it has sent it once more."""
        until, before = self._clock.now() + 1.0 / rate, self._tick

        def sent() -> bool:
            tick = self._tick
            new = tick is not None and tick is not before and tick.target is goal
            return self._over or new

        with self._turn:
            self._goal = goal
            there = self._turn.wait_for(sent, _PATIENCE_S)
            if self._tick is not None:
                self._last = self._tick.sent
        self._check()
        if not there:
            raise DeviceError("the loop that moves the face hangs", "mien doctor")
        self._clock.sleep_until(until)

    def _check(self) -> None:
        """Raise what the loop could not go on with."""
        if self._error is not None:
            if isinstance(self._error, MienError):
                raise type(self._error)(self._error.message, self._error.hint) from self._error
            raise self._error
        if self._over:
            raise DeviceError("the loop that moves the face has ended", "mien doctor")

    def _picture(self) -> Frame:
        self._check()
        return self._eyes.look(self._still_since)

    def _rest(self) -> Rest:
        """Looks at the resting face.

        Raises:
            DeviceError: there is no usable picture of it.
        """
        sieve, good, dropped = Sieve(), list[Frame](), dict[str, int]()
        for _ in range(RESTING_TRIES):
            frame = self._picture()
            reason = sieve.judge(frame)
            if reason is None:
                good.append(frame)
            else:
                dropped[reason] = dropped.get(reason, 0) + 1
                good.clear()  # the last looks in a row
            if len(good) == RESTING_LOOKS:
                return seen_at_rest(good, self._eyes.bias)
        raise DeviceError(
            f"no usable picture of the face at rest in {RESTING_TRIES} ({said(dropped)})",
            "the robot's face alone and whole before the camera, well lit",
        )

    def _linked(self) -> int:
        """How often the link was mended so far; waits while it is away."""
        while not self._board.connected:
            self._check()
            self._clock.sleep_until(self._clock.now() + 1.0 / RATE_HZ)
        return self._board.counters.reconnects

    def _way(self, goal: Floats) -> float:
        """Seconds that a board which has let go needs from its safe pose to ``goal``."""
        return ramp_seconds(self._face, self._face.safe, goal)
