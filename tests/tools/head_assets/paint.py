"""Skin albedo: a frontal picture over (x, y) of the neutral head for what is finer than the mesh
(lips, brows, lids), and a colour per vertex for the rest. Masks for lips, lids, ears and the
inside of the mouth are the base mesh's own (CC0)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

# The picture covers this rectangle of the head frame (mm), rows from the top.
X_RANGE = (-80.0, 80.0)
Y_RANGE = (-130.0, 90.0)
MM_PER_PIXEL = 0.4

# The lids' margins seen from the front: height (mm) over the distance from the eye's middle in
# units of 14 mm, outward.
LID_U = np.array([-1.0, -0.86, -0.72, -0.52, -0.25, 0.03, 0.31, 0.55, 0.75, 0.89, 0.96])
UPPER_LID_Y = np.array([-3.6, -1.8, -0.6, 1.0, 2.2, 2.9, 2.8, 2.2, 1.3, 0.4, -0.6])
LOWER_LID_Y = np.array([-4.3, -4.9, -5.1, -5.3, -5.5, -5.8, -5.8, -5.2, -4.3, -2.9, -1.6])

SKIN = np.array([0.80, 0.585, 0.475])
FLUSH = np.array([0.76, 0.42, 0.36])
LIPS = np.array([0.69, 0.375, 0.345])
MUCOSA = np.array([0.50, 0.20, 0.19])  # where the lips turn inward
LASHES = np.array([0.10, 0.07, 0.06])
MOUTH_INSIDE = np.array([0.30, 0.075, 0.075])
BROW = np.array([0.13, 0.085, 0.06])
LID_SHADE = np.array([0.60, 0.38, 0.31])

# Brow of the left side: centre line x, y and half width, mm in the head frame, from the nose
# outward.
BROW_LINE = np.array(
    [
        (12.0, 17.6, 3.0),
        (18.0, 19.6, 4.2),
        (26.0, 21.6, 4.3),
        (35.0, 22.6, 3.6),
        (43.0, 21.4, 2.6),
        (50.0, 18.2, 1.5),
        (54.0, 15.4, 0.7),
    ]
)


def mask(data: Path, name: str, uv: F64) -> F64:
    """Value 0..1 of one of the base mesh's UV masks at uv (..., 2)."""
    image = (
        np.asarray(Image.open(data / f"mpfb2/textures/mpfb_{name}.jpg"), dtype=np.float64) / 255.0
    )
    image = gaussian_filter(image, 2.0)
    rows, columns = (1.0 - uv[..., 1]) * (image.shape[0] - 1), uv[..., 0] * (image.shape[1] - 1)
    return np.asarray(map_coordinates(image, [rows, columns], order=1, mode="nearest"))


def frontal_uv(vertices: F64, triangles: I64, uv: F64) -> tuple[F64, NDArray[np.bool_]]:
    """What a camera at +z infinity sees: base-mesh uv (H, W, 2) at each pixel of the picture, and
    where it sees skin."""
    width = round((X_RANGE[1] - X_RANGE[0]) / MM_PER_PIXEL)
    height = round((Y_RANGE[1] - Y_RANGE[0]) / MM_PER_PIXEL)
    depth = np.full((height, width), -np.inf)
    out = np.zeros((height, width, 2))
    pixels = (
        np.stack([(vertices[:, 0] - X_RANGE[0]), (Y_RANGE[1] - vertices[:, 1])], -1) / MM_PER_PIXEL
        - 0.5
    )
    for corner in triangles:
        p = pixels[corner]
        (c0, r0), (c1, r1) = (
            np.maximum(np.floor(p.min(0)), 0).astype(int),
            np.ceil(p.max(0)).astype(int),
        )
        columns, rows = np.meshgrid(
            np.arange(c0, min(c1 + 1, width)), np.arange(r0, min(r1 + 1, height))
        )
        edge = np.array([p[1] - p[0], p[2] - p[0]]).T
        if columns.size == 0 or abs(np.linalg.det(edge)) < 1e-9:
            continue
        rest = np.stack([columns - p[0, 0], rows - p[0, 1]], -1) @ np.linalg.inv(edge).T
        bary = np.concatenate([1 - rest.sum(-1, keepdims=True), rest], -1)
        z = bary @ vertices[corner, 2]
        inside = (bary > -1e-6).all(-1) & (z > depth[rows, columns])
        depth[rows[inside], columns[inside]] = z[inside]
        out[rows[inside], columns[inside]] = (bary @ uv[corner])[inside]
    return out, np.isfinite(depth)


def brow(x: F64, y: F64, seed: int) -> F64:
    """How much hair covers the point (x, y), 0..1: strokes that lean outward along the brow line,
    denser in the middle."""
    side, x = np.sign(x), np.abs(x)
    line = np.stack(
        [np.interp(np.linspace(0, 6, 200), np.arange(7), BROW_LINE[:, k]) for k in range(3)], -1
    )
    line = gaussian_filter(line, (8, 0), mode="nearest")
    middle, half = np.interp(x, line[:, 0], line[:, 1]), np.interp(x, line[:, 0], line[:, 2])
    ends = np.clip((x - line[0, 0] + 2.5) / 4.0, 0, 1) * np.clip(
        (line[-1, 0] + 1.5 - x) / 4.0, 0, 1
    )
    across = (y - middle) / half
    body = np.clip(1.25 - np.abs(across), 0.0, 0.5) / 0.5 * ends
    noise = np.random.default_rng(seed).standard_normal((64, 512))
    along, lean = (
        (x - 0.9 * (y - middle) * np.clip((40 - x) / 25, -0.4, 1.2)) * 2.6,
        (across + 2.0) * 6.0,
    )
    stroke = map_coordinates(
        noise, [np.clip(lean + 20 * (side > 0), 0, 63), np.clip(along, 0, 511)], order=1
    )
    return np.asarray(body * np.clip(0.80 + 0.22 * stroke, 0.0, 1.0))


