"""Monitor: plays the voice with a delay, so that sound and lips meet at the listener."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.robot.errors import DeviceError
from mien.robot.live.capture.block import Block
from mien.robot.live.capture.formats import Format, open_first
from mien.robot.live.capture.portaudio import LOCK, end, output_of, portaudio, register
from mien.robot.live.playout import Interpolation
from mien.robot.media.audio import RATE

ROOM_S: Final = 4.0
_JITTER_S: Final = 0.004
SILENT_S: Final = 2.0
"""Time in s without a callback after which the output is gone. The first may take 1.8 s."""
_WATCH_S: Final = 0.25


class DelayLine:
    """The last seconds of sound, read by capture time.

    Attributes:
        underruns: reads that found too few samples, after the first sound.
    """

    def __init__(self) -> None:
        self._ring = np.zeros(round(ROOM_S * RATE), np.float32)
        self._end = 0  # samples written in all
        self._t_end: float | None = None
        self._cursor: int | None = None
        self._lock = Lock()
        self.underruns = 0

    def push(self, block: Block) -> None:
        """Append a block. A gap before it becomes silence."""
        with self._lock:
            if self._t_end is not None:
                hole = block.t - self._t_end
                if hole > 0.04:
                    self._append(np.zeros(min(round(hole * RATE), len(self._ring)), np.float32))
            self._append(block.samples)
            self._t_end = block.end

    def read(self, t: float, count: int, margin: int = 0) -> NDArray[np.float32]:
        """``count`` samples captured from ``t`` s on, with silence where there are none.

        ``margin`` samples are added before and after them.

        Successive reads continue where the last one ended while the times agree to 4 ms. Timestamp
        jitter
        is therefore not audible.
        """
        with self._lock:
            if self._t_end is None:
                return np.zeros(count + 2 * margin, np.float32)
            start = self._end - round((self._t_end - t) * RATE)
            if self._cursor is not None and abs(start - self._cursor) < _JITTER_S * RATE:
                start = self._cursor
            self._cursor = start + count
            index = start - margin + np.arange(count + 2 * margin)
            there = (index < self._end) & (index >= self._end - len(self._ring)) & (index >= 0)
            self.underruns += start + count > self._end
            found = self._ring[index % len(self._ring)]
            return np.where(there, found, np.float32(0.0)).astype(np.float32)

    def _append(self, samples: NDArray[np.float32]) -> None:
        kept = samples[-len(self._ring) :]
        at = (self._end + len(samples) - len(kept) + np.arange(len(kept))) % len(self._ring)
        self._ring[at] = kept
        self._end += len(samples)


class Monitor:
    """Sound output that plays the microphone ``delay_s`` later, and is opened again when lost.

    Args:
        device: output by number or part of its name; an empty name is the default.

    Attributes:
        lost: how often the output was opened again because it had gone.
        opened: how often the output was opened.
        played: blocks given to the output.

    Raises:
        DeviceError: no PortAudio or no such output (in ``start``).
    """

    def __init__(self, device: str = "", delay_s: float = 0.2) -> None:
        self.delay_s = delay_s
        self.lost = self.opened = self.played = 0
        self._device = device
        self._line = DelayLine()
        self._stream: Any = None
        self._last_block = time.monotonic()
        self._stop = Event()
        self._thread = Thread(target=self._watch, name="monitor", daemon=True)

    @property
    def underruns(self) -> int:
        """Blocks that were filled with silence."""
        return self._line.underruns

    def push(self, block: Block) -> None:
        """Add a block of the microphone."""
        self._line.push(block)

    def start(self) -> None:
        """Open the output and keep it open."""
        register(self)
        self._open()
        self._thread.start()

    def close(self) -> None:
        """Close the output."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2.0)
        self.drop()

    def drop(self) -> None:
        """Close the stream. It is opened again soon, unless the monitor is closed."""
        stream, self._stream = self._stream, None
        if stream is not None:
            end(stream)

    def _open(self) -> None:
        sd = portaudio()
        with LOCK:
            output, info = output_of(sd, self._device)
            open_first(sd, info, "output", lambda one: self._start(sd, output, one))

    def _start(self, sd: Any, output: int | str | None, one: Format) -> None:
        rate, channels = one
        convert = Interpolation(rate)
        self._last_block = time.monotonic()

        def play(out: Any, frames: int, at: Any, _status: Any) -> None:
            self._play(out, frames, at, convert)

        try:
            self._stream = sd.OutputStream(
                device=output,
                samplerate=rate,
                channels=channels,
                dtype="float32",
                blocksize=convert.frames,
                latency="low",
                callback=play,
            )
            self._stream.start()
            self.opened += 1
        except (sd.PortAudioError, ValueError):
            self.drop()
            raise

    def _watch(self) -> None:
        while not self._stop.wait(_WATCH_S):
            if self._stream is not None and time.monotonic() - self._last_block < SILENT_S:
                continue
            if self._stream is not None:
                self.lost += 1
                self.drop()
            with suppress(DeviceError):
                self._open()

    def _play(self, out: Any, frames: int, at: Any, convert: Interpolation) -> None:
        now = self._last_block = time.monotonic()
        self.played += 1
        ahead = at.outputBufferDacTime - at.currentTime
        length = convert.count / RATE
        audible_at = now + (ahead if 0.0 <= ahead < 1.0 else length)
        sound = convert(self._line.read(audible_at - self.delay_s, convert.count, convert.margin))
        out[:] = 0.0
        out[: min(frames, len(sound))] = sound[:frames, None]
