"""The speech network as ears of a song: lips, and the phones that it hears, from one pass."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.models.speech.phones import BILABIAL, NUMBER, PHONES, SILENCE, VOWELS
from mien.models.speech.runtime_numpy import LightSpeech

VOWEL_NUMBERS: Final = np.array([NUMBER[v] for v in VOWELS])
Floats: TypeAlias = NDArray[np.float64]
LABIAL_NUMBERS: Final = np.array([NUMBER[p] for p in sorted(BILABIAL)])


class Ears:
    """An engine for a speech stream that also keeps the phones of each step.

    Args:
        engine: the network; it serves this stream only.
    """

    def __init__(self, engine: LightSpeech) -> None:
        self._engine = engine
        self.lookahead_frames = engine.lookahead_frames
        self._skip = engine.lookahead_frames
        self._rows: list[NDArray[np.float32]] = []

    def reset(self) -> None:
        """Return the network to its first frame. Phones that were not taken are kept."""
        self._engine.reset()

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Frames of features (T, 2 x 66) -> shapes (T, 52)."""
        shapes, logits = self._engine.both(x)
        self._rows.append(logits)
        return shapes

    def taken(self) -> NDArray[np.float32]:
        """Probabilities (m, phones) of the frames since the last call; frame by frame as shapes."""
        rows = np.concatenate([np.zeros((0, len(PHONES)), np.float32), *self._rows])
        skipped = min(self._skip, len(rows))
        self._skip -= skipped
        self._rows = []
        share = np.exp(rows[skipped:] - rows[skipped:].max(axis=1, keepdims=True, initial=-1e9))
        return np.asarray(share / share.sum(axis=1, keepdims=True), np.float32)


def voice_of(share: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probability (T,) that somebody sings or speaks, from those of the phones (T, phones).

    The network learned music and noise as silence.
    """
    return np.asarray(1.0 - share[:, NUMBER[SILENCE]], np.float64)


def evidence(speech: Floats, song: Floats) -> Floats:
    """Evidence for a voice (T,) in nats, from two networks that err on different instruments.

    Args:
        speech: (T,) probability by the speech network.
        song: (T,) probability by ``voice_net``.
    """
    return np.asarray(0.5 * (_logit(speech) + _logit(song)))


def _logit(p: Floats) -> Floats:
    kept = np.clip(p, 0.03, 0.97)
    return np.asarray(np.log(kept) - np.log(1.0 - kept))
