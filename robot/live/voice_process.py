"""The voice process: audio source, speech network, inverse and monitor.

A Python process runs one thread at a time. The network therefore runs in this process and the loop
in another. The loop only polls a pipe, and it sees at its next tick when this process ends.
"""

from __future__ import annotations

import gc
import multiprocessing as mp
import os
import signal
import sys
import time
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Final

import numpy as np

from mien.robot.errors import ErrorMessage, MienError
from mien.robot.face.config import load_face
from mien.robot.face.solver import head_gains
from mien.robot.live.capture.block import BLOCK_S, Block, Inbox
from mien.robot.live.jitter_buffer import CommandFrame
from mien.robot.live.people import reader
from mien.robot.live.voice_messages import BeginSound, DelaySound, EndVoice, VoiceReady
from mien.robot.live.voice_setup import VoiceSetup, VoiceStatus, status_of
from mien.robot.media.audio import RATE
from mien.robot.names import printable
from mien.robot.panel.messages import SetEmotion, SetGaze, SetStyle

START_S: Final = 90.0
"""Time limit in s of the start on a busy machine."""
_SILENT_S: Final = 0.15
_STATUS_S: Final = 0.25


class VoiceProcess:
    """The voice process, as the loop's process sees it.

    All methods but ``start`` and ``close`` return at once.
    """

    def __init__(self, setup: VoiceSetup) -> None:
        self._setup = setup
        context = mp.get_context("spawn")
        self._pipe, self._far = context.Pipe()
        self._process = context.Process(
            target=_run, args=(self._far, setup), name="mien-voice", daemon=True
        )
        self.lookahead_s = 0.0
        self.monitored = setup.monitor is not None
        self.status = VoiceStatus()

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self._process.pid

    def start(self) -> None:
        """Load the network and open the source.

        Raises:
            MienError: the other process failed to start; the message says why.
        """
        for library in ("OMP", "OPENBLAS", "MKL"):  # read when the child imports numpy
            os.environ.setdefault(f"{library}_NUM_THREADS", "1")
        self._process.start()
        self._far.close()
        self._await()

    def begin(self) -> None:
        """Begin to process sound.

        Raises:
            MienError: the microphone or the monitor cannot be opened.
        """
        self._send(BeginSound())
        self._await()

    def _await(self) -> None:
        end = time.monotonic() + START_S
        while not self._pipe.poll(0.05):
            if not self._process.is_alive() or time.monotonic() > end:
                raise MienError("the voice process did not start", "mien doctor")
        try:
            self._take(self._pipe.recv())
        except EOFError as e:
            raise MienError("the voice process died while it started", "mien doctor") from e

    @property
    def ended(self) -> bool:
        """Whether the source has ended and all its frames have arrived."""
        return self.status.ended

    def poll(self, _now: float) -> list[CommandFrame]:
        """Frames that are ready, oldest first.

        Raises:
            MienError: the other process failed or ended.
        """
        out: list[CommandFrame] = []
        try:
            while self._pipe.poll():
                out += self._take(self._pipe.recv())
        except (EOFError, OSError) as e:
            raise MienError("the voice process died", "mien doctor") from e
        if not self._process.is_alive():
            raise MienError(f"the voice process ended with code {self._process.exitcode}")
        return out

    def wait(self, seconds: float) -> None:
        """Return when a message arrives, after ``seconds`` at the latest."""
        with suppress(OSError):  # it is gone; poll() reports it
            self._pipe.poll(seconds)

    def set_emotion(self, intensities: dict[str, float]) -> None:
        """Set the emotion: intensities in 0..1 by name."""
        self._send(SetEmotion(intensities))

    def set_gaze(self, yaw: float, pitch: float) -> None:
        """Set the gaze target: yaw and pitch in -1..1."""
        self._send(SetGaze(yaw, pitch))

    def set_style(self, name: str) -> None:
        """Go over to the style of this name."""
        self._send(SetStyle(name))

    def delay_sound(self, seconds: float) -> None:
        """Set the delay in s between microphone and monitor."""
        self._send(DelaySound(seconds))

    def close(self) -> None:
        """Ask the process to end, and kill it after 3 s."""
        self._send(EndVoice())
        if self._process.pid is not None:
            self._process.join(3.0)
            if self._process.is_alive():
                self._process.kill()
                self._process.join(1.0)
        self._pipe.close()

    def _send(self, message: object) -> None:
        try:
            self._pipe.send(message)
        except (OSError, ValueError):
            return  # it is gone; poll() reports it

    def _take(self, message: object) -> list[CommandFrame]:
        match message:
            case CommandFrame():
                return [message]
            case VoiceStatus():
                self.status = message
            case VoiceReady(lookahead_s):
                self.lookahead_s = lookahead_s
            case ErrorMessage():
                raise message.error()
        return []


