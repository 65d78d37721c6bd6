"""Repeatability: the change of an observation when the same commands are approached differently.

A servo returns to a command within its backlash and dead band, and a tracker amplifies small
changes of the face. A model of the commands cannot predict either. The noise floor, measured on a
face that stands still, contains neither.
"""

from __future__ import annotations

import numpy as np

from mien.calibration.capture.capture_rig import CaptureRig
from mien.models.face.regions import COUNT
from mien.robot.face.config import FaceConfig, Floats

POSES = 20


def check_repeatability(face: FaceConfig, rig: CaptureRig, poses: Floats) -> dict[str, float]:
    """Observe each of ``poses`` (P, n) twice: from the pose before it, and from neutral.

    Args:
        face: the face.
        rig: started.
        poses: (P, n) commands; the first ``POSES`` are used.

    Returns:
        ``repeat_mm``: RMS deviation (mm) of a landmark, as the standard deviation of one
        observation. It compares with ``noise_floor_mm``. Empty without usable observations.
    """
    chosen = poses[:POSES]
    seen = np.full((2, len(chosen), COUNT, 3), np.nan)
    for approach in range(2):
        rig.move_to(face.safe)
        for k, pose in enumerate(chosen):
            if approach:
                rig.move_to(face.safe)
            rig.move_to(pose)
            seen[approach, k] = rig.observe().landmarks
    difference = (seen[1] - seen[0])[np.isfinite(seen).all((0, 2, 3))]
    if not len(difference):
        return {}
    return {"repeat_mm": float(np.sqrt(np.square(difference).sum(-1).mean() / 2.0))}
