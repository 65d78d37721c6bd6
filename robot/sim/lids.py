"""How eyelids carry the skin around an eye: shells that turn about the eyeball's centre on an
axis along x.

Angles are elevations about that axis, radians, positive up. A lid's field is 1 on its margin in
the middle of the eye, falls to the corners with the opening (so that both margins meet everywhere
at the same moment) and fades out above or below the lid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from mien.robot.sim.head import Head

F64 = NDArray[np.float64]

REACH_MM = 27.0  # skin further than this from the eye's centre belongs to no lid
RIM_NORMAL = (
    -0.45,
    0.55,
)  # cosine between skin normal and eye-to-skin ray where skin turns over the lid's edge
RIM_SKY = 0.25  # the rim sees at least this share of the sky, the socket behind it does not
RIM_ELEVATION = (-0.42, 0.27)
PLATE = np.radians(4.0)  # how far from its margin a lid is stiff
FADE = np.radians((26.0, 30.0))  # how far upper and lower lids reach beyond that
OVERLAP = np.radians(1.5)  # how far closed lids may press over each other


@dataclass(frozen=True)
class Lids:
    """One eye's two lids.

    vertices (n,): the skin vertices they move; upper, lower (n,): the two fields there; arm (n,
    3): rest position from the eye's centre, mm; opening: elevation between the margins at rest,
    radians: the sum of both lids' angles that closes the eye;
    rim (m,): skin vertices on the margins.
    """

    vertices: NDArray[np.int64]
    upper: F64
    lower: F64
    arm: F64
    opening: float
    rim: NDArray[np.int64]

    def clamp(self, upper: float, lower: float) -> tuple[float, float]:
        """Lid angles that do not pass through each other: what closes too far is taken from the
        upper lid."""
        return min(upper, self.opening + OVERLAP - lower), lower

    def shift(self, upper: float, lower: float) -> F64:
        """Displacement (n, 3) mm of `vertices` with the lids at these angles, positive closing."""
        upper, lower = self.clamp(upper, lower)
        angle = lower * self.lower - upper * self.upper  # positive raises the skin
        out = np.zeros_like(self.arm)
        sine, versine = np.sin(angle), np.cos(angle) - 1.0
        out[:, 1] = versine * self.arm[:, 1] + sine * self.arm[:, 2]
        out[:, 2] = versine * self.arm[:, 2] - sine * self.arm[:, 1]
        return out


def smoothstep(x: F64) -> F64:
    """Smooth step from 0 to 1 over 0..1, with zero slope at both ends; any shape."""
    x = np.clip(x, 0.0, 1.0)
    return np.asarray(x * x * (3.0 - 2.0 * x))


def vertex_normals(vertices: F64, triangles: NDArray[np.integer]) -> F64:
    """Area-weighted unit normals (V, 3)."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    faces = np.cross(b - a, c - a)
    where = (triangles.T.ravel(), np.tile(np.arange(len(triangles)), 3))
    sums = (
        sp.csr_matrix((np.ones(triangles.size), where), shape=(len(vertices), len(triangles)))
        @ faces
    )
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12))


def find_lids(head: Head, side: str) -> Lids:
    """Find the lids of one eye on the mesh and their fields."""
    skin = head.parts["skin"]
    vertices = skin.vertices.astype(np.float64)
    arm = vertices - head.eye_center[side]
    radius = np.linalg.norm(arm, axis=1)
    elevation = np.arctan2(arm[:, 1], arm[:, 2])
    facing = np.einsum("vx,vx->v", vertex_normals(vertices, skin.triangles), arm) / radius
    near = (radius < REACH_MM) & (arm[:, 2] > 0)
    rim = (
        near & (facing > RIM_NORMAL[0]) & (facing < RIM_NORMAL[1]) & (head.paint.ambient > RIM_SKY)
    )
    rim &= (
        (elevation > RIM_ELEVATION[0])
        & (elevation < RIM_ELEVATION[1])
        & (radius < 1.37 * head.eye_radius)
    )
    x = arm[:, 0]
    # Corners of the eye: where the rim ends in x, and its elevation there.
    low, high = x[rim].min(), x[rim].max()
    ends = [float(np.mean(elevation[rim & (np.abs(x - end) < 0.8)])) for end in (low, high)]
    u = (x - (low + high) / 2) / ((high - low) / 2)
    line = ends[0] + (ends[1] - ends[0]) * (u + 1) / 2
    lens = np.clip(1.0 - u**2, 0.0, None)

    def margin(chosen: NDArray[np.bool_]) -> F64:
        basis = lens[chosen, None] * np.stack([u[chosen] ** k for k in range(4)], axis=1)
        bow, *_ = np.linalg.lstsq(basis, (elevation - line)[chosen], rcond=None)
        return np.asarray(
            line + lens * (np.stack([np.clip(u, -1, 1) ** k for k in range(4)], axis=1) @ bow)
        )

    upper_margin = margin(rim & (elevation > line) & (np.abs(u) < 0.97))
    lower_margin = margin(rim & (elevation < line) & (np.abs(u) < 0.97))
    gap = np.clip(upper_margin - lower_margin, 0.0, None)
    opening = float(gap[near].max())
    inside = near & (np.abs(u) < 1.0) & (radius < REACH_MM)
    above = elevation > (upper_margin + lower_margin) / 2
    upper = smoothstep(1.0 - (elevation - upper_margin - PLATE) / FADE[0]) * above
    lower = smoothstep(1.0 - (lower_margin - elevation - PLATE) / FADE[1]) * ~above
    rest = smoothstep((REACH_MM - radius) / 4.0) * inside * gap / opening
    moved = np.flatnonzero((upper + lower) * rest > 1e-4)
    return Lids(
        moved,
        (upper * rest)[moved],
        (lower * rest)[moved],
        arm[moved],
        opening,
        np.flatnonzero(rim),
    )
