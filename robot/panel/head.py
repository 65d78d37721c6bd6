"""The head as a browser shows it: a few plainly coloured meshes, since one mesh has one colour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

from robot.sim.head import Head

SHADES: Final = {"skin": 6, "eye_left": 3, "eye_right": 3}
SCALE: Final = 0.01
"""Browser units for a millimetre."""


class BrowserHead:
    """Meshes in a scene that follow vertices (V, 3) mm by part."""

    def __init__(self, scene: Any, head: Head) -> None:
        self._meshes: list[tuple[str, NDArray[np.intp], Any]] = []
        self._still = {name: part.vertices for name, part in head.parts.items()}
        for name, part in head.parts.items():
            colors = painted(head) if name == "skin" else part.colors
            of_triangle = colors[part.triangles].mean(axis=1).astype(np.float64)
            count = SHADES.get(name, 1)
            shade = np.zeros(len(of_triangle), np.intp)
            if count > 1:
                shade = kmeans2(of_triangle, count, minit="++", rng=0)[1].astype(np.intp)
            for k in np.unique(shade):
                triangles = part.triangles[shade == k]
                used, inverse = np.unique(triangles, return_inverse=True)
                color = np.rint(255 * of_triangle[shade == k].mean(axis=0)).astype(int)
                mesh = scene.add_mesh_simple(
                    f"/head/{name}/{k}",
                    vertices=SCALE * part.vertices[used],
                    faces=inverse.reshape(-1, 3),
                    color=tuple(color.tolist()),
                    side="double",
                )
                self._meshes.append((name, used, mesh))

    @property
    def meshes(self) -> list[Any]:
        """The scene's handles."""
        return [mesh for _, _, mesh in self._meshes]

    def move(self, parts: Mapping[str, NDArray[np.float32]], turn: NDArray[np.float64]) -> None:
        """Show deformed parts, the others as they were, and the whole head turned (4x4, mm)."""
        for name, used, mesh in self._meshes:
            vertices = parts.get(name, self._still[name])[used] @ turn[:3, :3].T.astype(np.float32)
            mesh.vertices = SCALE * (vertices + turn[:3, 3].astype(np.float32))


def painted(head: Head) -> NDArray[np.float32]:
    """Colours of the skin's vertices (V, 3) in 0..1 with brows and lips painted in."""
    paint, skin = head.paint, head.parts["skin"]
    x0, x1, y0, y1 = paint.extent
    height, width = paint.image.shape[:2]
    column = np.clip((paint.coords[:, 0] - x0) / (x1 - x0) * (width - 1), 0, width - 1)
    row = np.clip((y1 - paint.coords[:, 1]) / (y1 - y0) * (height - 1), 0, height - 1)
    picture = paint.image[row.astype(int), column.astype(int), :3] / 255.0
    share = paint.front[:, None]
    return np.asarray(skin.colors + share * (picture - skin.colors), np.float32)
