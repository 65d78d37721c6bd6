"""A microphone through PortAudio: its converter's time stamps, and back again when lost."""

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
from mien.robot.live.capture.portaudio import LOCK, anew, end, enter, portaudio
from mien.robot.live.capture.resample import Resampler
from mien.robot.media.audio import RATE

SILENT_S: Final = 0.6
"""No callback for so long: the device is gone. A source that was removed says nothing else."""
FIRST_S: Final = 1.5
"""The first callback may take longer: a sound server that slept has to wake up."""
RETRY_S: Final = 0.5
_WATCH_S: Final = 0.1


def choose(devices: Sequence[Mapping[str, Any]], wanted: str | None, default: int) -> int:
    """Index of the input that the user named by number or by part of its name.

    Raises:
        DeviceError: none or several fit; the message lists the inputs.
    """
    inputs = {i: str(d["name"]) for i, d in enumerate(devices) if d["max_input_channels"] > 0}
    listed = "; ".join(f"{i} {name}" for i, name in inputs.items()) or "none"
    if wanted is None:
        if default in inputs:
            return default
        raise DeviceError(f"no default microphone; inputs: {listed}", "mien devices")
    if wanted.isdigit():
        if int(wanted) in inputs:
            return int(wanted)
        raise DeviceError(f"{wanted} is not an input; inputs: {listed}", "mien devices")
    fit = [i for i, name in inputs.items() if wanted.lower() in name.lower()]
    exact = [i for i in fit if inputs[i].lower() == wanted.lower()]
    if len(exact or fit) != 1:
        many = "several inputs" if fit else "no input"
        raise DeviceError(f"{many} called {wanted!r}; inputs: {listed}", "mien devices")
    return (exact or fit)[0]


def taken_at(now: float, current: float, adc: float, length: float) -> float:
    """Host time at which a callback's first sample was taken.

    Args:
        now: host time in the callback, s.
        current, adc: PortAudio's own times of the call and of the first sample, s.
        length: of the block, s.

    Some back ends give no converter time (0) or nonsense; then the block ended when it arrived.
    None can deliver what it has not heard yet, though a virtual one says so by some milliseconds.
    """
    age = current - adc
    if adc <= 0 or not length - 0.05 <= age < 1.0:
        return now - length
    return now - max(age, length)


class Microphone:
    """Blocks of one input. ``present`` is False while the device is gone."""

    def __init__(self, inbox: Inbox, device: str | None = None) -> None:
        self._inbox, self._wanted = inbox, device
        self._stop = Event()
        self._heard = time.monotonic()
        self._patience = FIRST_S
        self._stream: Any = None
        self.present = False
        self.lost = 0
        self.name = device or "default microphone"
        self._thread = Thread(target=self._watch, name="microphone", daemon=True)

    def start(self) -> None:
        """Open it and keep it open.

        Raises:
            DeviceError: there is no such input now (later it is waited for), or no PortAudio.
        """
        enter(self)
        self._open(portaudio())
        self._thread.start()

    def close(self) -> None:
        """Release the device."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2.0)
        self.drop()

    def drop(self) -> None:
        """Give the stream back; it is opened again in a moment, unless all is over."""
        stream, self._stream, self.present = self._stream, None, False
        if stream is not None:
            end(stream)

    def _open(self, sd: Any) -> None:
        with LOCK:
            self._try(sd)

    def _try(self, sd: Any) -> None:
        index = choose(sd.query_devices(), self._wanted, sd.default.device[0])
        info = sd.query_devices(index)
        last: Exception | None = None
        for rate in (RATE, info["default_samplerate"]):
            convert = Resampler(rate)
            self._heard, self._patience = time.monotonic(), FIRST_S
            try:
                self._stream = sd.InputStream(
                    device=index,
                    samplerate=rate,
                    channels=1,
                    dtype="float32",
                    blocksize=round(BLOCK_S * rate),
                    latency="low",
                    callback=self._callback(convert),
                )
                self._stream.start()
            except sd.PortAudioError as e:
                last = e
                self.drop()
                continue
            self.present = True
            self.name = str(info["name"])
            return
        raise DeviceError(f"cannot open {info['name']}: {last}", "mien devices")

    def _callback(self, convert: Resampler) -> Any:
        def heard(data: NDArray[np.float32], frames: int, at: Any, _status: Any) -> None:
            now = time.monotonic()
            self._heard, self._patience = now, SILENT_S
            length = frames / convert.rate
            t = taken_at(now, at.currentTime, at.inputBufferAdcTime, length)
            block: Block = convert(t, data[:, 0].copy())
            if len(block.samples):
                self._inbox.put(block)

        return heard

    def _watch(self) -> None:
        sd = portaudio()
        while not self._stop.wait(_WATCH_S if self.present else RETRY_S):
            silent = time.monotonic() - self._heard > self._patience
            if self.present and (silent or not self._stream.active):
                self.lost += 1
                self.drop()
            if not self.present:
                anew()
                with suppress(DeviceError, sd.PortAudioError):
                    self._open(sd)
