"""Search for faces in pictures: near ones in the whole, far ones in parts of it.

MediaPipe looks at a picture with 128 pixels and misses a face that is narrower than a ninth of it.
So each picture is searched as a whole, around every small face of the picture before, and in one
of its tiles in turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Find: TypeAlias = Callable[[NDArray[np.uint8]], list[NDArray[np.float64]]]
"""Picture RGB (h, w, 3) -> landmarks (478, 3) in pixels of every face."""

TILES: Final = (
    *((x, y, 0.5) for x in (0.25, 0.0, 0.5) for y in (0.1, 0.4)),
    *((x, y, 0.33) for x in (0.22, 0.44, 0.0, 0.67) for y in (0.05, 0.35)),
)
"""Left upper corner and side of the tiles, of the picture: large ones first."""
AROUND: Final = (5.0, 0.25, 0.5)
"""Side of the tile around a small face: of its width, and its range, of the picture's."""
SMALL: Final = 0.2
"""Width of a face, of the picture's, below which it is searched for in a tile of its own."""
MOST_TILES: Final = 3


class FaceSearch:
    """Finds faces picture after picture.

    Args:
        find: finds the faces of one picture.
    """

    def __init__(self, find: Find) -> None:
        self._find = find
        self._small: list[NDArray[np.float64]] = []
        self._turn = 0

    def __call__(self, image: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
        """Landmarks (478, 3) in pixels of all faces of a picture (h, w, 3), none twice."""
        height, width = image.shape[:2]
        tiles = [_around(face, width, height) for face in self._small[:MOST_TILES]]
        tiles.append(TILES[self._turn])
        self._turn = (self._turn + 1) % len(TILES)
        faces = self._find(image)
        for left, top, side in tiles:
            x, y = round(left * width), round(top * height)
            part = image[y : y + round(side * height), x : x + round(side * width)]
            for face in self._find(np.ascontiguousarray(part)):
                moved = face + np.array((x, y, 0.0))
                if not any(_same(moved, other) for other in faces):
                    faces.append(moved)
        self._small = [face for face in faces if _width(face) < SMALL * width]
        return faces


def middle(face: NDArray[np.float64]) -> NDArray[np.float64]:
    """Middle (2,) in pixels of the landmarks (478, 3)."""
    return np.asarray(0.5 * (face[:, :2].min(axis=0) + face[:, :2].max(axis=0)))


def _around(face: NDArray[np.float64], width: int, height: int) -> tuple[float, float, float]:
    times, least, most = AROUND
    side = min(max(times * _width(face) / width, least), most)
    x, y = middle(face) / (width, height) - side / 2
    return min(max(x, 0.0), 1.0 - side), min(max(y, 0.0), 1.0 - side), side


def _width(face: NDArray[np.float64]) -> float:
    return float(np.ptp(face[:, 0]))


def _same(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    apart = float(np.linalg.norm(middle(one) - middle(other)))
    return apart < 0.6 * max(_width(one), _width(other))
