"""Finds a pupil in a picture: the darkest round spot of an eye.

A pupil is small, so that lids rarely cut it, and black, where lashes and shadows are brown. A
highlight in it is filled by the convex hull. Where a lid cuts it, the smallest circle around the
rest has the same centre, as long as more than half is in sight.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SCALE = 4  # the window is enlarged
_DARK = 0.35  # share of the way from the darkest to the usual grey level
_MIN_SHARE, _MAX_SHARE = 0.5, 1.5  # of the area expected
_ROUND = (0.75, 1.35)  # radius of the circle around it, over that expected
_CUT = 0.85  # share of the area expected, below which a lid cuts the pupil
PUPIL_SHARE = 0.39
"""Radius of a pupil as a share of that of the iris, about."""


def find_pupil(
    image: NDArray[np.uint8], about: Floats, iris_px: float, area: float | None = None
) -> tuple[Floats, float]:
    """The pupil near a place.

    Args:
        image: RGB (h, w, 3).
        about: (2,) pixels, where the iris is, about.
        iris_px: radius of the iris, pixels.
        area: of the pupil at rest, pixels^2; None: unknown.

    Returns:
        its centre (2,) pixels and its area; NaN where no pupil is in sight.
    """
    none = np.full(2, np.nan), float("nan")
    half = 1.6 * iris_px
    x0, y0 = np.floor(about - half).astype(int)
    x1, y1 = np.ceil(about + half).astype(int)
    if x0 < 0 or y0 < 0 or x1 > image.shape[1] or y1 > image.shape[0]:
        return none
    grey = cv2.GaussianBlur(image[y0:y1, x0:x1].astype(np.float32), (0, 0), 0.8).max(-1)
    size = (grey.shape[1] * _SCALE, grey.shape[0] * _SCALE)
    grey = cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC)
    darkest, usual = np.percentile(grey, 1), np.median(grey)
    mask = (grey < darkest + _DARK * (usual - darkest)).astype(np.uint8)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    expected = np.pi * (PUPIL_SHARE * iris_px) ** 2 if area is None else area
    low, high = (_MIN_SHARE, _MAX_SHARE) if area is not None else (0.5, 1.6)
    best, nearest = none, np.inf
    for outline in outlines:
        hull = cv2.convexHull(outline)
        moments = cv2.moments(hull)
        found = moments["m00"] / _SCALE**2
        if not low * expected < found < high * expected:
            continue
        (x, y), around = cv2.minEnclosingCircle(hull)
        if not _ROUND[0] < around / (_SCALE * np.sqrt(expected / np.pi)) < _ROUND[1]:
            continue
        middle = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
        if found < _CUT * expected:
            middle = np.array([x, y])
        at = (middle + 0.5) / _SCALE + (x0, y0)
        far = float(np.linalg.norm(at - about))
        if far < nearest:
            best, nearest = (at, found), far
    return best