def _run(pipe: Connection, setup: VoiceSetup) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the loop decides when it is over
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        _listen(pipe, setup)
    except MienError as e:
        pipe.send(ErrorMessage.of(e))
    except (BrokenPipeError, EOFError, ConnectionResetError):
        return  # the loop is gone
    except Exception as e:
        pipe.send(ErrorMessage(f"the voice process failed: {e!r}", "mien doctor"))
        raise


def _listen(pipe: Connection, setup: VoiceSetup) -> None:
    from mien.robot.face.calibrated import Calibrated
    from mien.robot.live.capture.audio_clock import AudioClock
    from mien.robot.live.capture.conditioning import OffsetRemoval, SilenceWatch
    from mien.robot.live.manner import layer_of
    from mien.robot.live.monitor import Monitor
    from mien.robot.live.sources import open_source
    from mien.robot.live.speech_to_commands import SpeechToCommands
    from mien.robot.live.streaming_layers import LiveExpression

    face = load_face(setup.face)
    people = None if setup.people is None else reader(setup.people)
    gains = head_gains(face, setup.head_gain)
    manner = layer_of(setup.manner, setup.seed, setup.life)
    style = setup.live_style()
    expression = LiveExpression(setup.seed, setup.life, None, gains, people, style, manner)
    calibrated, lips = Calibrated(face, setup.calibration), partial(setup.stream, style)
    converter = SpeechToCommands(calibrated, lips, expression, time.monotonic, setup.sing)
    silence = np.zeros(round(BLOCK_S * RATE), np.float32)
    begin = time.monotonic() - 60 * BLOCK_S
    for k in range(60):  # warm up: the first calls are slow
        converter.push(Block(begin + k * BLOCK_S, silence))
    converter.clock = AudioClock()
    inbox = Inbox()
    source = open_source(setup, inbox)
    monitor = Monitor(setup.monitor) if setup.monitor is not None else None
    gc.collect()
    gc.freeze()
    pipe.send(VoiceReady(setup.stream().lookahead_s))
    while not isinstance(message := pipe.recv(), BeginSound):
        if not _handle(message, expression, monitor):
            return
    source.start()
    if monitor:
        monitor.start()
    watch, centre = SilenceWatch(source.name), OffsetRemoval()
    live_source = setup.source in ("mic", "pcm")
    since = (time.monotonic(), time.process_time())

    present = True

    def status() -> VoiceStatus:
        nonlocal present
        now = status_of(source, inbox, converter, monitor, watch.longest_s, since)
        if now.present != present:
            present = now.present
            state = "is back" if present else "is gone; it is opened again when it is back"
            print(f"note: {now.name} {state}", file=sys.stderr, flush=True)
        return now

    pipe.send(status())
    sound_until, status_sent, wait_s = time.monotonic(), -np.inf, _SILENT_S
    try:
        while True:
            blocks = inbox.take(BLOCK_S)
            if live_source:
                for message in filter(None, map(watch.push, blocks)):
                    print(f"note: {message}", file=sys.stderr, flush=True)
                blocks = [centre(block) for block in blocks]
            now = time.monotonic()
            if blocks:
                sound_until, wait_s = blocks[-1].end, _SILENT_S
            elif now - sound_until > (
                BLOCK_S if inbox.ended else wait_s
            ):  # no sound arrives: the face goes on in silence
                wait_s = BLOCK_S
                count = int((now - sound_until) * RATE)
                blocks = [Block(sound_until, np.zeros(count, np.float32))]
                sound_until += count / RATE
            for block in blocks:
                if monitor:
                    monitor.push(block)
                for frame in converter.push(block):
                    pipe.send(frame)
            if now - status_sent > _STATUS_S:
                status_sent = now
                pipe.send(status())
            while pipe.poll():
                if not _handle(pipe.recv(), expression, monitor):
                    return
    finally:
        source.close()
        if monitor:
            monitor.close()


def _handle(message: object, expression: Any, monitor: Any) -> bool:
    """Handle a message of the loop. Returns False when the process is to end."""
    match message:
        case SetEmotion(intensities):
            expression.set_emotion(intensities)
        case SetGaze(yaw, pitch):
            expression.set_gaze(yaw, pitch)
        case SetStyle(name):
            try:
                expression.set_style(name)
            except MienError as e:  # its file changed since the panel read it
                print(f"note: {printable(e.message)}", file=sys.stderr, flush=True)
        case DelaySound(seconds) if monitor:
            monitor.delay_s = seconds
        case EndVoice():
            return False
    return True
