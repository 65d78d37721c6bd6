"""Speech to commands: blocks of sound in, frames of commands out. Reads no clock for its work."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import FPS
from mien.models.speech.features import samples_for
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import Floats
from mien.robot.face.solver import FaceSolver
from mien.robot.live.capture.audio_clock import AudioClock
from mien.robot.live.capture.block import Block
from mien.robot.live.jitter_buffer import FRAME_S, CommandFrame
from mien.robot.live.streaming_layers import LiveExpression
from mien.robot.live.voice_activity import VoiceActivity
from mien.robot.media.audio import RATE

BACKLOG_S: Final = 0.3
"""Frames older than this in s are not inverted."""


class Speech(Protocol):
    """A streaming speech model. Frame k of its output belongs to k / 60 s of its input."""

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Samples (n,) at 16 kHz -> the frames (m, 52) that they complete."""


class SpeechToCommands:
    """Pipeline from one voice to the commands of one face.

    Args:
        calibrated: the face.
        speech: makes a new stream of the speech model. It is called again after a gap in the sound.
        expression: adds emotion and life.
        now: host clock in s, used for the arrival time only.
        sings: whether the voice sings, so that a steady tone is no machine.

    Attributes:
        clock: audio clock of the sound.
        skipped: frames that were too old to be inverted.
    """

    def __init__(
        self,
        calibrated: Calibrated,
        speech: Callable[[], Speech],
        expression: LiveExpression,
        now: Callable[[], float],
        sings: bool = False,
    ) -> None:
        self._solver = FaceSolver(calibrated)
        self._make, self._now = speech, now
        self._speech = speech()
        self.expression = expression
        self.clock = AudioClock()
        self._voice = VoiceActivity(sings)
        self._frames = self._before = 0
        self._waited = 1
        self.skipped = 0
        self._solver.warm_up()

    def push(self, block: Block) -> list[CommandFrame]:
        """Process one block and return the frames that it completes."""
        began = perf_counter()
        samples, fresh = self.clock.admit(block)
        if fresh:
            self._speech, self._frames = self._make(), 0
            self._before = lead_in(len(samples))
            samples = np.concatenate([np.zeros(self._before, np.float32), samples])
        state = self._voice.push(samples)
        out = []
        for spoken in self._speech.push(samples):
            t = self.clock.time(self._frames * RATE / FPS - self._before)
            self._frames += 1
            weights, head = self.expression.frame(spoken, state.level_db, state.gate)
            if self._now() - t > BACKLOG_S:
                self.skipped += 1
                self._waited += 1
                continue
            commands = self.pose(weights, head)
            spent = 1e3 * (perf_counter() - began)
            out.append(
                CommandFrame(
                    t=t,
                    commands=commands,
                    weights=weights,
                    arrived=self._now(),
                    level_db=state.level_db,
                    gate=state.gate,
                    network_ms=spent,
                    followed=self.expression.attention.followed,
                )
            )
        return out

    def pose(self, weights: NDArray[np.float32], head: Floats) -> Floats:
        """Weights (52,) and neck commands (3,) -> commands (n,) of the next frame."""
        found = self._solver.solve(weights, head, self._waited * FRAME_S)
        self._waited = 1
        return found.commands


def lead_in(block: int) -> int:
    """Samples of silence to insert before a stream with blocks of ``block`` samples.

    A frame that is complete within a block waits for the end of that block. This number of samples
    makes the longest wait as short as possible.
    """
    if not 0 < block <= RATE // FPS:
        return 0
    complete = np.array([samples_for(frame) for frame in range(FPS)])
    waits = [int(np.max(-(complete + shift) % block)) for shift in range(block)]
    return int(np.argmin(waits))
