"""What each network input of a self-model does to the skin, alone."""

from __future__ import annotations

import numpy as np

from mien.models.face.regions import LID_GAPS, gaps
from mien.models.self_model.model import Floats, SelfModel

_TAUT_SLOPE_SHARE = 0.5  # of a tendon's largest slope: above it the tendon counts as taut
_PULL_GRID = 41


def taut_inputs(model: SelfModel) -> Floats:
    """Smallest input (m,) at which each tendon is taut; -inf for the other actuators.

    A tendon counts as taut where it moves the skin with at least half of its largest slope.
    """
    out = np.full(len(model.inputs), -np.inf)
    pulls = np.linspace(0.0, 1.0, _PULL_GRID)
    for k in model.tendons:
        x = np.zeros((_PULL_GRID, len(out)))
        x[:, k] = pulls
        moved = model.latents(x) @ model.decoder
        slope = np.gradient(moved @ (moved[-1] - moved[0]))
        out[k] = pulls[np.argmax(slope >= _TAUT_SLOPE_SHARE * slope.max())]
    return out


def strokes(model: SelfModel, lowest: Floats | None = None) -> Floats:
    """Displacement (2, m, 478, 3) mm of the skin by each input alone, at its lowest and at 1.

    Args:
        model: the self-model.
        lowest: (m,) of each input; None: -1. A tendon's is 0.
    """
    m = len(model.inputs)
    low = np.full(m, -1.0) if lowest is None else lowest
    ends = np.stack([np.diag(low), np.eye(m)])
    ends[0, model.tendons] = 0.0
    rest = np.zeros(m)
    return model.decode(model.latents(ends)) - model.decode(model.latents(rest))


def least_openings(model: SelfModel, together: int = 1) -> Floats:
    """Smallest opening (pairs,) mm of each lid pair that inputs make, without lids that pass.

    Args:
        model: the self-model.
        together: number of inputs that close a pair at the same time. The first is the upper lid,
            the second the lower one.
    """
    rest = gaps(model.landmarks(np.zeros(model.n)), LID_GAPS)
    closing = np.sort(gaps(strokes(model), LID_GAPS).min(0), axis=0)[:together]
    return np.asarray(np.maximum(rest + np.minimum(closing, 0.0).sum(0), 0.0))


def mirrored(model: SelfModel) -> Floats:
    """Sum (m, m) over the left/right pairs of (e_left - e_right)(e_left - e_right)'."""
    names = [model.names[i] for i in model.inputs]
    out = np.zeros((len(names), len(names)))
    for left, name in enumerate(names):
        other = name.removesuffix("_left") + "_right"
        if name.endswith("_left") and other in names:
            right = names.index(other)
            out[[left, right], [left, right]] += 1.0
            out[[left, right], [right, left]] -= 1.0
    return out


def strips(model: SelfModel) -> Floats:
    """Sum (m, m) over the centres c of c c', c = e_center - (e_left + e_right) / 2."""
    names = [model.names[i] for i in model.inputs]
    out = np.zeros((len(names), len(names)))
    for center, name in enumerate(names):
        sides = [name.removesuffix("_center") + side for side in ("_left", "_right")]
        if name.endswith("_center") and all(side in names for side in sides):
            bend = np.zeros(len(names))
            bend[[center, *map(names.index, sides)]] = 1.0, -0.5, -0.5
            out += np.outer(bend, bend)
    return out
