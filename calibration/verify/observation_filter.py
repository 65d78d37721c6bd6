"""The most probable face behind a single observation, where its errors are no shapes of a face.

An observation is y = mean + d + t + e: d (1434,) is the displacement of the face, of the covariance
C that the self-model's poses have; t the error of the head's position, the same at all landmarks;
e independent errors, as large as the fit left them on each axis. The estimate of d is linear in y.
A tracker's errors are whole shapes that belong to the pose. The same filter with the covariance
learned of them made its targets no better (build 50), so those stay as they are.

Source: Wiener, "Extrapolation, Interpolation and Smoothing of Stationary Time Series" (1949).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mien.calibration.capture.dataset import Dataset
from mien.calibration.capture.open_rig import CAMERAS, MARKERS
from mien.calibration.identify.face_fit import usable
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, Floats

_POSES = 2000
_SHIFT = 3.0  # standard deviation of t, of that of e


def observation_filter(
    face: FaceConfig, data: Dataset, model: SelfModel
) -> Callable[[Floats], Floats]:
    """Observations (T, 478, 3) mm -> the most probable faces (T, 478, 3) mm behind them.

    Args:
        face: the face.
        data: observations of the same camera.
        model: fitted to ``data``.
    """
    if data.setup.camera.split(" ")[0] not in (CAMERAS[0], MARKERS):
        return lambda seen: seen
    learn = usable(data)
    off = data.landmarks[learn] - model.sequence(data.commands)[learn]
    off -= off.mean(1, keepdims=True)
    sigma = np.tile((off - off.mean(0)).std((0, 1)), off.shape[1])
    low, high = face.limits[model.inputs].T
    poses = np.random.default_rng(0).uniform(low, high, (_POSES, len(low)))
    moved = model.latents(poses)
    middle = model.mean.reshape(-1) + moved.mean(0) @ model.decoder
    motion = np.linalg.qr(moved - moved.mean(0))[1] / np.sqrt(_POSES) @ model.decoder  # C = M'M
    shifts = np.tile(np.eye(3), off.shape[1]) * _SHIFT
    white = np.concatenate([motion / sigma, shifts])  # factor of C and t, in units of e
    inner = np.linalg.inv(white @ white.T + np.eye(len(white)))
    gain = (inner @ white)[: len(motion)] / sigma  # (K, 1434)

    def most_probable(seen: Floats) -> Floats:
        codes = (seen.reshape(len(seen), -1) - middle) @ gain.T
        return np.asarray((middle + codes @ motion).reshape(seen.shape))

    return most_probable
