"""One space of feeling: text, sound, label and motion of a face become points of 64 numbers.

The origin is neutral, the direction of a point is the kind of feeling, and its length the
intensity, 0 to below 1. All encoders are trained toward the same points, so a text lies near the
motion of a face that fits it. A point becomes intensities of the seven emotions by a linear map.
Everything is continuous: near points look alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.face.blendshapes import ARKIT
from mien.models.feeling.text_network import TextNetwork
from mien.models.feeling.words import last_clause, words_of
from mien.models.reading.arrays import check_shapes
from mien.models.style.emotion import CLASSES

Floats = NDArray[np.float64]
KIND: Final = "feeling"
WEIGHTS: Final = checkpoint.WEIGHTS / "feeling.safetensors"
SIZE: Final = 64
"""Numbers of a point."""
FEELINGS: Final = ("happiness", "sadness", "anger", "fear", "disgust", "surprise", "contempt")
HEARD: Final = len(CLASSES) + 2
"""Numbers of a sound: probabilities of ``CLASSES``, arousal and valence."""
SEEN: Final = len(ARKIT) + 3
"""Numbers of a face: shapes in 0..1, and neck commands in -1..1."""
HIDDEN: Final = 32
TEXT: Final = "text."
"""What the names of the tensors of the reader of text begin with."""
STRENGTHS: Final = (0.25, 0.95)
"""Least and largest intensity of a feeling in words."""
SURE: Final = 0.6
"""Probability from which the last clause of a text tells a feeling by itself."""
DONE: Final = 0.8
"""Weight of such a clause: what somebody does at the end weighs more than what happened to him."""
DECIDED: Final = 2.0
"""Power of the probabilities: what is rather one feeling than another is that one and not a weak
mixture, which would look like none."""
LONGEST: Final = 0.98
"""Length of the longest point."""
FAINT: Final = 0.04
"""Intensity that is too faint to show."""
_LAYERS: Final = {"sound": HEARD, "motion": SEEN}


def layout() -> dict[str, tuple[int, ...]]:
    """Shape of each tensor, but for those of the reader of text."""
    out: dict[str, tuple[int, ...]] = {"axes": (len(FEELINGS), SIZE)}
    for name, inputs in _LAYERS.items():
        out |= {
            f"{name}.mean": (inputs,), f"{name}.scale": (inputs,),
            f"{name}.first": (HIDDEN, inputs), f"{name}.first_bias": (HIDDEN,),
            f"{name}.second": (SIZE, HIDDEN), f"{name}.second_bias": (SIZE,),
        }  # fmt: skip
    return out


@cache
def space(path: Path = WEIGHTS) -> Space:
    """The space of a weights file, read once."""
    return Space(path)


class Space:
    """The encoders of a weights file.

    Args:
        path: of the weights.

    Raises:
        ModelError: no such weights, or they do not fit.
    """

    def __init__(self, path: Path = WEIGHTS) -> None:
        tensors, self.meta = checkpoint.load(path, KIND)
        check_shapes(path, tensors, layout())
        self._text = TextNetwork(path, tensors, TEXT)
        self._w: dict[str, Any] = {name: np.asarray(tensors[name], np.float32) for name in layout()}
        self._back = np.linalg.pinv(np.asarray(self._w["axes"], np.float64))

    def of_text(self, text: str) -> Floats:
        """Point (64,) of a description in English, such as "she laughs about it".

        Raises:
            ModelError: the text has no word.
        """
        words = words_of(text)
        if not words.words:
            raise ModelError(f"{text[:60]!r} has no English word", "describe a scene in words")
        answers = self._answers(words.text)
        clause = last_clause(words.text)
        if clause is not None:
            done = self._answers(clause)
            sure = np.clip((done[1:-1].max() - SURE) / (1.0 - SURE - 0.1), 0.0, 1.0)
            answers += DONE * sure * (done - answers)
        strength = float(np.clip(answers[-1], *STRENGTHS))
        likely = answers[:-1] ** DECIDED / np.sum(answers[:-1] ** DECIDED)
        return scaled(bounded(strength * (likely[1:] @ self._w["axes"])), words.degree)

    def of_sound(self, shares: Floats, plane: Floats) -> Floats:
        """Points (T, 64) of a heard voice.

        Args:
            shares: (T, 4) probabilities of ``mien.models.style.emotion.CLASSES``.
            plane: (T, 2) arousal and valence.
        """
        return self._through("sound", np.concatenate([shares, plane], axis=1))

    def of_motion(self, faces: Floats) -> Floats:
        """Points (T, 64) of faces (T, 55): shapes, and neck commands yaw, pitch, roll."""
        return self._through("motion", faces)

    def of_label(self, intensities: Mapping[str, float]) -> Floats:
        """Point (64,) of intensities in 0..1 by emotion; neutral, and emotions of a user's own,
        have none."""
        row = np.array([intensities.get(name, 0.0) for name in FEELINGS])
        return bounded(np.asarray(row @ self._w["axes"], np.float64))

    def intensities(self, points: Floats) -> Floats:
        """Points (..., 64) -> intensities (..., 7) of ``FEELINGS`` in 0..1."""
        raw = np.asarray(points, np.float64) @ self._back
        return np.asarray(np.clip((raw - FAINT) / (1.0 - FAINT), 0.0, 1.0))

    def _answers(self, text: str) -> Floats:
        """What the reader says of a text: probabilities of the kinds, and intensity (9,)."""
        out = np.asarray(self._text.answers(text), np.float64)
        likely = np.exp(out[:-1] - out[:-1].max())
        out[:-1] = likely / likely.sum()
        return out

    def _through(self, name: str, x: NDArray[np.floating]) -> Floats:
        w = self._w
        h = (np.asarray(x, np.float32) - w[f"{name}.mean"]) * w[f"{name}.scale"]
        h = np.tanh(h @ w[f"{name}.first"].T + w[f"{name}.first_bias"])
        return bounded(np.asarray(h @ w[f"{name}.second"].T + w[f"{name}.second_bias"], np.float64))


def bounded(points: Floats) -> Floats:
    """Points (..., 64) with a length below ``LONGEST``; short ones stay as they are."""
    length = np.linalg.norm(points, axis=-1, keepdims=True)
    # The same up to 0.7, then ever slower.
    over = np.maximum(length - 0.7, 0.0)
    short = np.minimum(length, 0.7) + (LONGEST - 0.7) * (1.0 - np.exp(-over / (LONGEST - 0.7)))
    return np.asarray(points * (short / np.maximum(length, 1e-9)))


def scaled(point: Floats, degree: float) -> Floats:
    """A point (64,) that is weaker or stronger by a degree: 1 leaves it, and none reaches 1."""
    length = float(np.linalg.norm(point))
    if length < 1e-9 or degree == 1.0:
        return point
    return np.asarray(point * ((1.0 - (1.0 - length) ** degree) / length))
