"""The objective of the inverse model, as least squares in the network's feature space.

    E(x) =   sum_i w_i |y_i(x) - t_i|^2             landmarks, weighted by region (1/mm^2)
           + sum_p c_p(t) (gap_p(x) - gap_p(t))^2   inner lip pairs, heavier as the gap closes
           + variance |U phi(x)|^2                  predictive variance of the model
           + neutral |x|^2 + mirror sum_pairs (x_left - x_right)^2 + smooth |x - x_prev|^2
           + strip sum (x_center - (x_left + x_right) / 2)^2

Every landmark term is quadratic in the latents, and the latents are linear in phi. With the
Cholesky factor L L' = D W D' the residuals are the columns of phi R - b. There are about 80 columns
instead of 1434, whatever the number of landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face.regions import COUNT, LIP_GAPS, gaps, landmark_weights, lips_apart
from mien.models.self_model.model import POWERS, Floats, SelfModel

_TAUT_SLOPE_SHARE = 0.5  # of a tendon's largest slope: above it the tendon counts as taut
_PULL_GRID = 41
CONTACT_SHARE = 0.6
"""Share of the gap at rest at which lips touch: pressed further, only their red gets thinner."""


@dataclass(frozen=True)
class ObjectiveWeights:
    """Weights of the terms of the objective.

    Attributes:
        regions: weight of a squared landmark error (1/mm^2) by region; it overrides the defaults.
        depth: factor on that weight for the z axis. A camera in front measures depth worst, and a
            person in front sees it least.
        neutral: cost of an input of 1. It keeps inputs at rest that hardly move the landmarks.
        mirror: cost of a difference of 1 between the inputs ``*_left`` and ``*_right`` of one
            name. It makes both sides equal where the target does not decide.
        strip: cost of a difference of 1 between an input ``*_center`` and the mean of those beside
            it. A lip is one strip: without it, the middle of a smiling lip is drawn to a point.
        smooth: cost of a change of an input by 1 since the last frame.
        variance: weight of the model's predictive variance against the squared landmark error;
            1 minimises their sum.
        variance_rank: number of directions of the predictive variance, the least known first.
        lips: weight of the lip pairs (1/mm^2) where the target gap is that of the face at rest.
        lips_mm: gap beyond it (mm) at which this weight has fallen to 1/e.
        interlock: cost of a violation of an interlock by 1.
    """

    regions: dict[str, float] = field(default_factory=dict)
    depth: float = 0.3
    neutral: float = 0.5
    mirror: float = 4.0
    strip: float = 8.0
    smooth: float = 0.05
    variance: float = 1.0
    variance_rank: int = 24
    lips: float = 60.0
    lips_mm: float = 1.5
    interlock: float = 1e5


@dataclass(frozen=True, eq=False)
class ProjectedTargets:
    """Targets of T frames, projected onto the residual columns of the solver.

    Attributes:
        b: (T, Q) target value of each residual column.
        scale: (T, Q) square root of the weight of each column.
        floor: (T,) cost that no pose can remove: the part of the target outside the modes.
        start: (T, m) first guess of the inputs; None: the solver's own.
    """

    b: Floats
    scale: Floats
    floor: Floats
    start: Floats | None = None

    def __len__(self) -> int:
        return len(self.b)

    def frame(self, t: int) -> ProjectedTargets:
        """Frame ``t`` as a batch of one."""
        start = None if self.start is None else self.start[t : t + 1]
        return ProjectedTargets(
            self.b[t : t + 1], self.scale[t : t + 1], self.floor[t : t + 1], start
        )


@dataclass(frozen=True, eq=False)
class Contact:
    """Lips that touch, as residual columns see them.

    Attributes:
        columns: the columns of the lip pairs.
        least: (p,) what is in them where the lips touch.
        parted: (p, k) change of the first k columns where a pair is 1 mm further apart.
    """

    columns: slice
    least: Floats
    parted: Floats

    @classmethod
    def none(cls) -> Contact:
        """For targets that are met with whatever lips they show."""
        return cls(slice(0, 0), np.zeros(0), np.zeros((0, 0)))


class Objective:
    """The objective E(x) of one model. It holds no state between calls.

    Raises:
        ModelError: a region of the weights does not exist.
    """

    def __init__(self, model: SelfModel, weights: ObjectiveWeights) -> None:
        self.model = model
        self.weights = weights
        m = len(model.inputs)
        try:
            self.landmark_weights = landmark_weights(weights.regions)
        except KeyError as e:
            raise ModelError(str(e.args[0])) from e
        w = (self.landmark_weights[:, None] * (1.0, 1.0, weights.depth)).reshape(-1)
        gram = (model.decoder * w) @ model.decoder.T
        # A mode without any weighted landmark would make the Gram matrix singular.
        lower = np.linalg.cholesky(gram + 1e-9 * np.trace(gram) / len(gram) * np.eye(len(gram)))
        self._to_modes = np.linalg.solve(lower, model.decoder * w)  # landmarks -> whitened modes
        upper, lower_lip = np.array(LIP_GAPS).T
        decoded = model.decoder.reshape(-1, COUNT, 3)
        lips = decoded[:, upper, 1] - decoded[:, lower_lip, 1]
        self._mean_gaps = gaps(model.mean, LIP_GAPS)
        # Closed lips have the gap of the face at rest: MediaPipe's inner lip line has a height.
        self._shut_gaps = gaps(model.landmarks(np.zeros(model.n)), LIP_GAPS)
        # Weighted squared landmark error that a predictive variance of 1 stands for.
        expected = float(np.square(model.noise[:, None] * lower).sum())
        factor = model.covariance_factor[: weights.variance_rank].T
        variance = factor * np.sqrt(weights.variance * expected)
        self.set_readout(np.concatenate([model.out @ lower, model.out @ lips, variance], axis=1))
        self._modes, self._pairs = gram.shape[0], lips.shape[1]
        self._mean = model.mean.reshape(-1)
        self._root_w = np.sqrt(w)
        # Lips that touch do not pass: what is predicted beyond goes half to either lip.
        self._contact_gaps = CONTACT_SHARE * self._shut_gaps
        parted = np.zeros((self._pairs, COUNT, 3))
        rows = np.arange(self._pairs)
        parted[rows, upper, 1], parted[rows, lower_lip, 1] = 0.5, -0.5
        self.contact = Contact(
            slice(self._modes, self._modes + self._pairs),
            self._contact_gaps - self._mean_gaps,
            parted.reshape(self._pairs, -1) @ self._to_modes.T,
        )
        self.prior = weights.neutral * np.eye(m) + weights.mirror * _mirrored(model)
        self.prior += weights.strip * _strips(model)
        """(m, m) Hessian of the terms ``neutral``, ``mirror`` and ``strip``."""
        self._taut = taut_inputs(model)

    def set_readout(self, readout: Floats) -> None:
        """Set the residual columns phi @ readout - b, with readout (F, Q)."""
        m = len(self.model.inputs)
        self.readout = readout
        self._on_x = readout[: POWERS * m]
        self._on_h = readout[POWERS * m : -1]
        self._slopes = self._on_x.reshape(POWERS, m, -1) * np.arange(1.0, POWERS + 1)[:, None, None]

    @property
    def columns(self) -> int:
        """Number Q of residual columns."""
        return int(self.readout.shape[1])

    def project(self, targets: Floats) -> ProjectedTargets:
        """Project targets (T, 478, 3) mm onto the residual columns.

        Raises:
            ModelError: a wrong shape, NaN or infinity.
        """
        self.check(targets)
        k, p, frames = self._modes, self._pairs, len(targets)
        displacement = targets.reshape(frames, len(self._mean)) - self._mean
        target_gaps = gaps(targets, LIP_GAPS)
        b = np.zeros((frames, self.columns))
        b[:, :k] = displacement @ self._to_modes.T
        b[:, k : k + p] = target_gaps - self._mean_gaps
        scale = np.ones((frames, self.columns))
        fade = np.exp(-np.maximum(target_gaps - self._shut_gaps, 0.0) / self.weights.lips_mm)
        scale[:, k : k + p] = np.sqrt(self.weights.lips * fade / p)
        floor = np.square(displacement * self._root_w).sum(1) - np.square(b[:, :k]).sum(1)
        return ProjectedTargets(b, scale, np.maximum(floor, 0.0))

    def check(self, targets: Floats) -> None:
        """Check targets (T, 478, 3).

        Raises:
            ModelError: a wrong shape, NaN or infinity.
        """
        if targets.ndim != 3 or targets.shape[1:] != (COUNT, 3):
            raise ModelError(f"targets have shape {targets.shape}, expected (T, {COUNT}, 3)")
        if not np.isfinite(targets).all():
            raise ModelError("target landmarks hold NaN or infinity: no pose was sent for them")

    def residual(self, x: Floats, projected: ProjectedTargets) -> Floats:
        """Residuals (T, Q) of inputs x (T, m)."""
        return self._residual(x, projected)[0]

    def _residual(self, x: Floats, projected: ProjectedTargets) -> tuple[Floats, NDArray[np.bool_]]:
        """Residuals (T, Q), and whether each pair of lip landmarks touches, (T, pairs)."""
        predicted = self.model.features(x) @ self.readout
        gaps, contact = predicted[:, self.contact.columns], self.contact
        missing = np.maximum(contact.least - gaps, 0.0)
        touching = missing > 0.0
        if touching.any():
            gaps += missing
            predicted[:, : contact.parted.shape[1]] += missing @ contact.parted
        return np.asarray((predicted - projected.b) * projected.scale), touching

    def linearise(self, x: Floats, projected: ProjectedTargets) -> tuple[Floats, Floats]:
        """Residuals (T, Q) and their transposed Jacobian (T, m, Q) at x (T, m).

        A slack tendon has a slope of 0, and a descent step would never tighten it. Its slope is
        therefore taken where it becomes taut (``taut_inputs``).
        """
        model, (r, touching) = self.model, self._residual(x, projected)
        at = np.maximum(x, self._taut)
        h1 = np.tanh(at @ model.w1.T + model.b1)
        h2 = np.tanh(h1 @ model.w2.T + model.b2)
        inner = model.w1.T * (1.0 - h1**2)[:, None, :]
        dh = (inner.reshape(-1, inner.shape[-1]) @ model.w2.T).reshape(*x.shape, -1)
        dh *= (1.0 - h2**2)[:, None, :]
        j = (dh.reshape(-1, dh.shape[-1]) @ self._on_h).reshape(*x.shape, -1)
        own = at[:, :, None] * self._slopes[-1]  # derivative of the polynomials, by Horner's rule
        for slopes in self._slopes[-2:0:-1]:
            own += slopes
            own *= at[:, :, None]
        own += self._slopes[0]
        own += j
        if touching.any():
            gaps = own[:, :, self.contact.columns]
            closing = gaps * touching[:, None, :]
            gaps -= closing
            own[:, :, : self.contact.parted.shape[1]] -= closing @ self.contact.parted
        own *= projected.scale[:, None, :]
        return r, own

    def as_shown(self, landmarks: Floats) -> Floats:
        """Predicted landmarks (478, 3) mm with lips that do not pass each other."""
        return lips_apart(landmarks, self._contact_gaps)

    def cost(self, x: Floats, projected: ProjectedTargets) -> Floats:
        """Cost (T,) of x (T, m), with the floor and without smoothness and interlocks."""
        residual = np.square(self.residual(x, projected)).sum(1)
        return np.asarray(residual + ((x @ self.prior) * x).sum(1) + projected.floor)


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


def _mirrored(model: SelfModel) -> Floats:
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


def _strips(model: SelfModel) -> Floats:
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
