"""Sound from a file or from standard input, in real time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from mien.robot.live.capture.block import BLOCK_S, Block, Inbox
from mien.robot.live.capture.resample import Resampler
from mien.robot.media.audio import RATE

_STALL_S: Final = 0.1
_SAMPLE: Final = np.dtype("<i2")


def blocks(samples: NDArray[np.float32], t: float, block_s: float = BLOCK_S) -> Iterator[Block]:
    """Samples (n,) at 16 kHz cut into blocks, the first sample at ``t`` s."""
    size = round(block_s * RATE)
    for at in range(0, len(samples), size):
        yield Block(t + at / RATE, samples[at : at + size])


class Recorded:
    """Samples (n,) at 16 kHz, once or repeated, delivered at the pace of a microphone."""

    name = "sound file"

    def __init__(self, samples: NDArray[np.float32], inbox: Inbox, repeat: bool = False) -> None:
        self._samples, self._inbox, self._repeat = samples, inbox, repeat
        self._stop = Event()
        self._thread = Thread(target=self._run, name="sound file", daemon=True)

    def start(self) -> None:
        """Begin now."""
        self._thread.start()

    def close(self) -> None:
        """Stop within a block."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _run(self) -> None:
        t = time.monotonic()
        while True:
            for block in blocks(self._samples, t):
                if self._stop.wait(max(0.0, block.end - time.monotonic())):
                    return
                self._inbox.put(block)
            t += len(self._samples) / RATE
            if not self._repeat:
                self._inbox.end()
                return


class Pcm:
    """Raw 16-bit little-endian mono samples from a stream, at any rate.

    A writer faster than real time has to wait. A writer that stalls makes a gap.
    """

    name = "standard input"

    def __init__(
        self,
        stream: BinaryIO,
        rate: int,
        inbox: Inbox,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._stream, self._inbox, self._now, self._sleep = stream, inbox, now, sleep
        self._convert = Resampler(rate)
        self._rate = rate
        self._thread = Thread(target=self.run, name="pcm", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """A read that waits for its writer cannot be ended; the thread dies with the process."""

    def run(self) -> None:
        """Read to the end of the stream."""
        size = round(BLOCK_S * self._rate) * _SAMPLE.itemsize
        end = self._now()
        rest = b""
        while data := self._stream.read(size - len(rest)):
            rest += data
            whole = len(rest) // _SAMPLE.itemsize * _SAMPLE.itemsize
            samples = np.frombuffer(rest[:whole], _SAMPLE).astype(np.float32) / 32768.0
            rest = rest[whole:]
            length = len(samples) / self._rate
            now = self._now()
            start = end if now - (end + length) < _STALL_S else now - length
            end = start + length
            if end > now:
                self._sleep(end - now)
            block = self._convert(start, samples)
            if len(block.samples):  # the resampler keeps the first few milliseconds
                self._inbox.put(block)
        self._inbox.end()
