"""Neutral head, identity modes and face units from the base mesh: crop at the neck, scale, move
to the head frame. mm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from tests.tools.head_assets.mpfb import BaseMesh, face_units, shape_target

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

INTERPUPILLARY = 62.0
IDENTITY_MM = 5.0
SEAM_Y = -71.6  # where the lips meet in the middle
# The neck is cut by a plane that rises to the back: keep y > CUT_Y + CUT_SLOPE * (CUT_Z - z),
# base mesh mm.
CUT_Y, CUT_SLOPE, CUT_Z = 612.0, 0.3, 20.0
ETHNICITIES = ("african", "asian", "caucasian")
SEXES = ("female", "male")

# Shape targets that make other people of this head; "*" stands for both sides. Each tuple is
# summed at weight 1.
IDENTITY: dict[str, tuple[str, ...]] = {
    "round": ("head/head-round",),
    "square": ("head/head-square",),
    "fat": ("head/head-fat-incr",),
    "age": ("head/head-age-incr",),
    "chin_width": ("chin/chin-width-incr",),
    "chin_forward": ("chin/chin-prominent-incr",),
    "chin_height": ("chin/chin-height-incr",),
    "nose_width": ("nose/nose-scale-horiz-incr",),
    "nose_length": ("nose/nose-scale-vert-incr",),
    "nose_hump": ("nose/nose-hump-incr",),
    "nose_point": ("nose/nose-point-up",),
    "mouth_width": ("mouth/mouth-scale-horiz-incr",),
    "lips_full": ("mouth/mouth-lowerlip-volume-incr", "mouth/mouth-upperlip-volume-incr"),
    "cheek_bones": ("cheek/l-cheek-bones-incr", "cheek/r-cheek-bones-incr"),
    "cheek_volume": ("cheek/l-cheek-volume-incr", "cheek/r-cheek-volume-incr"),
    "forehead": ("forehead/forehead-temple-incr",),
}


@dataclass(frozen=True)
class HeadShape:
    """Skin of the neutral head in the head frame, and how any base-mesh displacement maps to it.

    pick (V, N) sparse maps base vertices to skin vertices (the cut makes new ones on edges),
    already in mm of this head.
    """

    vertices: F64
    triangles: I64
    uv: F64
    pick: sp.csr_matrix
    all_vertices: F64  # (N, 3) every base vertex, helpers too, in the head frame
    scale: float


def adult(data: Path, base: BaseMesh) -> F64:
    """(N, 3) mm: the mean young adult over both sexes and all ethnicities of the base mesh."""
    count = len(base.vertices)
    shape = base.vertices.copy()
    for sex in SEXES:
        shape += shape_target(
            data, f"macrodetails/universal-{sex}-young-averagemuscle-averageweight", count
        ) / len(SEXES)
        for people in ETHNICITIES:
            shape += shape_target(data, f"macrodetails/{people}-{sex}-young", count) / (
                len(SEXES) * len(ETHNICITIES)
            )
    return shape


def crop(vertices: F64, triangles: I64) -> tuple[sp.csr_matrix, I64]:
    """Clip by the neck plane. Returns (V, N) interpolation weights and the triangles of the kept
    mesh."""
    above = vertices[:, 1] - CUT_Y - CUT_SLOPE * (CUT_Z - vertices[:, 2])
    # A cut close to a vertex leaves slivers that ruin the cotangent weights, so such vertices are
    # moved onto the plane's upper side.
    above[np.abs(above) < 1.5] = 0.0
    rows: list[tuple[int, int, float]] = []
    names: dict[tuple[int, int], int] = {}

    def vertex(a: int, b: int) -> int:
        key = (min(a, b), max(a, b))
        if key not in names:
            names[key] = len(rows)
            t = 0.0 if a == b else above[key[0]] / (above[key[0]] - above[key[1]])
            rows.append((*key, t))
        return names[key]

    kept = []
    for corner in triangles:
        polygon: list[int] = []
        for a, b in zip(corner, np.roll(corner, -1), strict=True):
            if above[a] >= 0:
                polygon.append(vertex(a, a))
            if above[a] * above[b] < 0:
                polygon.append(vertex(a, b))
        kept += [
            [polygon[0], polygon[k], polygon[k + 1]]
            for k in range(1, len(polygon) - 1)
            if (above[corner] > 0).any()
        ]
    table = np.array(rows)
    row = np.arange(len(rows))
    a, b, t = table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2]
    weights = sp.csr_matrix(
        (np.r_[1 - t, t], (np.r_[row, row], np.r_[a, b])), shape=(len(rows), len(vertices))
    )
    return weights, np.array(kept, dtype=np.int64)


def smooth(x: F64) -> F64:
    """0 below 0, 1 above 1, smooth between."""
    x = np.clip(x, 0.0, 1.0)
    return np.asarray(x * x * (3.0 - 2.0 * x))


def below_mouth(x: F64, opens: F64) -> NDArray[np.bool_]:
    """(V,) whether skin near the mouth belongs to the lower lip, by how jawOpen moves it (mm, y);
    at the corners both lips move alike."""
    return np.asarray(opens < -8.0 - 4.8 * np.clip((np.abs(x) - 12.0) / 11.0, 0, 1))


def close_lips(data: Path, vertices: F64, pick: sp.csr_matrix) -> F64:
    """(V, 3) mm that brings the lips of the base mesh together, which rest 1 to 2 mm apart: the
    upper one down, the lower one up."""
    opens = (pick @ face_units(data, pick.shape[1])["jawOpen"])[:, 1]
    x, y, z = vertices.T
    away = np.abs(y - (SEAM_Y - 0.0022 * x**2))
    fade = (
        np.clip((11.0 - away) / 9.0, 0, 1)
        * np.clip((25.5 - np.abs(x)) / 3.0, 0, 1)
        * np.clip((z - 4.0) / 10.0, 0, 1)
    )
    amount = (0.42 + 0.30 * (np.abs(x) / 20.0) ** 2) * fade**2 * (3 - 2 * fade)
    out = np.zeros_like(vertices)
    out[:, 1] = np.where(below_mouth(x, opens), amount, -amount)
    return out


def neutral_head(data: Path, base: BaseMesh) -> HeadShape:
    """The neutral skin in the head frame: origin between the eyes, eyes INTERPUPILLARY apart."""
    shape = adult(data, base)
    left, right = (
        shape[np.unique(base.triangles[f"helper-{side}-eye"])].mean(axis=0) for side in "lr"
    )
    left[2] = right[2] = shape[np.unique(base.triangles["joint-l-eye"])].mean(axis=0)[2]
    scale = INTERPUPILLARY / float(np.linalg.norm(left - right))
    weights, triangles = crop(shape, base.triangles["body"])
    used = np.unique(triangles)
    renumber = np.full(weights.shape[0], -1)
    renumber[used] = np.arange(len(used))
    weights, triangles = weights[used], renumber[triangles]
    placed = (shape - (left + right) / 2) * scale
    pick = (weights * scale).tocsr()
    skin = weights @ placed
    skin += close_lips(data, skin, pick)
    return HeadShape(skin, triangles, weights @ base.uv, pick, placed, scale)


def identities(data: Path, head: HeadShape) -> dict[str, F64]:
    """(V, 3) mm by name: what makes another person of this head, at most IDENTITY_MM at weight 1.

    Nothing moves around the eyes, and lips neither part nor cross: eyeballs, lids and teeth are the
    same mechanism in every build.
    """
    count = head.pick.shape[1]
    x, y, z = head.vertices.T
    distance = np.sqrt((np.abs(x) - INTERPUPILLARY / 2) ** 2 + y**2 + z**2)
    free = smooth((distance - 22.0) / 18.0)[:, None]
    from_seam = np.hypot(np.abs(y - SEAM_Y), np.maximum(np.abs(x) - 26.0, 0.0))
    parted = np.stack([np.ones_like(x), smooth((from_seam - 3.0) / 9.0), np.ones_like(x)], axis=1)
    modes = {
        name: np.sum([shape_target(data, part, count) for part in parts], axis=0)
        for name, parts in IDENTITY.items()
    }
    people = {
        p: np.mean(
            [shape_target(data, f"macrodetails/{p}-{s}-young", count) for s in SEXES], axis=0
        )
        for p in ETHNICITIES
    }
    modes["african_asian"] = people["african"] - people["asian"]
    modes["caucasian_asian"] = people["caucasian"] - people["asian"]
    near = np.flatnonzero(np.linalg.norm(head.all_vertices, axis=1) < 60.0)
    out = {}
    for name, mode in modes.items():
        # Whole bodies also differ in height: only what is left with the faces on each other counts.
        still = mode - mode[near].mean(axis=0) if name.endswith("_asian") else mode
        moved = free * parted * (head.pick @ still)
        largest = float(np.linalg.norm(moved, axis=1).max())
        out[name] = moved * min(1.0, IDENTITY_MM / largest)
    return out


def units(data: Path, head: HeadShape) -> dict[str, F64]:
    """(V, 3) mm by ARKit name: what each face unit does to the skin of this head at weight 1."""
    return {name: head.pick @ delta for name, delta in face_units(data, head.pick.shape[1]).items()}
