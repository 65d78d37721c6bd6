"""Conversion between lip measurements and shapes: one scale for all corpora.

Tracked faces have a lip gap and a mouth width in interocular distances. Rules and other rigs have
shapes. The relations are:

    opening     = jawOpen - mouthClose
    lip gap     = GAP_REST + GAP * opening
    mouth width = rest - PUCKER * mouthPucker + STRETCH * mouthStretch + JAW * opening

GAP and GAP_REST are the least-squares fit of the gap on MediaPipe's own jawOpen - mouthClose over
the training clips of one GRID speaker (median r = 0.99 within a clip). PUCKER and STRETCH are
set so that full shapes narrow and widen a mouth as far as MediaPipe's scores on the same clips do.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import ARKIT, INDEX, lip_opening

GAP: Final = 0.5026
"""Lip gap of jawOpen = 1, mouthClose = 0, in interocular distances."""
GAP_REST: Final = 0.003
"""Measured gap of closed lips, in interocular distances."""
PUCKER: Final = 0.24
STRETCH: Final = 0.16
JAW: Final = -0.02
"""Change of mouth width per unit of pucker, stretch and lip opening, in interocular distances."""


def gap_of(shapes: NDArray[np.floating]) -> NDArray[np.float64]:
    """(..., 52) -> lip gap (...) in interocular distances."""
    return GAP_REST + GAP * lip_opening(shapes)


def width_of(shapes: NDArray[np.floating]) -> NDArray[np.float64]:
    """(..., 52) -> mouth width (...) above that at rest, in interocular distances."""
    stretch = (shapes[..., INDEX["mouthStretchLeft"]] + shapes[..., INDEX["mouthStretchRight"]]) / 2
    pucker = shapes[..., INDEX["mouthPucker"]]
    width = JAW * lip_opening(shapes) - PUCKER * pucker + STRETCH * stretch
    return np.asarray(width, np.float64)


def from_measures(
    shapes: NDArray[np.floating],
    gap: NDArray[np.floating],
    width: NDArray[np.floating],
    rest_width: float,
) -> NDArray[np.float32]:
    """Change tracked shapes (T, 52) so that they agree exactly with the measured lips.

    jawOpen is MediaPipe's, or the measured opening if that is larger. mouthClose is jawOpen minus
    the measured opening. Pucker and stretch follow the measured width. So a closure in the picture
    gives jawOpen = mouthClose.

    Args:
        gap, width: (T,) interocular distances.
        rest_width: width of the same mouth, closed and at rest.
    """
    out = np.asarray(shapes, np.float32).copy()
    if out.shape[-1] != len(ARKIT):
        raise ValueError(f"shapes have {out.shape[-1]} columns, expected {len(ARKIT)}")
    opening = np.clip((gap - GAP_REST) / GAP, 0.0, 1.0)
    jaw = np.maximum(out[:, INDEX["jawOpen"]], opening)
    out[:, INDEX["jawOpen"]] = jaw
    out[:, INDEX["mouthClose"]] = jaw - opening
    change = width - rest_width - JAW * opening
    out[:, INDEX["mouthPucker"]] = np.clip(-change / PUCKER, 0.0, 1.0)
    stretch = np.clip(change / STRETCH, 0.0, 1.0)
    out[:, INDEX["mouthStretchLeft"]] = stretch
    out[:, INDEX["mouthStretchRight"]] = stretch
    return out
