"""Coloured dots stuck on the simulated skin; they move with it.

A dot is a small disc. Each of its vertices is tied to one triangle of the skin, so it bends,
stretches and turns with the skin under it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from mien.robot.sim.head import Head, Part

GREEN = (0.10, 0.62, 0.22)
"""Colour of a dot, sRGB."""
PART = "dots"
_RIM = 12  # vertices on the rim of a disc
_LIFT_MM = 0.15  # of the sticker above the skin
_RINGS, _FACING = 3, 0.2  # triangles around the nearest one; least cosine of their normals

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Dots:
    """Dots on a head.

    Attributes:
        weights: (D * 13, V) from skin vertices to the vertices of the discs, the centre first.
        triangles: (T, 3) of all discs.
        color: (3,) sRGB.
    """

    weights: sp.csr_matrix
    triangles: NDArray[np.int32]
    color: tuple[float, float, float] = GREEN

    @property
    def count(self) -> int:
        """Number of dots."""
        return int(self.weights.shape[0] // (_RIM + 1))

    def centres(self, skin: NDArray[np.floating]) -> F64:
        """Centres (D, 3) mm on a skin (V, 3) mm."""
        return np.asarray((self.weights @ np.asarray(skin, np.float64))[:: _RIM + 1])

    def deform(self, skin: NDArray[np.floating]) -> F32:
        """Vertices (D * 13, 3) mm of the discs on a skin (V, 3) mm, a sticker's height above it."""
        flat = self.weights @ np.asarray(skin, np.float64)
        discs = flat.reshape(-1, _RIM + 1, 3)
        arms = discs[:, 1:] - discs[:, :1]
        normal = np.cross(arms, np.roll(arms, -1, axis=1)).sum(1)
        normal /= np.maximum(np.linalg.norm(normal, axis=1), 1e-9)[:, None]
        return np.asarray((discs + _LIFT_MM * normal[:, None]).reshape(-1, 3), dtype=np.float32)

    def on(self, head: Head) -> Head:
        """The head with the dots as a further part."""
        vertices = self.deform(head.parts["skin"].vertices)
        colors = np.broadcast_to(np.asarray(self.color, np.float32), vertices.shape)
        part = Part(vertices, self.triangles, np.ascontiguousarray(colors))
        return replace(head, parts={**head.parts, PART: part})


def stick(
    head: Head,
    places: ArrayLike,
    diameters: ArrayLike,
    color: tuple[float, float, float] = GREEN,
) -> Dots:
    """Dots at places (D, 3) mm near the neutral skin, with diameters (D,) mm."""
    skin = head.parts["skin"]
    vertices = np.asarray(skin.vertices, np.float64)
    corners = vertices[skin.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1), 1e-12)[:, None]
    outside = np.flatnonzero((head.mouth[skin.triangles] < 0.5).all(1))
    touching = _touching(skin.triangles, len(vertices))
    rows, columns, values = [], [], []
    for k, (place, wide) in enumerate(zip(np.asarray(places), np.asarray(diameters), strict=True)):
        near = outside[np.argsort(np.square(corners[outside].mean(1) - place).sum(1))[:60]]
        start, _, point = _nearest(corners, near, place)
        around = {start}
        for _ in range(_RINGS):
            around |= {int(t) for c in around for t in touching[c]}
        inside = np.array(sorted(around))
        inside = inside[normals[inside] @ normals[start] > _FACING]
        across = np.cross(normals[start], np.eye(3)[int(np.abs(normals[start]).argmin())])
        across /= np.linalg.norm(across)
        up = np.cross(normals[start], across)
        turns = 2 * np.pi * np.arange(_RIM) / _RIM
        rim = np.outer(np.cos(turns), across) + np.outer(np.sin(turns), up)
        for j, goal in enumerate((point, *(point + 0.5 * float(wide) * rim))):
            at, share, _ = _nearest(corners, inside, goal)
            rows += [k * (_RIM + 1) + j] * 3
            columns += skin.triangles[at].tolist()
            values += share.tolist()
    count = len(np.asarray(diameters)) * (_RIM + 1)
    weights = sp.csr_matrix((values, (rows, columns)), shape=(count, len(vertices)))
    fan = [(0, 1 + j, 1 + (j + 1) % _RIM) for j in range(_RIM)]
    first = np.arange(0, count, _RIM + 1)
    triangles = (first[:, None, None] + np.array(fan)).reshape(-1, 3).astype(np.int32)
    return Dots(weights, triangles, color)


def _touching(triangles: NDArray[np.int32], count: int) -> Sequence[NDArray[np.int32]]:
    """The triangles that share a vertex with each triangle."""
    faces = np.arange(len(triangles))
    has = sp.csr_matrix(
        (np.ones(3 * len(faces)), (np.repeat(faces, 3), triangles.ravel())),
        shape=(len(faces), count),
    )
    shared = sp.csr_matrix(has @ has.T)
    return [shared.indices[shared.indptr[t] : shared.indptr[t + 1]] for t in faces]


def _nearest(corners: F64, among: NDArray[np.intp], point: F64) -> tuple[int, F64, F64]:
    """The triangle of ``among`` that is nearest to a point (3,), the barycentric weights (3,) of
    the nearest place on it, and that place (3,)."""
    a, b, c = np.moveaxis(corners[among], 1, 0)
    u, v, w = b - a, c - a, point - a
    uu, uv, vv = (np.einsum("ij,ij->i", p, q) for p, q in ((u, u), (u, v), (v, v)))
    wu, wv = np.einsum("ij,ij->i", w, u), np.einsum("ij,ij->i", w, v)
    area = np.maximum(uu * vv - uv * uv, 1e-12)
    s, t = (vv * wu - uv * wv) / area, (uu * wv - uv * wu) / area
    shares = np.stack([1.0 - s - t, s, t], axis=1)
    outside = (shares < 0.0).any(1)
    if outside.any():  # the nearest place on the three edges
        ends = corners[among][outside]
        best = np.full(int(outside.sum()), np.inf)
        found = np.zeros((len(best), 3))
        for i in range(3):
            j = (i + 1) % 3
            along = ends[:, j] - ends[:, i]
            length = np.maximum(np.square(along).sum(1), 1e-12)
            at = np.clip(np.einsum("ij,ij->i", point - ends[:, i], along) / length, 0.0, 1.0)
            far = np.square(ends[:, i] + at[:, None] * along - point).sum(1)
            share = np.zeros_like(found)
            share[:, i], share[:, j] = 1.0 - at, at
            nearer = far < best
            best[nearer], found[nearer] = far[nearer], share[nearer]
        shares[outside] = found
    on = np.einsum("ik,ikx->ix", shares, corners[among])
    k = int(np.square(on - point).sum(1).argmin())
    return int(among[k]), shares[k], on[k]
