"""Loop subdivision: fits the rest of the mesh, keeps flat things flat and rounds what is round."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.robot.sim.head import load_head
from mien.robot.sim.refine import refine


def patch() -> tuple[NDArray[Any], NDArray[Any]]:
    """A flat 5 x 5 grid of vertices (25, 3) and its triangles (32, 3)."""
    x, y = np.meshgrid(np.arange(5.0), np.arange(5.0))
    corner = (np.arange(4)[:, None] * 5 + np.arange(4)).ravel()
    upper = np.stack([corner, corner + 1, corner + 5], axis=1)
    lower = np.stack([corner + 1, corner + 6, corner + 5], axis=1)
    triangles = np.concatenate([upper, lower]).astype(np.int32)
    return np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], axis=1), triangles


def area(vertices: NDArray[Any], triangles: NDArray[Any]) -> NDArray[Any]:
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    return np.asarray(np.cross(b - a, c - a) / 2)


def test_weights_add_up_and_a_plane_stays_the_same_plane() -> None:
    vertices, triangles = patch()
    weights, finer = refine(len(vertices), triangles)
    assert len(finer) == 4 * len(triangles)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    pieces = area(weights @ vertices, finer)
    assert (pieces[:, 2] > 0).all()
    np.testing.assert_allclose(pieces.sum(axis=0), (0, 0, 16), atol=1e-12)


def test_border_stays() -> None:
    vertices, triangles = patch()
    vertices[12, 2] = 3.0  # a peak in the middle
    weights, _ = refine(len(vertices), triangles)
    moved = weights @ vertices
    assert 0 < moved[:25, 2].max() < 3.0
    border = [k for k in range(25) if k // 5 in (0, 4) or k % 5 in (0, 4)]
    np.testing.assert_allclose(moved[border], vertices[border], atol=1e-12)


def test_only_used_vertices_are_made() -> None:
    _, triangles = patch()
    weights, finer = refine(25, triangles[:2])
    assert weights.shape[0] == finer.max() + 1
    assert weights.shape[0] < 25


def test_scalp_comes_out_rounder() -> None:
    skin = load_head().parts["skin"]
    top = (skin.vertices[:, 1] > 80)[skin.triangles].all(axis=1)
    weights, finer = refine(len(skin.vertices), skin.triangles[top])

    def bend(vertices: NDArray[Any], triangles: NDArray[Any]) -> float:
        """Mean angle between neighbouring faces, radians."""
        normal = area(vertices, triangles)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        edges = np.sort(np.concatenate([triangles[:, [k, (k + 1) % 3]] for k in range(3)]), axis=1)
        order = np.lexsort(edges.T)
        same = (edges[order][1:] == edges[order][:-1]).all(axis=1)
        face = np.tile(np.arange(len(triangles)), 3)[order]
        cosine = np.einsum("ex,ex->e", normal[face[1:][same]], normal[face[:-1][same]])
        return float(np.arccos(np.clip(cosine, -1, 1)).mean())

    rest = skin.vertices.astype(np.float64)
    assert bend(weights @ rest, finer) < 0.65 * bend(rest, skin.triangles[top])
