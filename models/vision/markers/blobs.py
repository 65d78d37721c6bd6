"""Finds coloured dots in a picture, with the centres in fractions of a pixel.

Skin, lips and brows are redder than green, grey things have no colour, and eyes are bluer than
green. What is greener than red and blue is therefore a dot, in bright and in dim light. The centre
is the mean over the dot's pixels, weighted by how much greener than the surroundings each is.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_BLUR_PX = 0.8
_MIN_SHARE, _MIN_LEVEL = 0.3, 8.0  # of the greenest dots; grey levels
_MIN_AREA_PX, _MAX_AREA_SHARE = 3, 6.0  # the second: of the median dot
_PAD_PX = 2


class Blobs(NamedTuple):
    """Dots of a picture.

    Attributes:
        pixels: (B, 2) centres, x right, y down, (0, 0) at the corner of the picture.
        areas: (B,) pixels.
    """

    pixels: Floats
    areas: Floats


def greenness(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much greener than red and blue each pixel of an RGB picture (h, w, 3) is, grey levels."""
    soft = cv2.GaussianBlur(image, (0, 0), _BLUR_PX).astype(np.float32)
    return np.asarray(soft[..., 1] - np.maximum(soft[..., 0], soft[..., 2]), dtype=np.float32)


def find_blobs(image: NDArray[np.uint8]) -> Blobs:
    """The dots in an RGB picture (h, w, 3) uint8."""
    green = greenness(image)
    peaks = green[green > _MIN_LEVEL]
    if not peaks.size:
        return Blobs(np.zeros((0, 2)), np.zeros(0))
    level = max(_MIN_LEVEL, _MIN_SHARE * float(np.percentile(peaks, 90)))
    mask = (green > 0.5 * level).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    pixels, areas = [], []
    for k in range(1, count):
        x, y, w, h, area = (int(v) for v in stats[k])
        if area < _MIN_AREA_PX:
            continue
        x0, y0 = max(x - _PAD_PX, 0), max(y - _PAD_PX, 0)
        window = (slice(y0, y + h + _PAD_PX), slice(x0, x + w + _PAD_PX))
        inside, patch = labels[window], green[window]
        if patch[inside == k].max() < level:
            continue
        around = patch[inside == 0]
        base = float(np.median(around)) if around.size else 0.0
        weight = np.where((inside == k) | (inside == 0), np.maximum(patch - base, 0.0), 0.0)
        near = cv2.dilate((inside == k).astype(np.uint8), np.ones((3, 3), np.uint8))
        weight = weight * near
        rows, columns = np.mgrid[: weight.shape[0], : weight.shape[1]]
        total = float(weight.sum())
        pixels.append(
            (
                x0 + 0.5 + float((weight * columns).sum()) / total,
                y0 + 0.5 + float((weight * rows).sum()) / total,
            )
        )
        areas.append(float(area))
    found = Blobs(np.array(pixels).reshape(-1, 2), np.array(areas))
    if not len(found.areas):
        return found
    small = found.areas < _MAX_AREA_SHARE * np.median(found.areas)  # a green thing is no dot
    return Blobs(found.pixels[small], found.areas[small])
