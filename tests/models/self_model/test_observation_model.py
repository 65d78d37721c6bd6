"""A camera with errors of whole shapes of the face: its observations still tell the commands."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from mien.models.errors import ModelError
from mien.models.face.regions import COUNT
from mien.models.self_model.inverse import Inverse, Limits
from mien.models.self_model.model import Floats, SelfModel
from mien.models.self_model.objective import ObjectiveWeights
from mien.models.self_model.observation_model import ObservationModel, ObservationObjective
from mien.models.train.self_model.fit import fit
from mien.models.train.self_model.fit_config import FitConfig
from mien.models.train.self_model.observation_model_fit import fit_observation_model, leave_one_out
from tests.models.analytic_face import AnalyticFace
from tests.models.self_model.reference_descent import linearise

OBSERVATIONS, ASKED, RESTS = 400, 60, 20
CONFIG = FitConfig(latents=24, hidden=(16, 16), steps=300)


@dataclass(frozen=True)
class Seen:
    """A fitted face, observations of poses not learned from, and the observation model."""

    model: SelfModel
    limits: Limits
    observation: ObservationModel | None
    commands: Floats
    observations: Floats


def watched(shapes: float, noise: float) -> Seen:
    """Observations with errors of ``shapes`` mm, another mixture in each pose, and ``noise`` mm."""
    robot = AnalyticFace(rigid=8, tendons=0)
    rng = np.random.default_rng(0)
    wrong = rng.normal(size=(6, COUNT * 3))
    wrong[:3] += robot.modes[:3]  # some of the shapes look like what the face does
    steep = rng.normal(size=(len(robot.limits), 6)) * 3.0

    def look(poses: Floats) -> Floats:
        x = robot.network_inputs(poses)
        mixture = np.sin(poses @ steep)
        off = (mixture @ wrong * shapes).reshape(len(poses), COUNT, 3)
        return robot.see(x) + off + noise * rng.normal(size=off.shape)

    low, high = robot.limits.T
    poses = rng.uniform(low, high, size=(OBSERVATIONS + ASKED, len(low)))
    poses[:, -1] = 0.0  # the neck
    poses[:RESTS] = 0.0
    observations = look(poses)
    made = replace(robot.examples(10), commands=poses, observed=np.arange(OBSERVATIONS))
    model = fit(replace(made, landmarks=observations[:OBSERVATIONS]), CONFIG)
    observation = fit_observation_model(
        model.features(model.network_inputs(poses[:OBSERVATIONS])),
        poses[:OBSERVATIONS],
        observations[:OBSERVATIONS],
        observations[:RESTS],
    )
    return Seen(
        model,
        Limits.plain(robot.limits),
        observation,
        poses[OBSERVATIONS:],
        observations[OBSERVATIONS:],
    )


@pytest.fixture(scope="module")
def biased() -> Seen:
    return watched(shapes=1.0, noise=0.05)


@pytest.fixture(scope="module")
def observation(biased: Seen) -> ObservationModel:
    assert biased.observation is not None
    return biased.observation


def error(seen: Seen, commands: Floats) -> float:
    return float(np.abs(commands - seen.commands)[:, seen.model.inputs].mean())


def test_observations_that_are_off_by_whole_shapes_are_weighed_by_them(
    biased: Seen, observation: ObservationModel
) -> None:
    weights = ObjectiveWeights(mirror=0.0, neutral=0.01)
    by_region = Inverse(biased.model, biased.limits, weights, steps=15).solve_each(
        biased.observations
    )
    by_observation = Inverse(
        biased.model, biased.limits, steps=15, observation=observation
    ).solve_each(biased.observations)
    assert error(biased, by_observation) < 0.5 * error(biased, by_region)
    assert error(biased, by_observation) <= 1.05 * error(
        biased, observation.regress(biased.observations)
    )


def test_where_observations_have_only_noise_regions_are_kept() -> None:
    assert watched(shapes=0.0, noise=1.0).observation is None


def test_the_derivative_is_that_of_the_errors(biased: Seen, observation: ObservationModel) -> None:
    objective = ObservationObjective(biased.model, ObjectiveWeights(), observation)
    goal = objective.project(biased.observations[:3])
    x = np.random.default_rng(1).uniform(-0.8, 0.8, size=(3, len(biased.model.inputs)))
    r, j = linearise(objective, x, goal)
    np.testing.assert_allclose(r, objective.residual(x, goal), atol=1e-9)
    for i in range(x.shape[1]):
        step = np.zeros(x.shape[1])
        step[i] = 1e-5
        up, down = objective.residual(x + step, goal), objective.residual(x - step, goal)
        np.testing.assert_allclose(j[:, i], (up - down) / 2e-5, rtol=1e-4, atol=1e-4)


def test_errors_of_observations_left_out_are_those_of_fits_without_them() -> None:
    rng = np.random.default_rng(2)
    a, y = rng.normal(size=(30, 5)), rng.normal(size=(30, 2))
    kernel, scale = a @ a.T, rng.uniform(0.5, 2.0, size=30)
    pull, left, pick = leave_one_out([kernel], y, scale)
    assert (pick == 0).all()
    for column in range(2):
        # K pull + strength scale^2 pull = y
        strength = (y - kernel @ pull)[0, column] / pull[0, column] / scale[0] ** 2
        rest = np.arange(1, 30)
        ridge = strength * np.diag(scale[rest] ** 2)
        alone = np.linalg.solve(kernel[np.ix_(rest, rest)] + ridge, y[rest, column])
        missed = (y[0, column] - kernel[0, rest] @ alone) / scale[0]
        assert missed == pytest.approx(left[0, column], rel=1e-6)


def test_an_observation_without_a_face_is_refused(
    biased: Seen, observation: ObservationModel
) -> None:
    inverse = Inverse(biased.model, biased.limits, observation=observation)
    with pytest.raises(ModelError, match="NaN"):
        inverse.solve(np.full((COUNT, 3), np.nan))
