"""Jitter buffer of command frames: plays each frame at a fixed delay and drops late ones."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import FPS
from mien.robot.face.config import Floats

FRAME_S: Final = 1 / FPS
STALE_S: Final = 0.1
"""Time in s without a newer frame after which the network or the source counts as gone."""
DEPTH: Final = 64
PATIENCE_S: Final = 0.004
"""How long in s the loop waits for a late frame. The setpoint carries its own time and is sent to
the board long before it, so a wait this short does not move the face."""
_SETTLE_FRAMES: Final = 90
_LATE_SHARE: Final = 0.02
_MARGIN_S: Final = 0.001
_WINDOW_FRAMES: Final = 120
_INITIAL_FITS: Final = 3
"""Number of initial fits of the delay. A microphone and a process that just began are slow."""


@dataclass(frozen=True, eq=False)
class CommandFrame:
    """One frame of commands.

    Attributes:
        t: time in s on the host's clock at which its sound was at the microphone.
        commands: (n,) commands from the inverse.
        weights: (52,) blendshapes.
        arrived: time in s at which it left the network.
        level_db: sound level at ``t``, dB re full scale.
        gate: voice activity, 0 silence to 1 voice.
        network_ms: computing time in ms of the block that completed it.
        followed: name of the person whom the face looks at; None is nobody.
    """

    t: float
    commands: Floats
    weights: NDArray[np.float32]
    arrived: float
    level_db: float = -120.0
    gate: float = 0.0
    network_ms: float = 0.0
    followed: int | None = None

    @property
    def wakes(self) -> bool:
        """Whether there is a voice or a person, which keep the face awake."""
        return self.gate > 0.5 or self.followed is not None


@dataclass
class JitterBuffer:
    """Frames in order of time, each played ``delay_s`` after its sound.

    The delay is fitted to the frames of the first seconds. Half of the frames arrive within it, and
    the loop waits up to ``PATIENCE_S`` for the others. After that the delay is fixed, because the
    monitor delays the sound by the same number. It grows only when more than 2 % of the frames of
    two seconds are too late. It shrinks only when it is more than half a frame too long.

    Attributes:
        delay_s: time in s from sound to playback.
        min_delay_s, max_delay_s: range of the delay in s.
        late: frames that arrived after their playback time and were dropped.
        unseen: frames that were in time while the loop was elsewhere (a ramp, a stall).
        shown: frames that were played.
        starved: ticks without a new frame.
        refits: how often the delay changed after the first seconds.
    """

    delay_s: float
    min_delay_s: float = 0.0
    max_delay_s: float = 0.25
    late: int = 0
    unseen: int = 0
    shown: int = 0
    starved: int = 0
    refits: int = 0
    _frames: deque[CommandFrame] = field(default_factory=lambda: deque(maxlen=DEPTH), repr=False)
    _needed: deque[float] = field(default_factory=lambda: deque(maxlen=_WINDOW_FRAMES), repr=False)
    _at: float = field(default=-np.inf, repr=False)
    _fits: int = field(default=0, repr=False)

    @property
    def queued(self) -> int:
        """Number of frames that are kept."""
        return len(self._frames)

    @property
    def newest_s(self) -> float | None:
        """Time in s of the sound of the newest frame; None before the first."""
        return self._frames[-1].t if self._frames else None

    def push(self, frame: CommandFrame) -> None:
        """Add a frame. A frame from before the last playback time is dropped and counted."""
        self._needed.append(frame.arrived - frame.t)
        self._fit()
        if frame.t < self._at - FRAME_S / 2:
            in_time = frame.arrived - frame.t <= self.delay_s
            self.unseen += in_time
            self.late += not in_time
            return
        if self._frames and frame.t <= self._frames[-1].t:  # a new stream: it replaces the rest
            self._frames = deque((f for f in self._frames if f.t < frame.t), maxlen=DEPTH)
        self._frames.append(frame)

    def at(self, now: float) -> CommandFrame | None:
        """Frame at ``now`` s, interpolated in time; None when there is no new frame."""
        self._at = now - self.delay_s
        frames = self._frames
        while len(frames) > 1 and frames[1].t <= self._at:
            frames.popleft()
        if not frames or self._at - frames[0].t > STALE_S:
            self.starved += 1
            return None
        self.shown += 1
        first = frames[0]
        if len(frames) == 1 or self._at <= first.t:
            return first
        second = frames[1]
        if second.t - first.t > 2 * FRAME_S:
            return first
        u = (self._at - first.t) / (second.t - first.t)
        return replace(
            first,
            t=self._at,
            commands=np.asarray(first.commands + u * (second.commands - first.commands)),
            weights=np.asarray(first.weights + np.float32(u) * (second.weights - first.weights)),
        )

    def awaits(self, now: float) -> bool:
        """Whether the frame for ``now`` is still to come while its predecessor was in time."""
        if not self._frames:
            return False
        return FRAME_S / 2 < now - self.delay_s - self._frames[-1].t < STALE_S

    def phase(self, now: float) -> float:
        """Time in s, within half a frame, by which ``now`` lies behind the nearest frame.

        A loop that subtracts it from its deadlines plays frames when they are due, and
        interpolates none.
        """
        if not self._frames:
            return 0.0
        behind = now - self.delay_s - self._frames[-1].t
        return behind - FRAME_S * round(behind / FRAME_S)

    def _fit(self) -> None:
        needed = self._needed
        if self._fits < _INITIAL_FITS and len(needed) == _SETTLE_FRAMES:
            self._fits += 1
            self._set(np.array(needed)[_SETTLE_FRAMES // 2 :])
            needed.clear()
        elif self._fits == _INITIAL_FITS and len(needed) == needed.maxlen:
            before = self.delay_s
            median, slow = self._set(np.array(needed))
            # A frame that just misses its tick is played a whole tick later. A delay that is too
            # short therefore grows at once, and it shrinks only when the cause is over.
            short = median > before or slow > before + PATIENCE_S
            if not short and self.delay_s > before - FRAME_S / 2:
                self.delay_s = before
            self.refits += self.delay_s != before
            needed.clear()

    def _set(self, needed: NDArray[np.float64]) -> tuple[float, float]:
        """Fit the delay. Returns the median and the 98 % quantile of the needed delays, s."""
        median, slow = map(float, np.quantile(needed, (0.5, 1.0 - _LATE_SHARE)))
        fitted = _MARGIN_S + max(median, slow - PATIENCE_S)
        self.delay_s = min(max(fitted, self.min_delay_s), self.max_delay_s)
        return median, slow
