"""What one camera's looks tell of the commands: for targets that the same camera saw.

Eyes that are themselves a network (MediaPipe) are wrong by whole shapes of a face that change with
the pose: what a self-model leaves unexplained is large along some shapes, tiny along others, and
says next to nothing landmark by landmark. So a look is taken apart into its modes, and a pose x is
judged by the errors' whole covariance S instead of a weight per landmark:

    E(x) = |S^-1/2 (phi(x) A - c)|^2 + trust (x - g)' G^-1 (x - g)

c (R,) the look's modes, A a last layer of the self-model for them, g (m,) what a regression from
looks straight to commands says, G the covariance of its errors. Generalised least squares after
Aitken, "On least squares and linear combinations of observations", Proc. R. Soc. Edinburgh 55
(1935); the regression is kernel ridge (Saunders, Gammerman and Vovk, "Ridge regression learning
algorithm in dual variables", ICML 1998). mien.models.train.self_model.observation_model fits it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.models.self_model.model import Floats, SelfModel
from mien.models.self_model.objective import Goal, Objective, Wishes

_COLUMNS = 64


@dataclass(frozen=True, eq=False)
class Sight:
    """What is known of one camera's looks at one face.

    Attributes:
        mean: (478, 3) mm of the looks.
        modes: (1434, R) mm -> codes.
        out: (F, R) the self-model's features -> codes.
        root: (R, R) with root root' = S^-1: codes -> errors of variance 1.
        known: (N, R) scaled codes of the looks that it learned from.
        scale: (R,) of the codes, for the regression's distances.
        widths: (n,) squared distance at which the regression's kernel has faded to 1/e, for each
            actuator.
        pull: (N, n) what each known look adds to each command.
        usual: (n,) commands far from all known looks.
        doubt: (n, n) covariance of the regression's errors; strings count by pull.
        trust: weight of the regression.
        noise: share of a look's own noise in what the self-model leaves unexplained.
    """

    mean: Floats
    modes: Floats
    out: Floats
    root: Floats
    known: Floats
    scale: Floats
    widths: Floats
    pull: Floats
    usual: Floats
    doubt: Floats
    trust: float
    noise: float

    def codes(self, looks: Floats) -> Floats:
        """(T, R) of looks (T, 478, 3)."""
        return np.asarray((looks - self.mean).reshape(len(looks), -1) @ self.modes)

    def guess(self, looks: Floats) -> Floats:
        """Commands (T, n), strings as pulls, straight from looks (T, 478, 3)."""
        far = squared_distances(self.codes(looks) / self.scale, self.known)
        out = np.tile(self.usual, (len(looks), 1))
        for width in np.unique(self.widths):
            of = self.widths == width
            out[:, of] += np.exp(-far / width) @ self.pull[:, of]
        return out

    def columns(self) -> tuple[Floats, Floats]:
        """(R, Q) codes -> the directions in which poses differ, and (F, Q) features -> the same."""
        told = self.out @ self.root
        ways = np.linalg.svd(told[:-1], full_matrices=False)[2][:_COLUMNS].T
        return self.root @ ways, told @ ways


class SightObjective(Objective):
    """E(x) of a sight; ``wishes`` still hold interlocks and smoothness."""

    def __init__(self, model: SelfModel, wishes: Wishes, sight: Sight) -> None:
        super().__init__(model, wishes)
        m = len(model.inputs)
        self.sight = sight
        self._to_columns, seen = sight.columns()
        at = np.ix_(model.inputs, model.inputs)
        self._held = np.linalg.cholesky(sight.trust * np.linalg.inv(sight.doubt[at]))
        guessed = np.zeros((len(seen), m))
        guessed[:m] = self._held
        self.fold(np.concatenate([seen, guessed], axis=1))
        self.prior = np.zeros((m, m))

    def goal(self, targets: Floats) -> Goal:
        """See ``Objective.goal``; the search starts where the regression says."""
        self.check(targets)
        guess = self.sight.guess(targets)[:, self.model.inputs]
        told = self.sight.codes(targets) @ self._to_columns
        b = np.concatenate([told, guess @ self._held], axis=1)
        return Goal(b, np.ones_like(b), np.zeros(len(b)), guess)


def squared_distances(a: Floats, b: Floats) -> Floats:
    """(T, N) of the rows of a (T, R) and b (N, R)."""
    far = np.square(a).sum(1)[:, None] + np.square(b).sum(1) - 2.0 * a @ b.T
    return np.asarray(np.maximum(far, 0.0))
