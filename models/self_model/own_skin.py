"""What a target asks of each network input at the skin where that input is at work.

A whole-face fit pays for an error of the model in one region with an actuator of another: a smile
that the mouth cannot reach would lift a brow. An answer from an input's own skin alone cannot.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.models.face.regions import LIP_GAPS, gaps
from mien.models.self_model.inputs import strokes
from mien.models.self_model.model import Floats, SelfModel

_AT_WORK = 0.05  # of an input's largest squared displacement: where less, it is not at work
_DEPTH = 0.3  # weight of depth, which a camera in front measures worst
_RIDGE = 0.03  # mm^2: an input that moves its skin by less has little to say
_STEPS = 3  # of refinement; the third changes the answers by 0.003 on average
_PARTS_LIPS = 0.15  # of an input's largest displacement: as much it changes the gap of the lips


class OwnSkin:
    """The answers of each input's own skin, for one model.

    Args:
        model: the self-model.
        areas: (m, 478) landmarks at which each input is at work by design. A camera may see lips
            move with a lid, and the model has learned it so. None: where the model moves them.
        lowest: (m,) of each input; None: -1, and 0 of a tendon. Beyond it the model knows nothing.
    """

    def __init__(
        self,
        model: SelfModel,
        areas: NDArray[np.bool_] | None = None,
        lowest: Floats | None = None,
    ) -> None:
        m = len(model.inputs)
        low = np.full(m, -1.0) if lowest is None else np.maximum(lowest, -1.0)
        low[model.tendons] = 0.0
        ends = strokes(model, low)
        slopes = (ends[1] - ends[0]) / (1.0 - low)[:, None, None]
        self._model, self._low = model, low
        self._asked = _by_ridge(slopes, ends, areas).T
        self._readout = model.out @ model.decoder @ self._asked
        # The last feature is 1.
        self._readout[-1] -= model.features(np.zeros((1, m)))[0] @ self._readout
        parted = np.abs(gaps(ends, LIP_GAPS)).mean(-1).max(0)
        self.parts_lips = parted > _PARTS_LIPS * np.linalg.norm(ends, axis=-1).max((0, 2))
        """(m,) inputs that part the lips."""

    def linear(self, moved: Floats) -> Floats:
        """Linear answers (T, m) to displacements (T, 478, 3) mm from rest."""
        return np.asarray(moved.reshape(len(moved), -1) @ self._asked)

    def inputs(self, moved: Floats) -> Floats:
        """Inputs (T, m) that displacements (T, 478, 3) mm from rest ask for.

        The first answer is linear. Each refinement asks for what the model then still lacks.
        """
        asked = self.linear(moved)
        out = np.clip(asked, self._low, 1.0)
        for _ in range(_STEPS):
            shown = self._model.features(out) @ self._readout
            out = np.clip(out + asked - shown, self._low, 1.0)
        return np.asarray(out)


def _by_ridge(slopes: Floats, ends: Floats, areas: NDArray[np.bool_] | None) -> Floats:
    """(m, 1434): displacements in mm -> the linear answer of each input.

    Each row is its own ridge regression with the slopes of all inputs, at the landmarks where
    its input is at work: a neighbour moves that skin, too.
    """
    reach = np.square(ends).sum(-1).max(0)
    if areas is not None:
        reach = reach * areas
    at_work = reach > _AT_WORK * reach.max(1, keepdims=True)
    flat = slopes.reshape(len(slopes), -1)
    unit = np.eye(len(slopes))
    out = np.zeros_like(flat)
    for row, here in enumerate(at_work):
        seen = (slopes * here[:, None] * (1.0, 1.0, _DEPTH)).reshape(flat.shape)
        # The matrix is symmetric: its inverse is needed in one row.
        out[row] = np.linalg.solve(seen @ flat.T + _RIDGE * unit, unit[row]) @ seen
    return out
