"""The inverse model: target landmarks -> commands, by a few Levenberg-Marquardt steps in a box.

The unknowns are the network inputs x: commands, and for each tendon its pull. The inverse of the
play operator turns pulls into commands after the last step. A tendon then crosses its play in one
move; with commands as unknowns the play would be a plateau of the cost. Position limits and speed
limits form a box around the last pose.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face.regions import REGIONS
from mien.models.self_model.levenberg_marquardt import Box, minimise
from mien.models.self_model.model import Floats, SelfModel
from mien.models.self_model.objective import Objective, ObjectiveWeights
from mien.models.threads import one_thread

_CHUNK = 32  # frames solved together: their Jacobians stay in the cache
# A pull that changes by less than this share of its range is kept: noise in the targets must not
# make a tendon cross its play.
_PULL_DEAD_BAND = 0.01


@dataclass(frozen=True, eq=False)
class Limits:
    """Limits of the actuators, in the order of the model's names.

    Attributes:
        command: (n, 2) lowest and highest command.
        speed: (n,) highest speed, commands/s.
        planes: (c, n) and offsets (c,): interlocks ``planes @ command <= offsets``.
    """

    command: Floats
    speed: Floats
    planes: Floats
    offsets: Floats

    @classmethod
    def plain(cls, command: Floats, speed: Floats | None = None) -> Limits:
        """Limits without interlocks; without ``speed``, no speed limit either."""
        n = len(command)
        fast = np.full(n, np.inf) if speed is None else speed
        return cls(command, fast, np.zeros((0, n)), np.zeros(0))


@dataclass(frozen=True, eq=False)
class Solution:
    """The solution of one frame.

    Attributes:
        commands: (n,) inside the limits.
        landmarks: (478, 3) mm, the model's prediction for these commands.
        residual_mm: RMS distance (mm) between target and prediction, by region.
        predictive_variance: of the model at this pose (see ``SelfModel.predictive_variance``).
        cost: value of the objective.
    """

    commands: Floats
    landmarks: Floats
    residual_mm: dict[str, float]
    predictive_variance: float
    cost: float


class Inverse:
    """Solves one frame after another. Warm start, speed limits and tendon state carry over.

    Args:
        model: forward model.
        limits: of the actuators.
        weights: of the objective; None: the defaults.
        steps: Levenberg-Marquardt steps per frame, at most.
        direct: names of actuators that are never the inverse's to choose. No landmark tells where
            they belong, so they stand where ``others`` says.
        areas: (m, 478) landmarks at which each input is at work by design; None: where the model
            moves them.

    Raises:
        ModelError: the shape of ``limits`` does not fit the model.
    """

    def __init__(
        self,
        model: SelfModel,
        limits: Limits,
        weights: ObjectiveWeights | None = None,
        steps: int = 4,
        direct: Collection[str] = (),
        areas: NDArray[np.bool_] | None = None,
    ) -> None:
        if limits.command.shape != (model.n, 2):
            raise ModelError(f"limits have shape {limits.command.shape}, expected ({model.n}, 2)")
        self.model = model
        self.limits = limits
        lowest = limits.command[model.inputs, 0]
        self.objective = Objective(model, weights or ObjectiveWeights(), areas, lowest)
        self.steps = steps
        self._direct = np.array(
            [i for i, at in enumerate(model.inputs) if model.names[at] in direct], dtype=np.intp
        )
        self._planes = limits.planes[:, model.inputs]
        self._names = tuple(REGIONS)
        self._region = np.zeros((len(self._names), len(model.mean)))
        for i, name in enumerate(self._names):
            self._region[i, list(REGIONS[name])] = 1.0 / len(REGIONS[name])
        self.commands = np.zeros(model.n)
        self.tendon_state = model.rest()
        self._x = np.zeros(len(model.inputs))
        self.reset()

    def reset(self, commands: Floats | None = None, tendon_state: Floats | None = None) -> None:
        """Set the present pose.

        Args:
            commands: (n,) now; None: neutral.
            tendon_state: (k,) before the move to ``commands``; None: rest.
        """
        start = np.zeros(self.model.n) if commands is None else np.array(commands, dtype=np.float64)
        low, high = self.limits.command.T
        self.commands = np.clip(start, low, high)
        self.tendon_state = self.model.rest() if tendon_state is None else tendon_state
        self._x = self.model.network_inputs(self.commands, self.tendon_state)
        self.tendon_state = self.model.advance(self.tendon_state, self.commands)

    @one_thread
    def solve(self, target: Floats, dt: float = np.inf, others: Floats | None = None) -> Solution:
        """Commands for one target.

        The search starts from the last solution. With an infinite ``dt`` it also starts from rest,
        and the solution with the lower cost is returned.

        Args:
            target: (478, 3) mm in the head frame.
            dt: seconds since the last frame; infinite: no speed limit and no smoothness term.
            others: (n,) commands; those of actuators that are no network input (the neck), or
                ``direct``, are passed through, the others are ignored.

        Raises:
            ModelError: the target holds NaN or has a wrong shape; the state is unchanged.
        """
        model = self.model
        # A jump may be so far that descent from the last pose ends in a local minimum.
        starts = np.array([self._x] if np.isfinite(dt) else [self._x, np.zeros_like(self._x)])
        targets = np.broadcast_to(target, (len(starts), *np.shape(target)))
        projected = self.objective.project(np.asarray(targets, dtype=np.float64))
        low_u, high_u = self.reach(dt)
        out = self.commands.copy() if others is None else np.clip(others, low_u, high_u)
        walls = self._bounds(low_u, high_u)
        for wall in walls:
            wall[self._direct] = out[model.inputs[self._direct]]
        box = Box(*walls, self._planes, self._plane_offsets())
        past = starts if np.isfinite(dt) else None
        each, costs = minimise(self.objective, projected, starts, past, box, self.steps)
        best = int(costs.argmin())
        x, cost = each[best], float(costs[best])
        out[model.inputs] = x
        if len(model.tendons):
            out[model.inputs[model.tendons]] = self._tendon_commands(x[model.tendons])
        out = np.clip(out, low_u, high_u)
        self._x = model.network_inputs(out, self.tendon_state)
        self.tendon_state = model.advance(self.tendon_state, out)
        self.commands = out
        phi = model.features(self._x)
        predicted = self.objective.as_shown(model.decode(phi @ model.out))
        return Solution(
            commands=out.copy(),
            landmarks=predicted,
            residual_mm=self.residual_mm(predicted, target),
            predictive_variance=float(np.square(model.covariance_factor @ phi).sum()),
            cost=cost,
        )

    @one_thread
    def solve_each(self, targets: Floats, steps: int | None = None) -> Floats:
        """Commands (T, n) of T targets (T, 478, 3) mm, each solved alone and from rest.

        Actuators that are ``direct`` stay at 0.

        The state of this object does not change.
        """
        model = self.model
        low, high = self.limits.command.T
        rest = model.rest()
        walls = self._bounds(low, high, rest)
        for wall in walls:
            wall[self._direct] = 0.0
        box = Box(*walls, self._planes, self.limits.offsets)
        out = np.zeros((len(targets), model.n))
        for at in range(0, len(targets), _CHUNK):
            part = np.asarray(targets[at : at + _CHUNK], dtype=np.float64)
            start = np.zeros((len(part), len(model.inputs)))
            projected = self.objective.project(part)
            x, _ = minimise(self.objective, projected, start, None, box, steps or self.steps)
            out[at : at + _CHUNK, model.inputs] = x
        if len(model.tendons):
            tendons = model.inputs[model.tendons]
            out[:, tendons] = model.play.command(rest, out[:, tendons], np.zeros(len(tendons)))
        return np.clip(out, low, high)

    def residual_mm(self, predicted: Floats, target: Floats) -> dict[str, float]:
        """RMS distance (mm) of two landmark sets (478, 3), by region."""
        square = np.square(predicted - target).sum(1)
        rms = np.sqrt(self._region @ square)
        return dict(zip(self._names, rms.tolist(), strict=True))

    def reach(self, dt: float) -> tuple[Floats, Floats]:
        """Lowest and highest commands (n,) that position and speed limits allow ``dt`` s later."""
        low, high = self.limits.command.T
        if not np.isfinite(dt):
            return low, high
        room = self.limits.speed * dt
        return np.maximum(low, self.commands - room), np.minimum(high, self.commands + room)

    def _plane_offsets(self) -> Floats:
        """Offsets (c,) of the interlocks for the inputs, while the other actuators stay."""
        if not len(self.limits.planes):
            return self.limits.offsets
        others = self.commands.copy()
        others[self.model.inputs] = 0.0
        return np.asarray(self.limits.offsets - self.limits.planes @ others)

    def _bounds(
        self, low: Floats, high: Floats, tendon_state: Floats | None = None
    ) -> tuple[Floats, Floats]:
        model = self.model
        a, b = low[model.inputs].copy(), high[model.inputs].copy()
        if len(model.tendons):
            at = model.inputs[model.tendons]
            pull = self.tendon_state if tendon_state is None else tendon_state
            # The pull may change at the command's speed even inside the play; the command then
            # needs the next frames to cross the play.
            room = (high - low)[at]
            lowest, highest = self.limits.command[at].T
            lower, upper = model.play.unloading(lowest), model.play.loading(highest)
            a[model.tendons] = np.minimum(pull, np.maximum(pull - room, lower))
            b[model.tendons] = np.maximum(pull, np.minimum(pull + room, upper))
        return a, b

    def _tendon_commands(self, pull: Floats) -> Floats:
        """Commands (k,) that make the pulls (k,)."""
        current = self.commands[self.model.inputs[self.model.tendons]]
        steady = np.abs(pull - self.tendon_state) < _PULL_DEAD_BAND
        target = np.where(steady, self.tendon_state, pull)
        return self.model.play.command(self.tendon_state, target, current)
