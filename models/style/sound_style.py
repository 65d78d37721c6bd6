"""Sound of a voice -> statistics that its style is heard in.

Means of the running statistics of prosody, and cepstra of the log-mel bands. A style is heard in
the mean and spread of the first 12 over all speech; a print in the spread of 24, and in their means
in each of four kinds of sounds, told apart by the first two. So the words hardly matter over a few
seconds; the level does not at all.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from mien.models.errors import ModelError
from mien.models.face.blendshapes import FPS
from mien.models.speech.features import MELS, RATE, extract, start
from mien.models.style.prosody import QUIET_DB, STATISTICS, ProsodyStream, prosody

Floats = NDArray[np.float64]
CEPSTRA: Final = 24
_CENTRE: Final = (2.2, -0.2)
"""Medians of the first two cepstra in speech, which part its sounds in four kinds."""
_KINDS: Final = 1 << len(_CENTRE)
_KNOWN_HOPS: Final = 10.0
"""Hops of a kind after which its own means count as much as those of all speech."""
OF_PRINT: Final = slice(len(STATISTICS) + (_KINDS + 1) * CEPSTRA)
"""Columns of prosody, of the kinds and of the spread, which tell who speaks."""
_STYLED: Final = 12
SOUND: Final = OF_PRINT.stop + _STYLED
"""Statistics of a sound."""
_SPREAD: Final = OF_PRINT.stop - CEPSTRA
OF_STYLE: Final = np.r_[: len(STATISTICS), OF_PRINT.stop : SOUND, _SPREAD : _SPREAD + _STYLED]
"""Columns of prosody, and of the mean and spread of 12 cepstra, which tell a style."""
LEVEL: Final = 0.06
"""RMS to which a sound is brought."""
LEAST_S: Final = 0.7
"""Voiced time in s that a style is heard from; better 10 s."""
MEMORY_S: Final = 30.0
"""Speech in s that a running voice is heard by."""
_QUIET, _SOFT = 1e-6, 0.01
"""Power of silence, and share of the mean power below which nothing tells the level."""


def statistics(samples: NDArray[np.float32]) -> Floats:
    """Statistics (150,) of a sound (n,) at 16 kHz.

    Raises:
        ModelError: it has too little voice.
    """
    sound = np.asarray(samples, np.float64)
    power = float(np.mean(sound**2)) if len(sound) else 0.0
    if power > 1e-10:
        sound = sound * (LEVEL / np.sqrt(power))
    x = sound.astype(np.float32)
    found = prosody(x, len(x) * FPS // RATE)
    known = found.seconds > LEAST_S
    sums = _tallied(extract(x)[0])
    if power <= 1e-10 or not known.any() or not sums[:, 0].any():
        raise ModelError(f"it has less than {LEAST_S:g} s of voice", "10 s of speech suffice")
    return np.concatenate([found.statistics[known].mean(axis=0), _spectrum(sums)])


def _tallied(hops: NDArray[np.float32]) -> Floats:
    """Those hops (n, 66) that are speech, by kind: (4, 49) count, sums of cepstra and squares."""
    speech = 20.0 * (hops[:, MELS] - 1.0) > QUIET_DB
    bands = hops[speech][:, :MELS].astype(np.float64)
    x = fft.dct(bands, axis=1, norm="ortho")[:, 1 : CEPSTRA + 1]
    kind = (x[:, : len(_CENTRE)] > _CENTRE) @ (1 << np.arange(len(_CENTRE)))
    rows = np.concatenate([np.ones((len(x), 1)), x, x**2], axis=1)
    return np.asarray((kind == np.arange(_KINDS)[:, None]) @ rows)


def _spectrum(sums: Floats) -> Floats:
    """Tallies (4, 49) -> means of each kind, spread over all and first means over all (132,)."""
    mean, square = np.split(sums[:, 1:].sum(axis=0) / max(sums[:, 0].sum(), 1.0), 2)
    kinds = sums[:, 1 : CEPSTRA + 1] + _KNOWN_HOPS * mean
    spread = np.sqrt(np.maximum(square - mean**2, 0.0))
    kinds /= sums[:, [0]] + _KNOWN_HOPS
    return np.concatenate([kinds.ravel(), spread, mean[:_STYLED]])


class StatisticsStream:
    """The ``statistics`` of a voice that is still running, over its last half minute.

    Attributes:
        seconds: voiced time in s since the first sample.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._prosody, self._features = ProsodyStream(), start()
        self._power = np.zeros(2)  # blocks that were loud enough, and the sum of their powers
        self._sums = np.zeros(1 + len(STATISTICS))
        self._spectrum = np.zeros((_KINDS, 1 + 2 * CEPSTRA))

    @property
    def statistics(self) -> Floats:
        """Statistics (150,) so far; 0 before the first voice."""
        return np.append(self._sums[1:] / max(self._sums[0], 1.0), _spectrum(self._spectrum))

    def push(self, samples: NDArray[np.float32]) -> None:
        """Hear samples (n,) at 16 kHz, any n. The level is followed from call to call."""
        if not len(samples):
            return
        power = float(np.mean(np.square(samples, dtype=np.float64)))
        if power > max(_QUIET, _SOFT * self._power[1] / max(self._power[0], 1e-9)):
            keep = np.exp(-len(samples) / (MEMORY_S * RATE))
            self._power = keep * self._power + [len(samples), power * len(samples)]
        if not self._power[0]:
            return
        gain = LEVEL / np.sqrt(self._power[1] / self._power[0])
        sound = np.asarray(gain * samples, np.float32)
        found = self._prosody.push(sound)
        hops, self._features = extract(sound, self._features)
        known = (found.seconds > LEAST_S) & found.voiced
        keep = np.exp(-known.sum() / (MEMORY_S * FPS))
        rows = found.statistics[known]
        self.seconds += known.sum() / FPS
        self._sums = keep * self._sums + [len(rows), *rows.sum(axis=0)]
        self._spectrum = keep * self._spectrum + _tallied(hops)
