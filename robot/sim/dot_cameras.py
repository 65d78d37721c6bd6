"""Two simulated cameras before a face with dots on its skin."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.models.vision.markers import layout
from mien.robot.sim.dots import PART, stick
from mien.robot.sim.render import CameraView, Light, Renderer
from mien.robot.sim.rig import Rig

F64 = NDArray[np.float64]

DISTANCE_MM, ASIDE_DEG, FOV_DEG = 960.0, 18.0, 15.0
"""Distance of each camera from the face, its angle from straight ahead, and its field of view."""
PLACED_MM = 0.7
"""Standard deviation of where a dot is stuck, along each axis."""
_HEIGHT_MM = -8.0  # of the cameras and of what they look at


def beside(aside_deg: float) -> CameraView:
    """A camera that looks at the face from ``aside_deg`` to the face's left."""
    turn = np.radians(aside_deg)
    x, z = DISTANCE_MM * np.sin(turn), DISTANCE_MM * np.cos(turn)
    return CameraView((float(x), _HEIGHT_MM, float(z)), (0.0, _HEIGHT_MM, 0.0), FOV_DEG)


@dataclass(frozen=True)
class DotOptics:
    """The cameras, and how well the dots are stuck.

    Attributes:
        views: place of each camera.
        light: on the face.
        blur: sigma in pixels.
        noise: in grey levels.
        width, height: of a picture, pixels.
        placed_mm: standard deviation of where a dot is stuck, along each axis.
        missing: numbers of dots that have fallen off.
    """

    views: tuple[CameraView, ...] = field(
        default_factory=lambda: (beside(-ASIDE_DEG), beside(ASIDE_DEG))
    )
    light: Light = field(default_factory=Light)
    blur: float = 0.6
    noise: float = 2.0
    width: int = 560
    height: int = 640
    placed_mm: float = PLACED_MM
    missing: tuple[int, ...] = ()


class DotCameras:
    """Pictures of a rig with dots on its skin, by several cameras at the same time.

    Args:
        rig: the robot.
        optics: the cameras.
        seed: of the places of the dots and of the pictures' noise.

    Raises:
        DeviceError: this machine has no OpenGL.
    """

    def __init__(self, rig: Rig, optics: DotOptics | None = None, seed: int = 0) -> None:
        self.optics = DotOptics() if optics is None else optics
        self._random = np.random.default_rng([seed, 0xD07])
        head = rig.head
        self.places: F64 = layout.places(head.neutral_landmarks, head.parts["skin"].vertices)
        off = self.optics.placed_mm * self._random.standard_normal(self.places.shape)
        stays = ~np.isin([dot.number for dot in layout.dots()], self.optics.missing)
        self.dots = stick(head, (self.places + off)[stays], layout.diameters()[stays])
        self._renderer = Renderer(self.dots.on(head), self.optics.width, self.optics.height)

    def pictures(self, rig: Rig) -> list[NDArray[np.uint8]]:
        """The picture (height, width, 3) RGB of each camera now."""
        state, optics = rig.skin_state(), self.optics
        parts = rig.skin.deform(state)
        parts[PART] = self.dots.deform(parts["skin"])
        out = []
        for view in optics.views:
            image = self._renderer.render(parts, state.head, view, optics.light)
            soft = np.asarray(
                cv2.GaussianBlur(image.astype(np.float32), (0, 0), max(optics.blur, 1e-3)),
                dtype=np.float32,
            )
            soft += optics.noise * self._random.standard_normal(soft.shape, dtype=np.float32)
            out.append(np.asarray(np.clip(np.rint(soft), 0, 255), dtype=np.uint8))
        return out

    def close(self) -> None:
        """Release the renderer."""
        self._renderer.close()
