"""How far apart landmarks are along the skin: the lips are far from each other, closed or not."""

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
    """(E, 2) neighbours in MediaPipe's mesh, which has holes for mouth and eyes; irises apart."""
    # MediaPipe takes seconds to import.
    from mediapipe.tasks.python.vision import FaceLandmarksConnections

    mesh = [(c.start, c.end) for c in FaceLandmarksConnections.FACE_LANDMARKS_TESSELATION]
    irises = [*combinations(IRIS_LEFT, 2), *combinations(IRIS_RIGHT, 2)]
    return np.unique(np.sort(np.array(mesh + irises), axis=1), axis=0)


def distances(landmarks: Floats) -> Floats:
    """(478, 478) mm along the mesh of a face (478, 3); infinite between what hangs not together."""
    a, b = edges().T
    length = np.linalg.norm(landmarks[a] - landmarks[b], axis=1)
    graph = coo_matrix((length, (a, b)), shape=(COUNT, COUNT)).tocsr()
    return np.asarray(dijkstra(graph, directed=False))
