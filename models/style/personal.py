"""Whose voice it is, and this person's own way of showing an emotion.

A library has an entry for each person in each emotion: a voiceprint and a style. A voice that is
heard attends to the entries by its print. Who resembles none of them, and each stranger, gets the
mean of all, and slowly his own. Nothing is stored here; a style file holds a print only because
``mien style learn`` was called.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.manner.config import STYLE
from mien.models.style.memory import Parameters
from mien.models.style.sound_style import OF_PRINT

Floats = NDArray[np.float64]
SHARPNESS: Final = 12.0
"""Factor of the cosine of two prints in the attention."""
FAR: Final = 0.7
"""Cosine of prints below which two voices are two people."""
OWN_AFTER: Final = 2.0
"""Sentences after which a stranger's own style counts as much as that of all."""


@dataclass(frozen=True)
class Library:
    """Entries of (person, emotion).

    Attributes:
        prints: (N, 24) unit vectors. styles: (N, 64).
        people, emotions: (N,) numbers; emotion 0 is neutral.
    """

    prints: Floats
    styles: Floats
    people: NDArray[np.int64]
    emotions: NDArray[np.int64]

    def pooled(self, emotion: int) -> Floats:
        """Mean style (64,) of all people in an emotion; of all emotions where none has it. An empty
        library has the mean of the voices that trained, which is 0."""
        if not len(self.styles):
            return np.zeros(STYLE)
        of = self.emotions == emotion
        return np.asarray(self.styles[of if of.any() else slice(None)].mean(axis=0))

    def person(self, heard: Floats) -> int:
        """The person whose print is nearest to one that was heard (24,); -1 if none is near."""
        near = self.prints @ heard
        best = int(near.argmax()) if len(near) else -1
        return int(self.people[best]) if best >= 0 and near[best] > FAR else -1

    def style(self, heard: Floats, emotion: int, own: Floats, sentences: float) -> Floats:
        """The style (64,) in which a voice is shown.

        Args:
            heard: (24,) print of what was heard.
            emotion: number.
            own: (64,) style that the sound itself tells.
            sentences: heard so far.
        """
        of = np.flatnonzero(self.emotions == emotion)
        pooled = self.pooled(emotion)
        if len(of) and (near := self.prints[of] @ heard).max() > FAR:
            weights = np.exp(SHARPNESS * (near - near.max()))
            return np.asarray(weights @ self.styles[of] / weights.sum())
        share = sentences / (sentences + OWN_AFTER)
        return np.asarray((1.0 - share) * pooled + share * own)

    def shown(self, heard: Floats, own: Floats, sentences: float, emotions: int) -> Floats:
        """The styles (E, 64) in which a voice is shown in each of ``emotions``, neutral first.

        A person who is known keeps to his neutral style where his emotion was not learned.
        """
        out = np.repeat(self.style(heard, 0, own, sentences)[None], emotions, axis=0)
        who = self.person(heard)
        for emotion in set(self.emotions[self.emotions > 0].tolist()):
            if who < 0 or (self.people[self.emotions == emotion] == who).any():
                out[emotion] = self.style(heard, emotion, own, sentences)
        return out


def voiceprint(p: Parameters, sound: Floats) -> Floats:
    """Statistics (..., 150) of a sound -> print (..., 24) of length 1."""
    x = np.clip((sound[..., OF_PRINT] - p.print_mean) * p.print_scale, -4.0, 4.0)
    raw = x @ p.voiceprint.T
    return np.asarray(raw / np.maximum(np.linalg.norm(raw, axis=-1, keepdims=True), 1e-9))
