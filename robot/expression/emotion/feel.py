"""A feeling in words as an emotion source, in the space that text and sound share.

What sources say is ordered: label and intensity, timeline, tags in a text, feeling in words, sound.
Words and sound meet in one space: a description of length l leaves 1 - l of the way to the sound,
so a plain description leaves all of it and a strong one nearly nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.models.face.blendshapes import FPS
from mien.models.face.emotion import EMOTIONS
from mien.models.feeling.space import FEELINGS, space
from mien.models.style.emotion import Heard
from mien.robot.expression.emotion.track import EmotionSamples
from mien.robot.expression.emotion.voice_estimate import STRONGEST
from mien.robot.face.config import Floats

RANK: Final = 3
"""Priority of a feeling in words: after tags, and before an estimate."""
WHOLE: Final = 0.3
"""Length of a point from which nothing of lower priority shows."""
_COLUMNS: Final = [EMOTIONS.index(name) for name in FEELINGS]


@dataclass(frozen=True)
class Feel:
    """A feeling that lasts.

    Attributes:
        point: (64,) of the space of feeling.
        heard: emotion of a voice that adds what the words leave, or None.
        rank: priority.
    """

    point: Floats
    heard: Heard | None = None
    rank: int = RANK

    def points(self, t: Floats) -> Floats:
        """Points (T, 64) at times ``t`` (T,) s."""
        out = np.repeat(self.point[None], len(t), axis=0)
        if self.heard is not None and len(self.heard.confidence):
            plane = np.stack([self.heard.arousal, self.heard.valence], axis=1)
            added = STRONGEST * self.heard.confidence[:, None]
            added = added * space().of_sound(self.heard.shares, plane)
            frames = np.arange(len(added)) / FPS
            now = np.stack([np.interp(t, frames, column) for column in added.T], axis=1)
            out += (1.0 - np.linalg.norm(self.point)) * now
        return out

    def sample(self, t: Floats) -> EmotionSamples:
        """Intensities at times ``t``, the same in every region."""
        points = self.points(t)
        out = EmotionSamples.nothing(len(t))
        out.mix[:, :, _COLUMNS] = space().intensities(points)[:, None]
        out.presence[:] = np.minimum(np.linalg.norm(points, axis=1) / WHOLE, 1.0)[:, None]
        return out


def feel(text: str, heard: Heard | None = None) -> Feel:
    """The feeling that a text describes.

    Args:
        text: in English.
        heard: emotion of the voice that says it, or None.

    Raises:
        ModelError: the text has no English word.
    """
    return Feel(space().of_text(text), heard)


def understood(point: Floats) -> Mapping[str, float]:
    """Intensities by emotion, the strongest first; empty for neutral."""
    found = space().intensities(point)
    order = np.argsort(-found)
    return {FEELINGS[k]: round(float(found[k]), 2) for k in order if found[k] >= 0.005}


def told(text: str, point: Floats) -> str:
    """What was understood, for a person."""
    parts = ", ".join(f"{name} {value:.2f}" for name, value in understood(point).items())
    return f"{parts or 'neutral'}: {text}"
