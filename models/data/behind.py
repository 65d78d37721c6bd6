"""What sounds behind a voice: other people, and recorded music."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from mien.models.data.augment import unit
from mien.models.data.schema import Corpus, read_audio
from mien.models.errors import ModelError
from mien.models.speech.features import RATE

MUSIC_FILES: Final = (".ogg", ".flac", ".wav", ".mp3", ".opus")
MOST_S: Final = 90.0
"""Longest part of a piece that is kept, s."""
TEMPO: Final = 1.33
"""Largest factor of a change of a piece's tempo and pitch, up or down."""


def babble(n: int, corpora: Sequence[Corpus], rng: np.random.Generator) -> NDArray[np.float64]:
    """(n,) samples of unit power: two to eight clips at once."""
    out = np.zeros(n)
    for _ in range(int(rng.integers(2, 9))):
        corpus = corpora[int(rng.integers(len(corpora)))]
        clip = corpus.clips[int(rng.integers(len(corpus)))]
        out += excerpt(clip.samples, n, rng) * 10 ** (rng.uniform(-6, 0) / 20)
    return unit(out)


def excerpt(samples: NDArray[np.int16], n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n,) of unit power from a random place of a recording, which is repeated if it is short."""
    first = int(rng.integers(0, max(len(samples) - n, 0) + 1))
    return unit(np.resize(samples[first:], n).astype(np.float64))


def played(piece: NDArray[np.int16], n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n,) of unit power from a random place of a piece, up to a third slower or faster.

    Pitch and beat change together, so a few pieces give many.
    """
    rate = float(TEMPO ** rng.uniform(-1, 1))
    part = excerpt(piece, int(n * rate) + 64, rng)
    return unit(np.resize(soxr.resample(part, RATE * rate, RATE, quality="LQ"), n))


def read_music(folder: Path) -> list[NDArray[np.int16]]:
    """The first 90 s of every sound file below ``folder``, sorted by name.

    Raises:
        ModelError: there is none, or one cannot be read.
    """
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in MUSIC_FILES)
    if not paths:
        raise ModelError(
            f"no music ({', '.join(MUSIC_FILES)}) below {folder}", "mien train speech --music DIR"
        )
    pieces = []
    for path in paths:
        try:
            pieces.append(read_audio(path)[: int(MOST_S * RATE)])
        except (OSError, soundfile.LibsndfileError) as e:
            raise ModelError(f"cannot read {path}: {e}", "mien train speech --music DIR") from e
    return pieces
