"""Find MediaPipe's 478 points on the head mesh and write them into head.npz, then write
../../faces/face_units.npz.

Renders of the neutral head from many sides are tracked; each tracked pixel is a ray, and where it
meets the mesh is a vote for that landmark's place. Inner lip points would be ambiguous with the
lips closed, so they are also looked up on renders with the mouth a little open. See make_head.py
for the command.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import igl
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from mien.models.vision.face_tracker import FaceTracker
from mien.robot.sim.head import LANDMARKS, Head, load_head
from mien.robot.sim.render import CameraView, Light, Renderer
from tests.paths import ROOT
from tests.tools.head_assets import paint, shape
from tests.tools.head_assets.mpfb import Arrays, read_base, save
from tests.tools.head_assets.solids import IRIS_RADIUS

HERE = ROOT / "robot" / "sim" / "assets"
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

SIZE = 800
DISTANCE, FOV = 900.0, 22.0
YAWS = (-20.0, -10.0, 0.0, 10.0, 20.0)
PITCHES = (-8.0, 0.0, 8.0)
MOUTH_OPEN = (0.12, 0.2, 0.3)  # weights of jawOpen at which inner lips are looked up
INNER_UPPER = (191, 80, 81, 82, 13, 312, 311, 310, 415)
INNER_LOWER = (95, 88, 178, 87, 14, 317, 402, 318, 324)
INNER_CORNERS = (78, 308)
# Of each iris: the centre, then its edge at the picture's right, top, left and bottom.
IRIS_FIRST = {"right": 468, "left": 473}
# Votes count by how steeply the ray meets the skin (cosine), at least by this: outlines vote too.
FACING = 0.15
FRONTAL_POWER = 16  # views from the side count less: this power of the cosine of the view's angle
DEPTH_PENALTY = 0.02  # per mm: how much a point that lies behind what is seen is disliked
GRID = np.array([(a, b, 6 - a - b) for a in range(7) for b in range(7 - a)]) / 6.0


@dataclass(frozen=True)
class View:
    camera: CameraView
    light: Light


def views(yaws: tuple[float, ...], pitches: tuple[float, ...]) -> list[View]:
    out = []
    for yaw in np.radians(yaws):
        for pitch in np.radians(pitches):
            at = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
            x, y, z = DISTANCE * at + (0.0, -14.0, 0.0)
            for key_x in (-0.5, 0.5):
                camera = CameraView((x, y, z), (0.0, -14.0, 0.0), FOV)
                out += [View(camera, Light(key=(key_x, 0.55, 0.8), level=0.95))]
    return out


def rays(view: View, pixels: F64) -> tuple[F64, F64]:
    """Origin (3,) and unit directions (n, 3) of the rays through pixels (n, 2) of a SIZE x SIZE
    picture."""
    ndc = (pixels / SIZE - 0.5) * (2.0, -2.0) * np.tan(np.radians(FOV) / 2)
    away = np.concatenate([ndc, -np.ones((len(ndc), 1))], axis=1)
    world = away @ view.camera.world_to_camera()[:3, :3]
    return np.array(view.camera.position), world / np.linalg.norm(world, axis=1, keepdims=True)


def vote(origin: F64, direction: F64, vertices: F64, triangles: I64) -> tuple[F64, I64, F64]:
    """For each ray the best point on the mesh: nearest to the ray sideways, in front if several
    are.

    Returns distance sideways (n,), triangle (n,), barycentric (n, 3)."""
    points = np.einsum("gc,tcx->tgx", GRID, vertices[triangles])
    flat = points.reshape(-1, 3) - origin
    out_d, out_t, out_b = (
        np.empty(len(direction)),
        np.empty(len(direction), int),
        np.empty((len(direction), 3)),
    )
    for k, ray in enumerate(direction):
        along = flat @ ray
        sideways = np.sqrt(np.maximum((flat * flat).sum(1) - along**2, 0.0))
        near = sideways < 8.0
        front = along[near].min() if near.any() else along.min()
        cost = sideways + DEPTH_PENALTY * (along - front)
        best = int(np.argmin(cost))
        out_d[k], out_t[k], out_b[k] = sideways[best], best // len(GRID), GRID[best % len(GRID)]
    return out_d, out_t, out_b


def collect(
    head: Head, looks: list[View], skin: F64, allowed: I64, only: list[int]
) -> tuple[F64, F64]:
    """Votes (views, len(only), 3): rest positions on the allowed triangles (subset of the
    skin's); weights (views, len(only))."""
    rest = head.parts["skin"].vertices.astype(np.float64)
    normals = igl.per_face_normals(skin, allowed, np.zeros(3))
    out, weight = np.zeros((len(looks), len(only), 3)), np.zeros((len(looks), len(only)))
    any_reference = np.random.default_rng(0).standard_normal((LANDMARKS, 3))
    with Renderer(head, SIZE, SIZE) as renderer, FaceTracker(any_reference) as tracker:
        for row, view in enumerate(looks):
            tracked = tracker.track(
                renderer.render({"skin": skin}, camera=view.camera, light=view.light)
            )
            if not tracked.found:
                continue
            origin, direction = rays(view, tracked.pixels[only, :2])
            _, where, bary = vote(origin, direction, skin, allowed)
            facing = -np.einsum("nx,nx->n", normals[where], direction)
            out[row] = np.einsum("nc,ncx->nx", bary, rest[allowed[where]])
            frontal = (view.camera.position[2] / DISTANCE) ** FRONTAL_POWER
            weight[row] = frontal * np.maximum(facing, FACING)
    return out, weight


def weighted_median(votes: F64, weight: F64) -> tuple[F64, F64]:
    """Over the first axis, coordinate by coordinate: (n, 3), and the weighted mean distance from
    it (n,)."""
    order = np.argsort(votes, axis=0)
    heaped = np.cumsum(
        np.take_along_axis(np.broadcast_to(weight[..., None], votes.shape), order, axis=0), axis=0
    )
    middle = (heaped < heaped[-1] / 2).sum(axis=0)
    found = np.take_along_axis(np.take_along_axis(votes, order, axis=0), middle[None], axis=0)[0]
    away = np.linalg.norm(votes - found, axis=2)
    return found, (away * weight).sum(axis=0) / weight.sum(axis=0)


def snap(points: F64, vertices: F64, triangles: I64, allowed: I64) -> tuple[I64, F64]:
    """Closest points on the allowed triangles: vertex ids (n, 3), barycentric (n, 3)."""
    _, where, close = igl.point_mesh_squared_distance(points, vertices, triangles[allowed])
    corners = triangles[allowed][where]
    a, b, c = (np.ascontiguousarray(vertices[corners[:, k]]) for k in range(3))
    bary = igl.barycentric_coordinates(np.ascontiguousarray(close), a, b, c)
    return corners, np.clip(bary, 0, 1) / np.clip(bary, 0, 1).sum(axis=1, keepdims=True)


def mirror_pairs(head: Head) -> I64:
    """(468,) index of each landmark's partner on the other side, by tracking the head from the
    front; on the midline, itself."""
    any_reference = np.random.default_rng(0).standard_normal((LANDMARKS, 3))
    camera = CameraView((0.0, -14.0, DISTANCE), (0.0, -14.0, 0.0), FOV)
    with Renderer(head, SIZE, SIZE) as renderer, FaceTracker(any_reference) as tracker:
        pixels = tracker.track(
            renderer.render(camera=camera, light=Light(key=(0.0, 0.55, 0.8)))
        ).pixels[:468]
    points = pixels - (SIZE / 2, 0.0, 0.0)
    distance = np.linalg.norm(points[:, None] - (points * (-1.0, 1.0, 1.0))[None], axis=2)
    partner = linear_sum_assignment(distance + distance.T)[1]
    if not (partner[partner] == np.arange(len(points))).all():
        raise RuntimeError("the landmarks tracked on the two sides do not pair up")
    return np.asarray(partner)


def iris(head: Head, side: str) -> F64:
    """(5, 3) mm: centre of the cornea, then its edge at +x (the picture's right), top, -x,
    bottom."""
    r = head.eye_radius
    deep = np.sqrt(r**2 - IRIS_RADIUS**2)
    front = head.parts[f"eye_{side}"].vertices[:, 2].max()
    ring = [
        (0.0, 0.0, front),
        (IRIS_RADIUS, 0, deep),
        (0, IRIS_RADIUS, deep),
        (-IRIS_RADIUS, 0, deep),
        (0, -IRIS_RADIUS, deep),
    ]
    return np.array(ring) + head.eye_center[side]


def fit(data: Path, head: Head) -> Arrays:
    base = read_base(data)
    body = shape.neutral_head(data, base)
    vertices, triangles = (
        head.parts["skin"].vertices.astype(np.float64),
        head.parts["skin"].triangles.astype(np.int64),
    )
    inside_mouth = paint.mask(data, "inside-mouth", body.uv) > 0.4
    x, y, z = vertices.T
    face = (z > np.maximum(-66.0, -70.0 - 0.92 * (y + 50.0))) & (
        np.abs(x) < 79
    )  # in front of ears and jaw line, no neck
    outer = (head.paint.ambient > 0.10) & ~inside_mouth & face
    jaw = shape.units(data, body)["jawOpen"]
    lips = (np.abs(x) < 34) & (np.abs(y + 72) < 22) & ~inside_mouth & (z > 10)
    below = shape.below_mouth(x, jaw[:, 1])
    upper_lip, lower_lip = lips & ~below, lips & below

    def inside(flag: Flags) -> I64:
        return np.flatnonzero(flag[triangles].all(axis=1))

    inner = [*INNER_UPPER, *INNER_LOWER, *INNER_CORNERS]
    most = [k for k in range(468) if k not in inner]
    points = np.zeros((LANDMARKS, 3))
    spread = np.zeros(LANDMARKS)
    closed = collect(head, views(YAWS, PITCHES), vertices, triangles[inside(outer | lips)], most)
    points[most], spread[most] = weighted_median(*closed)
    for group, flag in ((INNER_UPPER, upper_lip), (INNER_LOWER, lower_lip), (INNER_CORNERS, lips)):
        votes = [
            collect(
                head,
                views((-14.0, 0.0, 14.0), (-6.0, 4.0)),
                vertices + weight * jaw,
                triangles[inside(flag)],
                list(group),
            )
            for weight in MOUTH_OPEN
        ]
        places, weights = (np.concatenate(column) for column in zip(*votes, strict=True))
        points[list(group)], spread[list(group)] = weighted_median(places, weights)
    pairs = mirror_pairs(head)
    points[:468] = (points[:468] + points[pairs] * (-1.0, 1.0, 1.0)) / 2
    print(
        f"votes lie {np.median(spread[:468]):.2f} mm (median), "
        f"{np.percentile(spread[:468], 95):.2f} mm (p95) from their median;"
        f" {(pairs == np.arange(468)).sum()} points lie on the midline"
    )

    part = np.zeros(LANDMARKS, dtype=np.uint8)
    corner = np.zeros((LANDMARKS, 3), dtype=np.uint16)
    bary = np.zeros((LANDMARKS, 3))
    for indices, flag in (
        (most, outer | lips),
        (INNER_UPPER, upper_lip),
        (INNER_LOWER, lower_lip),
        (INNER_CORNERS, lips),
    ):
        rows = list(indices)
        corner[rows], bary[rows] = snap(points[rows], vertices, triangles, inside(flag))
    for side, first in IRIS_FIRST.items():
        eye = head.parts[f"eye_{side}"]
        iris_rows = list(range(first, first + 5))
        faces = eye.triangles.astype(np.int64)
        part[iris_rows] = head.part_names.index(f"eye_{side}")
        corner[iris_rows], bary[iris_rows] = snap(
            iris(head, side), eye.vertices.astype(np.float64), faces, np.arange(len(faces))
        )
    return {
        "landmark_part": part,
        "landmark_triangle": corner,
        "landmark_bary": bary.astype(np.float32),
    }


def main(data: Path) -> None:
    with np.load(HERE / "head.npz") as file:
        arrays = {key: file[key] for key in file.files if not key.startswith("landmark_")}
    blank: Arrays = {
        "landmark_part": np.zeros(LANDMARKS, np.uint8),
        "landmark_triangle": np.zeros((LANDMARKS, 3), np.uint16),
        "landmark_bary": np.full((LANDMARKS, 3), 1 / 3, np.float32),
    }
    with tempfile.NamedTemporaryFile(suffix=".npz") as scratch:
        save(Path(scratch.name), arrays | blank)
        found = fit(data, load_head(Path(scratch.name)))
    save(HERE / "head.npz", arrays | found)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
