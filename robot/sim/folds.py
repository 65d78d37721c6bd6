"""Folds of the skin: where a squeezed face creases, and how deep.

A fold is drawn once, as a line over the nominal head. How deep it shows is read off the skin as it
lies: the compression across the line, over a short gauge length on both sides. So a fold appears
wherever the mechanism squeezes the skin across it, on any build and in speech too, and nowhere on
a face at rest. No emotion and no actuator is named here.

mm in the head frame, on the front of the nominal head (x, y).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mien.robot.sim.head import Head

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

STEP_MM: Final = 2.5  # between samples along a line
SPREAD_MM: Final = 4.0  # how far a sample's depth reaches over the skin
REACH_MM: Final = 10.0
MIN_FACING: Final = 0.25  # cosine to +z below which skin is not the front of the face
PIXEL_MM: Final = 0.4
SLOPE_SCALE: Final = 127.0
COARSE: Final = 4.0  # steps of the drawing's bytes: coarser ones compress better and are not seen
LEAST_DEPTH: Final = 0.02  # of a drawn fold; less is not seen


@dataclass(frozen=True)
class Fold:
    """One drawn line.

    Attributes:
        points: corners (x, y) of the line, mm. A line with ``mirrored`` stands for two.
        gauge: length over which the compression is measured, across the line, mm.
        onset, full: compression (share of the gauge) where the fold begins and where it is deepest.
        width: of the crease, mm (its standard deviation).
        depth: of the deepest fold, 0 to 1.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    gauge: float = 10.0
    onset: float = 0.04
    full: float = 0.22
    width: float = 0.9
    depth: float = 1.0
    mirrored: bool = True


# Names and muscles: Bloom & Cohen 2015 call them forehead, glabellar, bunny, periorbital,
# nasolabial, oral commissure and mentolabial lines. Places: drawn on this head. Onset and full
# depth: from the compressions of the mechanism's own range.
FOLDS: Final[tuple[Fold, ...]] = (
    Fold("forehead", ((0.0, 31.0), (12.0, 32.5), (24.0, 33.5), (36.0, 31.0)), 12.0, 0.045, 0.14),
    Fold("forehead", ((0.0, 37.5), (12.0, 39.0), (24.0, 39.5), (35.0, 37.0)), 12.0, 0.045, 0.14),
    Fold("forehead", ((0.0, 44.5), (12.0, 46.0), (24.0, 46.0), (32.0, 44.0)), 12.0, 0.045, 0.14),
    Fold("glabella", ((3.6, 7.0), (4.4, 13.0), (5.4, 19.0), (6.8, 25.0)), 9.0, 0.05, 0.18, 1.0),
    Fold("nose root", ((-7.5, 2.2), (-3.0, 3.4), (3.0, 3.4), (7.5, 2.2)), 12.0, 0.03, 0.12,
         mirrored=False),
    Fold("nose root", ((-7.0, -3.4), (0.0, -2.2), (7.0, -3.4)), 12.0, 0.03, 0.12, mirrored=False),
    Fold("bunny", ((7.5, -9.0), (10.5, -12.5), (13.5, -17.0)), 14.0, 0.015, 0.06, 0.9, 0.8),
    Fold("bunny", ((8.5, -15.0), (11.5, -18.5), (14.0, -22.5)), 14.0, 0.015, 0.06, 0.9, 0.8),
    # Two pieces, as this mechanism squeezes: a raised lip folds the skin beside the wing of the
    # nose, a smile that beside the mouth.
    Fold("nasolabial", ((13.5, -26.5), (21.0, -29.0), (27.5, -34.0), (32.0, -43.0)), 14.0, 0.02,
         0.09, 1.8),
    Fold("nasolabial", ((15.5, -45.0), (29.0, -54.5), (36.0, -61.5), (41.0, -70.0), (42.5, -77.0)),
         14.0, 0.03, 0.16, 1.6),
    Fold("commissure", ((29.5, -66.0), (32.0, -72.0), (31.5, -78.0), (29.0, -83.0)), 10.0, 0.09,
         0.26, 1.1, 0.8),
    Fold("commissure", ((19.0, -84.0), (25.0, -82.0), (30.5, -79.0)), 12.0, 0.08, 0.24, 1.0, 0.8),
    Fold("crow's feet", ((47.5, 1.0), (52.0, 4.5), (57.0, 8.0)), 9.0, 0.02, 0.10, 0.7),
    Fold("crow's feet", ((48.5, -2.5), (53.5, -2.0), (59.0, -1.0)), 9.0, 0.02, 0.10, 0.7),
    Fold("crow's feet", ((47.5, -6.0), (52.5, -9.0), (57.0, -12.0)), 9.0, 0.02, 0.10, 0.7),
    Fold("lower lid", ((18.0, -9.5), (25.0, -14.0), (33.0, -15.0), (41.0, -11.5)), 10.0, 0.02, 0.10,
         0.8),
    Fold("mentolabial", ((0.0, -92.0), (7.0, -91.5), (13.0, -89.5)), 10.0, 0.06, 0.30, 1.6),
)  # fmt: skip


