"""Regions of the face: indices of MediaPipe's 478 landmarks.

Lips, eyes, brows, irises and oval follow the contours that MediaPipe publishes. Cheeks, nose wings
and chin were selected by hand on the canonical face. Left is the left side of the face.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

COUNT: Final = 478

LIPS: Final = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
    *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191),
)
LIDS_LEFT: Final = (
    *(263, 249, 390, 373, 374, 380, 381, 382, 362),
    *(466, 388, 387, 386, 385, 384, 398),
)
LIDS_RIGHT: Final = (
    *(33, 7, 163, 144, 145, 153, 154, 155, 133),
    *(246, 161, 160, 159, 158, 157, 173),
)
BROW_LEFT: Final = (276, 283, 282, 295, 285, 300, 293, 334, 296, 336)
BROW_RIGHT: Final = (46, 53, 52, 65, 55, 70, 63, 105, 66, 107)
IRIS_LEFT: Final = (473, 474, 475, 476, 477)
IRIS_RIGHT: Final = (468, 469, 470, 471, 472)
NOSE: Final = (1, 2, 4, 5, 48, 64, 98, 115, 131, 129, 278, 294, 327, 344, 360, 358)
CHEEKS: Final = (
    *(425, 280, 411, 427, 266, 330, 352, 436, 426, 347),
    *(205, 50, 187, 207, 36, 101, 123, 216, 206, 118),
)
JAW: Final = (
    *(152, 148, 176, 149, 150, 377, 400, 378, 379),
    *(199, 175, 200, 18, 83, 313, 201, 421, 208, 428, 32, 262),
)

REGIONS: Final[dict[str, tuple[int, ...]]] = {
    "lips": LIPS,
    "lids": LIDS_LEFT + LIDS_RIGHT,
    "irises": IRIS_LEFT + IRIS_RIGHT,
    "brows": BROW_LEFT + BROW_RIGHT,
    "nose": NOSE,
    "cheeks": CHEEKS,
    "jaw": JAW,
}
"""Region name -> landmark indices. Regions do not overlap and do not cover the whole skin."""

LIP_GAPS: Final = ((13, 14), (82, 87), (312, 317), (81, 178), (311, 402))
"""Pairs (upper, lower) on the inner lip line. They touch when the mouth is closed."""

LID_GAPS: Final = ((386, 374), (385, 380), (387, 373), (159, 145), (158, 153), (160, 144))
"""Pairs (upper, lower) on the rims of the lids, three of the left eye, then three of the right."""

MOUTH_CORNERS: Final = (291, 61)
"""(left, right) mouth corner. Their distance at rest is the mouth width."""
EYE_CORNERS: Final = (33, 263)
"""(right, left) outer corner of the eyes."""

DEFAULT_WEIGHTS: Final[dict[str, float]] = {
    "lips": 1.0,
    "lids": 1.0,
    "irises": 1.0,
    "brows": 0.6,
    "nose": 0.4,
    "cheeks": 0.3,
    "jaw": 0.5,
    "rest": 0.03,
}
"""Region -> weight of a landmark's squared error, 1/mm^2. ``rest`` is the remaining skin."""


def landmark_weights(by_region: dict[str, float] | None = None) -> NDArray[np.float64]:
    """Landmark weights (478,) from weights by region. Other regions keep their default.

    Raises:
        KeyError: there is no such region.
    """
    table = DEFAULT_WEIGHTS | (by_region or {})
    unknown = sorted(set(table) - set(REGIONS) - {"rest"})
    if unknown:
        raise KeyError(f"no region {unknown}; there are {sorted(REGIONS)} and rest")
    weights = np.full(COUNT, table["rest"])
    for name, indices in REGIONS.items():
        weights[list(indices)] = table[name]
    return weights


def mouth_width(landmarks: NDArray[np.floating]) -> float:
    """Distance of the mouth corners, in the unit of ``landmarks`` (478, 3)."""
    left, right = MOUTH_CORNERS
    return float(np.linalg.norm(landmarks[left] - landmarks[right]))


def eyes_apart(points: NDArray[np.floating]) -> float:
    """Distance of the eyes' outer corners, in the unit of ``points`` (478, 2 or 3)."""
    right, left = EYE_CORNERS
    return float(np.linalg.norm(points[right] - points[left]))


def gaps(
    landmarks: NDArray[np.floating], pairs: tuple[tuple[int, int], ...]
) -> NDArray[np.float64]:
    """Height of the upper above the lower point, (..., 478, 3) -> (..., pairs), same unit."""
    upper, lower = np.array(pairs).T
    return np.asarray(landmarks[..., upper, 1] - landmarks[..., lower, 1], dtype=np.float64)


def lips_apart(landmarks: NDArray[np.floating], least: NDArray[np.floating]) -> NDArray[np.float64]:
    """Landmarks (..., 478, 3) whose inner lips are no closer than ``least`` (pairs,), same unit.

    Skin does not pass skin: what is missing goes half to the upper and half to the lower lip.
    """
    out = np.array(landmarks, dtype=np.float64)
    missing = np.maximum(least - gaps(out, LIP_GAPS), 0.0)
    upper, lower = np.array(LIP_GAPS).T
    out[..., upper, 1] += missing / 2
    out[..., lower, 1] -= missing / 2
    return out


def lip_gap(landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """Gap between the inner lips, (..., 478, 3) mm -> (...,) mm: the median of five pairs."""
    return np.asarray(np.median(gaps(landmarks, LIP_GAPS), axis=-1))
