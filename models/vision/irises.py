"""Tracks the irises relative to a picture at rest, as dark discs between the lids.

A face tracker assumes that eyes look at the camera and hardly follows vertical gaze. The brightness
of an iris does not depend on gaze: it is darker than the sclera, in rings around the pupil. The
template is this radial profile at rest. It is matched at every position between the lids by the
normalised correlation of a masked template; the mask is the area between the lids as tracked. With
the eye nearly shut, or without a good match, the tracker's result stays. Source: Padfield, "Masked
object registration in the Fourier domain", IEEE Trans. Image Processing 21 (2012).

Measured on 500 of a calibration's poses of the simulated morpheus33 (640x480, an iris 17 pixels
wide) against the true positions, after subtraction of the mean. MediaPipe follows vertical gaze
with a gain of 0.2 and a correlation of 0.56. This tracker has a gain of 0.7. In the 90 % of the
poses with the eye more than half open the gain is 0.92, and the median error is 0.3 pixels. The
time is 2 ms per eye.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.models.face.regions import IRIS_LEFT, IRIS_RIGHT, LIDS_LEFT, LIDS_RIGHT, eyes_apart

EYES_PX = 372.0
"""Pictures are scaled to this distance (pixels) between the outer corners of the eyes."""
_HALF = np.array([102.0, 72.0])  # of the window around an eye at rest, in such pixels
_MAX_SHIFT_PX = 33.0  # of an iris from its rest position
_LASHES_PX = 3  # of the lids' edges, hidden by lashes
_RING_PX, _SCLERA_RADII = 1.5, 1.25  # width of a ring; inner edge of the sclera in iris radii
_ITERATIONS = 3  # centre at rest and template are estimated in turn
_MIN_TEMPLATE_SHARE = 1e-3  # of the template's energy that must lie between the lids
_SHUT, _OPEN = 0.3, 0.6  # area between the lids as a share of that at rest
_MIN_CORRELATION, _GOOD_CORRELATION = 0.5, 0.7

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


class Irises:
    """Tracker of both irises, made from pictures of the face at rest by the same camera.

    Args:
        pictures: of the still face, RGB (height, width, 3) uint8.
        pixels: (478, 2 or 3) landmarks of the face tracker in them, pixels.
    """

    def __init__(self, pictures: Sequence[NDArray[np.uint8]], pixels: F64) -> None:
        sides = ((IRIS_LEFT, LIDS_LEFT), (IRIS_RIGHT, LIDS_RIGHT))
        self._eyes = [_Eye(pictures, pixels[:, :2], iris, lids) for iris, lids in sides]

    def __call__(self, picture: NDArray[np.uint8], pixels: F64) -> F64:
        """Landmarks (478, 2 or 3) of the face tracker, pixels, with corrected irises."""
        out = pixels.copy()
        for eye in self._eyes:
            out[list(eye.iris), :2] += eye.correction(picture, pixels[:, :2])
        return out


class _Eye:
    """One eye. ``iris``: indices of its landmarks, the centre first."""

    def __init__(
        self,
        pictures: Sequence[NDArray[np.uint8]],
        rest: F64,
        iris: tuple[int, ...],
        lids: tuple[int, ...],
    ) -> None:
        self.iris = iris
        self._scale = EYES_PX / eyes_apart(rest)
        self._middle = rest[iris[0]]
        away = rest[list(lids)] - rest[list(lids)].mean(0)
        self._lids = [lids[k] for k in np.argsort(np.arctan2(away[:, 1], away[:, 0]))]
        radius = self._scale * np.linalg.norm(rest[list(iris[1:])] - rest[iris[0]], axis=1).mean()
        grey = np.asarray(np.mean([self._window(p) for p in pictures], axis=0), dtype=np.float32)
        between = self._between(rest)
        self._area = max(float(between.sum()), 1.0)
        self._home = _HALF
        for _ in range(_ITERATIONS):
            self._rings = _rings(grey, between, self._home, float(radius))
            self._home, _ = _best(grey, between, self._rings, self._home)

    def correction(self, picture: NDArray[np.uint8], pixels: F64) -> F64:
        """Correction (2,) of the face tracker's iris, pixels."""
        between = self._between(pixels)
        open_ = _ramp(float(between.sum()) / self._area, _SHUT, _OPEN)
        if not open_:
            return np.zeros(2)
        at, correlation = _best(self._window(picture), between, self._rings, self._home)
        observed = (at - self._home) / self._scale
        tracked = pixels[self.iris[0]] - self._middle
        return np.asarray(
            open_ * _ramp(correlation, _MIN_CORRELATION, _GOOD_CORRELATION) * (observed - tracked)
        )

    def _window(self, picture: NDArray[np.uint8]) -> F32:
        """The surroundings of the eye at rest, in grey levels, enlarged."""
        corner = _HALF - self._middle * self._scale
        to = np.array([[self._scale, 0.0, corner[0]], [0.0, self._scale, corner[1]]])
        size = (2 * int(_HALF[0]), 2 * int(_HALF[1]))
        observed = cv2.warpAffine(picture, to, size, flags=cv2.INTER_CUBIC)
        return np.asarray(cv2.cvtColor(observed, cv2.COLOR_RGB2GRAY), dtype=np.float32)

    def _between(self, pixels: F64) -> F32:
        """Mask of the window: 1 between the lids, else 0."""
        edge = (pixels[self._lids] - self._middle) * self._scale + _HALF
        out = np.zeros((2 * int(_HALF[1]), 2 * int(_HALF[0])), np.uint8)
        cv2.fillPoly(out, [np.rint(edge * 16).astype(np.int32)], (1.0,), shift=4)
        size = (2 * _LASHES_PX + 1, 2 * _LASHES_PX + 1)
        inner = cv2.erode(out, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, size))
        return np.asarray(inner, dtype=np.float32)


