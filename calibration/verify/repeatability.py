"""What a face's reading changes by when the same commands come again by another way.

A servo comes back to a command within its play and dead band, and a tracker reads a face that is a
little different as a quite different face. A model of commands cannot know either. The camera's
noise floor, from looks at a face that stands still, holds neither.
"""

from __future__ import annotations

import numpy as np

from mien.calibration.capture.rig import Stage
from mien.models.face.regions import COUNT
from mien.robot.face.config import FaceConfig, Floats

POSES = 20


def check_repeats(face: FaceConfig, stage: Stage, poses: Floats) -> dict[str, float]:
    """Looks at ``poses`` (P, n), each reached from neutral and from the pose before it.

    ``repeat_mm``: RMS distance (mm) of a landmark from the mean of its two looks, as a standard
    deviation of one look: to be held against ``noise_floor_mm``. The stage is started.
    """
    chosen = poses[:POSES]
    seen = np.full((2, len(chosen), COUNT, 3), np.nan)
    for way in range(2):
        stage.go(face.safe)
        for k, pose in enumerate(chosen):
            if way:
                stage.go(face.safe)
            stage.go(pose)
            seen[way, k] = stage.look().landmarks
    apart = (seen[1] - seen[0])[np.isfinite(seen).all((0, 2, 3))]
    if not len(apart):
        return {}
    return {"repeat_mm": float(np.sqrt(np.square(apart).sum(-1).mean() / 2.0))}