def lashes(x: F64, y: F64) -> F64:
    """Dark line along the lids' margins, 0..1: the upper one thick, the lower one faint."""
    u = (np.abs(x) - 31.0) / 14.0
    upper = np.interp(u, LID_U, UPPER_LID_Y)
    lower = np.interp(u, LID_U, LOWER_LID_Y)
    inside = np.clip((1.0 - np.abs(u)) / 0.08, 0, 1)
    thick = np.clip(1.0 - np.abs(y - upper - 0.5) / (1.1 + 0.4 * u), 0, 1)
    thin = 0.35 * np.clip(1.0 - np.abs(y - lower + 0.3) / 0.7, 0, 1)
    return np.asarray(np.sqrt(np.maximum(thick, thin)) * inside)


def blob(x: F64, y: F64, at: tuple[float, float], size: tuple[float, float]) -> F64:
    return np.asarray(
        np.exp(-0.5 * (((np.abs(x) - at[0]) / size[0]) ** 2 + ((y - at[1]) / size[1]) ** 2))
    )


def blend(color: F64, to: F64, amount: F64) -> F64:
    return np.asarray(color + (to - color) * amount[..., None])


def complexion(x: F64, y: F64) -> F64:
    """Base skin tone at (x, y), blush on cheeks, nose tip and chin, a little darker where a beard
    would be."""
    color = np.broadcast_to(SKIN, (*x.shape, 3)).copy()
    flush = (
        0.30 * blob(x, y, (42, -34), (15, 13))
        + 0.28 * blob(x, y, (0, -36), (13, 9))
        + 0.15 * blob(x, y, (0, -104), (16, 9))
    )
    color = blend(color, FLUSH, flush)
    return blend(color, LID_SHADE, 0.45 * blob(x, y, (30, 3), (17, 9)))


def picture(data: Path, vertices: F64, triangles: I64, uv: F64) -> F64:
    """(H, W, 4) albedo and gloss of the face seen from the front."""
    seen_uv, seen = frontal_uv(vertices, triangles, uv)
    height, width = seen.shape
    x, y = np.meshgrid(
        X_RANGE[0] + (np.arange(width) + 0.5) * MM_PER_PIXEL,
        Y_RANGE[1] - (np.arange(height) + 0.5) * MM_PER_PIXEL,
    )
    color = complexion(x, y)
    lips = gaussian_filter(mask(data, "lips", seen_uv) * seen, 1.6)
    near_mouth = (np.abs(x) < 40) & (y > -100) & (y < -50)
    color = blend(color, LIPS, np.clip(lips * 1.15, 0, 1) * near_mouth * 0.85)
    for rows in (
        slice(None),
        slice(None, None, -1),
    ):  # pores and freckles, the same seed mirrored would look stamped
        grain = gaussian_filter(
            np.random.default_rng(5 + (rows.step or 1)).standard_normal(x.shape), 1.2
        )
        color *= 1.0 + 0.035 * grain[rows][..., None]
    hair = np.maximum(brow(x, y, 3), 0.85 * lashes(x, y))
    gloss = (
        0.85 * lips * near_mouth
        + 0.25 * blob(x, y, (0, -30), (7, 14))
        + 0.15 * blob(x, y, (0, 55), (30, 18))
    )
    gloss += 0.30 * blob(x, y, (31, 0), (15, 7))
    albedo = blend(color, BROW, 0.93 * hair)
    return np.asarray(np.clip(np.concatenate([albedo, (gloss * (1 - hair))[..., None]], -1), 0, 1))


def sample(image: F64, points: F64) -> F64:
    """Colour (V, 3) of the picture at points (V, 2) mm."""
    rows = (Y_RANGE[1] - points[:, 1]) / MM_PER_PIXEL - 0.5
    columns = (points[:, 0] - X_RANGE[0]) / MM_PER_PIXEL - 0.5
    return np.stack(
        [
            map_coordinates(image[..., k], [rows, columns], order=1, mode="nearest")
            for k in range(3)
        ],
        -1,
    )


def vertex_colors(
    data: Path, vertices: F64, uv: F64, normals: F64, ambient: F64, image: F64
) -> tuple[F64, F64]:
    """Colour (V, 3) per vertex, and how far the picture holds there (V,): 1 in front, 0 at the
    sides and inside the mouth."""
    x, y, z = vertices.T
    inside = np.clip(mask(data, "inside-mouth", uv) * 1.5, 0, 1)
    in_rectangle = (np.abs(x) < X_RANGE[1] - 2) & (y > Y_RANGE[0] + 2) & (y < Y_RANGE[1] - 2)
    front = np.clip((normals[:, 2] - 0.05) / 0.3, 0, 1) * in_rectangle * (z > -20)
    lips = mask(data, "lips", uv)
    front = np.maximum(front, lips > 0.3) * (1 - inside)
    plain = complexion(x, y)
    ears = mask(data, "ears", uv) * (np.abs(x) > 70) * (y < 20)
    plain = blend(plain, FLUSH, 0.3 * ears)
    color = plain * (1 - front[:, None]) + sample(image, vertices[:, :2]) * front[:, None]
    # The mask of the lips ends where they turn inward; from there to the mouth's lining they are
    # wet and darker.
    turned_in = (np.abs(x) < 38) & (np.abs(y + 72) < 16) & (z > 8) & (lips < 0.6) & (ambient < 0.30)
    inside = np.maximum(inside, turned_in)
    return np.asarray(
        blend(color, np.where(turned_in[:, None], MUCOSA, MOUTH_INSIDE), inside)
    ), front * (1 - turned_in)
