"""Motion of the skin since a picture at rest: dense optical flow, initialised by a face tracker.

A face tracker has a prior of human faces. It finds an open mouth or a shut eye. It follows noses,
cheeks and single brow servos weakly, and its error differs between poses. Optical flow has no such
prior, but it fails for large motion and for skin that appears or is covered. The steps are:

1. Warp the picture back to rest by the tracker's displacements.
2. Compute the remaining displacement by optical flow, and add both.
3. Repeat once at a finer scale, since the remaining displacement is now smaller.

The tracker's displacement is kept where forward and backward flow disagree, at the irises (see
mien.models.vision.irises), and horizontally along the lids, where the iris disturbs the flow.

Accuracy on calibration poses of the simulated morpheus33 (640x480), RMS error in pixels without the
mean error. Tendons alone move the nose by 1.19 and the cheeks by 1.16 pixels:

    single tendons          nose 0.98, cheeks 1.10 (MediaPipe);  0.25, 0.27 (this module)
    all actuators           lids  nose  cheeks  brows  chin  lips
        MediaPipe           1.4   1.7   2.2     2.2    2.5   3.0
        this module         1.2   0.5   1.0     0.8    1.5   2.4

A picture that is 10 % lighter or darker adds up to 0.2 pixels. One picture takes 40 ms on two
cores.

Flow: Dense Inverse Search (Kroeger, Timofte, Dai and Van Gool, "Fast optical flow using dense
inverse search", ECCV 2016) with variational refinement, from OpenCV. Forward-backward check:
Sundaram, Brox and Keutzer, "Dense point trajectories by GPU-accelerated large displacement optical
flow", ECCV 2010.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import Delaunay

from mien.models.face.regions import REGIONS, eyes_apart

EYES_PX = 124.0
"""Size to which faces are scaled: pixels between the outer corners of the eyes. So time and the
constants below do not depend on the camera's resolution."""
_MARGIN_PX = 25.0  # of the frame around the face
_FRAME_POINTS = 8  # fixed points on each side of that frame
_PASSES = ((1, 15), (0, 5))  # finest scale (number of halvings) and variational iterations
_SMOOTHNESS = 40.0  # weight of the smoothness in the variational iterations
_TRUST_PX = 2.0  # forward-backward error at which the flow has half weight
_TURNED_PX = 12.0  # median shift of a head that moved; its flow would follow the shading
_LIDS, _IRISES = list(REGIONS["lids"]), list(REGIONS["irises"])

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


class Registration:
    """A face at rest, registered with later pictures of the same camera in the same light.

    Args:
        pictures: of the face at rest, RGB (height, width, 3) uint8; their mean is used.
        pixels: (478, 2 or 3) the tracker's points in them.
    """

    def __init__(self, pictures: Sequence[NDArray[np.uint8]], pixels: F64) -> None:
        self._rest = pixels[:, :2]
        self._scale = EYES_PX / eyes_apart(self._rest)
        points = self._rest * self._scale
        self._low = np.floor(points.min(0) - _MARGIN_PX)
        size = np.ceil(points.max(0) + _MARGIN_PX - self._low).astype(int)
        self._points = points - self._low
        self._grid = np.stack(np.meshgrid(*map(np.arange, size)), axis=-1).astype(np.float32)
        self._spread = _spread(self._points, self._grid)
        still = np.zeros((*self._grid.shape[:2], 2), np.float32)
        mean = np.mean([self._bent(self._grey(p), still) for p in pictures], axis=0)
        self._face = np.rint(mean).astype(np.uint8)
        self._flow_weight = np.ones((len(points), 2))
        self._flow_weight[_LIDS, 0] = self._flow_weight[_IRISES] = 0.0
        self._flows = [_flow(scale, steps) for scale, steps in _PASSES]

    def __call__(self, picture: NDArray[np.uint8], pixels: F64) -> F64:
        """The tracker's ``pixels`` (478, 2 or 3) in a picture, with x and y corrected by flow."""
        tracked = (pixels[:, :2] - self._rest) * self._scale
        if np.linalg.norm(np.median(tracked, axis=0)) > _TURNED_PX:
            return pixels
        grey, moved = self._grey(picture), tracked
        for flow in self._flows:
            field = self._field(moved)
            bent = self._bent(grey, field)
            flow_px = _at(flow.calc(self._face, bent, None), self._points)
            landed = self._points + flow_px
            round_trip = flow_px + _at(flow.calc(bent, self._face, None), landed)
            trust = 1.0 / (1.0 + np.square(round_trip).sum(1, keepdims=True) / _TRUST_PX**2)
            moved = tracked + self._flow_weight * trust * (flow_px + _at(field, landed) - tracked)
        out = pixels.copy()
        out[:, :2] += (moved - tracked) / self._scale
        return out

    def _field(self, moved: F64) -> F32:
        """Displacements of the points (478, 2), interpolated on the grid (h, w, 2)."""
        flat = self._spread @ moved
        return np.ascontiguousarray(flat.reshape(self._grid.shape), dtype=np.float32)

    def _grey(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        return np.asarray(
            cv2.resize(grey, None, fx=self._scale, fy=self._scale, interpolation=cv2.INTER_AREA),
            dtype=np.uint8,
        )

    def _bent(self, grey: NDArray[np.uint8], field: F32) -> NDArray[np.uint8]:
        """The picture (grey), warped back by the displacements ``field`` (h, w, 2)."""
        x, y = np.moveaxis(self._grid + field + self._low.astype(np.float32), -1, 0)
        return np.asarray(
            cv2.remap(grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
        )


def _flow(scale: int, steps: int) -> Any:  # OpenCV's stubs require an initial flow
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow.setFinestScale(scale)
    flow.setVariationalRefinementIterations(steps)
    flow.setVariationalRefinementAlpha(_SMOOTHNESS)
    return flow


def _spread(points: F64, grid: F32) -> csr_array:
    """Linear interpolation (h w, 478) on the triangles between points. The frame is fixed."""
    height, width = grid.shape[:2]
    side = np.linspace(0.0, 1.0, _FRAME_POINTS)
    around = np.stack([side, 0.0 * side], axis=-1)
    frame = np.unique(
        [*around, *around[:, ::-1], *(1.0 - around), *(1.0 - around[:, ::-1])], axis=0
    )
    count = len(points)
    mesh = Delaunay(np.concatenate([points, frame * (width - 1, height - 1)]))
    at = grid.reshape(-1, 2).astype(np.float64)
    triangle = mesh.find_simplex(at)
    to = mesh.transform[triangle]
    first = np.einsum("nij,nj->ni", to[:, :2], at - to[:, 2])
    share = np.concatenate([first, 1.0 - first.sum(1, keepdims=True)], axis=1)
    corner = mesh.simplices[triangle]
    inside = (triangle >= 0)[:, None] & (corner < count)
    row = np.broadcast_to(np.arange(len(at))[:, None], corner.shape)
    return csr_array((share[inside], (row[inside], corner[inside])), shape=(len(at), count))


def _at(field: F32, points: F64) -> F64:
    """Values (n, 2) of a field (h, w, 2) at points (n, 2)."""
    x, y = points.astype(np.float32).T
    values = cv2.remap(field, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values[0], dtype=np.float64)
