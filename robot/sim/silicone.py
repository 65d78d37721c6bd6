"""The elastic skin of the mechanism: where its nodes sit on the head and what joins them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from mien.robot.sim.description import Skin, SkinNode
from mien.robot.sim.head import Head
from mien.robot.sim.layout import square_to, unit

F64 = NDArray[np.float64]
SMOOTHING_MM = 18.0  # a node's "out" is the mean normal this far around it, so that lips share one
EDGE_MM = 20.0  # length of an edge of the nominal stiffness
LINING = 0.5  # `Head.mouth` above which skin lines the mouth
SHORTEST_MM = 8.0  # shorter edges get no stiffer
SEAT_MM = 20.0  # along the surface; from a lip to the one that it touches are 26 mm and more


@dataclass(frozen=True)
class Net:
    """Nodes on a head: anchors (K, 3) mm; frames (K, 3, 3), whose columns are side, up and out.

    ``edges``: pairs of node indices with the length along the surface between them, mm.
    """

    names: tuple[str, ...]
    anchors: F64
    frames: F64
    edges: tuple[tuple[int, int, float], ...]


def net(head: Head, nodes: Mapping[str, SkinNode], skin: Skin, offsets: Mapping[str, F64]) -> Net:
    """Place the nodes at their landmarks (plus ``offsets``, mm) and join near ones.

    Distances run along the surface, where the upper lip is far from the lower one. So an offset
    never takes a node of one lip to the other, which touches it.
    """
    part = head.parts["skin"]
    vertices = part.vertices.astype(np.float64)
    tree = cKDTree(vertices)
    surface = _surface(vertices, part.triangles)
    nearest = [_seat(head, surface, n.landmark, offsets[k]) for k, n in nodes.items()]
    anchors = vertices[nearest]
    normals = _normals(vertices, part.triangles)
    if skin.facing == "outside":
        normals *= (head.mouth < LINING)[:, None]
    frames = np.empty((len(anchors), 3, 3))
    for k, anchor in enumerate(anchors):
        out = unit(normals[tree.query_ball_point(anchor, SMOOTHING_MM)].sum(axis=0))
        up = square_to((0.0, 1.0, 0.0), out)
        frames[k] = np.stack([np.cross(up, out), up, out], axis=1)
    edges = _edges(surface, nearest, skin)
    return Net(tuple(nodes), anchors, frames, edges)


def stiffness(skin: Skin, length: float) -> float:
    """Stiffness of an edge of this length (mm), N/m: that of a strip of the same width."""
    return skin.edge_stiffness * EDGE_MM / max(length, SHORTEST_MM)


def _normals(vertices: F64, triangles: NDArray[np.int32]) -> F64:
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    flat = np.cross(b - a, c - a)  # twice the area: bigger triangles count more
    out = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(out, triangles[:, k], flat)
    return np.asarray(out)


def _surface(vertices: F64, triangles: NDArray[np.int32]) -> csr_matrix:
    """Graph (V, V) of a mesh: the lengths of its edges, mm."""
    ends = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    lengths = np.linalg.norm(vertices[ends[:, 0]] - vertices[ends[:, 1]], axis=1)
    ends, first = np.unique(np.sort(ends, axis=1), axis=0, return_index=True)
    size = len(vertices)
    return coo_matrix((lengths[first], (ends[:, 0], ends[:, 1])), shape=(size, size)).tocsr()


def _seat(head: Head, surface: csr_matrix, landmark: int, offset: F64) -> int:
    """The vertex nearest to a landmark plus offset, of those near the landmark along the skin."""
    corners, weights = head.landmark_triangle[landmark], head.landmark_bary[landmark]
    begin = int(corners[weights.argmax()])
    along = dijkstra(surface, directed=False, indices=begin, limit=SEAT_MM)
    near = np.flatnonzero(np.isfinite(along))
    off = head.parts["skin"].vertices[near] - (head.neutral_landmarks[landmark] + offset)
    return int(near[np.square(off).sum(1).argmin()])


def _edges(
    surface: csr_matrix, nearest: Sequence[int], skin: Skin
) -> tuple[tuple[int, int, float], ...]:
    distance = dijkstra(surface, directed=False, indices=nearest, limit=2.0 * skin.reach)[
        :, nearest
    ]
    pairs = {}
    for i, row in enumerate(distance):
        for j in np.argsort(row, kind="stable")[1 : skin.neighbours + 1]:
            if row[j] <= skin.reach:
                pairs[min(i, int(j)), max(i, int(j))] = float(row[j])
    return tuple((i, j, length) for (i, j), length in sorted(pairs.items()))
