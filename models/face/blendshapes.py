"""The 52 ARKit blendshapes by name: order, left/right pairs, groups. No torch in here.

The order is MediaPipe's (alphabetical, without its ``_neutral``) with ``tongueOut`` added at the
end. Other programs order them differently, with left and right exchanged between some of them, so
nothing outside this file may rely on a position: use :data:`INDEX`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

FPS: Final = 60
"""Frames of a face per second, everywhere from the speech network to the loop."""

ARKIT: Final[tuple[str, ...]] = (
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
    "tongueOut",
)
"""Every shape, in the one order that arrays of this project use (last axis, 52)."""

INDEX: Final[dict[str, int]] = {name: i for i, name in enumerate(ARKIT)}
"""Position of each name in :data:`ARKIT`."""


def _mirror(name: str) -> str:
    if name.endswith("Left"):
        return name[: -len("Left")] + "Right"
    if name.endswith("Right"):
        return name[: -len("Right")] + "Left"
    return name


MIRROR: Final[tuple[int, ...]] = tuple(INDEX[_mirror(name)] for name in ARKIT)
"""``weights[..., MIRROR]`` is the same face seen in a mirror."""

LEFT_RIGHT: Final[tuple[tuple[str, str], ...]] = tuple(
    (name, _mirror(name)) for name in ARKIT if name.endswith("Left")
)
"""Every (left, right) pair; left is the face's own left."""

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "brows": tuple(n for n in ARKIT if n.startswith("brow")),
    "eyes": tuple(n for n in ARKIT if n.startswith("eye")),
    "jaw": tuple(n for n in ARKIT if n.startswith("jaw")),
    "mouth": tuple(n for n in ARKIT if n.startswith("mouth")),
    "cheeks": tuple(n for n in ARKIT if n.startswith("cheek")),
    "nose": tuple(n for n in ARKIT if n.startswith("nose")),
    "tongue": ("tongueOut",),
}
"""Names by region; every shape is in exactly one."""

SPEECH: Final[tuple[str, ...]] = GROUPS["jaw"] + GROUPS["mouth"] + GROUPS["tongue"]
"""The shapes that speech itself moves; the rest belongs to expression."""


def indices(names: Iterable[str]) -> NDArray[np.intp]:
    """Positions of ``names`` in :data:`ARKIT`, shape (n,).

    Raises:
        KeyError: a name is not one of the 52, with the nearest spelling where there is one.
    """
    out = []
    for name in names:
        if name not in INDEX:
            near = [n for n in ARKIT if n.lower() == name.lower()]
            raise KeyError(
                f"{name!r} is not an ARKit blendshape" + (f": {near[0]}?" if near else "")
            )
        out.append(INDEX[name])
    return np.asarray(out, dtype=np.intp)


def by_name(
    names: Sequence[str], values: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Scatter (..., n) values under any naming order to (..., 52), and say which shapes were given.

    Names that are not ARKit's (MediaPipe's ``_neutral``, a rig's own extras) are left out.
    """
    known = [(i, INDEX[n]) for i, n in enumerate(names) if n in INDEX]
    out = np.zeros((*values.shape[:-1], len(ARKIT)), np.float32)
    given = np.zeros(len(ARKIT), np.bool_)
    for source, target in known:
        out[..., target] = values[..., source]
        given[target] = True
    return out, given


def lip_opening(weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """How far the lips are apart, (..., 52) -> (...): max(0, jawOpen - mouthClose).

    ``mouthClose`` is relative to ``jawOpen`` in ARKit (the lips meet where they are equal), so the
    jaw alone never tells whether the mouth is open.
    """
    opening = weights[..., INDEX["jawOpen"]] - weights[..., INDEX["mouthClose"]]
    return np.maximum(opening.astype(np.float64), 0.0)
