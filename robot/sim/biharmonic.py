"""Smooth weights over a triangle mesh: each handle's influence is 1 on it, 0 on the others, and
bends as little as possible.

Discrete biharmonic weights with a little tension, (L M^-1 L + t L) w = 0 off the handles, with
the cotangent Laplacian L and the lumped masses M (Botsch and Kobbelt 2004; Jacobson et al. 2010).
Influence runs along the surface: lips that touch are far apart.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

from mien.models.files import whole
from mien.models.reading.arrays import read_npy
from mien.models.reading.bounded import FileError
from mien.models.user_folders import cache_folder

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

# Over longer distances the surface behaves as a stretched membrane, which cannot overshoot.
TENSION_MM = 30.0
MIN_COTANGENT = 1e-3  # obtuse triangles would give negative couplings
VERSION = b"biharmonic 1"


def laplacian(vertices: F64, triangles: NDArray[np.integer]) -> tuple[sp.csr_matrix, F64]:
    """Positive semi-definite cotangent Laplacian (V, V) and the area around each vertex (V,),
    mm^2."""
    count = len(vertices)
    rows, columns, values = [], [], []
    areas = np.zeros(count)
    for k in range(3):
        i, j, o = triangles[:, (k + 1) % 3], triangles[:, (k + 2) % 3], triangles[:, k]
        a, b = vertices[i] - vertices[o], vertices[j] - vertices[o]
        double_area = np.maximum(np.linalg.norm(np.cross(a, b), axis=1), 1e-9)
        cotangent = np.maximum((a * b).sum(axis=1) / double_area, MIN_COTANGENT) / 2
        rows += [i, j]
        columns += [j, i]
        values += [cotangent, cotangent]
        np.add.at(areas, o, double_area / 6)
    weights = sp.csr_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), (count, count)
    )
    return (sp.diags(np.asarray(weights.sum(axis=1)).ravel()) - weights).tocsr(), np.maximum(
        areas, 1e-6
    )


def solve(
    vertices: F64, triangles: NDArray[np.integer], handles: NDArray[np.integer], values: F64
) -> F32:
    """Weights (V, K) that take values (H, K) on the handle vertices (H,)."""
    stiffness, areas = laplacian(vertices, triangles)
    energy = (stiffness @ sp.diags(1 / areas) @ stiffness + stiffness / TENSION_MM**2).tocsr()
    free = np.setdiff1d(np.arange(len(vertices)), handles)
    factor = splu(energy[free][:, free].tocsc())
    weights = np.zeros((len(vertices), values.shape[1]))
    weights[handles] = values
    weights[free] = factor.solve(np.asarray(-(energy[free][:, handles] @ values)))
    return weights.astype(np.float32)


def cached_solve(
    vertices: F64,
    triangles: NDArray[np.integer],
    handles: NDArray[np.integer],
    values: F64,
    folder: Path | None = None,
) -> F32:
    """`solve`, remembered on disk by the content of its arguments. A cache that cannot be written
    is done without."""
    digest = hashlib.sha256(VERSION)
    for array in (vertices, triangles, handles, values):
        digest.update(
            repr((array.shape, str(array.dtype))).encode() + np.ascontiguousarray(array).tobytes()
        )
    path = (folder or cache_folder()) / f"skin-{digest.hexdigest()[:16]}.npy"
    try:
        kept = read_npy(path)
        if kept.shape == (len(vertices), values.shape[1]) and kept.dtype == np.float32:
            return kept
    except (OSError, FileError):
        pass
    weights = solve(vertices, triangles, handles, values)
    try:
        with whole(path) as part, part.open("wb") as file:
            np.save(file, weights)
    except OSError:
        pass
    return weights
