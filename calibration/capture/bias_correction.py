"""Takes the face tracker's bias off the frames of a session, and says where it was not learned."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.models.vision.tracker_bias import TrackerBias, shipped
from mien.robot.face.config import Floats

MANY_OUTSIDE: Final = 0.25
"""Share of frames outside of what was learned that is said. Random poses of robots that were not
learned, but are alike, have 0 to 19 %; a mouth that opens widest has most."""
_FEW_FRAMES: Final = 20


class BiasCorrection:
    """The learned bias of the tracker, for one session.

    Args:
        bias: None is the one that ships.
    """

    def __init__(self, bias: TrackerBias | None = None) -> None:
        self._bias = bias or shipped()
        self._frames = self._outside = 0

    def __call__(self, landmarks: Floats, reference: Floats) -> Floats:
        """Landmarks (478, 3) mm without the tracker's bias.

        Args:
            landmarks: (478, 3) mm, as tracked.
            reference: (478, 3) mm, where the tracker puts this face at rest.
        """
        if np.isfinite(landmarks).all():
            self._frames += 1
            self._outside += int(self._bias.outside(landmarks, reference))
        return self._bias.corrected(landmarks, reference)

    def remarks(self) -> list[str]:
        """One sentence if this face is unlike those from which the bias was learned."""
        share = self._outside / max(self._frames, 1)
        if self._frames < _FEW_FRAMES or share < MANY_OUTSIDE:
            return []
        return [
            f"{100 * share:.0f} % of {self._frames} frames lie outside the faces from which the "
            "tracker's errors were learned: there they are corrected less or not at all, and the "
            "calibration is less exact; a camera straight in front, even light or dots on the skin "
            "(--camera markers) may help"
        ]
