"""Spread of samples beside that of the clips that were trained on.

    python -m mien.models.train.manner.spread --data FOLDER --out manner.safetensors

measures it again for weights that are there, where the sampler has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.models.data.manner import MannerClip, prepared
from mien.models.face.curves import CURVES
from mien.models.manner.config import COLUMNS, GENERATED, LIPS, shut
from mien.models.manner.runtime_numpy import MAX_SPREAD, Manner
from mien.models.manner.weights import KIND, WEIGHTS
from mien.models.speech import stream
from mien.models.speech.runtime_numpy import WEIGHTS as SPEECH
from mien.models.speech.runtime_numpy import load as load_speech
from mien.models.train.runs import options
from mien.models.train.runs.half import halved

Floats = NDArray[np.float64]
CLIPS: Final = 400
_FACTORS: Final = np.linspace(0.5, MAX_SPREAD, 151)


def measured(engine: Manner, clips: Sequence[MannerClip]) -> dict[str, float]:
    """Factor by curve: standard deviation over time within clips, filmed over sampled.

    Of lids only what shuts them is shown. Their factor gives that the same variance.

    Args:
        engine: the network.
        clips: of the training; those with filmed curves are used, at most ``CLIPS``.
    """
    filmed = [c for c in clips if c.given[list(COLUMNS)].all()]
    at = np.linspace(0, len(filmed) - 1, min(CLIPS, len(filmed)))
    pairs: list[tuple[Floats, Floats]] = []
    for k, clip in enumerate(filmed[int(i)] for i in at):
        known = np.full((len(clip.curves), len(CURVES)), np.nan, np.float32)
        known[:, LIPS] = clip.curves[:, LIPS]
        made = engine.sample(clip.sound, known, k)
        pairs.append((clip.curves[:, COLUMNS].astype(float), made[:, COLUMNS].astype(float)))
    out = {}
    for k, name in enumerate(GENERATED):
        real = [x[:, k] for x, _ in pairs]
        made_too = [x[:, k] for _, x in pairs]
        if name.startswith("eyeBlink"):
            goal = _variance([shut(x) for x in real])
            off = [abs(_variance([shut(f * x) for x in made_too]) - goal) for f in _FACTORS]
            factor = float(_FACTORS[int(np.argmin(off))])
        else:
            factor = float(np.sqrt(_variance(real) / max(_variance(made_too), 1e-12)))
        out[name] = round(float(np.clip(factor, 1.0 / MAX_SPREAD, MAX_SPREAD)), 4)
    return out


def _variance(rows: Sequence[Floats]) -> float:
    return float(np.mean([x.var() for x in rows]))


def main() -> None:
    """Write the factors into a weights file."""
    given = options.parser(WEIGHTS).parse_args()
    speech = load_speech(SPEECH)
    clips = prepared(given.data, lambda s: stream.speak(speech, s), SPEECH, given.cache)
    tensors, meta = checkpoint.load(given.out, KIND)
    meta |= {"spread": measured(Manner(given.out), clips)}
    checkpoint.save(given.out, halved(tensors), meta)  # they are read in single precision
    print(given.out, checkpoint.load(given.out, KIND)[1]["spread"])


if __name__ == "__main__":
    main()
