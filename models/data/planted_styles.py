"""A teacher for faces that nobody filmed: how each voice moves its face, by a documented rule.

A style is ten numbers. Most of each follows from six traits that can be heard; the rest is the
speaker's own, and his own in each emotion, so that speaker and emotion do not add. What was planted
is known, so it can be compared with what a network finds.

The signs of the table follow the literature, the sizes are ours: fast speech undershoots (Lindblom,
JASA 35, 1963), effort opens the jaw (Schulman, JASA 85, 1989), brows and head follow a lively pitch
(Cave et al., ICSLP 1996; Munhall et al., Psychol. Sci. 15, 2004), and smiles shorten the vocal
tract and brighten a voice (Tartter, Percept. Psychophys. 27, 1980).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.style.channels import CHANNELS, SMILES
from mien.models.style.prosody import STATISTICS
from mien.models.style.visemes import VISEMES

Floats = NDArray[np.float64]
TRAITS: Final = tuple(
    STATISTICS.index(n)
    for n in ("pitch", "pitch_spread", "level_change_83", "onsets", "cepstrum_1", "cepstrum_2")
)
"""Statistics of a voice that tell its style: pitch, melody, dynamics, tempo, brightness, throat."""
HABITS: Final = ("lips", "asymmetry", "smile", "brows", "head", "blinks")
PLANTED: Final = (*VISEMES, *HABITS)
"""Columns of a planted style. Visemes: logarithm of the amplitude. Lips: logarithm of the motion of
the lips; half of it is taken from the opening, which the jaw makes. Asymmetry: share by which the
face's left moves more and its right less. Smile: shape weight. Brows, head, blinks: logarithms of
motion and rate."""
TABLE: Final[Floats] = np.array([
    # pitch melody dynamics tempo brightness throat
    [0.1, 0.3, 0.6, -0.5, 0.2, -0.2],  # open
    [0.3, 0.1, 0.2, -0.4, 0.6, 0.3],  # spread
    [-0.4, 0.3, 0.1, -0.5, -0.4, 0.4],  # round
    [0.0, -0.3, 0.5, 0.2, 0.5, -0.4],  # sibilant
    [0.5, -0.1, -0.3, 0.2, 0.2, 0.5],  # lips
    [-0.3, 0.5, -0.4, 0.0, -0.1, -0.5],  # asymmetry
    [0.4, 0.4, 0.0, 0.1, 0.4, 0.4],  # smile
    [0.2, 0.7, 0.2, 0.0, 0.0, 0.1],  # brows
    [-0.1, 0.5, 0.5, 0.2, -0.1, -0.1],  # head
    [0.2, -0.2, 0.2, 0.6, 0.1, 0.0],  # blinks
])  # fmt: skip
"""Standard deviations of a planted number per standard deviation of a trait."""
CROSSED: Final = ((0, 4), (1, 3))
"""Traits whose product also tells: pitch and brightness, melody and tempo."""
CROSSED_SIZE: Final = 0.3
SIZES: Final[Floats] = np.array([*[0.45] * len(VISEMES), 0.35, 0.25, 0.1, 0.5, 0.6, 0.4])
"""Largest deviation of each planted number from its centre."""
CENTRES: Final[Floats] = np.where(np.array(PLANTED) == "smile", 0.1, 0.0)
HEARD, OWN, OWN_IN_EMOTION = 0.7, 0.2, 0.1
"""Shares of the variance: of the traits, of the speaker, and of the speaker in an emotion."""
_FAR: Final = 2.5


def planted(
    traits: Floats, speakers: Sequence[str], emotions: Sequence[str], seed: int = 0
) -> Floats:
    """Planted styles (V, 10) of voices.

    Args:
        traits: (V, 6) of each voice, in any units.
        speakers, emotions: (V,) names; a voice is a speaker in an emotion.
        seed: of the cross terms and of what is the speaker's own.
    """
    z = np.clip((traits - traits.mean(axis=0)) / (traits.std(axis=0) + 1e-9), -_FAR, _FAR)
    crossed = np.random.default_rng(seed).normal(0, CROSSED_SIZE, (len(CROSSED), len(PLANTED)))
    heard = z @ TABLE.T + np.stack([z[:, a] * z[:, b] for a, b in CROSSED], axis=1) @ crossed
    heard = (heard - heard.mean(axis=0)) / (heard.std(axis=0) + 1e-9)
    own = np.stack([_own(seed, s) for s in speakers])
    in_emotion = np.stack([_own(seed, f"{s} {e}") for s, e in zip(speakers, emotions, strict=True)])
    mixed = np.sqrt(HEARD) * heard + np.sqrt(OWN) * own + np.sqrt(OWN_IN_EMOTION) * in_emotion
    return np.asarray(CENTRES + SIZES * np.tanh(mixed))


def _own(seed: int, name: str) -> Floats:
    return np.random.default_rng([seed, zlib.crc32(name.encode())]).normal(size=len(PLANTED))


def factors(style: Floats) -> Floats:
    """Logarithm (4,) of the factor of the lip opening in each viseme class, of a style (10,)."""
    return np.asarray(style[: len(VISEMES)] - 0.5 * style[PLANTED.index("lips")])


def performed(neutral: Floats, shares: Floats, speaks: Floats, style: Floats) -> Floats:
    """Channels of the teacher's mouth in a style.

    Args:
        neutral: (T, 11) channels without a style.
        shares: (T, 4) how much each viseme class forms the mouth now.
        speaks: (T,) in 0..1.
        style: (10,).

    Returns:
        (T, 11) channels.
    """
    lips, asymmetry, smile = (style[PLANTED.index(n)] for n in ("lips", "asymmetry", "smile"))
    amplitude = shares @ style[: len(VISEMES)]
    log = np.repeat(amplitude[:, None], len(CHANNELS), axis=1)
    log[:, 0] -= 0.5 * lips * shares.sum(axis=1)
    log[:, 1:5] = lips  # the rules give these to single phones, so no class changes them
    log[:, list(SMILES)] = 0.0
    out = neutral * np.exp(log)
    out[:, list(SMILES)] += smile * speaks[:, None]
    for left, right in ((1, 2), (3, 4), (5, 6), SMILES):
        out[:, left] *= 1.0 + asymmetry
        out[:, right] *= 1.0 - asymmetry
    return np.asarray(np.clip(out, 0.0, 1.0))
