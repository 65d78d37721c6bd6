"""The shape of the speech network, and what follows from it in time."""

from __future__ import annotations

from dataclasses import dataclass

from mien.models.face.blendshapes import FPS, SPEECH
from mien.models.speech.features import FEATURES, RATE, WINDOW
from mien.models.speech.phones import PHONES


@dataclass(frozen=True)
class Config:
    """The shape of the network."""

    width: int = 160
    kernel: int = 3
    dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2, 4, 8)
    lookahead_frames: int = 5
    phones: int = len(PHONES)
    features: int = FEATURES
    outputs: tuple[str, ...] = SPEECH
    loudness: float = 0.5
    """Exponent of the loudness in the lip opening (``loudness.py``), 0..1; 0 omits that stage."""

    @property
    def lookahead_ms(self) -> float:
        """Sound after a frame's time that the frame depends on, ms, half a window included."""
        return 1000.0 * (self.lookahead_frames / FPS + WINDOW / 2 / RATE)

    @property
    def memory_s(self) -> float:
        """Sound before a frame's time that the frame depends on, s, without the peak follower."""
        steps = (self.kernel - 1) * sum(self.dilations)
        return (steps - self.lookahead_frames) / FPS
