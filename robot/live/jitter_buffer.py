"""What the network made, waiting for its moment: shown at a fixed delay, dropped when too late."""

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
"""Nothing newer for so long: nobody speaks to us any more, the network or the source is gone."""
DEPTH: Final = 64
PATIENCE_S: Final = 0.004
"""How long past a frame's moment it is waited for. The setpoint carries its own time and is on its
way to the board long before that, so a wait this short moves nothing on the face."""
_SETTLE: Final = 90
_TOO_LATE: Final = 0.02
_ROOM_S: Final = 0.001
_WINDOW: Final = 120
_FITS: Final = 3
"""How often the delay is fitted freely: a microphone and a process that just began are slow."""


@dataclass(frozen=True, eq=False)
class CommandFrame:
    """One frame of a performance.

    Attributes:
        t: s on the host's clock at which the sound that it belongs to was at the microphone.
        commands: (n,) what the inverse found.
        weights: (52,) blendshapes.
        arrived: s at which it came out of the network.
        level_db: of the sound then, dB re full scale. gate: 0..1, somebody speaks.
        network_ms: what the block that completed it cost.
    """

    t: float
    commands: Floats
    weights: NDArray[np.float32]
    arrived: float
    level_db: float = -120.0
    gate: float = 0.0
    network_ms: float = 0.0


@dataclass
class JitterBuffer:
    """Frames in order of their time, each shown ``delay_s`` after its sound.

    The delay starts at ``delay_s``, is fitted to what the frames of the first seconds need, and is
    then left alone, because the sound that is played back is delayed by the same number. It is what
    half of the frames need; ``PATIENCE_S`` is there for the others. Only when in two seconds more
    than 2 % of the frames came too late even for that does it grow, and it shrinks only when it is
    more than half a frame too long.

    Attributes:
        late: frames that left the network after their moment and were dropped.
        unseen: frames that were in time while nobody looked (a ramp, a stall of the loop).
        starved: moments at which nothing new was there.
        refits: how often the delay changed later.
    """

    delay_s: float
    least_s: float = 0.0
    most_s: float = 0.25
    late: int = 0
    unseen: int = 0
    shown: int = 0
    starved: int = 0
    refits: int = 0
    _frames: deque[CommandFrame] = field(default_factory=lambda: deque(maxlen=DEPTH), repr=False)
    _needed: deque[float] = field(default_factory=lambda: deque(maxlen=_WINDOW), repr=False)
    _at: float = field(default=-np.inf, repr=False)
    _fits: int = field(default=0, repr=False)

    def push(self, frame: CommandFrame) -> None:
        """A new frame. One that belongs before what was shown already is dropped and counted."""
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
        """The frame for ``now``, between its neighbours in time; None when there is nothing new."""
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
        """Whether the frame for ``now`` is still on its way, behind one that was there in time."""
        if not self._frames:
            return False
        return FRAME_S / 2 < now - self.delay_s - self._frames[-1].t < STALE_S

    def phase(self, now: float) -> float:
        """How far ``now`` lies behind the moment of the nearest frame, s in half a frame.

        A loop that takes this away from its deadlines shows frames the moment they are due and
        never between two of them.
        """
        if not self._frames:
            return 0.0
        behind = now - self.delay_s - self._frames[-1].t
        return behind - FRAME_S * round(behind / FRAME_S)

    def _fit(self) -> None:
        needed = self._needed
        if self._fits < _FITS and len(needed) == _SETTLE:
            self._fits += 1
            self._set(np.array(needed)[_SETTLE // 2 :])
            needed.clear()
        elif self._fits == _FITS and len(needed) == needed.maxlen:
            before = self.delay_s
            median, slow = self._set(np.array(needed))
            # A frame that misses its tick by little is shown a whole tick later: no half measures
            # upward. Downward only when what made it slow is over.
            short = median > before or slow > before + PATIENCE_S
            if not short and self.delay_s > before - FRAME_S / 2:
                self.delay_s = before
            self.refits += self.delay_s != before
            needed.clear()

    def _set(self, needed: NDArray[np.float64]) -> tuple[float, float]:
        """Fits the delay; what half of the frames needed, and all but the slowest."""
        median, slow = map(float, np.quantile(needed, (0.5, 1.0 - _TOO_LATE)))
        wanted = _ROOM_S + max(median, slow - PATIENCE_S)
        self.delay_s = min(max(wanted, self.least_s), self.most_s)
        return median, slow
