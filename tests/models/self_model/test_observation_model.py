"""Eyes that are wrong by whole shapes of a face: what their looks still tell of the commands."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from mien.models.errors import ModelError
from mien.models.face.regions import COUNT
from mien.models.self_model.inverse import Inverse, Limits
from mien.models.self_model.model import Floats, SelfModel
from mien.models.self_model.objective import Wishes
from mien.models.self_model.observation_model import Sight, SightObjective
from mien.models.train.self_model.fit import FitConfig, fit
from mien.models.train.self_model.observation_model import _left_out, fit_sight
from tests.models.analytic_face import AnalyticFace

LOOKS, ASKED, RESTS = 400, 60, 20
CONFIG = FitConfig(latents=24, hidden=(16, 16), steps=300)


@dataclass(frozen=True)
class Seen:
    """A fitted face, looks of a camera at poses that it did not learn from, and its sight."""

    model: SelfModel
    limits: Limits
    sight: Sight | None
    commands: Floats
    looks: Floats


def watched(shapes: float, noise: float) -> Seen:
    """Looks that are off by ``shapes`` mm, another mixture in every pose, and by ``noise`` mm."""
    torch.set_num_threads(1)
    robot = AnalyticFace(rigid=8, strings=0)
    rng = np.random.default_rng(0)
    wrong = rng.normal(size=(6, COUNT * 3))
    wrong[:3] += robot.modes[:3]  # some of the shapes look like what the face does
    steep = rng.normal(size=(len(robot.limits), 6)) * 3.0

    def look(poses: Floats) -> Floats:
        x = robot.drive(poses)
        mixture = np.sin(poses @ steep)
        off = (mixture @ wrong * shapes).reshape(len(poses), COUNT, 3)
        return robot.see(x) + off + noise * rng.normal(size=off.shape)

    low, high = robot.limits.T
    poses = rng.uniform(low, high, size=(LOOKS + ASKED, len(low)))
    poses[:, -1] = 0.0  # the neck
    poses[:RESTS] = 0.0
    looks = look(poses)
    made = replace(robot.examples(10), commands=poses, seen=np.arange(LOOKS))
    model = fit(replace(made, landmarks=looks[:LOOKS]), CONFIG)
    sight = fit_sight(
        model.features(model.drive(poses[:LOOKS])),
        poses[:LOOKS],
        looks[:LOOKS],
        looks[:RESTS],
    )
    return Seen(model, Limits.plain(robot.limits), sight, poses[LOOKS:], looks[LOOKS:])


@pytest.fixture(scope="module")
def biased() -> Seen:
    return watched(shapes=1.0, noise=0.05)


@pytest.fixture(scope="module")
def sight(biased: Seen) -> Sight:
    assert biased.sight is not None
    return biased.sight


def error(seen: Seen, commands: Floats) -> float:
    return float(np.abs(commands - seen.commands)[:, seen.model.inputs].mean())


def test_looks_that_are_off_by_whole_shapes_are_weighed_by_them(biased: Seen, sight: Sight) -> None:
    wishes = Wishes(mirror=0.0, neutral=0.01)
    by_region = Inverse(biased.model, biased.limits, wishes, steps=15).solve_each(biased.looks)
    by_sight = Inverse(biased.model, biased.limits, steps=15, sight=sight).solve_each(biased.looks)
    assert error(biased, by_sight) < 0.5 * error(biased, by_region)
    assert error(biased, by_sight) <= 1.05 * error(biased, sight.guess(biased.looks))


def test_where_looks_have_only_noise_regions_are_kept() -> None:
    assert watched(shapes=0.0, noise=1.0).sight is None


def test_the_derivative_is_that_of_the_errors(biased: Seen, sight: Sight) -> None:
    objective = SightObjective(biased.model, Wishes(), sight)
    goal = objective.goal(biased.looks[:3])
    x = np.random.default_rng(1).uniform(-0.8, 0.8, size=(3, len(biased.model.inputs)))
    r, j = objective.linearise(x, goal)
    np.testing.assert_allclose(r, objective.residual(x, goal), atol=1e-9)
    for i in range(x.shape[1]):
        step = np.zeros(x.shape[1])
        step[i] = 1e-5
        up, down = objective.residual(x + step, goal), objective.residual(x - step, goal)
        np.testing.assert_allclose(j[:, i], (up - down) / 2e-5, rtol=1e-4, atol=1e-4)


def test_errors_of_looks_left_out_are_those_of_fits_without_them() -> None:
    rng = np.random.default_rng(2)
    a, y = rng.normal(size=(30, 5)), rng.normal(size=(30, 2))
    kernel, sizes = a @ a.T, rng.uniform(0.5, 2.0, size=30)
    pull, left, pick = _left_out([kernel], y, sizes)
    assert (pick == 0).all()
    for column in range(2):
        # K pull + strength sizes^2 pull = y
        strength = (y - kernel @ pull)[0, column] / pull[0, column] / sizes[0] ** 2
        rest = np.arange(1, 30)
        ridge = strength * np.diag(sizes[rest] ** 2)
        alone = np.linalg.solve(kernel[np.ix_(rest, rest)] + ridge, y[rest, column])
        missed = (y[0, column] - kernel[0, rest] @ alone) / sizes[0]
        assert missed == pytest.approx(left[0, column], rel=1e-6)


def test_a_look_without_a_face_is_refused(biased: Seen, sight: Sight) -> None:
    inverse = Inverse(biased.model, biased.limits, sight=sight)
    with pytest.raises(ModelError, match="NaN"):
        inverse.solve(np.full((COUNT, 3), np.nan))