class Creases:
    """How deep the skin of one head folds.

    Args:
        head: the head; its skin as it is in there is the face at rest.
        folds: the drawn lines.

    Attributes:
        vertices: (n,) skin vertices on which something is drawn.
    """

    def __init__(self, head: Head, folds: Sequence[Fold] = FOLDS) -> None:
        skin = head.parts["skin"]
        surface = _Front(head)
        fold, middle, across = _samples(folds)
        half = 0.5 * np.array([folds[k].gauge for k in fold])[:, None] * across
        self._gauge = (surface.at(middle + half) - surface.at(middle - half)).astype(np.float32)
        self._rest = _lengths(self._gauge @ skin.vertices)
        self._onset = np.array([folds[k].onset for k in fold], np.float32)
        self._span = np.array([folds[k].full - folds[k].onset for k in fold], np.float32)
        places = head.paint.coords.astype(np.float64)
        near = cKDTree(middle).sparse_distance_matrix(
            cKDTree(places), REACH_MM, output_type="coo_matrix"
        )
        share = np.exp(-0.5 * np.square(near.data / SPREAD_MM))
        spread = sp.csr_matrix((share, (near.col, near.row)), shape=(len(places), len(middle)))
        spread = sp.diags(surface.front.astype(float)) @ spread
        total = np.asarray(spread.sum(axis=1)).ravel()
        self.vertices: NDArray[np.intp] = np.flatnonzero(total > 0)
        scaled = sp.diags(1.0 / total[self.vertices]) @ spread[self.vertices]
        self._spread = scaled.tocsr().astype(np.float32)

    def compression(self, skin: NDArray[np.floating]) -> F32:
        """Skin (V, 3) mm -> share by which each sample's gauge is shorter than at rest (s,)."""
        now = _lengths(self._gauge @ np.asarray(skin, np.float32))
        return np.asarray(1.0 - now / self._rest, np.float32)

    def depth(self, skin: NDArray[np.floating]) -> F32:
        """Skin (V, 3) mm -> depth of the folds at ``vertices`` (n,), 0 to 1."""
        share = np.clip((self.compression(skin) - self._onset) / self._span, 0.0, 1.0)
        return np.asarray(self._spread @ share, np.float32)


def drawing(head: Head, folds: Sequence[Fold] = FOLDS) -> NDArray[np.uint8]:
    """The folds at full depth, over the rectangle of ``head.paint`` with rows from the top.

    Returns:
        (H, W, 3) uint8: how deep the skin lies, 0 to 255; its slope along x and along y, about 127.
    """
    return _drawing(tuple(head.paint.extent.tolist()), tuple(folds))


@lru_cache(maxsize=2)  # it takes seconds, and all builds of a head share it
def _drawing(
    extent: tuple[float, float, float, float], folds: tuple[Fold, ...]
) -> NDArray[np.uint8]:
    x0, x1, y0, y1 = extent
    x, y = np.arange(x0, x1, PIXEL_MM) + PIXEL_MM / 2, np.arange(y1, y0, -PIXEL_MM) - PIXEL_MM / 2
    pixels = np.stack(np.meshgrid(x, y), axis=-1)
    depth = np.zeros(pixels.shape[:2])
    for fold in folds:
        for line in _lines(fold):
            away, along = _to_line(pixels, line)
            fade = np.clip(np.minimum(along, 1.0 - along) / 0.25, 0.0, 1.0)
            depth = np.maximum(depth, fold.depth * fade * np.exp(-0.5 * (away / fold.width) ** 2))
    depth[depth < LEAST_DEPTH] = 0.0
    slope_y, slope_x = np.gradient(-depth, PIXEL_MM)
    slopes = np.stack([slope_x, -slope_y], axis=-1)  # rows run down, y runs up
    picture = np.concatenate([255 * depth[..., None], SLOPE_SCALE * slopes], axis=-1)
    coarse = COARSE * np.rint(picture / COARSE) + (0.0, SLOPE_SCALE, SLOPE_SCALE)
    return np.clip(coarse, 0, 255).astype(np.uint8)


