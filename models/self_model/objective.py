"""What the inverse minimises, folded into the network's own feature space.

    E(x) =   sum_i w_i |y_i(x) - t_i|^2             landmarks, weighted by region (1/mm^2)
           + sum_p c_p(t) (gap_p(x) - gap_p(t))^2   inner lip pairs, heavier as the gap closes
           + doubt |U phi(x)|^2                     expected error of the model itself
           + neutral |x|^2 + mirror sum_pairs (x_left - x_right)^2 + smooth |x - x_prev|^2

All landmark terms are quadratic in the latents and those are linear in phi, so with L L' = D W D'
the residuals are columns of phi R - b: about 80 of them instead of 1434, whatever the number of
landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mien.models.errors import ModelError
from mien.models.face.regions import COUNT, LIP_GAPS, gaps, landmark_weights
from mien.models.self_model.model import POWERS, Floats, SelfModel

_TAUT = 0.5  # of a string's greatest slope
_PULLS = 41


@dataclass(frozen=True)
class Wishes:
    """Weights of the objective.

    Attributes:
        regions: weight of a squared landmark error (1/mm^2) by region, over the defaults.
        depth: share of that weight for the z axis: a camera in front measures it worst and a person
            in front sees it least.
        neutral: cost of an input of 1: what the landmarks hardly care about stays at rest.
        mirror: cost of a difference of 1 between the two sides' inputs of one name: where a target
            hardly says how, both sides do the same; a wink costs next to nothing.
        smooth: cost of moving an input by 1 since the last frame.
        doubt: weight of the model's own expected squared error against that of the landmarks; 1 is
            what minimises their sum.
        doubt_rank: directions of the doubt that are looked at, the least known ones.
        lips: weight of the lip pairs (1/mm^2) where the wanted gap is that of the face at rest.
        lips_mm: gap beyond it at which that extra weight has faded to 1/e.
        interlock: cost of a squared unit beyond an interlock.
    """

    regions: dict[str, float] = field(default_factory=dict)
    depth: float = 0.3
    neutral: float = 0.5
    mirror: float = 4.0
    smooth: float = 0.05
    doubt: float = 1.0
    doubt_rank: int = 24
    lips: float = 60.0
    lips_mm: float = 1.5
    interlock: float = 1e5


@dataclass(frozen=True, eq=False)
class Goal:
    """Targets of T frames, ready for the solver.

    Attributes:
        b: (T, Q) wanted value of each residual column.
        scale: (T, Q) weight (root) of each column.
        floor: (T,) cost that no latent can remove: the target's part outside the modes.
        start: (T, m) where to look first, if that is known better than from the last frame.
    """

    b: Floats
    scale: Floats
    floor: Floats
    start: Floats | None = None

    def __len__(self) -> int:
        return len(self.b)

    def frame(self, t: int) -> Goal:
        """One frame of it."""
        start = None if self.start is None else self.start[t : t + 1]
        return Goal(self.b[t : t + 1], self.scale[t : t + 1], self.floor[t : t + 1], start)


class Objective:
    """E(x) of one model; holds no state between calls."""

    def __init__(self, model: SelfModel, wishes: Wishes) -> None:
        self.model = model
        self.wishes = wishes
        m = len(model.inputs)
        try:
            self.weights = landmark_weights(wishes.regions)
        except KeyError as e:
            raise ModelError(str(e.args[0])) from e
        w = (self.weights[:, None] * (1.0, 1.0, wishes.depth)).reshape(-1)
        gram = (model.decoder * w) @ model.decoder.T
        # A mode that no weighted landmark sees would make the Gram matrix singular.
        lower = np.linalg.cholesky(gram + 1e-9 * np.trace(gram) / len(gram) * np.eye(len(gram)))
        self._to_modes = np.linalg.solve(lower, model.decoder * w)  # landmarks -> whitened modes
        upper, lower_lip = np.array(LIP_GAPS).T
        decoded = model.decoder.reshape(-1, COUNT, 3)
        lips = decoded[:, upper, 1] - decoded[:, lower_lip, 1]
        self._mean_gaps = gaps(model.mean, LIP_GAPS)
        # Shut lips are those of the face at rest: the inner lip line of MediaPipe has a height.
        self._shut_gaps = gaps(model.landmarks(np.zeros(model.n)), LIP_GAPS)
        # Weighted squared error (1 in E) that a novelty of 1 stands for.
        expected = float(np.square(model.noise[:, None] * lower).sum())
        doubt = model.doubt[: wishes.doubt_rank].T * np.sqrt(wishes.doubt * expected)
        self.fold(np.concatenate([model.out @ lower, model.out @ lips, doubt], axis=1))
        self._modes, self._pairs = gram.shape[0], lips.shape[1]
        self._mean = model.mean.reshape(-1)
        self._root_w = np.sqrt(w)
        self.prior = wishes.neutral * np.eye(m) + wishes.mirror * _mirrored(model)
        """(m, m) Hessian of the terms that hold x to rest and symmetry."""
        self._taut = taut(model)

    def fold(self, readout: Floats) -> None:
        """Minimise the squares of phi @ readout - b, with readout (F, Q)."""
        m = len(self.model.inputs)
        self.readout = readout
        self._on_x = readout[: POWERS * m]
        self._on_h = readout[POWERS * m : -1]
        self._slopes = self._on_x.reshape(POWERS, m, -1) * np.arange(1.0, POWERS + 1)[:, None, None]

    @property
    def columns(self) -> int:
        """Q, the number of residual columns."""
        return int(self.readout.shape[1])

    def goal(self, targets: Floats) -> Goal:
        """Targets (T, 478, 3) mm -> goal.

        Raises:
            ModelError: a wrong shape, NaN or infinity.
        """
        self.check(targets)
        k, p, frames = self._modes, self._pairs, len(targets)
        off = targets.reshape(frames, len(self._mean)) - self._mean
        wanted = gaps(targets, LIP_GAPS)
        b = np.zeros((frames, self.columns))
        b[:, :k] = off @ self._to_modes.T
        b[:, k : k + p] = wanted - self._mean_gaps
        scale = np.ones((frames, self.columns))
        fade = np.exp(-np.maximum(wanted - self._shut_gaps, 0.0) / self.wishes.lips_mm)
        scale[:, k : k + p] = np.sqrt(self.wishes.lips * fade / p)
        floor = np.square(off * self._root_w).sum(1) - np.square(b[:, :k]).sum(1)
        return Goal(b, scale, np.maximum(floor, 0.0))

    def check(self, targets: Floats) -> None:
        """Raise ``ModelError`` for a wrong shape, NaN or infinity."""
        if targets.ndim != 3 or targets.shape[1:] != (COUNT, 3):
            raise ModelError(f"targets have shape {targets.shape}, wanted (T, {COUNT}, 3)")
        if not np.isfinite(targets).all():
            raise ModelError("target landmarks hold NaN or infinity: no pose was sent for them")

    def residual(self, x: Floats, goal: Goal) -> Floats:
        """(T, Q) residuals of inputs x (T, m)."""
        return np.asarray((self.model.features(x) @ self.readout - goal.b) * goal.scale)

    def linearise(self, x: Floats, goal: Goal) -> tuple[Floats, Floats]:
        """(residual (T, Q), Jacobian transposed (T, m, Q)) at x (T, m).

        A slack string moves nothing, and a step by its slope would leave it slack for ever: its
        slopes are those of where it becomes taut (``taut``).
        """
        model, r = self.model, self.residual(x, goal)
        at = np.maximum(x, self._taut)
        h1 = np.tanh(at @ model.w1.T + model.b1)
        h2 = np.tanh(h1 @ model.w2.T + model.b2)
        inner = model.w1.T * (1.0 - h1**2)[:, None, :]
        dh = (inner.reshape(-1, inner.shape[-1]) @ model.w2.T).reshape(*x.shape, -1)
        dh *= (1.0 - h2**2)[:, None, :]
        j = (dh.reshape(-1, dh.shape[-1]) @ self._on_h).reshape(*x.shape, -1)
        own = at[:, :, None] * self._slopes[-1]  # each input's own curve, by Horner's rule
        for slopes in self._slopes[-2:0:-1]:
            own += slopes
            own *= at[:, :, None]
        own += self._slopes[0]
        own += j
        own *= goal.scale[:, None, :]
        return r, own

    def cost(self, x: Floats, goal: Goal) -> Floats:
        """E (T,) without smoothness and interlocks, floor included."""
        residual = np.square(self.residual(x, goal)).sum(1)
        return np.asarray(residual + ((x @ self.prior) * x).sum(1) + goal.floor)


def taut(model: SelfModel) -> Floats:
    """(m,) inputs from which on strings pull with half of their greatest slope or more; -inf for
    what is no string."""
    out = np.full(len(model.inputs), -np.inf)
    pulls = np.linspace(0.0, 1.0, _PULLS)
    for k in model.tendons:
        x = np.zeros((_PULLS, len(out)))
        x[:, k] = pulls
        moved = model.latents(x) @ model.decoder
        slope = np.gradient(moved @ (moved[-1] - moved[0]))
        out[k] = pulls[np.argmax(slope >= _TAUT * slope.max())]
    return out


def _mirrored(model: SelfModel) -> Floats:
    """(m, m) sum over left/right pairs of (e_left - e_right)(e_left - e_right)'."""
    names = [model.names[i] for i in model.inputs]
    out = np.zeros((len(names), len(names)))
    for left, name in enumerate(names):
        other = name.removesuffix("_left") + "_right"
        if name.endswith("_left") and other in names:
            right = names.index(other)
            out[[left, right], [left, right]] += 1.0
            out[[left, right], [right, left]] -= 1.0
    return out
