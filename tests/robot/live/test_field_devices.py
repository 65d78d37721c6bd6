"""Devices as people have them: each case stands for a kind."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import serial
from serial.tools import list_ports

from mien.robot.control.connect import opened
from mien.robot.errors import DeviceError
from mien.robot.link.board import GIVE_UP_S
from mien.robot.link.found import FoundTransport
from mien.robot.link.handshake import ServoBoardsError
from mien.robot.link.transport import LineGoneError, SerialTransport
from mien.robot.live import monitor as monitor_module
from mien.robot.live.capture import conditioning, microphone
from mien.robot.live.capture.block import Block, Inbox
from mien.robot.live.capture.conditioning import Downmix, OffsetRemoval, SilenceWatch
from mien.robot.live.monitor import DelayLine, Monitor
from mien.robot.live.playout import Interpolation
from mien.robot.media.audio import RATE
from mien.robot.panel.address import bound
from mien.robot.sim.realtime import LiveRig
from mien.robot.verbs import doctor, running
from tests.bench.firmware.line import Line
from tests.robot.link.driven import FACE, armed, play, wave

pytestmark = pytest.mark.realtime


class PortAudio:
    """A sound card that takes some formats only."""

    PortAudioError = type("PortAudioError", (Exception,), {})

    def __init__(self, *accepted: tuple[float, int]) -> None:
        self.accepted, self.opened = accepted, list[SimpleNamespace]()
        self.default = SimpleNamespace(device=(0, 0))
        self._info = {
            "name": "Card [hw:0]", "index": 0, "default_samplerate": 48000.0,
            "max_input_channels": 4, "max_output_channels": 4,
        }  # fmt: skip

    def query_devices(self, which: Any = None, kind: str | None = None) -> Any:
        return [self._info] if which is None and kind is None else self._info

    def _stream(self, samplerate: float, channels: int, **more: Any) -> Any:
        if (samplerate, channels) not in self.accepted:
            raise self.PortAudioError("Invalid number of channels [PaErrorCode -9998]")
        nothing = lambda: None  # noqa: E731
        stream = SimpleNamespace(rate=samplerate, channels=channels, active=True, **more)
        stream.start = stream.abort = stream.close = nothing
        self.opened.append(stream)
        return stream

    InputStream = OutputStream = _stream


@pytest.mark.parametrize("taken", [(48000.0, 4), (48000.0, 2), (44100.0, 1), (16000.0, 4)])
def test_sound_devices_are_opened_in_what_they_take(
    monkeypatch: pytest.MonkeyPatch, taken: tuple[float, int]
) -> None:
    sd = PortAudio(taken)
    monkeypatch.setattr(microphone, "portaudio", lambda: sd)
    monkeypatch.setattr(monitor_module, "portaudio", lambda: sd)
    for module, patience in ((microphone, "FIRST_S"), (microphone, "SILENT_S")):
        monkeypatch.setattr(
            module, patience, 1e9
        )  # a busy machine must not look like a lost device
    monkeypatch.setattr(monitor_module, "SILENT_S", 1e9)
    inbox = Inbox()
    mic, monitor = microphone.Microphone(inbox), Monitor()
    mic.start()
    monitor.start()
    heard, played = sd.opened
    voice = np.full((round(0.5 * taken[0]), taken[1]), 0.25, np.float32)
    heard.callback(voice, len(voice), SimpleNamespace(currentTime=1, inputBufferAdcTime=0), None)
    assert sum(len(b.samples) for b in inbox.take()) == pytest.approx(RATE / 2, abs=200)
    out = np.ones((played.blocksize, taken[1]), np.float32)
    played.callback(out, len(out), SimpleNamespace(currentTime=1, outputBufferDacTime=1.01), None)
    assert not out.any()  # nothing was said yet
    mic.close()
    monitor.close()


@pytest.mark.parametrize("make", [lambda: microphone.Microphone(Inbox()), Monitor])
def test_a_device_that_takes_nothing_says_what_was_tried(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], Any]
) -> None:
    sd = PortAudio()
    monkeypatch.setattr(microphone, "portaudio", lambda: sd)
    monkeypatch.setattr(monitor_module, "portaudio", lambda: sd)
    with pytest.raises(DeviceError, match=r"tried 16000 Hz with 1.*; 48000 Hz with 4, 2, 1"):
        make().start()


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000])
def test_blocks_of_another_rate_join_without_a_seam(rate: int) -> None:
    line, convert = DelayLine(), Interpolation(rate)
    sound = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    line.push(Block(0.0, sound))
    length = convert.frames / rate
    out = [convert(line.read(0.1 + k * length, convert.count, convert.margin)) for k in range(20)]
    t = 0.1 + np.arange(20 * convert.frames) / rate
    np.testing.assert_allclose(np.concatenate(out), np.sin(2 * np.pi * 440 * t), atol=0.01)


@pytest.mark.parametrize("gains", [(1.0, -1.0), (0.0, 0.0, 1.0, 0.0, 0.0)])
def test_live_channels_that_cancel_give_the_better_one(gains: tuple[float, ...]) -> None:
    voice = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    downmix, sound = Downmix(RATE), np.stack([g * voice + 0.01 for g in gains], axis=1)
    out = np.concatenate([downmix(sound[k : k + 80]) for k in range(0, RATE, 80)])
    assert np.abs(np.corrcoef(out, voice)[0, 1]) > 0.99
    assert out.std() == pytest.approx(0.1, rel=0.05)


def test_a_live_offset_is_removed_from_the_first_block_on() -> None:
    voice = 0.1 * np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE)
    centre = OffsetRemoval()
    out = [centre(Block(k / RATE, (voice[k : k + 80] + 0.05).astype(np.float32)))
           for k in range(0, RATE, 80)]  # fmt: skip
    assert max(abs(b.samples.mean()) for b in out[:2]) < 0.02
    np.testing.assert_allclose(
        np.concatenate([b.samples for b in out])[800:], voice[800:], atol=7e-3
    )


@pytest.mark.parametrize("value", [0.0, 0.01])
def test_a_minute_of_zeros_is_said_while_it_lasts_and_at_the_end(value: float) -> None:
    watch = SilenceWatch("USB Mic")
    said = [watch.push(Block(k / 100, np.full(160, value, np.float32))) for k in range(6000)]
    at = [k / 100 for k, message in enumerate(said) if message]
    assert at == [pytest.approx(conditioning.SILENT_S, abs=0.02)]
    report = {"source_zeros_s": watch.longest_s, "source": "USB Mic", "rig_slips": 0}
    [note] = running.notes(report)
    assert "USB Mic gave only zeros for 60 s" in note
    noise = np.random.default_rng(0).normal(0, 1e-4, 160).astype(np.float32)
    assert not any(SilenceWatch("m").push(Block(0.0, noise)) for _ in range(3))


def listed(*devices: str) -> list[Any]:
    usb = {"description": "Mega [2560]", "vid": 0x2341, "pid": 0x42, "serial_number": "7"}
    return [SimpleNamespace(device=device, **usb) for device in devices]


def test_auto_finds_the_board_again_under_another_path(monkeypatch: pytest.MonkeyPatch) -> None:
    (master, first), (other, second) = os.openpty(), os.openpty()
    before, after = os.ttyname(first), os.ttyname(second)
    monkeypatch.setattr(list_ports, "comports", lambda: listed(before))
    moved: list[str] = []
    line = FoundTransport(before, 500_000, True, moved.append)
    monkeypatch.setattr(list_ports, "comports", list)
    os.close(first)
    os.close(master)
    end = time.monotonic() + 100.0
    with pytest.raises(LineGoneError):
        while time.monotonic() < end:
            line.read(0.01)
    with pytest.raises(DeviceError, match=r"usb 2341:0042 7.* is not plugged in"):
        line.reopen()
    monkeypatch.setattr(list_ports, "comports", lambda: listed(after))
    line.reopen()
    assert moved == [after]
    line.write(b"hello")
    assert os.read(other, 5) == b"hello"
    line.close()
    os.close(second)
    os.close(other)


def test_a_servo_board_that_stops_answering_is_named() -> None:
    line = Line()
    board = armed(line)
    line.core.set_servo_board(0, False)
    with pytest.raises(ServoBoardsError, match=r"servo boards do not answer: 0x40") as e:
        play(board, line, GIVE_UP_S + 2, wave)
    assert "I2C" in e.value.hint


class Flapping(Line):
    """A line that is lost again right after it was opened, so many times."""

    closed, flaps = False, 0

    def reopen(self) -> None:
        self.closed = False
        super().reopen()
        self.closed, self.flaps = self.flaps > 0, self.flaps - 1

    def check_plugged(self) -> None:
        super().check_plugged()
        if self.closed:
            raise LineGoneError("the port is closed")


def test_a_line_that_is_lost_again_while_it_is_mended_is_opened_again() -> None:
    line = Flapping()
    board = armed(line)
    line.unplugged, line.flaps = True, 3
    play(board, line, 0.5, wave)
    line.unplugged = False
    play(board, line, 5.0, wave)
    assert board.connected
    assert line.opened == 5


def test_a_port_without_permission_names_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise serial.SerialException(errno.EACCES, "could not open port: Permission denied")

    monkeypatch.setattr(serial, "Serial", refused)
    with pytest.raises(DeviceError, match=r"no permission .* group dialout") as e:
        SerialTransport("/dev/ttyMien404")
    assert "usermod -aG dialout" in e.value.hint
    monkeypatch.setattr(list_ports, "comports", lambda: listed("/dev/ttyMien404"))
    monkeypatch.setattr(doctor, "may_open", lambda _: False)
    row = next(r for r in doctor.hardware() if r.name == "serial ports")
    assert (row.ok, "usermod -aG dialout" in row.fix) == (False, True)


def test_a_panel_port_in_use_is_an_error() -> None:
    with bound("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DeviceError, match=f"port {port} .*taken"):
            bound("127.0.0.1", port)


def test_a_rig_that_cannot_keep_its_clock_says_so() -> None:
    class Slow:
        """A robot that needs two seconds for one."""

        t = 0.0

        def now(self) -> float:
            return self.t

        def sleep_until(self, t: float) -> None:
            clock[0] += 2 * (t - self.t)
            self.t = t

    clock = [0.0]
    rig = LiveRig(Slow(), now=lambda: clock[0], sleep=lambda _: None)  # type: ignore[arg-type]
    assert not rig.too_slow
    for k in range(300):
        rig.sleep_until(k / 60)
    assert rig.too_slow
    assert "cannot keep its clock" in rig.slow_error().message
    report = {"source_zeros_s": 0.0, "source": "", "rig_slips": 3}
    assert "too slow" in running.notes(report)[0]
    with pytest.raises(DeviceError, match="cannot keep its clock"), opened(FACE, "sim") as at:
        assert at.rig is not None
        at.rig.slips = 1
        raise DeviceError("the board was away for 10 s")
