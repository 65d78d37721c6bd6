"""Learns the prior of a design (mien.models.self_model.prior) from poses of simulated builds.

1. Modes of the true displacements of all builds; mean play operators of the tendons.
2. Hidden layers, mean weights, directions of deviation and every robot's coefficients, trained
   together (``prior_layers``).
3. The covariance of the coefficients. Those of different groups are correlated by what they
   share (stiffness of the skin, shape of the head) and by chance; that part is shrunk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mien.models.errors import ModelError
from mien.models.face.regions import COUNT
from mien.models.self_model.hysteresis import PlayOperator
from mien.models.self_model.model import POWERS, Floats
from mien.models.self_model.prior import Prior
from mien.models.threads import torch_thread
from mien.models.train.self_model.fit import root_weights

if TYPE_CHECKING:
    from mien.models.train.prior.prior_layers import FamilyConfig

LATENTS = 144
_MIN_MOTION_MM = 0.8  # of the most moved landmarks over an input's range
_LANDMARKS_PER_ACTUATOR = 8
_BETWEEN_GROUPS = 0.3  # share that is kept of the covariance between groups
_NEW_ROBOT = 3.0  # what is left of a new robot's motion, over what is left of those learned
_EXTRA = 0.1  # share that is added to the variances: some robots are rarer than those seen
_HALF_WIDTHS = (0.0, 0.005, 0.01, 0.02, 0.03, 0.045, 0.06)
_GROWTHS = (0.0, 0.03, 0.06, 0.1, 0.15, 0.2)
_RIDGE = 1e-3
_MIRROR = (-1.0, 1.0, 1.0)
_MAX_ASYMMETRY = 0.1  # squared difference of a robot from its mirror image, of its motion


@dataclass(frozen=True, eq=False)
class BuildPoses:
    """Poses of one robot, in the order they were visited, from rest.

    Attributes:
        commands: (P, n) as sent.
        rest: (478, 3) mm, true landmarks at rest.
        true: (P, 478, 3) mm, true displacement from rest.
        wider: factor on the tolerances of this robot.
    """

    commands: Floats
    rest: Floats
    true: Floats
    wider: float = 1.0


@torch_thread()
def fit_prior(
    names: Sequence[str],
    tendons: Sequence[int],
    builds: Sequence[BuildPoses],
    config: FamilyConfig | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    between_groups: float = _BETWEEN_GROUPS,
    last: Path | None = None,
) -> Prior:
    """Learn a prior.

    Args:
        names: (n,) actuators.
        tendons: indices of those with hysteresis.
        builds: poses of each robot.
        config: settings of the training; None: the defaults.
        progress: called with (steps done, steps) of the hidden layers.
        between_groups: share that is kept of the covariance between groups, in [0, 1].
        last: checkpoint of the hidden layers' training (see ``train_family``).

    Raises:
        ModelError: there are fewer than three robots, nothing moves, or the checkpoint is damaged.
    """
    # Torch takes a second to import.
    from mien.models.train.prior.prior_layers import FamilyConfig, train_family

    if len(builds) < 3:
        raise ModelError(f"a prior needs at least 3 robots, got {len(builds)}")
    builds = with_mirrored(names, builds)
    u = np.concatenate([b.commands for b in builds])
    y = np.concatenate([b.true.reshape(len(b.true), -1) for b in builds])
    inputs = _inputs(u, y)
    pulled = [k for k, i in enumerate(inputs) if i in set(tendons)]
    root = root_weights()
    gram = (y * root).T @ (y * root)
    decoder = np.linalg.eigh(gram)[1][:, ::-1][:, :LATENTS].T / root
    to_latents = (decoder * root**2).T
    latents = [b.true.reshape(len(b.true), -1) @ to_latents for b in builds]
    commands = [b.commands[:, inputs] for b in builds]
    play = _mean_play(commands, latents, pulled)
    x = [_with_pulls(c, play, pulled) for c in commands]
    weight = np.square(decoder).sum(1) / COUNT
    found = train_family(x, latents, weight, config or FamilyConfig(), progress, last)
    codes = found.codes / np.array([b.wider for b in builds])[:, None]
    centre = codes.mean(0)
    codes = codes - centre
    covariance = codes.T @ codes / len(codes)
    blocks = np.repeat(np.arange(len(inputs)), found.own.shape[1])
    blocks = np.concatenate([blocks, np.full(len(found.mixed), -1)])
    same = blocks[:, None] == blocks
    covariance *= np.where(same, 1.0, between_groups) + np.diag(np.full(len(same), _EXTRA))
    prior = Prior(
        names=tuple(names), inputs=np.array(inputs, np.intp), tendons=np.array(pulled, np.intp),
        play=play,
        w1=found.w1, b1=found.b1, w2=found.w2, b2=found.b2, mean=found.mean, decoder=decoder,
        rest=np.mean([b.rest for b in builds], axis=0), own=found.own.reshape(-1, POWERS, LATENTS),
        owner=blocks[: len(inputs) * found.own.shape[1]], mixed=found.mixed, shift=found.shift,
        root=np.linalg.cholesky(covariance + 1e-9 * np.eye(len(covariance))),
        truncated=_NEW_ROBOT * found.noise, seen=np.eye(LATENTS),
        dots=np.zeros((0, 3 * COUNT)), seen_dots=np.eye(LATENTS),
    )  # fmt: skip
    nominal = prior.robot(centre)
    return replace(prior, mean=nominal.out, b1=nominal.b1)


def with_mirrored(names: Sequence[str], builds: Sequence[BuildPoses]) -> list[BuildPoses]:
    """The robots, and the mirror image of each, which is as likely as itself.

    Robots whose drawing is not symmetric are returned alone. An actuator without a side may turn
    to the other side (yaw): then its command changes its sign.
    """
    rest = np.mean([b.rest for b in builds], axis=0)
    apart = np.linalg.norm((rest * _MIRROR)[:, None] - rest, axis=-1)
    other = apart.argmin(1)
    by_side = {"_left": "_right", "_right": "_left"}
    pairs = list(names)
    for i, name in enumerate(names):
        for side, opposite in by_side.items():
            if name.endswith(side):
                pairs[i] = name.removesuffix(side) + opposite
    if len(set(other)) < len(other) or set(pairs) != set(names):
        return list(builds)
    order = [pairs.index(name) for name in names]
    u = np.concatenate([b.commands for b in builds])
    y = np.concatenate([b.true for b in builds])
    slopes = _slopes(u, y.reshape(len(y), -1)).reshape(len(names), -1, 3)
    reflected = (slopes * _MIRROR)[:, other]
    sign = np.sign((reflected * slopes[order]).sum((1, 2)))
    sign[sign == 0.0] = 1.0
    apart_share = np.square(reflected * sign[:, None, None] - slopes[order]).sum()
    if apart_share > _MAX_ASYMMETRY * np.square(slopes).sum():
        return list(builds)
    return [
        *builds,
        *(
            BuildPoses(
                (b.commands * sign)[:, order],
                (b.rest * _MIRROR)[other],
                (b.true * _MIRROR)[:, other],
                b.wider,
            )
            for b in builds
        ),
    ]


def _slopes(u: Floats, y: Floats) -> Floats:
    """Slopes (n, 1434) of a linear fit of displacements (N, 1434) mm to commands (N, n)."""
    a = np.concatenate([u, np.ones((len(u), 1))], axis=1)
    gram = a.T @ a + _RIDGE * len(a) * np.eye(a.shape[1])
    return np.asarray(np.linalg.solve(gram, a.T @ y)[:-1])


def _inputs(u: Floats, y: Floats) -> list[int]:
    """Actuators that move landmarks, from commands (N, n) and displacements (N, 1434) mm."""
    slopes = _slopes(u, y).reshape(u.shape[1], -1, 3)
    size = np.linalg.norm(slopes, axis=-1) * np.ptp(u, axis=0)[:, None]
    largest = np.sort(size, axis=1)[:, -_LANDMARKS_PER_ACTUATOR:].mean(1)
    inputs = [i for i, motion in enumerate(largest) if motion > _MIN_MOTION_MM]
    if not inputs:
        raise ModelError("no actuator moves a landmark, at least one must")
    return inputs


def _with_pulls(commands: Floats, play: PlayOperator, tendons: Sequence[int]) -> Floats:
    """Network inputs of commands (P, m) that follow one another from rest."""
    x = np.array(commands, dtype=np.float64)
    if len(tendons):
        x[:, list(tendons)] = play.scan(x[:, list(tendons)])
    return x


def _mean_play(
    commands: Sequence[Floats], latents: Sequence[Floats], tendons: Sequence[int]
) -> PlayOperator:
    """The play operators that suit all builds best, each found on a grid."""
    if not len(tendons):
        return PlayOperator(np.zeros(0), np.zeros(0))
    u, z = np.concatenate(commands), np.concatenate(latents)
    others = np.delete(u, list(tendons), axis=1)
    pulls = _powers(u[:, list(tendons)], 3)
    nuisance = np.concatenate([_powers(others, 3), np.ones((len(u), 1))], axis=1)
    basis = np.linalg.qr(nuisance)[0]
    widths = []
    for k in tendons:
        rest = np.linalg.qr(np.concatenate([basis, np.delete(pulls, tendons.index(k), 1)], 1))[0]
        slope = u[:, [k]] - rest @ (rest.T @ u[:, [k]])
        pattern = (slope.T @ z)[0]
        signal = z @ pattern / np.linalg.norm(pattern)
        signal -= basis @ (basis.T @ signal)

        def error(half: float, growth: float, k: int = k, signal: Floats = signal) -> float:
            play = PlayOperator(np.array([half]), np.array([growth]))
            own = np.concatenate([_powers(play.scan(c[:, [k]]), POWERS) for c in commands])
            own -= basis @ (basis.T @ own)
            return float(np.linalg.lstsq(own, signal, rcond=None)[1].sum())

        grid = [(half, growth) for half in _HALF_WIDTHS for growth in _GROWTHS]
        widths.append(min(grid, key=lambda pair: error(*pair)))
    half, growth = np.array(widths).T
    return PlayOperator(half, growth)


def _powers(x: Floats, powers: int) -> Floats:
    return np.concatenate([x**p for p in range(1, powers + 1)], axis=1)
