"""Parts of a soak: a robot that can stand still, clocks that differ, a voice without end, stops."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.robot.control.estop_socket import EstopSocket
from mien.robot.control.loop import Tick
from mien.robot.expression.speech import SpeechStream
from mien.robot.face.calibrated import Calibrated
from mien.robot.live.capture.audio_clock import AudioClock
from mien.robot.live.capture.block import BLOCK_S, Block
from mien.robot.live.jitter_buffer import FRAME_S, CommandFrame
from mien.robot.live.speech_to_commands import SpeechToCommands
from mien.robot.live.streaming_layers import LiveExpression
from mien.robot.media.audio import RATE
from mien.robot.panel.messages import Estop
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard
from mien.robot.wire import State

BOARD_PPM: Final = 3000.0
"""A ceramic resonator at the board, warm."""
SOUND_PPM: Final = -100.0
JITTER_S: Final = 0.002
OFF_S: Final = 0.1
"""Outputs that are driven so long after a stop, in s, make it a missed one."""
STOPS: Final = ("panel", "request", "button", "silence")


class StandingRig(Rig):
    """A robot whose mechanics stand still while they are not asked for."""

    moving = True

    def step(self, pulses_us: NDArray[np.float64], powered: Any = True) -> None:
        """See ``Rig``."""
        if self.moving:
            super().step(pulses_us, powered)


class Host:
    """The computer's clock, against which the board's runs fast."""

    def __init__(self, sim: SimBoard) -> None:
        self._sim, self._rate = sim, 1.0 + BOARD_PPM * 1e-6

    def now(self) -> float:
        """Seconds."""
        return self._sim.now() / self._rate

    def sleep_until(self, t: float) -> None:
        """Let the time pass until ``t`` s."""
        self._sim.sleep_until(t * self._rate)


class Endless:
    """A voice without end, whose sound card has a clock of its own.

    Attributes:
        whole: whether network and inverse run.
        error_s: by how much the time of its newest sample is off.
    """

    monitored = ended = False

    def __init__(
        self, calibrated: Calibrated, said: NDArray[np.float32], host: Host, seed: int = 0
    ) -> None:
        self._host, self._random = host, np.random.default_rng(seed)
        self._expression = LiveExpression()
        self._converter = SpeechToCommands(calibrated, SpeechStream, self._expression, host.now)
        self.lookahead_s = SpeechStream().lookahead_s
        self._said = np.concatenate([said, np.zeros(3 * RATE)]).astype(np.float32)
        self._whole_frames = round(len(self._said) / RATE / FRAME_S)
        self._kept: deque[CommandFrame] = deque(maxlen=self._whole_frames)
        self._clock, self._began, self._count = AudioClock(), host.now(), 0
        self._frame_at = host.now()
        self.whole = True
        self.error_s = 0.0

    def poll(self, now: float) -> list[CommandFrame]:
        """Frames of all the sound that was there by ``now``."""
        out: list[CommandFrame] = []
        while (end := self._captured(self._count + 1)) <= now:
            out += self._heard(end, now)
            self._count += 1
        return out

    def wait(self, seconds: float) -> None:
        """Let the time pass in which a block comes in."""
        until = min(self._host.now() + seconds, self._captured(self._count + 1))
        self._host.sleep_until(until)

    def set_emotion(self, intensities: dict[str, float]) -> None:
        """Emotions by name, 0..1."""
        self._expression.set_emotion(intensities)

    def set_gaze(self, yaw: float, pitch: float) -> None:
        """Gaze target, -1..1."""
        self._expression.set_gaze(yaw, pitch)

    def set_style(self, name: str) -> None:
        """Everybody speaks alike."""

    def delay_sound(self, seconds: float) -> None:
        """Nobody listens."""

    def _captured(self, blocks: int) -> float:
        """When so many blocks have been captured, s on the computer's clock."""
        return self._began + blocks * BLOCK_S / (1.0 + SOUND_PPM * 1e-6)

    def _heard(self, end: float, now: float) -> list[CommandFrame]:
        size = round(BLOCK_S * RATE)
        at = self._count * size % (len(self._said) // size * size)
        t = end - BLOCK_S + JITTER_S * self._random.random()
        block = Block(t, self._said[at : at + size])
        self._clock.admit(block)
        self.error_s = self._clock.time(self._clock.count) - end
        if self.whole or len(self._kept) < self._whole_frames // 2:
            frames = self._converter.push(block)
            self._kept += frames
            self._frame_at = frames[-1].t + FRAME_S if frames else self._frame_at
            return frames
        out = []
        while self._frame_at <= now - self.lookahead_s:
            kept = self._kept[0]
            self._kept.rotate(-1)
            self._expression.frame(kept.weights, kept.level_db, kept.gate)
            out.append(
                CommandFrame(
                    self._frame_at, kept.commands, kept.weights, now, kept.level_db, kept.gate
                )
            )
            self._frame_at += FRAME_S
        return out


@dataclass
class Stops:
    """Stops of every kind in turn, and what came of them.

    Attributes:
        given: how many were given.
        missed: what the outputs did after those that did not end in rest.
    """

    sim: SimBoard
    every_s: float
    given: int = 0
    missed: list[str] = field(default_factory=list)
    pending: str = ""
    _kinds: Iterator[str] = field(default_factory=lambda: cycle(STOPS))
    _next_s: float = 0.0

    def commands(self) -> list[object]:
        """Of the panel: an E-STOP while one is due."""
        return [Estop()] if self.pending == "panel" else []

    def show(self, t: float, tick: Tick, state: dict[str, Any]) -> None:
        """Nobody looks at the panel."""

    def step(self, t: float, socket: EstopSocket) -> None:
        """Give the stop that is due at ``t`` s."""
        self._next_s = self._next_s or t + self.every_s
        if t < self._next_s or self.pending or not self.sim.powered.any():
            return
        self._next_s, self.pending, self.given = t + self.every_s, next(self._kinds), self.given + 1
        if self.pending == "request":
            socket.requested.set()
        elif self.pending == "button":
            self.sim.core.press_button()  # type: ignore[attr-defined]
        elif self.pending == "silence":
            self._silence()

    def judge(self) -> None:
        """A run has ended: are the outputs off?"""
        kind, self.pending = self.pending, ""
        if not kind:
            self.missed.append("a run ended without a stop")
        self.sim.advance(OFF_S)
        if self.sim.powered.any() or self.sim.core.state != State.ESTOP:  # type: ignore[attr-defined]
            self.missed.append(f"{kind}: {State(self.sim.core.state).name}")  # type: ignore[attr-defined]

    def _silence(self) -> None:
        """The host says nothing: the board's watchdog has to act, ramp and release."""
        face = self.sim.rig.face
        self.sim.advance(face.timeout_ms / 1e3 + OFF_S)
        state = State(self.sim.core.state)  # type: ignore[attr-defined]
        if state not in (State.FAILSAFE, State.RELEASED):
            self.missed.append(f"silence: {state.name}")
        self.pending = ""
