"""Distances between landmarks along the skin. Upper and lower lip are far apart, closed or open."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from mien.models.face.regions import COUNT, IRIS_LEFT, IRIS_RIGHT

Floats = NDArray[np.float64]


@cache
def edges() -> NDArray[np.intp]:
    """Edges (E, 2) of MediaPipe's mesh. Mouth and eyes are holes; each iris is a separate part."""
    # MediaPipe takes seconds to import.
    from mediapipe.tasks.python.vision import FaceLandmarksConnections

    mesh = [(c.start, c.end) for c in FaceLandmarksConnections.FACE_LANDMARKS_TESSELATION]
    irises = [*combinations(IRIS_LEFT, 2), *combinations(IRIS_RIGHT, 2)]
    return np.unique(np.sort(np.array(mesh + irises), axis=1), axis=0)


def distances(landmarks: Floats) -> Floats:
    """Distances (478, 478) in mm along the mesh of a face (478, 3) mm; inf between separate
    parts."""
    a, b = edges().T
    length = np.linalg.norm(landmarks[a] - landmarks[b], axis=1)
    graph = coo_matrix((length, (a, b)), shape=(COUNT, COUNT)).tocsr()
    return np.asarray(dijkstra(graph, directed=False))
