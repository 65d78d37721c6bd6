"""Where the irises have gone since a picture at rest: a dark disc within the lids.

A face tracker expects eyes to look at the camera and hardly follows them up and down. But an iris
is what it was, wherever it looks: darker than the white, in rings about the pupil. Those rings, as
seen at rest, are laid over every place between the lids, and the place where the picture goes with
them best is kept: the normalised correlation of a masked template (Padfield, "Masked object
registration in the Fourier domain", IEEE Trans. Image Processing 21 (2012)), with the lids as mask
as far as the tracker sees them. With the eye nearly shut, or nothing that looks like the iris, the
tracker has its way.

Measured on 500 of a calibration's poses of the simulated morpheus33 (640x480, an iris 17 pixels
wide) against the true places, without the mean: MediaPipe follows gaze up and down by 0.2 of it
with a correlation of 0.56; this by 0.7, and 0.92 in the nine tenths of the poses in which the eye
is more than half open, half the errors below 0.3 pixels. An eye takes 2 ms.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.models.face.regions import IRIS_LEFT, IRIS_RIGHT, LIDS_LEFT, LIDS_RIGHT, eyes_apart

EYES_PX = 372.0
"""Faces are looked at in this size (pixels between the outer corners of the eyes)."""
_HALF_WINDOW_PX = np.array([102.0, 72.0])  # of the window around an eye at rest, in such pixels
_MAX_SHIFT_PX = 33.0  # an iris goes no farther from where it rests
_LASHES_PX = 3  # so far within the lids' edges they are not seen
_RING_PX, _WHITE_RADII = 1.5, 1.25  # width of a ring in pixels; where the white begins, in radii
_ROUNDS = 3  # to find the middle at rest, which says the rings, which say the middle
_MIN_ENERGY_SHARE = 1e-3  # of the template's energy: less of it within the lids tells nothing
_SHUT, _OPEN = 0.3, 0.6  # area between the lids, as a share of that at rest
_UNLIKE, _LIKE = 0.5, 0.7  # correlation

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


class Irises:
    """Both irises of a face at rest, and where they are in later pictures by the same camera.

    Args:
        pictures: of the still face, RGB (height, width, 3) uint8.
        pixels: (478, 2 or 3) where a tracker sees its points in them.
    """

    def __init__(self, pictures: Sequence[NDArray[np.uint8]], pixels: F64) -> None:
        sides = ((IRIS_LEFT, LIDS_LEFT), (IRIS_RIGHT, LIDS_RIGHT))
        self._eyes = [_Eye(pictures, pixels[:, :2], iris, lids) for iris, lids in sides]

    def __call__(self, picture: NDArray[np.uint8], pixels: F64) -> F64:
        """The tracker's ``pixels`` (478, 2 or 3) in a picture, those of the irises corrected."""
        out = pixels.copy()
        for eye in self._eyes:
            out[list(eye.iris), :2] += eye.correction(picture, pixels[:, :2])
        return out


class _Eye:
    """One of them. ``iris``: its points, the middle first."""

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
        """(2,) pixels by which the tracker is to be corrected."""
        between = self._between(pixels)
        open_ = _ramp(float(between.sum()) / self._area, _SHUT, _OPEN)
        if not open_:
            return np.zeros(2)
        at, like = _best(self._window(picture), between, self._rings, self._home)
        measured = (at - self._home) / self._scale
        tracked = pixels[self.iris[0]] - self._middle
        return np.asarray(open_ * _ramp(like, _UNLIKE, _LIKE) * (measured - tracked))

    def _window(self, picture: NDArray[np.uint8]) -> F32:
        """The surroundings of the eye at rest in grey, enlarged."""
        corner = _HALF_WINDOW_PX - self._middle * self._scale
        to = np.array([[self._scale, 0.0, corner[0]], [0.0, self._scale, corner[1]]])
        size = (2 * int(_HALF_WINDOW_PX[0]), 2 * int(_HALF_WINDOW_PX[1]))
        window = cv2.warpAffine(picture, to, size, flags=cv2.INTER_CUBIC)
        return np.asarray(cv2.cvtColor(window, cv2.COLOR_RGB2GRAY), dtype=np.float32)

    def _between(self, pixels: F64) -> F32:
        """1 between the lids, 0 elsewhere, in the window."""
        edge = (pixels[self._lids] - self._middle) * self._scale + _HALF_WINDOW_PX
        out = np.zeros((2 * int(_HALF_WINDOW_PX[1]), 2 * int(_HALF_WINDOW_PX[0])), np.uint8)
        cv2.fillPoly(out, [np.rint(edge * 16).astype(np.int32)], (1.0,), shift=4)
        size = (2 * _LASHES_PX + 1, 2 * _LASHES_PX + 1)
        inner = cv2.erode(out, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, size))
        return np.asarray(inner, dtype=np.float32)


def _rings(grey: F32, between: F32, middle: F64, radius: float) -> F32:
    """How much darker than the white the iris is, by the distance from its middle: a square."""
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
    """Where (2,) the rings lie best on what is between the lids, and their correlation there."""

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
