"""Sound of a voice -> statistics that its style is heard in.

Means of the running statistics of prosody, and mean and spread of twelve cepstra of the log-mel
bands over its speech. The words hardly matter over a few seconds; the level does not at all.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from mien.models.errors import ModelError
from mien.models.face.blendshapes import FPS
from mien.models.speech.features import MELS, RATE, extract
from mien.models.style.prosody import QUIET_DB, STATISTICS, prosody

Floats = NDArray[np.float64]
CEPSTRA: Final = 12
SOUND: Final = len(STATISTICS) + 2 * CEPSTRA
"""Statistics of a sound."""
LEVEL: Final = 0.06
"""RMS to which a sound is brought."""
LEAST_S: Final = 0.7
"""Voiced time in s that a style is heard from; better 10 s."""


def statistics(samples: NDArray[np.float32]) -> Floats:
    """Statistics (42,) of a sound (n,) at 16 kHz.

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
    hops = extract(x)[0]
    speech = 20.0 * (hops[:, MELS] - 1.0) > QUIET_DB
    if power <= 1e-10 or not known.any() or not speech.any():
        raise ModelError(f"it has less than {LEAST_S:g} s of voice", "10 s of speech suffice")
    bands = hops[speech][:, :MELS].astype(np.float64)
    cepstra = fft.dct(bands, axis=1, norm="ortho")[:, 1 : CEPSTRA + 1]
    return np.concatenate(
        [found.statistics[known].mean(axis=0), cepstra.mean(axis=0), cepstra.std(axis=0)]
    )
