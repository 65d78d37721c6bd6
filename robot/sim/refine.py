"""A finer mesh where the given one shows its corners: one step of Loop subdivision (Loop 1987) on
part of a surface."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

I32 = NDArray[np.int32]


def refine(count: int, triangles: I32) -> tuple[sp.csr_matrix, I32]:
    """Split every triangle in four.

    Args:
        count: vertices of the mesh.
        triangles: (T, 3) of the part to refine; its border stays where it is, so that it fits the
            rest.

    Returns: (V, count) weights that make the new vertices from the old ones, for places and for
        anything else that belongs to vertices; and (4 T, 3) triangles over the new vertices.
    """
    directed = np.concatenate([triangles[:, [k, (k + 1) % 3]] for k in range(3)])
    opposite = np.concatenate([triangles[:, (k + 2) % 3] for k in range(3)])
    edges, which, uses = np.unique(
        np.sort(directed, axis=1), axis=0, return_inverse=True, return_counts=True
    )
    which = which.ravel()
    inner = uses == 2
    used = np.unique(triangles)
    number = np.full(count, -1)
    number[used] = np.arange(len(used))

    # Middles of edges: 3/8 of the ends and 1/8 of the far corners inside, the plain middle on the
    # border.
    rows = np.arange(len(edges)) + len(used)
    ends = np.where(inner, 3 / 8, 1 / 2)
    far = inner[which]
    parts = [
        (np.repeat(rows, 2), edges.ravel(), np.repeat(ends, 2)),
        (rows[which[far]], opposite[far], np.full(far.sum(), 1 / 8)),
    ]
    # Old vertices: smoothed by their ring inside (Warren's weights), kept on the border.
    border = np.zeros(count, dtype=bool)
    border[edges[~inner].ravel()] = True
    pairs = np.concatenate([edges, edges[:, ::-1]])
    valence = np.bincount(pairs[:, 0], minlength=count)
    pull = np.where(valence > 3, 3 / (8 * np.maximum(valence, 1)), 3 / 16)
    pull[border] = 0.0
    ring = ~border[pairs[:, 0]]
    parts += [
        (number[pairs[ring, 0]], pairs[ring, 1], pull[pairs[ring, 0]]),
        (number[used], used, 1 - valence[used] * pull[used]),
    ]
    row, column, value = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    weights = sp.csr_matrix((value, (row, column)), shape=(len(used) + len(edges), count))

    middle = rows[which].reshape(3, -1)  # of the edges 0-1, 1-2, 2-0
    a, b, c = number[triangles].T
    ab, bc, ca = middle
    quarters = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return weights, np.concatenate([np.stack(q, axis=1) for q in quarters]).astype(np.int32)
