"""What a training of the motion memory sees: frames of many voices, and the teacher's mouth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh
from torch import Tensor

from mien.models.data.planted_styles import performed
from mien.models.data.style_voices import Voices
from mien.models.manner.style_file import PRINT
from mien.models.speech.phones import NUMBER, PHONES, SILENCE
from mien.models.style.memory import SMOOTHED, smoothed
from mien.models.style.sound_style import OF_PRINT, OF_STYLE

_RIDGE: Final = 0.003
"""Added to the scatter within people, so that no direction counts that hardly varies."""


@dataclass(frozen=True)
class Lesson:
    """What a training sees.

    Attributes:
        phones: (N, 40) smoothed. channels, wanted: (N, 11) of the speech network and the teacher.
        sentences: (M', 3) first frame, length and voice of each sentence.
        sound: (M', 42) standardised statistics of its sound. planted: (V, 10) style of each voice.
        mean, scale: (42,) of the standardisation.
        print_mean, print_scale: (138,) of that of the print.
        voiceprint: (24, 138) projection in which people differ most.
    """

    phones: Tensor
    channels: Tensor
    wanted: Tensor
    sentences: NDArray[np.int64]
    sound: Tensor
    planted: Tensor
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    print_mean: NDArray[np.float64]
    print_scale: NDArray[np.float64]
    voiceprint: NDArray[np.float64]


def taught(voices: Voices, styles: NDArray[np.float64]) -> NDArray[np.float64]:
    """The teacher's channels (N, 11) of all sentences, for the styles (V, 10) of their voices."""
    out = np.zeros(voices.channels.shape)
    for k, voice in enumerate(voices.voice):
        at = voices.frames(k)
        speaks = np.where(voices.labels[at] == NUMBER[SILENCE], 0.0, 1.0)
        neutral, shares = (x[at].astype(np.float64) for x in (voices.neutral, voices.shares))
        out[at] = performed(neutral, shares, speaks, styles[voice])
    return out


def smooth_phones(voices: Voices) -> NDArray[np.float64]:
    """Phones (N, 40) as the memory is addressed by them."""
    out = np.zeros(voices.phones.shape)
    before = np.zeros((SMOOTHED - 1, len(PHONES)))
    before[:, NUMBER[SILENCE]] = 1.0
    for k in range(len(voices.ends)):
        at = voices.frames(k)
        out[at] = smoothed(np.concatenate([before, voices.phones[at].astype(np.float64)]))
    return out


def lesson(voices: Voices, styles: NDArray[np.float64], chosen: NDArray[np.bool_]) -> Lesson:
    """What a training on some sentences sees.

    Args:
        voices: all.
        styles: (V, 10) what the teacher planted.
        chosen: (M,) sentences that train; ``more`` of them train the print alone.
    """
    starts, few = np.concatenate([[0], voices.ends[:-1]]), chosen & ~voices.more
    rows = np.stack([starts, voices.ends - starts, voices.voice], axis=1)[few]
    mean, scale, sound = _standard(voices.sound[few][:, OF_STYLE])
    print_mean, print_scale, heard = _standard(voices.sound[chosen][:, OF_PRINT])

    def tensor(x: NDArray[np.floating]) -> Tensor:
        return torch.from_numpy(np.asarray(x, np.float32))

    return Lesson(
        tensor(smooth_phones(voices)), tensor(voices.channels), tensor(taught(voices, styles)),
        rows, tensor(sound), tensor(styles), mean, scale, print_mean, print_scale,
        discriminant(heard, voices.speaker[voices.voice[chosen]]),
    )  # fmt: skip


def _standard(
    sound: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean, factor and standardised rows."""
    mean, scale = sound.mean(axis=0), 1.0 / (sound.std(axis=0) + 1e-6)
    return mean, scale, (sound - mean) * scale


def discriminant(sound: NDArray[np.float64], people: NDArray[np.str_]) -> NDArray[np.float64]:
    """Fisher's linear discriminants (24, 138) of people, whatever their emotions. A person counts
    by the number of his sentences.

    Args:
        sound: (M, 138) standardised statistics.
        people: (M,) who speaks.
    """
    means = {who: sound[people == who].mean(axis=0) for who in np.unique(people)}
    each = np.stack([means[who] for who in people])
    around = sound - each
    within = around.T @ around / len(sound) + _RIDGE * np.eye(sound.shape[1])
    _, vectors = eigh(np.cov(each.T), within)
    return np.asarray(vectors[:, ::-1][:, :PRINT].T)
