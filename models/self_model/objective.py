"""The objective of the inverse model, as least squares in the network's feature space.

    E(x) =   sum_i w_i |y_i(x) - t_i|^2             landmarks, weighted by region (1/mm^2)
           + sum_p c_p(t) (gap_p(x) - gap_p(t))^2   lip and lid pairs, heavier as the gap closes
           + variance |U phi(x)|^2                  predictive variance of the model
           + sum_j hold_j(t) (x_j - own_j(t))^2     what the skin of each input asks for
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
from mien.models.face.regions import (
    COUNT,
    LID_GAPS,
    LIP_GAPS,
    gaps,
    landmark_weights,
    lips_apart,
)
from mien.models.self_model.inputs import least_openings, mirrored, strips, taut_inputs
from mien.models.self_model.model import Floats, SelfModel
from mien.models.self_model.own_skin import OwnSkin

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
        lids: weight of the lid pairs (1/mm^2) where the target's eye is shut.
        lids_mm: opening beyond it (mm) at which this weight has fallen to 1/e.
        hold: cost of a distance of 1 between an input and what the target asks of its own skin,
            where it asks for nothing. An error of the model elsewhere must not be paid for with a
            brow.
        hold_share: what is asked of an input at which half of this cost is left. Where much is
            asked, neighbours share the work.
        hold_share_lips: the same for inputs that part the lips. Jaw and lips make up for each
            other on purpose.
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
    lids: float = 20.0
    lids_mm: float = 1.5
    hold: float = 400.0
    hold_share: float = 0.15
    hold_share_lips: float = 0.05
    interlock: float = 1e5


@dataclass(frozen=True, eq=False)
class ProjectedTargets:
    """Targets of T frames, projected onto the residual columns of the solver.

    Attributes:
        b: (T, Q) target value of each residual column.
        scale: (T, Q) square root of the weight of each column.
        floor: (T,) cost that no pose can remove: the part of the target outside the modes.
        own: (T, m) inputs that the target asks for at the skin of each (see ``OwnSkin``).
        hold: (T, m) cost of a distance of 1 from them; None: none.
    """

    b: Floats
    scale: Floats
    floor: Floats
    own: Floats | None = None
    hold: Floats | None = None

    def __len__(self) -> int:
        return len(self.b)

    def frame(self, t: int) -> ProjectedTargets:
        """Frame ``t`` as a batch of one."""
        at = slice(t, t + 1)
        own = None if self.own is None else self.own[at]
        hold = None if self.hold is None else self.hold[at]
        return ProjectedTargets(self.b[at], self.scale[at], self.floor[at], own, hold)


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

    Args:
        model: the self-model.
        weights: of the terms.
        areas: (m, 478) landmarks at which each input is at work by design (see ``OwnSkin``).
        lowest: (m,) of each input; None: -1, and 0 of a tendon.

    Raises:
        ModelError: a region of the weights does not exist.
    """

    def __init__(
        self,
        model: SelfModel,
        weights: ObjectiveWeights,
        areas: NDArray[np.bool_] | None = None,
        lowest: Floats | None = None,
    ) -> None:
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
        pairs = np.array(LIP_GAPS + LID_GAPS).T
        openings = decoded[:, pairs[0], 1] - decoded[:, pairs[1], 1]
        self._mean_gaps = gaps(model.mean, LIP_GAPS + LID_GAPS)
        self._rest = model.landmarks(np.zeros(model.n))
        # Closed lips have the gap of the face at rest: MediaPipe's inner lip line has a height.
        self._shut_gaps = np.concatenate([gaps(self._rest, LIP_GAPS), least_openings(model)])
        # Weighted squared landmark error that a predictive variance of 1 stands for.
        expected = float(np.square(model.noise[:, None] * lower).sum())
        factor = model.covariance_factor[: weights.variance_rank].T
        variance = factor * np.sqrt(weights.variance * expected)
        self.readout = np.concatenate([model.out @ lower, model.out @ openings, variance], axis=1)
        """(F, Q) of the residual columns phi @ readout - b."""
        self._modes, lip_pairs = gram.shape[0], len(LIP_GAPS)
        self._own = OwnSkin(model, areas, lowest)
        self._shares = np.where(self._own.parts_lips, weights.hold_share_lips, weights.hold_share)
        self._mean = model.mean.reshape(-1)
        self._root_w = np.sqrt(w)
        # Lips that touch do not pass: what is predicted beyond goes half to either lip.
        self._contact_gaps = CONTACT_SHARE * self._shut_gaps[:lip_pairs]
        parted = np.zeros((lip_pairs, COUNT, 3))
        rows = np.arange(lip_pairs)
        parted[rows, upper, 1], parted[rows, lower_lip, 1] = 0.5, -0.5
        self.contact = Contact(
            slice(self._modes, self._modes + lip_pairs),
            self._contact_gaps - self._mean_gaps[:lip_pairs],
            parted.reshape(lip_pairs, -1) @ self._to_modes.T,
        )
        self.prior = weights.neutral * np.eye(m) + weights.mirror * mirrored(model)
        self.prior += weights.strip * strips(model)
        """(m, m) Hessian of the terms ``neutral``, ``mirror`` and ``strip``."""
        self.taut = taut_inputs(model)
        """(m,) least input at which slopes are taken (see ``taut_inputs``)."""

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
        k, frames = self._modes, len(targets)
        p, lips = len(self._shut_gaps), len(LIP_GAPS)
        displacement = targets.reshape(frames, len(self._mean)) - self._mean
        openings = gaps(targets, LIP_GAPS + LID_GAPS)
        b = np.zeros((frames, self.columns))
        b[:, :k] = displacement @ self._to_modes.T
        b[:, k : k + p] = openings - self._mean_gaps
        scale = np.ones((frames, self.columns))
        beyond = np.maximum(openings - self._shut_gaps, 0.0)
        of = self.weights
        for at, weight, fade in (
            (slice(lips), of.lips, of.lips_mm),
            (slice(lips, p), of.lids, of.lids_mm),
        ):
            pairs = beyond[:, at]
            heavy = weight * np.exp(-pairs / fade) / pairs.shape[1]
            scale[:, k : k + p][:, at] = np.sqrt(heavy)
        floor = np.square(displacement * self._root_w).sum(1) - np.square(b[:, :k]).sum(1)
        own, hold = self._hold(targets)
        return ProjectedTargets(b, scale, np.maximum(floor, 0.0), own=own, hold=hold)

    def _hold(self, targets: Floats) -> tuple[Floats, Floats] | tuple[None, None]:
        """What the target asks of each input's own skin, and the cost of leaving it, (T, m)."""
        if self.weights.hold == 0.0:
            return None, None
        own = self._own.inputs(targets - self._rest)
        return own, self.weights.hold / (1.0 + (own / self._shares) ** 4)

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
        predicted = self.model.features(x) @ self.readout
        gaps, contact = predicted[:, self.contact.columns], self.contact
        missing = np.maximum(contact.least - gaps, 0.0)
        gaps += missing
        predicted[:, : contact.parted.shape[1]] += missing @ contact.parted
        return np.asarray((predicted - projected.b) * projected.scale)

    def as_shown(self, landmarks: Floats) -> Floats:
        """Predicted landmarks (478, 3) mm with lips that do not pass each other."""
        return lips_apart(landmarks, self._contact_gaps)

    def cost(self, x: Floats, projected: ProjectedTargets) -> Floats:
        """Cost (T,) of x (T, m), with the floor and without smoothness and interlocks."""
        residual = np.square(self.residual(x, projected)).sum(1)
        cost = residual + (x @ self.prior * x).sum(1) + projected.floor
        if projected.hold is not None and projected.own is not None:
            cost += (projected.hold * np.square(x - projected.own)).sum(1)
        return np.asarray(cost)
