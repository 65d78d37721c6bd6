"""Microphone through PortAudio, with capture times; it is opened again when it was lost."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Event, Thread
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.robot.errors import DeviceError
from mien.robot.live.capture.block import BLOCK_S, Block, Inbox
from mien.robot.live.capture.conditioning import Downmix
from mien.robot.live.capture.formats import Format, open_first
from mien.robot.live.capture.portaudio import LOCK, end, portaudio, register, restart
from mien.robot.live.capture.resample import Resampler

SILENT_S: Final = 0.6
"""Time in s without a callback after which the device is gone. PortAudio reports nothing else."""
FIRST_S: Final = 1.5
"""Time limit in s of the first callback: a sound server may have to wake up."""
RETRY_S: Final = 0.5
_WATCH_S: Final = 0.1


def choose(devices: Sequence[Mapping[str, Any]], requested: str | None, default: int) -> int:
    """Index of the input that the user requested by number or by part of its name.

    Raises:
        DeviceError: no input or several inputs match; the message lists the inputs.
    """
    inputs = {i: str(d["name"]) for i, d in enumerate(devices) if d["max_input_channels"] > 0}
    listed = "; ".join(f"{i} {name}" for i, name in inputs.items()) or "none"
    if requested is None:
        if default in inputs:
            return default
        raise DeviceError(f"no default microphone; inputs: {listed}", "mien devices")
    if requested.isdigit():
        if int(requested) in inputs:
            return int(requested)
        raise DeviceError(f"{requested} is not an input; inputs: {listed}", "mien devices")
    fit = [i for i, name in inputs.items() if requested.lower() in name.lower()]
    exact = [i for i in fit if inputs[i].lower() == requested.lower()]
    if len(exact or fit) != 1:
        problem = "several inputs" if fit else "no input"
        raise DeviceError(f"{problem} called {requested!r}; inputs: {listed}", "mien devices")
    return (exact or fit)[0]


def capture_time(now: float, current: float, adc: float, length: float) -> float:
    """Host time in s at which the first sample of a callback was captured.

    Args:
        now: host time in the callback, s.
        current, adc: PortAudio's times of the callback and of the first sample, s.
        length: duration of the block, s.

    Some back ends give no converter time (0) or an invalid one. The block then ended when it
    arrived.
    Virtual devices report sound from a few ms in the future. The time is limited to the past.
    """
    age = current - adc
    if adc <= 0 or not length - 0.05 <= age < 1.0:
        return now - length
    return now - max(age, length)


class Microphone:
    """Blocks of one sound input.

    Attributes:
        present: False while the device is gone.
        lost: how often it was lost.
        name: the system's name of the device.
    """

    def __init__(self, inbox: Inbox, device: str | None = None) -> None:
        self._inbox, self._requested = inbox, device
        self._stop = Event()
        self._last_callback = time.monotonic()
        self._patience = FIRST_S
        self._stream: Any = None
        self.present = False
        self.lost = 0
        self.name = device or "default microphone"
        self._thread = Thread(target=self._watch, name="microphone", daemon=True)

    def start(self) -> None:
        """Open the device and keep it open.

        Raises:
            DeviceError: there is no such input, or no PortAudio.
        """
        register(self)
        self._open(portaudio())
        self._thread.start()

    def close(self) -> None:
        """Release the device."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2.0)
        self.drop()

    def drop(self) -> None:
        """Close the stream. It is opened again soon, unless the microphone is closed."""
        stream, self._stream, self.present = self._stream, None, False
        if stream is not None:
            end(stream)

    def _open(self, sd: Any) -> None:
        with LOCK:
            self._try(sd)

    def _try(self, sd: Any) -> None:
        index = choose(sd.query_devices(), self._requested, sd.default.device[0])
        info = sd.query_devices(index)

        def start(one: Format) -> None:
            rate, channels = one
            self._last_callback, self._patience = time.monotonic(), FIRST_S
            try:
                self._stream = sd.InputStream(
                    device=index,
                    samplerate=rate,
                    channels=channels,
                    dtype="float32",
                    blocksize=round(BLOCK_S * rate),
                    latency="low",
                    callback=self._callback(Resampler(rate), Downmix(rate)),
                )
                self._stream.start()
            except (sd.PortAudioError, ValueError):
                self.drop()
                raise

        open_first(sd, info, "input", start)
        self.present = True
        self.name = str(info["name"])

    def _callback(self, convert: Resampler, downmix: Downmix) -> Any:
        def on_block(data: NDArray[np.float32], frames: int, at: Any, _status: Any) -> None:
            now = time.monotonic()
            self._last_callback, self._patience = now, SILENT_S
            length = frames / convert.rate
            t = capture_time(now, at.currentTime, at.inputBufferAdcTime, length)
            block: Block = convert(t, downmix(data.copy()))
            if len(block.samples):
                self._inbox.put(block)

        return on_block

    def _watch(self) -> None:
        sd = portaudio()
        while not self._stop.wait(_WATCH_S if self.present else RETRY_S):
            silent = time.monotonic() - self._last_callback > self._patience
            if self.present and (silent or not self._stream.active):
                self.lost += 1
                self.drop()
            if not self.present:
                restart()
                with suppress(DeviceError, sd.PortAudioError):
                    self._open(sd)
