"""The head of the simulated rig: CC0 meshes, colours and MediaPipe's 478 points, in mm in the
head frame.

+x is the face's own left, +y up, +z out of the face; the origin lies between the eyeball centres
of the nominal head. `assets/make_head.py` makes the file; its geometry is MakeHuman's base mesh
(CC0 1.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.models.reading.arrays import read_npz

ASSET = Path(__file__).parent / "assets" / "head.npz"
SIDES = ("left", "right")
LANDMARKS = 478
INNER_LIPS = (13, 14)

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]


@dataclass(frozen=True)
class Part:
    """vertices (V, 3) float32 mm; triangles (T, 3) int32, counter-clockwise from outside; colors
    (V, 3) float32 albedo 0..1."""

    vertices: F32
    triangles: I32
    colors: F32


@dataclass(frozen=True)
class Paint:
    """Frontal albedo picture for what is finer than the mesh (brows, lips).

    image (H, W, 4) uint8 (sRGB, gloss) covers the rectangle extent = (x0, x1, y0, y1) mm of the
    nominal head, first row at y1; coords (V, 2) are the skin vertices' places in it (mm), front
    (V,) how far the picture replaces the vertex colour; ambient (V,) is the share of the open sky
    that a skin vertex of the neutral head sees.
    """

    image: NDArray[np.uint8]
    extent: F64
    coords: F32
    front: F32
    ambient: F32


@dataclass(frozen=True)
class Head:
    """Everything fixed about one head. Landmark k lies on triangle landmark_triangle[k] (vertex
    ids in the part part_names[landmark_part[k]]) with weights landmark_bary[k]."""

    parts: Mapping[str, Part]
    paint: Paint
    landmark_part: I32
    landmark_triangle: I32
    landmark_bary: F64
    mouth: F32  # (V_skin,) 1 on skin that lines the inside of the mouth, 0 on the rest
    eye_center: Mapping[str, F64]
    eye_radius: float
    jaw_pivot: F64
    identity: F32
    identity_names: tuple[str, ...]

    @property
    def part_names(self) -> tuple[str, ...]:
        """Names of the parts, in the order of ``landmark_part``."""
        return tuple(self.parts)

    @cached_property
    def neutral_landmarks(self) -> F64:
        """(478, 3) mm."""
        return self.landmarks({name: part.vertices for name, part in self.parts.items()})

    @cached_property
    def _on_incisors(self) -> tuple[I32, I32]:
        """Skin vertices of the upper and of the lower lip in front of the incisors."""
        skin, pair = self.parts["skin"].vertices, self.neutral_landmarks[list(INNER_LIPS)]
        out = []
        for lip, sign in zip(pair, (1.0, -1.0), strict=True):
            x, y, z = np.abs(skin - lip).T
            above = sign * (skin[:, 1] - pair[:, 1].mean()) > 0.0
            out.append(np.flatnonzero((x < 12.0) & (y < 5.0) & (z < 8.0) & above).astype(np.int32))
        return out[0], out[1]

    def landmarks(self, vertices: Mapping[str, NDArray[np.floating]]) -> F64:
        """The 478 points (478, 3) mm on parts whose vertices (V, 3) have moved."""
        points = np.empty((len(self.landmark_part), 3))
        for index, name in enumerate(self.parts):
            here = self.landmark_part == index
            if here.any():
                corners = np.asarray(vertices[name], dtype=np.float64)[self.landmark_triangle[here]]
                points[here] = np.einsum("kc,kcx->kx", self.landmark_bary[here], corners)
        return points

    def with_identity(self, weights: ArrayLike) -> Head:
        """Another person's skin over the same eyes and jaw: weights (M,) of the identity modes,
        1 = a whole target. The teeth stay behind the lips, as far as before."""
        amount = np.asarray(weights, dtype=np.float32)
        if amount.shape != (len(self.identity),):
            raise ValueError(
                f"identity weights have shape {amount.shape}, need ({len(self.identity)},)"
            )
        skin = self.parts["skin"]
        shift = np.einsum("m,mvx->vx", amount, self.identity)
        parts = {**self.parts, "skin": replace(skin, vertices=skin.vertices + shift)}
        lips = [shift[near].mean(axis=0) for near in self._on_incisors]
        # Behind the lip that lies further back, at the height of both.
        carried = np.array((0.0, np.mean(lips, axis=0)[1], min(lip[2] for lip in lips)), np.float32)
        for row in ("teeth_upper", "teeth_lower"):
            part = self.parts[row]
            parts[row] = replace(part, vertices=part.vertices + carried)
        return replace(self, parts=parts)


def load_head(path: Path = ASSET) -> Head:
    """Read a head asset. Raises FileNotFoundError or KeyError when the file is not one."""
    raw = read_npz(path, own=path == ASSET)
    step = float(raw["step_mm"])

    def millimetres(name: str) -> F32:
        return np.asarray(raw[name] * step, dtype=np.float32)

    def unit(name: str) -> F32:
        return np.asarray(raw[name] / 255.0, dtype=np.float32)

    names = [key.removesuffix("/vertices") for key in raw if key.endswith("/vertices")]
    parts = {
        name: Part(
            millimetres(f"{name}/vertices"),
            raw[f"{name}/triangles"].astype(np.int32),
            unit(f"{name}/colors"),
        )
        for name in names
    }
    paint = Paint(
        # Stored as differences along each row, modulo 256: they are a fifth smaller.
        image=np.cumsum(raw["paint_steps"], axis=1, dtype=np.uint8),
        extent=raw["paint_range"].astype(np.float64),
        coords=parts["skin"].vertices[:, :2].copy(),
        front=unit("skin/front"),
        ambient=unit("skin/ambient"),
    )
    return Head(
        parts=parts,
        paint=paint,
        landmark_part=raw["landmark_part"].astype(np.int32),
        landmark_triangle=raw["landmark_triangle"].astype(np.int32),
        landmark_bary=raw["landmark_bary"].astype(np.float64),
        mouth=unit("skin/mouth"),
        eye_center={side: raw["eye_center"][k].astype(np.float64) for k, side in enumerate(SIDES)},
        eye_radius=float(raw["eye_radius"]),
        jaw_pivot=raw["jaw_pivot"].astype(np.float64),
        identity=millimetres("identity"),
        identity_names=tuple(str(name) for name in raw["identity_names"]),
    )
