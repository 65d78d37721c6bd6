"""Block of sound with its capture time, and the queue between device and reader."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Condition
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.robot.media.audio import RATE

BLOCK_S: Final = 0.005
DEPTH: Final = 100
"""Blocks in the queue, half a second. More would be played late, so the oldest are dropped."""
_LOUDEST: Final = 8.0


@dataclass(frozen=True, eq=False)
class Block:
    """Sound at 16 kHz.

    Attributes:
        t: capture time in s of the first sample, on the host's monotonic clock.
        samples: (n,) float32.
    """

    t: float
    samples: NDArray[np.float32]

    @property
    def end(self) -> float:
        """Capture time in s of the sample after the last one."""
        return self.t + len(self.samples) / RATE


class Inbox:
    """Bounded queue from a device thread to one reader. A full queue drops the oldest blocks."""

    def __init__(self, depth: int = DEPTH) -> None:
        self._blocks: deque[Block] = deque(maxlen=depth)
        self._ready = Condition()
        self.dropped = 0
        self.ended = False

    def put(self, block: Block) -> None:
        """Add a block, without waiting for the reader."""
        with self._ready:
            self.dropped += len(self._blocks) == self._blocks.maxlen
            self._blocks.append(block)
            self._ready.notify()

    def end(self) -> None:
        """No more blocks will come."""
        with self._ready:
            self.ended = True
            self._ready.notify()

    def take(self, timeout_s: float = 0.0) -> list[Block]:
        """All queued blocks; waits up to ``timeout_s`` for the first."""
        with self._ready:
            if not self._blocks and timeout_s > 0:
                self._ready.wait(timeout_s)
            out = list(self._blocks)
            self._blocks.clear()
        return out


def mono(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """Samples (n,) or (n, channels) -> (n,) float32, finite and bounded."""
    flat = samples if samples.ndim == 1 else samples.mean(axis=1)
    clean = np.nan_to_num(np.asarray(flat, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(clean, -_LOUDEST, _LOUDEST)
