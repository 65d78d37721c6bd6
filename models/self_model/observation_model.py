"""The observation model: what one camera's observations reveal about the commands.

A camera whose tracker is itself a network (MediaPipe) has errors of whole shapes of the face, and
the shapes change with the pose. What a self-model leaves unexplained is then large along some
shapes and tiny along others, and errors of neighbouring landmarks are not independent. The inverse
can weigh targets of the same camera by the full covariance S of these errors instead of a weight
per landmark. An observation is projected onto its R principal modes, and the cost of a pose x is

    E(x) = |S^-1/2 (phi(x) A - c)|^2 + w (x - g)' G^-1 (x - g)

    c (R,)  codes of the observation        A (F, R)  features -> codes
    g (m,)  commands that a kernel ridge regression predicts from the observation
    G (m, m)  covariance of that regression's errors        w  weight of the regression

Sources: generalised least squares after Aitken, "On least squares and linear combinations of
observations", Proc. R. Soc. Edinburgh 55 (1935); kernel ridge regression after Saunders, Gammerman
and Vovk, "Ridge regression learning algorithm in dual variables", ICML 1998.
mien.models.train.self_model.observation_model_fit fits it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.models.self_model.model import Floats, SelfModel
from mien.models.self_model.objective import Contact, Objective, ObjectiveWeights, ProjectedTargets

_MAX_DIRECTIONS = 64


@dataclass(frozen=True, eq=False)
class ObservationModel:
    """Observation model of one camera and one face.

    Attributes:
        mean: (478, 3) mm, mean observation.
        modes: (1434, R) mm -> codes.
        out: (F, R) features of the self-model -> codes.
        whitening: (R, R) matrix V with V V' = S^-1: codes -> errors of variance 1.
        training_codes: (N, R) scaled codes of the training observations.
        scale: (R,) of the codes, for the distances of the regression's kernel.
        widths: (n,) squared distance at which the kernel has fallen to 1/e, for each actuator.
        coefficients: (N, n) dual coefficients of the regression.
        mean_commands: (n,) predicted commands far from all training observations.
        covariance: (n, n) of the regression's errors; a tendon's entry is for its pull.
        regression_weight: weight w of the regression.
        noise_share: share of independent noise in the variance that the self-model leaves
            unexplained, in [0, 1].
    """

    mean: Floats
    modes: Floats
    out: Floats
    whitening: Floats
    training_codes: Floats
    scale: Floats
    widths: Floats
    coefficients: Floats
    mean_commands: Floats
    covariance: Floats
    regression_weight: float
    noise_share: float

    def codes(self, observations: Floats) -> Floats:
        """Codes (T, R) of observations (T, 478, 3) mm."""
        return np.asarray((observations - self.mean).reshape(len(observations), -1) @ self.modes)

    def regress(self, observations: Floats) -> Floats:
        """Commands (T, n) that the regression predicts for observations (T, 478, 3) mm.

        The entry of a tendon is its pull.
        """
        codes = self.codes(observations) / self.scale
        squared = squared_distances(codes, self.training_codes)
        out = np.tile(self.mean_commands, (len(observations), 1))
        for width in np.unique(self.widths):
            of = self.widths == width
            out[:, of] += np.exp(-squared / width) @ self.coefficients[:, of]
        return out

    def whitened_directions(self) -> tuple[Floats, Floats]:
        """The whitened directions (Q of them) along which poses differ.

        Returns:
            (R, Q): codes -> directions, and (F, Q): features -> directions.
        """
        whitened = self.out @ self.whitening
        basis = np.linalg.svd(whitened[:-1], full_matrices=False)[2][:_MAX_DIRECTIONS].T
        return self.whitening @ basis, whitened @ basis


class ObservationObjective(Objective):
    """The objective E(x) of an observation model.

    Of ``weights`` only ``interlock`` and ``smooth`` are used.
    """

    def __init__(
        self, model: SelfModel, weights: ObjectiveWeights, observation: ObservationModel
    ) -> None:
        super().__init__(model, weights)
        m = len(model.inputs)
        self.observation = observation
        self._from_codes, from_features = observation.whitened_directions()
        at = np.ix_(model.inputs, model.inputs)
        precision = observation.regression_weight * np.linalg.inv(observation.covariance[at])
        self._regression_root = np.linalg.cholesky(precision)
        regression = np.zeros((len(from_features), m))
        regression[:m] = self._regression_root
        self.set_readout(np.concatenate([from_features, regression], axis=1))
        self.prior = np.zeros((m, m))
        self.contact = Contact.none()

    def project(self, targets: Floats) -> ProjectedTargets:
        """See ``Objective.project``. The search starts at the regression's commands."""
        self.check(targets)
        start = self.observation.regress(targets)[:, self.model.inputs]
        directions = self.observation.codes(targets) @ self._from_codes
        b = np.concatenate([directions, start @ self._regression_root], axis=1)
        return ProjectedTargets(b, np.ones_like(b), np.zeros(len(b)), start)


def squared_distances(a: Floats, b: Floats) -> Floats:
    """Squared distances (T, N) between the rows of a (T, R) and of b (N, R)."""
    squared = np.square(a).sum(1)[:, None] + np.square(b).sum(1) - 2.0 * a @ b.T
    return np.asarray(np.maximum(squared, 0.0))
