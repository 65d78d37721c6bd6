"""Emotion estimate of a voice: what its sound tells beside the words. Off unless requested.

``mien.models.style.emotion`` hears it, causally and without regard of the gain. Japanese actors
taught it, so what it hears in another language is a guess, which shows at half strength at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import FPS
from mien.models.face.emotion import EMOTIONS
from mien.models.style.emotion import CLASSES, Heard, heard
from mien.robot.expression.emotion.track import EmotionSamples
from mien.robot.face.config import Floats

STRONGEST: Final = 0.5
"""Largest intensity of the estimate."""
LIKELY: Final = 0.5
"""Probability above which an emotion shows: a guess among four shows nothing."""


@dataclass(frozen=True)
class VoiceEstimate:
    """A voice emotion estimate as an emotion source of the lowest priority."""

    emotion: Heard
    rank: int = 4

    def sample(self, t: Floats) -> EmotionSamples:
        """Samples of the emotions by their probability, at most STRONGEST."""
        frames = np.arange(len(self.emotion.confidence)) / FPS
        out = EmotionSamples.nothing(len(t))
        for k, name in enumerate(CLASSES):
            if name in EMOTIONS:  # neutral is none
                likely = np.clip((self.emotion.shares[:, k] - LIKELY) / (1 - LIKELY), 0.0, 1.0)
                share = STRONGEST * self.emotion.confidence * likely
                out.mix[:, :, EMOTIONS.index(name)] = np.interp(t, frames, share)[:, None]
        out.presence[:] = 1.0
        return out


def estimate(samples: NDArray[np.float32], frames: int) -> Heard:
    """Estimate the emotion of a clip (n,) at 16 kHz. Silence has a confidence of 0."""
    return heard(np.asarray(samples, np.float32), frames)
