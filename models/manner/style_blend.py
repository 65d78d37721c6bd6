"""Blends of styles: voices with voices, clips with clips, and each emotion with itself."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from mien.models.errors import ModelError
from mien.models.manner.style_file import CONSENTS, Learned, Style, rounded

_Parts: TypeAlias = list[tuple[Style, float]]


def blended(name: str, parts: _Parts) -> Style:
    """A mean of styles with weights, which are scaled to a sum of 1.

    A style that has no clip stills no face, and one that was not learned in an emotion does not
    weaken it.

    Raises:
        ModelError: no weight is above 0.
    """
    if sum(weight for _, weight in parts) <= 0.0 or min(weight for _, weight in parts) < 0.0:
        raise ModelError(
            "weights of a blend are 0 or more, and one is above 0",
            "mien style blend NEW A 0.6 B 0.4",
        )
    shares = _shares(parts)
    clips = _shares([(s, w) for s, w in shares if s.moves]) or shares
    voices = _shares([(s, w) for s, w in shares if s.voice]) or shares
    first = clips[0][0].axes
    poses = np.zeros_like(first)
    for style, share in clips:  # a pose and its mirror image do not cancel
        lean = np.sign((style.axes * first).sum(axis=1))
        poses += share * style.axes * np.where(lean == 0.0, 1.0, lean)[:, None]
    emotions = {}
    for emotion in dict.fromkeys(e for style, _ in voices for e in style.emotions):
        of = _shares([(s, w) for s, w in voices if emotion in s.emotions])
        if of:
            entries = [(s.name, s.emotions[emotion], w) for s, w in of]
            emotions[emotion] = Learned(**_origin(entries), code=_mean(entries))
    return Style(
        name=name, **_origin([(s.name, s, w) for s, w in shares]),
        mean=rounded(sum(share * s.means for s, share in clips)),
        poses=tuple(map(rounded, poses)), rest=sum(share * s.rest for s, share in clips),
        code=_mean([(s.name, s, w) for s, w in voices]), emotions=emotions,
    )  # fmt: skip


def _shares(parts: _Parts) -> _Parts:
    total = sum(share for _, share in parts)
    return [(style, share / total) for style, share in parts] if total > 0.0 else []


def _mean(parts: list[tuple[str, Learned, float]]) -> tuple[float, ...]:
    return rounded(sum(share * np.array(entry.code) for _, entry, share in parts))


def _origin(parts: list[tuple[str, Learned, float]]) -> dict[str, Any]:
    """Where a blend comes from; the strictest consent of its parts."""
    text = " + ".join(f"{share:.2f} {name}" for name, _, share in parts)
    consents = {entry.consent for _, entry, _ in parts}
    return {
        "source": text[:300], "sha256": "", "seconds": min(entry.seconds for _, entry, _ in parts),
        "consent": next(c for c in CONSENTS if c in consents),
    }  # fmt: skip
