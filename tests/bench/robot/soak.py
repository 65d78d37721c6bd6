"""Hours of a live face in minutes: the same objects in lock-step, on a clock that nobody waits for.

Voice, network, inverse, loop, firmware core and rig are those of ``mien live``; what is left out is
what only real time has: the sound device, the pipe between the two processes, and the panel.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from itertools import count
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.robot.control.connect import LIVE_LEAD_S
from mien.robot.expression.speech import SpeechStream
from mien.robot.face.calibrated import Calibrated
from mien.robot.link.board import Board
from mien.robot.live.capture.block import Block
from mien.robot.live.capture.recorded import blocks
from mien.robot.live.face import LiveFace
from mien.robot.live.jitter_buffer import CommandFrame
from mien.robot.live.memory_usage import rss_mb
from mien.robot.live.speech_to_commands import SpeechToCommands
from mien.robot.live.streaming_layers import LiveExpression
from mien.robot.media.audio import RATE
from mien.robot.sim.realtime import simulated
from mien.robot.sim.sim_board import SimBoard

SETTLED: Final = 0.1
"""Share of the time after which everything has been used once, and growth counts."""
SILENCE_S: Final = 3.0
"""Between two recitals, so that speech begins and ends, too."""


class Reciter:
    """A voice that says the same again and again, at the pace of a simulated clock."""

    monitored = False
    ended = False

    def __init__(self, calibrated: Calibrated, said: NDArray[np.float32], sim: SimBoard) -> None:
        self._sim, self._ready = sim, 0.0
        self._converter = SpeechToCommands(calibrated, SpeechStream, LiveExpression(), sim.now)
        self.lookahead_s = SpeechStream().lookahead_s
        self._blocks = self._recite(np.concatenate([said, np.zeros(round(SILENCE_S * RATE))]))
        self._next = next(self._blocks)

    def poll(self, now: float) -> list[CommandFrame]:
        """Frames of all the sound that was there by ``now``."""
        out = []
        while self._next.end <= now:
            out += self._converter.push(self._next)
            self._next = next(self._blocks)
        return out

    def wait(self, seconds: float) -> None:
        """Let the time pass in which a block comes in."""
        fitted = min(self._sim.now() + seconds, self._next.end)
        self._sim.sleep_until(fitted)

    def set_emotion(self, intensities: dict[str, float]) -> None:
        """Emotions by name, 0..1."""
        self._converter.expression.set_emotion(intensities)

    def set_gaze(self, yaw: float, pitch: float) -> None:
        """Gaze target, -1..1."""
        self._converter.expression.set_gaze(yaw, pitch)

    def set_style(self, name: str) -> None:
        """Everybody speaks alike."""

    def delay_sound(self, seconds: float) -> None:
        """Nobody listens."""

    def _recite(self, said: NDArray[np.float64]) -> Iterator[Block]:
        samples = said.astype(np.float32)
        for k in count():
            yield from blocks(samples, self._sim.now() if k == 0 else self._ready)
            self._ready = self._next.end


def soak(calibrated: Calibrated, said: NDArray[np.float32], seconds: float) -> dict[str, Any]:
    """Live for so many simulated seconds; how memory grew after the first tenth of them.

    The slope is that of a line through all samples, so that one page more or less at either end
    does not make it.
    """
    face = calibrated.face
    sim = simulated(face)
    board = Board(face, sim, sim.now, LIVE_LEAD_S)
    board.connect()
    began, start = sim.now(), time.monotonic()
    samples: list[tuple[float, float]] = []

    def watch(_: Any) -> None:
        t = sim.now() - began
        if t >= SETTLED * seconds and (not samples or t - samples[-1][0] >= seconds / 200):
            samples.append((t, rss_mb()))

    live = LiveFace(
        face, board, sim, Reciter(calibrated, said, sim), watch=watch,
        stop=lambda: sim.now() - began > seconds,
    )  # fmt: skip
    gc.collect()
    gc.freeze()
    try:
        live.run()
    finally:
        gc.unfreeze()
        board.close()
    times, held = np.array(samples).T
    slope = float(np.polyfit(times, held, 1)[0]) if len(times) > 2 else 0.0
    return {
        "rss_mb": float(held[-1]),
        "rss_growth_mb": float(held[-1] - held[0]),
        "rss_growth_over_s": float(times[-1] - times[0]),
        "rss_slope_mb_per_h": 3600 * slope,
        "soak_s": seconds,
        "soak_took_s": time.monotonic() - start,
        "soak_ticks": live.metrics.ticks,
        "soak_late_frames": live.jitter_buffer.late,
    }