class _Front:
    """The front of the nominal skin as a map: a place (x, y) -> the skin's vertices."""

    def __init__(self, head: Head) -> None:
        skin = head.parts["skin"]
        self._count = len(skin.vertices)
        self._places = head.paint.coords.astype(np.float64)
        corners = skin.triangles
        a, b, c = (skin.vertices[corners[:, k]] for k in range(3))
        normal = np.cross(b - a, c - a)
        faces = normal[:, 2] > MIN_FACING * np.linalg.norm(normal, axis=1)
        faces &= (head.mouth[corners] < 0.5).all(axis=1)
        faces &= (head.paint.ambient[corners] > 0.03).all(axis=1)
        self._corners = corners[faces]
        self.front = np.zeros(self._count, bool)
        self.front[self._corners] = True
        self._tree = cKDTree(self._places[self._corners].mean(axis=1))

    def at(self, places: F64) -> sp.csr_matrix:
        """(s, V) weights of the skin's vertices at places (s, 2); the nearest triangle's."""
        _, near = self._tree.query(places, k=16)
        corners = self._corners[near]  # (s, 16, 3)
        a, b, c = (self._places[corners[..., k]] for k in range(3))
        u, v, w = b - a, c - a, places[:, None] - a
        area = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
        s = (w[..., 0] * v[..., 1] - w[..., 1] * v[..., 0]) / area
        t = (u[..., 0] * w[..., 1] - u[..., 1] * w[..., 0]) / area
        weights = np.stack([1.0 - s - t, s, t], axis=-1)
        best = weights.min(axis=-1).argmax(axis=1)
        rows = np.arange(len(places))
        chosen = np.clip(weights[rows, best], 0.0, 1.0)
        chosen /= chosen.sum(axis=1, keepdims=True)
        where = (np.repeat(rows, 3), corners[rows, best].ravel())
        return sp.csr_matrix((chosen.ravel(), where), shape=(len(places), self._count))


def _lines(fold: Fold) -> list[F64]:
    line = np.array(fold.points)
    return [line, line * (-1.0, 1.0)] if fold.mirrored else [line]


def _samples(folds: Sequence[Fold]) -> tuple[NDArray[np.intp], F64, F64]:
    """Samples along all lines: index of the fold (s,), place (s, 2), unit vector across (s, 2)."""
    index, places, across = [], [], []
    for k, fold in enumerate(folds):
        for line in _lines(fold):
            for start, end in pairwise(line):
                way = end - start
                count = max(int(np.ceil(np.linalg.norm(way) / STEP_MM)), 1)
                at = start + way * ((np.arange(count) + 0.5) / count)[:, None]
                normal = np.array([-way[1], way[0]]) / np.linalg.norm(way)
                index += [k] * count
                places.append(at)
                across.append(np.tile(normal, (count, 1)))
    return np.array(index), np.concatenate(places), np.concatenate(across)


def _to_line(pixels: F64, line: F64) -> tuple[F64, F64]:
    """Distance (H, W) of pixels to a line in mm, and where along it the nearest point is, 0..1."""
    lengths = np.linalg.norm(np.diff(line, axis=0), axis=1)
    before = np.concatenate([[0.0], np.cumsum(lengths)])
    away = np.full(pixels.shape[:2], np.inf)
    along = np.zeros(pixels.shape[:2])
    for start, end, length, passed in zip(line[:-1], line[1:], lengths, before, strict=False):
        share = np.clip((pixels - start) @ (end - start) / length**2, 0.0, 1.0)
        gap = np.linalg.norm(pixels - (start + share[..., None] * (end - start)), axis=-1)
        nearer = gap < away
        along = np.where(nearer, (passed + share * length) / before[-1], along)
        away = np.where(nearer, gap, away)
    return away, along


def _lengths(arms: NDArray[np.floating]) -> F32:
    return np.asarray(np.sqrt(np.einsum("sx,sx->s", arms, arms)), np.float32)
