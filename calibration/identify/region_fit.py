"""Refits the self-model of one region of a face; the rest of the model stays as it is.

A servo was replaced, a string was restrung, or skin was patched. The effect of each actuator of the
region is a polynomial of its command in the model's latents. These polynomials are fitted again to
poses in which only this region moves, with a prior for no change. Hidden layers, decoder, face at
rest, play operators and the polynomials of all other actuators keep every bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mien.models.self_model.model import POWERS, Floats, SelfModel
from mien.robot.errors import InputError
from mien.robot.face.areas import AREAS
from mien.robot.face.config import FaceConfig

_RIDGES = tuple(10.0**k for k in np.linspace(-4.0, 3.0, 15))
_FOLDS = 5


@dataclass(frozen=True, eq=False)
class RegionFit:
    """A model whose region was fitted again.

    Attributes:
        model: the new model.
        before_mm: error of the old model at the poses, RMS mm, without what is equal in all poses.
        after_mm: the same of models that did not learn from the pose (cross-validation).
        actuators: names of the refitted actuators.
    """

    model: SelfModel
    before_mm: float
    after_mm: float
    actuators: tuple[str, ...]

    @property
    def better(self) -> bool:
        """Whether the new model predicts poses better that it did not learn from."""
        return self.after_mm < self.before_mm


def region_inputs(face: FaceConfig, model: SelfModel, region: str) -> NDArray[np.intp]:
    """Network inputs (r,) of a region.

    Raises:
        InputError: there is no such region, or the model has no actuator of it.
    """
    used = {face.actuators[face.names[i]].region for i in model.inputs}
    allowed = ", ".join(name for name in AREAS if name in used)
    if region not in AREAS:
        raise InputError(f"there is no region {region!r}; this face has {allowed}")
    rows = [k for k, i in enumerate(model.inputs) if face.actuators[face.names[i]].region == region]
    if not rows:
        raise InputError(
            f"the self-model has no actuator of the region {region!r}; it has some of {allowed}"
        )
    return np.array(rows, dtype=np.intp)


def refit_region(
    face: FaceConfig, model: SelfModel, region: str, sent: Floats, seen: Floats
) -> RegionFit:
    """Fit the actuators of a region again.

    Args:
        face: the face.
        model: of the whole face.
        region: a key of ``mien.robot.face.areas.AREAS``.
        sent: (P, n) commands, one after the other from rest; only the region moves.
        seen: (P, 478, 3) mm, observations; NaN where there is none.

    Raises:
        InputError: there is no such region, or too few poses were observed.
    """
    inputs = region_inputs(face, model, region)
    good = np.isfinite(seen).all((1, 2))
    if good.sum() < POWERS * len(inputs) + _FOLDS:
        raise InputError(
            f"{int(good.sum())} poses of the region {region} were observed, at least "
            f"{POWERS * len(inputs) + _FOLDS} are needed"
        )
    x = model.network_inputs(sent)[good]
    wrong = (seen[good] - model.decode(model.latents(x))).reshape(len(x), -1)
    target = wrong @ np.linalg.pinv(model.decoder)
    rows = ((np.arange(POWERS) * len(model.inputs))[:, None] + inputs).ravel()
    phi = model.features(x)[:, rows]
    scale = np.maximum(phi.std(0), 1e-9)
    fold = np.arange(len(x)) % _FOLDS

    def error(ridge: float) -> float:
        left = np.empty_like(wrong)
        for k in range(_FOLDS):
            learn, test = fold != k, fold == k
            change = _ridge(phi[learn] / scale, target[learn], ridge) / scale[:, None]
            left[test] = wrong[test] - phi[test] @ change @ model.decoder
        return _varying(left)

    errors = [error(ridge) for ridge in _RIDGES]
    best = int(np.argmin(errors))
    out = model.out.copy()
    out[rows] += _ridge(phi / scale, target, _RIDGES[best]) / scale[:, None]
    names = tuple(face.names[int(model.inputs[k])] for k in inputs)
    return RegionFit(replace(model, out=out), _varying(wrong), errors[best], names)


def _ridge(phi: Floats, target: Floats, ridge: float) -> Floats:
    """Ridge regression (F, K) with a free constant, which is not returned: it is the camera's."""
    phi, target = phi - phi.mean(0), target - target.mean(0)
    inner = phi.T @ phi + ridge * len(phi) * np.eye(phi.shape[1])
    return np.asarray(np.linalg.solve(inner, phi.T @ target), dtype=np.float64)


def _varying(off: Floats) -> float:
    """RMS (mm) of errors (P, 1434) without what is equal in all poses."""
    return float(np.sqrt(3.0 * np.square(off - off.mean(0)).mean()))
