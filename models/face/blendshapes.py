"""The 52 ARKit blendshapes by name: order, left/right pairs, groups.

The order is MediaPipe's: alphabetical, without ``_neutral``, with ``tongueOut`` added at the end.
Other programs use other orders. Code outside this file must use :data:`INDEX` and no positions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

FPS: Final = 60
"""Frame rate of the face in Hz, from the speech network to the control loop."""

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
"""Names of all shapes. All arrays of this project use this order on the last axis (52)."""

INDEX: Final[dict[str, int]] = {name: i for i, name in enumerate(ARKIT)}
"""Position of each name in :data:`ARKIT`."""


def _mirror(name: str) -> str:
    if name.endswith("Left"):
        return name[: -len("Left")] + "Right"
    if name.endswith("Right"):
        return name[: -len("Right")] + "Left"
    return name


MIRROR: Final[tuple[int, ...]] = tuple(INDEX[_mirror(name)] for name in ARKIT)
"""Permutation: ``weights[..., MIRROR]`` is the mirrored face."""

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
"""Region -> names of shapes. Every shape is in exactly one region."""

SPEECH: Final[tuple[str, ...]] = GROUPS["jaw"] + GROUPS["mouth"] + GROUPS["tongue"]
"""The shapes that speech moves. Expression moves the others."""


def indices(names: Iterable[str]) -> NDArray[np.intp]:
    """Positions of ``names`` in :data:`ARKIT`, shape (n,).

    Raises:
        KeyError: a name is not one of the 52. The message has the nearest spelling, if any.
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
    """Scatter values (..., n) by name to (..., 52).

    Names that ARKit does not have (MediaPipe's ``_neutral``, extras of a rig) are skipped.

    Returns:
        The weights (..., 52), and a mask (52,) of the shapes that ``names`` contains.
    """
    pairs = [(i, INDEX[n]) for i, n in enumerate(names) if n in INDEX]
    out = np.zeros((*values.shape[:-1], len(ARKIT)), np.float32)
    given = np.zeros(len(ARKIT), np.bool_)
    for source, target in pairs:
        out[..., target] = values[..., source]
        given[target] = True
    return out, given


def lip_opening(weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """Lip opening max(0, jawOpen - mouthClose), (..., 52) -> (...).

    In ARKit ``mouthClose`` is relative to ``jawOpen``: the lips touch where both are equal. The
    jaw alone does not determine whether the mouth is open.
    """
    opening = weights[..., INDEX["jawOpen"]] - weights[..., INDEX["mouthClose"]]
    return np.maximum(opening.astype(np.float64), 0.0)
