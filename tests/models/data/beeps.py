"""A clip whose mouth moves with a sound that anybody can check."""

from __future__ import annotations

import numpy as np

from mien.models.data.schema import Clip, Corpus, frame_count
from mien.models.face.blendshapes import INDEX
from mien.models.speech.features import RATE
from mien.models.speech.phones import NUMBER


def beeps(
    name: str = "a", seconds: float = 6.0, speaker: str = "one", kind: str = "tracked"
) -> Clip:
    """A clip whose mouth is open exactly while a tone sounds (0.25 s on, 0.25 s off)."""
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    on = (t % 0.5) < 0.25
    rng = np.random.default_rng(0)
    samples = 0.3 * np.sin(2 * np.pi * 440 * t) * on + 1e-4 * rng.normal(size=n)
    frames = frame_count(n)
    shapes = np.zeros((frames, 52), np.float16)
    open_ = (np.arange(frames) / 60 % 0.5) < 0.25
    shapes[:, INDEX["jawOpen"]] = open_
    given = np.zeros(52, np.bool_)
    given[[INDEX["jawOpen"], INDEX["mouthClose"]]] = True
    phones = np.where(open_, NUMBER["AA"], NUMBER["sil"]).astype(np.int8)
    raw = (samples * 32767).astype(np.int16)
    return Clip(name, "test", speaker, kind, raw, shapes, given, phones)


def corpus(*clips: Clip) -> Corpus:
    return Corpus("test", clips or (beeps(),), "x")
