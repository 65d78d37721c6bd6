"""Landmarks -> commands: a few Gauss-Newton steps on the self-model, inside every limit.

The unknowns are the network's inputs: commands, and for strings the pull that should be felt. A
pull is turned into a command by the inverse of the play operator at the very end, so that a
string's play is crossed in one move instead of being felt as a flat cost. Rate limits become a box
around the last pose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.models.errors import ModelError
from mien.models.face.regions import REGIONS
from mien.models.self_model.levenberg_marquardt import Box, descend
from mien.models.self_model.model import Floats, SelfModel
from mien.models.self_model.objective import Objective, Wishes
from mien.models.self_model.observation_model import Sight, SightObjective

_CHUNK = 32  # frames solved together: their Jacobians stay in the cache
_HOLD = 0.01  # a pull that changes by less is held: noise must not make a string cross its play


@dataclass(frozen=True, eq=False)
class Limits:
    """What the actuators may do, in the order of the model's names.

    Attributes:
        command: (n, 2) lowest and highest command.
        speed: (n,) fastest change per second.
        planes, offsets: interlocks ``planes (c, n) @ command <= offsets (c,)``.
    """

    command: Floats
    speed: Floats
    planes: Floats
    offsets: Floats

    @classmethod
    def plain(cls, command: Floats, speed: Floats | None = None) -> Limits:
        """Limits without interlocks; no speed means as fast as you like."""
        n = len(command)
        fast = np.full(n, np.inf) if speed is None else speed
        return cls(command, fast, np.zeros((0, n)), np.zeros(0))


@dataclass(frozen=True, eq=False)
class Solution:
    """One inverted frame.

    Attributes:
        commands: (n,) inside the limits.
        landmarks: (478, 3) mm that the model expects of them.
        unreached: by region, the RMS distance (mm) between target and expectation.
        novelty: how little the model knows there (see ``SelfModel.novelty``).
        cost: value of the objective.
    """

    commands: Floats
    landmarks: Floats
    unreached: dict[str, float]
    novelty: float
    cost: float


class Inverse:
    """Inverts one frame after another; warm start, speed limits and string memory carry over.

    With a ``sight``, targets are looks of the camera that it is of, and are weighed by its errors
    instead of by region.
    """

    def __init__(
        self,
        model: SelfModel,
        limits: Limits,
        wishes: Wishes | None = None,
        steps: int = 4,
        sight: Sight | None = None,
    ) -> None:
        if limits.command.shape != (model.n, 2):
            raise ModelError(f"limits have shape {limits.command.shape}, wanted ({model.n}, 2)")
        self.model = model
        self.limits = limits
        self.objective: Objective = (
            Objective(model, wishes or Wishes())
            if sight is None
            else SightObjective(model, wishes or Wishes(), sight)
        )
        self.steps = steps
        self._planes = limits.planes[:, model.inputs]
        self._names = tuple(REGIONS)
        self._region = np.zeros((len(self._names), len(model.mean)))
        for i, name in enumerate(self._names):
            self._region[i, list(REGIONS[name])] = 1.0 / len(REGIONS[name])
        self.commands = np.zeros(model.n)
        self.memory = model.rest()
        self._x = np.zeros(len(model.inputs))
        self.reset()

    def reset(self, commands: Floats | None = None, memory: Floats | None = None) -> None:
        """Forget the past; the face is now at ``commands`` (default neutral) with ``memory``."""
        start = np.zeros(self.model.n) if commands is None else np.array(commands, dtype=np.float64)
        low, high = self.limits.command.T
        self.commands = np.clip(start, low, high)
        self.memory = self.model.rest() if memory is None else memory
        self._x = self.model.drive(self.commands, self.memory)
        self.memory = self.model.advance(self.memory, self.commands)

    def solve(self, target: Floats, dt: float = np.inf, others: Floats | None = None) -> Solution:
        """Commands for one target, starting from the last ones; where there is no speed limit from
        rest as well, and the better is taken.

        Args:
            target: (478, 3) mm in the head frame.
            dt: seconds since the last frame; infinite means no speed limit and no smoothness.
            others: (n,) commands of actuators that the model has no input for (the neck); the rest
                of it is ignored.

        Raises:
            ModelError: NaN or a wrong shape; the state is unchanged.
        """
        model = self.model
        # A face that may jump can jump too far from its last pose to find its way by slopes.
        starts = np.array([self._x] if np.isfinite(dt) else [self._x, np.zeros_like(self._x)])
        targets = np.broadcast_to(target, (len(starts), *np.shape(target)))
        goal = self.objective.goal(np.asarray(targets, dtype=np.float64))
        low_u, high_u = self.reach(dt)
        box = Box(*self._bounds(low_u, high_u), self._planes, self._plane_offsets())
        past = starts if np.isfinite(dt) else None
        if goal.start is not None:
            starts, goal = goal.start[:1], goal.frame(0)
        each, costs = descend(self.objective, goal, starts, past, box, self.steps)
        best = int(costs.argmin())
        x, cost = each[best], float(costs[best])
        out = self.commands.copy() if others is None else np.clip(others, low_u, high_u)
        out[model.inputs] = x
        if len(model.tendons):
            out[model.inputs[model.tendons]] = self._strings(x[model.tendons])
        out = np.clip(out, low_u, high_u)
        self._x = model.drive(out, self.memory)
        self.memory = model.advance(self.memory, out)
        self.commands = out
        phi = model.features(self._x)
        seen = model.decode(phi @ model.out)
        return Solution(
            commands=out.copy(),
            landmarks=seen,
            unreached=self.unreached(seen, target),
            novelty=float(np.square(model.doubt @ phi).sum()),
            cost=cost,
        )

    def solve_each(self, targets: Floats, steps: int | None = None) -> Floats:
        """Commands (T, n) of T targets (T, 478, 3), each alone and from rest; the state stays."""
        model = self.model
        low, high = self.limits.command.T
        rest = model.rest()
        box = Box(*self._bounds(low, high, rest), self._planes, self.limits.offsets)
        out = np.zeros((len(targets), model.n))
        for at in range(0, len(targets), _CHUNK):
            part = np.asarray(targets[at : at + _CHUNK], dtype=np.float64)
            start = np.zeros((len(part), len(model.inputs)))
            goal = self.objective.goal(part)
            if goal.start is not None:
                start = goal.start
            x, _ = descend(self.objective, goal, start, None, box, steps or self.steps)
            out[at : at + _CHUNK, model.inputs] = x
        if len(model.tendons):
            strings = model.inputs[model.tendons]
            out[:, strings] = model.play.command(rest, out[:, strings], np.zeros(len(strings)))
        return np.clip(out, low, high)

    def unreached(self, seen: Floats, target: Floats) -> dict[str, float]:
        """RMS distance (mm) of two landmark sets (478, 3) by region."""
        square = np.square(seen - target).sum(1)
        rms = np.sqrt(self._region @ square)
        return dict(zip(self._names, rms.tolist(), strict=True))

    def reach(self, dt: float) -> tuple[Floats, Floats]:
        """(low, high) commands (n,) that the speed limits allow after ``dt`` seconds."""
        low, high = self.limits.command.T
        if not np.isfinite(dt):
            return low, high
        room = self.limits.speed * dt
        return np.maximum(low, self.commands - room), np.minimum(high, self.commands + room)

    def _plane_offsets(self) -> Floats:
        """What the interlocks leave to the inputs, the other actuators staying where they are."""
        if not len(self.limits.planes):
            return self.limits.offsets
        others = self.commands.copy()
        others[self.model.inputs] = 0.0
        return np.asarray(self.limits.offsets - self.limits.planes @ others)

    def _bounds(
        self, low: Floats, high: Floats, memory: Floats | None = None
    ) -> tuple[Floats, Floats]:
        model = self.model
        a, b = low[model.inputs].copy(), high[model.inputs].copy()
        if len(model.tendons):
            at = model.inputs[model.tendons]
            felt = self.memory if memory is None else memory
            # The pull may change at the command's speed, whether or not the play is already
            # crossed: # if it is not, the command spends the next frames crossing it.
            room = (high - low)[at]
            least, most = self.limits.command[at].T
            a[model.tendons] = np.minimum(felt, np.maximum(felt - room, model.play.falling(least)))
            b[model.tendons] = np.maximum(felt, np.minimum(felt + room, model.play.rising(most)))
        return a, b

    def _strings(self, pull: Floats) -> Floats:
        held = self.commands[self.model.inputs[self.model.tendons]]
        quiet = np.abs(pull - self.memory) < _HOLD
        return self.model.play.command(self.memory, np.where(quiet, self.memory, pull), held)
