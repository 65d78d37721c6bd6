"""The mouth motions that a style changes, as channels, and how a change is applied to them.

A change is a factor of the speech network's own motion. So where the network does not move, no
style moves, and the times of all motions stay. Only a smile adds something of its own. Channels
that part the lips are not raised where the network closes them.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import INDEX, indices, lip_opening
from mien.models.fusion.rules import APART, CLOSED

Floats: TypeAlias = NDArray[np.float64]
_SHAPES: Final = (
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthPucker", "mouthFunnel",
    "mouthSmileLeft", "mouthSmileRight",
)  # fmt: skip
CHANNELS: Final = ("opening", *_SHAPES)
"""Lip opening (jawOpen - mouthClose), and ten shapes."""
SMILES: Final = (9, 10)
"""Channels to which a style also adds."""
CHANGES: Final = (*(f"factor_{n}" for n in CHANNELS), "smile_left", "smile_right")
"""Columns of a change: natural logarithms of factors, and what is added to the corners."""
MOST: Final = 1.0
"""Largest logarithm of a factor, either way."""
MOST_SMILE: Final = 0.4
"""Largest smile that is added."""
PARTS: Final = np.array([0, 1, 2, 3, 4, 8])
"""Channels that part the lips."""
_COLUMNS: Final = indices(_SHAPES)
_JAW, _SHUT = INDEX["jawOpen"], INDEX["mouthClose"]


def channels_of(shapes: NDArray[np.floating]) -> Floats:
    """Shapes (T, 52) -> channels (T, 11)."""
    rest = np.asarray(shapes[:, _COLUMNS], np.float64)
    return np.concatenate([lip_opening(shapes)[:, None], rest], axis=1)


def with_channels(shapes: NDArray[np.float32], channels: Floats) -> NDArray[np.float32]:
    """Shapes (T, 52) whose channels are those given (T, 11), within 0..1.

    The jaw makes the opening; ``mouthClose`` stays, and so does a jaw behind closed lips.
    """
    out = shapes.copy()
    out[:, _COLUMNS] = np.clip(channels[:, 1:], 0.0, 1.0)
    moved = out[:, _JAW] + channels[:, 0] - lip_opening(shapes)
    out[:, _JAW] = np.clip(moved, 0.0, 1.0)
    return out


def applied(channels: Floats, changes: Floats) -> Floats:
    """Channels (T, 11) after changes (T, 13), lips kept closed where they were."""
    count = len(CHANNELS)
    out = channels * np.exp(np.clip(changes[:, :count], -MOST, MOST))
    out[:, SMILES] += np.clip(changes[:, count:], -MOST_SMILE, MOST_SMILE)
    more = np.maximum(out[:, PARTS] - channels[:, PARTS], 0.0)
    out[:, PARTS] -= closed(channels[:, 0])[:, None] * more
    return np.asarray(np.maximum(out, 0.0))


def closed(opening: Floats) -> Floats:
    """Degree (T,) in 0..1 to which lips with an opening (T,) are closed."""
    u = np.clip((APART - opening) / (APART - CLOSED), 0.0, 1.0)
    return np.asarray(u * u * (3.0 - 2.0 * u))
