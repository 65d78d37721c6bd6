"""Runs the open lip-sync packages pylipsync and openfacefx; called by ``speech.py`` beside it.

It stands alone because pylipsync wants an older numpy than the project: give it an environment of
its own (``pip install pylipsync openfacefx``). Input npz: ``samples`` (n,) 16 kHz, ``starts``, and
``phones``/``phone_start``/``phone_end``/``phone_clip``. Output npz: one opening track per clip at
60 frames a second and package.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

RATE = 16000
VOWEL_OPENING = {"aa": 1.0, "oh": 0.6, "ee": 0.4, "ih": 0.3, "ou": 0.25, "silence": 0.0}
"""How far pylipsync's phonemes open a mouth; it leaves that to the rig."""


def pylipsync_opening(samples: Any) -> Any:
    from pylipsync import PhonemeAnalyzer

    segments = PhonemeAnalyzer().extract_phoneme_segments(
        samples.astype(np.float32), RATE, fps=60, return_seconds=True
    )
    times = np.asarray([(s.start + s.end) / 2 for s in segments])
    values = np.asarray(
        [sum(VOWEL_OPENING[p.name] * p.target for p in s.phonemes) for s in segments]
    )
    frames = -(-len(samples) * 60 // RATE)
    return np.interp(np.arange(frames) / 60, times, values)


def openfacefx_opening(phones: list[tuple[str, float, float]], frames: int) -> Any:
    """Its own retargeting to ARKit: jawOpen - mouthClose, from the same forced alignment."""
    from openfacefx.alignment import PhonemeSegment
    from openfacefx.edits import sample
    from openfacefx.pipeline import generate_from_alignment
    from openfacefx.retarget import PRESETS, retarget

    segments = [PhonemeSegment(p, a, b) for p, a, b in phones]
    track = retarget(generate_from_alignment(segments, fps=60.0), PRESETS["arkit"])
    times = np.arange(frames) / 60
    shapes = {c.name.lower(): c for c in track.channels}
    out = np.zeros(frames)
    for name, sign in (("jawopen", 1.0), ("mouthclose", -1.0)):
        if name in shapes:
            out += sign * sample(shapes[name], times)
    return np.maximum(out, 0)


def main() -> None:
    source, target = map(Path, sys.argv[1:3])
    data = np.load(source)
    out: dict[str, Any] = {}
    for i in range(len(data["starts"]) - 1):
        samples = data["samples"][data["starts"][i] : data["starts"][i + 1]]
        out[f"pylipsync_{i}"] = pylipsync_opening(samples)
        mine = data["phone_clip"] == i
        phones = list(
            zip(
                data["phones"][mine].tolist(),
                data["phone_start"][mine].tolist(),
                data["phone_end"][mine].tolist(),
                strict=True,
            )
        )
        if phones:
            out[f"openfacefx_{i}"] = openfacefx_opening(phones, -(-len(samples) * 60 // RATE))
    np.savez(target, **out)


if __name__ == "__main__":
    main()
