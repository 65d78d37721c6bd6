"""Motion of the irises since a picture at rest, by template matching between the lids.

A face tracker measures little of the gaze up and down. The template is the radial profile of the
iris in the picture at rest: dark rings around the pupil. Each position between the lids gets a
normalised correlation of the masked template (Padfield, "Masked object registration in the Fourier
domain", IEEE Trans. Image Processing 21 (2012)). The mask is the area between the tracker's lids.
The position with the largest correlation is used. The tracker's irises are kept if the eye is
nearly shut or the correlation is small.

Accuracy on 500 calibration poses of the simulated morpheus33 (640x480, iris width 17 pixels),
without the mean error. MediaPipe measures 0.2 of the vertical gaze, with a correlation of 0.56.
This module measures 0.7 of it. The eye is more than half open in 90 % of the poses; there it
measures 0.92, and half of the errors are below 0.3 pixels. One eye takes 2 ms.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.models.face.regions import IRIS_LEFT, IRIS_RIGHT, LIDS_LEFT, LIDS_RIGHT, eyes_apart

EYES_PX = 372.0
"""Size to which faces are scaled: pixels between the outer corners of the eyes."""
_HALF_WINDOW_PX = np.array([102.0, 72.0])  # half width and height of the window around an eye
_MAX_SHIFT_PX = 33.0  # largest distance of an iris from its position at rest
_LASHES_PX = 3  # width of the border along the lids that the lashes cover
_RING_PX, _WHITE_RADII = 1.5, 1.25  # width of a ring; inner radius of the white, in iris radii
_ROUNDS = 3  # iterations between the centre at rest and the profile around it
_MIN_ENERGY_SHARE = 1e-3  # of the template's energy; a smaller visible share gives no correlation
_SHUT, _OPEN = 0.3, 0.6  # area between the lids, as a share of that at rest
_UNLIKE, _LIKE = 0.5, 0.7  # correlation

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


class Irises:
    """Both irises of a face at rest, tracked in later pictures of the same camera.

    Args:
        pictures: of the face at rest, RGB (height, width, 3) uint8.
        pixels: (478, 2 or 3) the tracker's points in them.
    """

    def __init__(self, pictures: Sequence[NDArray[np.uint8]], pixels: F64) -> None:
        sides = ((IRIS_LEFT, LIDS_LEFT), (IRIS_RIGHT, LIDS_RIGHT))
        self._eyes = [_Eye(pictures, pixels[:, :2], iris, lids) for iris, lids in sides]

    def __call__(self, picture: NDArray[np.uint8], pixels: F64) -> F64:
        """The tracker's ``pixels`` (478, 2 or 3) in a picture, with corrected irises."""
        out = pixels.copy()
        for eye in self._eyes:
            out[list(eye.iris), :2] += eye.correction(picture, pixels[:, :2])
        return out


class _Eye:
    """One iris. ``iris`` holds its landmark indices, the centre first."""

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
        self._home = _HALF_WINDOW_PX
        for _ in range(_ROUNDS):
            self._rings = _rings(grey, between, self._home, float(radius))
            self._home, _ = _best(grey, between, self._rings, self._home)

    def correction(self, picture: NDArray[np.uint8], pixels: F64) -> F64:
        """Correction (2,) of the tracker's iris, pixels."""
        between = self._between(pixels)
        open_ = _ramp(float(between.sum()) / self._area, _SHUT, _OPEN)
        if not open_:
            return np.zeros(2)
        at, like = _best(self._window(picture), between, self._rings, self._home)
        measured = (at - self._home) / self._scale
        tracked = pixels[self.iris[0]] - self._middle
        return np.asarray(open_ * _ramp(like, _UNLIKE, _LIKE) * (measured - tracked))

    def _window(self, picture: NDArray[np.uint8]) -> F32:
        """Grey, scaled window around the eye's position at rest."""
        corner = _HALF_WINDOW_PX - self._middle * self._scale
        to = np.array([[self._scale, 0.0, corner[0]], [0.0, self._scale, corner[1]]])
        size = (2 * int(_HALF_WINDOW_PX[0]), 2 * int(_HALF_WINDOW_PX[1]))
        window = cv2.warpAffine(picture, to, size, flags=cv2.INTER_CUBIC)
        return np.asarray(cv2.cvtColor(window, cv2.COLOR_RGB2GRAY), dtype=np.float32)

    def _between(self, pixels: F64) -> F32:
        """Mask of the window: 1 between the lids, 0 elsewhere."""
        edge = (pixels[self._lids] - self._middle) * self._scale + _HALF_WINDOW_PX
        out = np.zeros((2 * int(_HALF_WINDOW_PX[1]), 2 * int(_HALF_WINDOW_PX[0])), np.uint8)
        cv2.fillPoly(out, [np.rint(edge * 16).astype(np.int32)], (1.0,), shift=4)
        size = (2 * _LASHES_PX + 1, 2 * _LASHES_PX + 1)
        inner = cv2.erode(out, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, size))
        return np.asarray(inner, dtype=np.float32)


def _rings(grey: F32, between: F32, middle: F64, radius: float) -> F32:
    """Square template: brightness minus that of the white, by distance from the centre."""
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]]
    far = np.hypot(x - middle[0], y - middle[1])
    edges = np.arange(0.0, 2.0 * radius, _RING_PX)
    ring = np.digitize(far, edges) - 1
    count = np.bincount(ring[between > 0], minlength=len(edges))
    total = np.bincount(ring[between > 0], grey[between > 0], minlength=len(edges))
    mean = total / np.maximum(count, 1)
    white = (edges > _WHITE_RADII * radius) & (count > 0)
    level = float(mean[white].mean()) if white.any() else 255.0
    dark = np.where((edges <= _WHITE_RADII * radius) & (count > 0), mean - level, 0.0)
    reach = int(np.ceil(_WHITE_RADII * radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return np.asarray(np.interp(np.hypot(x, y), edges + _RING_PX / 2, dark, right=0.0), np.float32)


def _best(grey: F32, between: F32, rings: F32, home: F64) -> tuple[F64, float]:
    """Position (2,) with the largest correlation of the template, and that correlation."""

    def laid(image: F32, over: F32) -> F32:
        return np.asarray(
            cv2.filter2D(image, -1, over, borderType=cv2.BORDER_CONSTANT), dtype=np.float32
        )

    masked = grey * between
    count, total = max(float(between.sum()), 1.0), float(masked.sum())
    spread = max(float((masked * grey).sum()) - total**2 / count, 1e-6)
    one, two = laid(between, rings), laid(between, rings * rings)
    energy = two - one * one / count
    with_ = laid(masked, rings) - one * total / count
    informative = energy > _MIN_ENERGY_SHARE * float(np.square(rings).sum())
    like = np.where(informative, with_ / np.sqrt(np.maximum(energy, 1e-6) * spread), -1.0)
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]]
    like[np.hypot(x - home[0], y - home[1]) > _MAX_SHIFT_PX] = -1.0
    row, column = divmod(int(like.argmax()), like.shape[1])
    return np.array([float(column), float(row)]), float(like[row, column])


def _ramp(value: float, low: float, high: float) -> float:
    """0 below ``low``, 1 above ``high``."""
    return min(max((value - low) / (high - low), 0.0), 1.0)
