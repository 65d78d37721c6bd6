"""Audio clock: capture time of every sample, from the sample count and block timestamps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.robot.live.capture.block import Block
from mien.robot.media.audio import RATE

GAP_S: Final = 0.04
"""A timestamp this far in s from the sample count is a gap or a jump, not jitter."""
FOLLOW: Final = 0.02
"""Share of the deviation of a timestamp that corrects the origin: 0.5 s at 10 ms blocks."""
LONGEST_FILL_S: Final = 0.5


@dataclass
class AudioClock:
    """Capture time of the samples of a stream.

    Timestamps jitter by milliseconds and the two oscillators drift. The origin therefore follows
    the
    timestamps slowly. A short gap is filled with silence, so that sample k stays at
    ``origin + k / 16000`` s. After a long gap, or a timestamp that goes back, a new stream begins.

    Attributes:
        origin: time in s of sample 0 on the host's clock.
        count: samples since then.
        holes: gaps that were filled.
        restarts: new streams.
    """

    origin: float = 0.0
    count: int = 0
    holes: int = 0
    restarts: int = 0
    _running: bool = field(default=False, repr=False)

    def time(self, sample: float) -> float:
        """Capture time in s of a sample of the stream."""
        return self.origin + sample / RATE

    def admit(self, block: Block) -> tuple[NDArray[np.float32], bool]:
        """Samples to process for this block, and whether a new stream begins with them."""
        late = block.t - self.time(self.count)
        fresh = not self._running or late > LONGEST_FILL_S or late < -GAP_S
        samples = block.samples
        if fresh:
            self.restarts += self._running
            self.origin, self.count, self._running = block.t, 0, True
        elif late > GAP_S:
            self.holes += 1
            samples = np.concatenate([np.zeros(round(late * RATE), np.float32), samples])
        else:
            self.origin += FOLLOW * late
        self.count += len(samples)
        return samples, fresh