def _rings(grey: F32, between: F32, middle: F64, radius: float) -> F32:
    """Template (square): brightness relative to the sclera, by the distance from the centre."""
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]]
    far = np.hypot(x - middle[0], y - middle[1])
    edges = np.arange(0.0, 2.0 * radius, _RING_PX)
    ring = np.digitize(far, edges) - 1
    count = np.bincount(ring[between > 0], minlength=len(edges))
    total = np.bincount(ring[between > 0], grey[between > 0], minlength=len(edges))
    mean = total / np.maximum(count, 1)
    white = (edges > _SCLERA_RADII * radius) & (count > 0)
    level = float(mean[white].mean()) if white.any() else 255.0
    dark = np.where((edges <= _SCLERA_RADII * radius) & (count > 0), mean - level, 0.0)
    reach = int(np.ceil(_SCLERA_RADII * radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return np.asarray(np.interp(np.hypot(x, y), edges + _RING_PX / 2, dark, right=0.0), np.float32)


def _best(grey: F32, between: F32, rings: F32, home: F64) -> tuple[F64, float]:
    """Position (2,) of the best match between the lids, pixels, and its correlation."""

    def correlate(image: F32, template: F32) -> F32:
        return np.asarray(
            cv2.filter2D(image, -1, template, borderType=cv2.BORDER_CONSTANT), dtype=np.float32
        )

    masked = grey * between
    count, total = max(float(between.sum()), 1.0), float(masked.sum())
    spread = max(float((masked * grey).sum()) - total**2 / count, 1e-6)
    one, two = correlate(between, rings), correlate(between, rings * rings)
    own = two - one * one / count
    with_ = correlate(masked, rings) - one * total / count
    defined = own > _MIN_TEMPLATE_SHARE * float(np.square(rings).sum())
    correlation = np.where(defined, with_ / np.sqrt(np.maximum(own, 1e-6) * spread), -1.0)
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]]
    correlation[np.hypot(x - home[0], y - home[1]) > _MAX_SHIFT_PX] = -1.0
    row, column = divmod(int(correlation.argmax()), correlation.shape[1])
    return np.array([float(column), float(row)]), float(correlation[row, column])


def _ramp(value: float, low: float, high: float) -> float:
    """0 below ``low``, 1 above ``high``."""
    return min(max((value - low) / (high - low), 0.0), 1.0)
