"""Parts of the head that are generated, not taken from the base mesh: eyeballs, rows of teeth,
neck collar. Units: mm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Solid = tuple[F64, I64, F64]  # vertices (V, 3), triangles (T, 3), albedo (V, 3) in 0..1

IRIS_RADIUS = 6.1
PUPIL_RADIUS = 2.3
CORNEA_BULGE = 0.6

SCLERA = (0.86, 0.84, 0.82)
IRIS = (0.24, 0.38, 0.44)
PUPIL = (0.02, 0.02, 0.025)
ENAMEL = (0.88, 0.85, 0.78)
GUM = (0.62, 0.27, 0.27)
METAL = (0.16, 0.17, 0.19)
EDGE_MM = 1.3  # thickness of a biting edge
NECK = 0.3  # height (of the row) above which a tooth no longer leans
IN_FRONT = 8  # points of a tooth's profile that are seen from the front


def grid_triangles(rows: int, columns: int, wrap: bool) -> I64:
    """Triangles of a (rows, columns) vertex grid; `wrap` joins the last column to the first.
    Front faces see +normal = (down the rows) x (along the columns)."""
    last = columns if wrap else columns - 1
    row, column = np.meshgrid(np.arange(rows - 1), np.arange(last), indexing="ij")
    a = row * columns + column
    b = row * columns + (column + 1) % columns
    c, d = a + columns, b + columns
    return np.concatenate([np.stack([a, c, b], -1), np.stack([b, c, d], -1)]).reshape(-1, 3)


def eyeball(center: F64, radius: float) -> Solid:
    """Sphere that looks along +z, with a cornea that bulges; colours mark pupil, iris, limbus and
    sclera."""
    iris = np.arcsin(IRIS_RADIUS / radius)
    pupil = np.arcsin(PUPIL_RADIUS / radius)
    polar = np.concatenate(
        [
            [0.0],
            [pupil * 0.98, pupil * 1.1],
            np.linspace(pupil * 1.4, iris * 0.9, 4),
            [iris, iris * 1.08],
            np.linspace(iris * 1.3, np.pi, 14),
        ]
    )
    around = np.linspace(0.0, 2.0 * np.pi, 36, endpoint=False)
    theta, phi = np.meshgrid(polar, around, indexing="ij")
    bulge = CORNEA_BULGE * np.clip(1.0 - (theta / (1.2 * iris)) ** 2, 0.0, None)
    r = radius + bulge
    xyz = np.stack(
        [r * np.sin(theta) * np.cos(phi), r * np.sin(theta) * np.sin(phi), r * np.cos(theta)], -1
    )
    color = np.where(
        (theta <= pupil)[..., None], PUPIL, np.where((theta <= iris)[..., None], IRIS, SCLERA)
    )
    color[np.isclose(theta, iris)] *= 0.5
    return (
        xyz.reshape(-1, 3) + center,
        grid_triangles(len(polar), 36, wrap=True),
        color.reshape(-1, 3),
    )


def teeth_row(
    low: F64, high: F64, upper: bool, lean: float, teeth: int = 14, per_tooth: int = 8
) -> Solid:
    """One dental arch inside the box low..high (3,): a swept profile whose depth and edge follow
    each tooth.

    The arch is half an ellipse open to the back; `upper` puts the gum on top and the biting edge
    below. The edge stands `lean` mm in front of the neck of its tooth, as incisors do.
    """
    half, depth = high[0], high[2] - low[2]
    s = np.linspace(-1.0, 1.0, teeth * per_tooth + 1)
    angle = s * np.pi / 2
    path = np.stack([half * np.sin(angle), np.zeros_like(s), low[2] + depth * np.cos(angle)], -1)
    outward = np.stack([np.sin(angle) / half, np.zeros_like(s), np.cos(angle) / depth], -1)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    across = (np.arange(len(s)) % per_tooth) / per_tooth  # 0 at each gap between teeth
    crown = np.sin(np.pi * across) ** 0.45
    # Profile from the root in front, over the biting edge, to the root behind: (height 0 edge..1
    # root, mm behind the front)
    profile = np.array(
        [
            (1.0, 1.6),
            (0.8, 0.3),
            (0.62, 0.0),
            (0.5, 0.2),
            (0.35, 0.0),
            (0.15, 0.1),
            (0.04, 0.35),
            (0.0, 0.65),
            (0.02, EDGE_MM),
            (0.15, EDGE_MM + 1.2),
            (0.5, 6.5),
            (1.0, 6.5),
        ]
    )
    tall = high[1] - low[1]
    rows = []
    colors = []
    for k, (height, behind) in enumerate(profile):
        tooth = np.clip((0.62 - height) / 0.25, 0.0, 1.0)
        inward = behind + (1.0 - crown) * 1.3 * tooth + lean * min(height / NECK, 1.0)
        lift = height + (1.0 - crown) * 0.12 * (1.0 - height)
        y = high[1] - tall * (1 - lift) if upper else low[1] + tall * (1 - lift)
        rows.append(path - outward * inward[:, None] + np.stack([0 * s, y, 0 * s], -1))
        gum = (
            np.clip((height - 0.5 + 0.12 * (1.0 - crown)) / 0.08, 0.0, 1.0)[:, None]
            if k < IN_FRONT
            else np.full((len(s), 1), float(height > 0.4))
        )
        shade = (0.72 + 0.28 * crown)[:, None] * (0.6 + 0.4 * np.cos(angle)[:, None] ** 0.5)
        colors.append((np.array(ENAMEL) * (1 - gum) + np.array(GUM) * gum) * shade)
    triangles = grid_triangles(len(profile), len(s), wrap=False)
    return np.concatenate(rows), triangles if upper else triangles[:, ::-1], np.concatenate(colors)


def collar(ring: F64, drop: float) -> Solid:
    """Metal neck ring under the cut of the skin; `ring` (n, 3) is the cut's loop in order."""
    middle = ring.mean(axis=0)
    radial = ring - middle
    levels = [
        (1.01, 2.0),
        (1.05, 1.0),
        (1.06, -4.0),
        (1.03, -6.0),
        (0.97, -8.0),
        (0.97, -drop),
        (0.5, -drop),
    ]
    rows = [middle + radial * scale + np.array([0.0, lift, 0.0]) for scale, lift in levels]
    color = np.tile(METAL, (len(ring) * len(levels), 1))
    color[: len(ring) * 3] *= 2.2
    return np.concatenate(rows), grid_triangles(len(levels), len(ring), wrap=True), color
