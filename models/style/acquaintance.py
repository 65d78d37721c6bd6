"""Whoever speaks, heard while he speaks, and shown in his style, surer with every sentence.

What is heard is in memory only, and is forgotten when nobody has spoken for a while.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.emotion import EMOTIONS
from mien.models.speech.features import RATE
from mien.models.style.memory import WEIGHTS, Floats, code, read
from mien.models.style.personal import Library, voiceprint
from mien.models.style.sound_style import StatisticsStream

SENTENCE_S: Final = 5.0
"""Sound in s that counts as one sentence of a stranger."""
FIRST_S: Final = 3.0
"""Speech in s before which a voice is anybody's."""
EVERY_S: Final = 1.0
"""Speech in s between two answers."""
GONE_S: Final = 30.0
"""Silence in s after which another person may speak."""


class Acquaintance:
    """One voice in front of the face.

    Args:
        library: of people whose styles were learned; it may be empty.
        path: of the weights.

    Raises:
        ModelError: no such weights.
    """

    def __init__(self, library: Library, path: Path = WEIGHTS) -> None:
        self._library, self._parameters = library, read(path)
        self.forget()

    @property
    def pooled(self) -> Floats:
        """Styles (E, 64) of a voice of which nothing is known."""
        nobody = np.zeros(self._parameters.voiceprint.shape[0])
        return self._library.shown(nobody, np.zeros(len(self._parameters.second)), 0, len(EMOTIONS))

    def forget(self) -> None:
        """Forget whoever spoke."""
        self._sound = StatisticsStream()
        self._silent_s, self._answered_s = 0.0, FIRST_S - EVERY_S

    def push(self, samples: NDArray[np.float32]) -> Floats | None:
        """Samples (n,) at 16 kHz, any n -> styles (E, 64) from now on; None for no change."""
        before = self._sound.seconds
        self._sound.push(samples)
        now = self._sound.seconds
        self._silent_s = 0.0 if now > before else self._silent_s + len(samples) / RATE
        if self._silent_s > GONE_S and now > 0.0:
            self.forget()
            return self.pooled
        if now - self._answered_s < EVERY_S:
            return None
        self._answered_s = now
        p, sound = self._parameters, self._sound.statistics
        heard, own = voiceprint(p, sound), code(p, sound)
        return self._library.shown(heard, own, now / SENTENCE_S, len(EMOTIONS))
