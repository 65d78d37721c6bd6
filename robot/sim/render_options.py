"""From where, and in what light, the simulated face is seen. World frame: mm, right-handed, +y
up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

NEAR_MM, FAR_MM = 50.0, 10_000.0

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class CameraView:
    """A pinhole camera: position and target in mm (world), vertical field of view in degrees. The
    face's left is at the picture's right. The default fills three fifths of the height with the
    face."""

    position: tuple[float, float, float] = (0.0, -12.0, 960.0)
    target: tuple[float, float, float] = (0.0, -14.0, 0.0)
    fov_deg: float = 20.0

    def world_to_camera(self) -> F64:
        """(4, 4); the camera looks along its -z, +x to its right."""
        eye = np.asarray(self.position, dtype=np.float64)
        back = eye - np.asarray(self.target, dtype=np.float64)
        back /= np.linalg.norm(back)
        right = np.cross((0.0, 1.0, 0.0), back)
        right /= np.linalg.norm(right)
        matrix = np.eye(4)
        matrix[:3, :3] = [right, np.cross(back, right), back]
        matrix[:3, 3] = -matrix[:3, :3] @ eye
        return matrix

    def projection(self, width: int, height: int) -> F64:
        """(4, 4) OpenGL clip matrix."""
        focal = 1.0 / np.tan(np.radians(self.fov_deg) / 2)
        depth = (FAR_MM + NEAR_MM) / (NEAR_MM - FAR_MM)
        matrix = np.diag([focal * height / width, focal, depth, 0.0])
        matrix[2, 3], matrix[3, 2] = 2 * FAR_MM * NEAR_MM / (NEAR_MM - FAR_MM), -1.0
        return matrix

    def project(self, points: ArrayLike, width: int, height: int) -> F64:
        """World points (..., 3) mm -> pixels (..., 2), x right, y down, (0, 0) at the picture's
        corner."""
        xyz = np.asarray(points, dtype=np.float64)
        clip = (
            np.concatenate([xyz, np.ones_like(xyz[..., :1])], -1)
            @ (self.projection(width, height) @ self.world_to_camera()).T
        )
        ndc = clip[..., :2] / clip[..., 3:]
        return (ndc * (0.5, -0.5) + 0.5) * (width, height)


@dataclass(frozen=True)
class Light:
    """Key, fill and rim light (directions toward them, world; linear RGB) and the room around;
    `level` scales all of them."""

    key: tuple[float, float, float] = (-0.50, 0.62, 0.80)
    fill: tuple[float, float, float] = (0.75, 0.10, 0.65)
    rim: tuple[float, float, float] = (0.70, 0.45, -0.60)
    key_color: tuple[float, float, float] = (1.12, 1.05, 0.96)
    fill_color: tuple[float, float, float] = (0.26, 0.29, 0.34)
    rim_color: tuple[float, float, float] = (0.55, 0.58, 0.62)
    sky: tuple[float, float, float] = (0.34, 0.36, 0.39)
    ground: tuple[float, float, float] = (0.20, 0.17, 0.15)
    backdrop: tuple[float, float, float] = (0.52, 0.53, 0.55)
    level: float = 1.0


# What people see, on film, in the panel and in the rig's view: the face, before a dark room.
BACKDROP = (0.075, 0.085, 0.105)
FILM_VIEW = CameraView(position=(0.0, -14.0, 960.0), target=(0.0, -20.0, 0.0), fov_deg=15.0)
FILM_LIGHT = Light(backdrop=BACKDROP)
