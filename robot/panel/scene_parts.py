"""The meshes of a face as a page draws them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from mien.robot.panel.scene_arrays import padded, places
from mien.robot.sim.head import Head
from mien.robot.sim.surfaces import SURFACES, fixed, scalp


@dataclass(frozen=True)
class Part:
    """A mesh to draw: the first ``drawn`` of its triangles (T, 3), and all of them to find its
    normals, unless these are given (V, 3). ``fixed`` (V, 9) as in ``mien.robot.sim.surfaces``."""

    name: str
    shader: str
    vertices: NDArray[np.floating]
    triangles: NDArray[np.int32]
    fixed: NDArray[np.float32]
    drawn: int
    normals: NDArray[np.float64] | None = None
    rows: NDArray[np.intp] | None = None
    rigid: bool = False

    def header(self) -> dict[str, Any]:
        """Its entry in the scene's JSON."""
        return {
            "name": self.name, "shader": self.shader, "vertices": len(self.vertices),
            "triangles": len(self.triangles), "drawn": self.drawn,
            "material": int(self.fixed[0, 6]), "normals": self.normals is not None,
            "rows": 0 if self.rows is None else len(self.rows), "rigid": self.rigid,
        }  # fmt: skip

    def arrays(self) -> list[bytes]:
        """Its arrays in the order of the scene."""
        given = [] if self.normals is None else [padded((32767 * self.normals).astype("<i2"))]
        rows = [] if self.rows is None else [padded(self.rows.astype("<u2"))]
        return [
            places(self.vertices) or b"",
            *given,
            padded(self.triangles.astype("<u2")),
            padded(_bytes(self.fixed[:, :3])),
            padded(_bytes(self.fixed[:, 7:])),
            padded(self.fixed[:, 3:6].astype("<f4")),
            *rows,
        ]


def parts_of(head: Head, rows: Mapping[str, NDArray[np.intp]]) -> list[Part]:
    """The skin without the part that a finer mesh stands for, that mesh, and all others."""
    out = []
    for name, part in head.parts.items():
        triangles, drawn = part.triangles, len(part.triangles)
        turns = name.startswith("eye_") or name == "teeth_lower"
        if name == "skin":
            weights, replaced, finer = scalp(head)
            finer = np.concatenate([finer, _seam(weights)])
            triangles = np.concatenate([triangles[~replaced], triangles[replaced]])
            drawn = int((~replaced).sum())
            normal = weights @ _normals(part.vertices, part.triangles)
            out.append(
                Part(
                    "scalp", "skin", weights @ part.vertices, finer, weights @ fixed(head, name),
                    len(finer), normal / np.linalg.norm(normal, axis=1, keepdims=True),
                )
            )  # fmt: skip
        out.append(
            Part(
                name, SURFACES[name][0], part.vertices, triangles, fixed(head, name), drawn,
                rows=rows.get(name), rigid=turns,
            )
        )  # fmt: skip
    return out


def _seam(weights: sp.csr_matrix) -> NDArray[np.int32]:
    """Slivers (n, 3) along the border of the finer mesh, seen from both sides.

    The middle of a border edge lies beside the straight edge of the skin by a rounding error, and
    the background would shine through between them.
    """
    kept, middle = (np.flatnonzero(np.diff(weights.indptr) == k) for k in (1, 2))
    row = dict(zip(weights[kept].indices.tolist(), kept.tolist(), strict=True))
    ends = [[row[v] for v in pair] for pair in weights[middle].indices.reshape(-1, 2).tolist()]
    front = np.column_stack([ends, middle]).astype(np.int32).reshape(-1, 3)
    return np.concatenate([front, front[:, ::-1]])


def _normals(vertices: NDArray[np.float32], triangles: NDArray[np.int32]) -> NDArray[np.float64]:
    """Area-weighted unit normals (V, 3)."""
    a, b, c = (vertices[triangles[:, k]].astype(np.float64) for k in range(3))
    out = np.zeros((len(vertices), 3))
    for k in range(3):
        np.add.at(out, triangles[:, k], np.cross(b - a, c - a))
    return np.asarray(out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12))


def _bytes(share: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(255.0 * np.clip(share, 0.0, 1.0)), dtype=np.uint8)
