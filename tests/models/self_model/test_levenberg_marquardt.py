"""The compiled minimisation against the same in numpy, on networks of any size."""

from __future__ import annotations

import numpy as np
import pytest

from mien.models.face.regions import COUNT
from mien.models.self_model.hysteresis import PlayOperator
from mien.models.self_model.levenberg_marquardt import Box, bounded_step, minimise
from mien.models.self_model.model import POWERS, Floats, SelfModel
from mien.models.self_model.objective import Contact, Objective, ObjectiveWeights, ProjectedTargets
from tests.models.self_model import reference_descent as reference

FRAMES = 7
# Inputs, tendons among them, hidden units, latents: below, at and beyond the padding of 16 and 4.
SIZES = [(1, 0, (1, 1), 1), (4, 1, (16, 16), 11), (13, 3, (17, 5), 16), (29, 6, (32, 48), 40)]


def random_model(inputs: int, tendons: int, hidden: tuple[int, int], latents: int) -> SelfModel:
    """A self-model of random weights. Its lips meet in about every second pose."""
    rng = np.random.default_rng(inputs)
    first, second = hidden
    features = POWERS * inputs + second + 1
    return SelfModel(
        names=tuple(f"actuator_{i}" for i in range(inputs)),
        inputs=np.arange(inputs),
        tendons=np.arange(tendons),
        play=PlayOperator(np.full(tendons, 0.1), np.zeros(tendons)),
        w1=rng.normal(size=(first, inputs)),
        b1=rng.normal(size=first),
        w2=rng.normal(size=(second, first)) / first,
        b2=rng.normal(size=second),
        out=rng.normal(size=(features, latents)) / np.sqrt(features),
        mean=rng.normal(scale=3.0, size=(COUNT, 3)),
        decoder=rng.normal(size=(latents, 3 * COUNT)),
        covariance_factor=rng.normal(size=(features, features)) / features,
        noise=rng.uniform(0.05, 0.2, size=latents),
        neck=np.zeros((0, 6)),
    )


def problem(model: SelfModel, hold: bool) -> tuple[Objective, ProjectedTargets, Floats, Floats]:
    """An objective, targets, first guesses (T, m) and inputs of the last frame (T, m)."""
    rng = np.random.default_rng(3)
    objective = Objective(model, ObjectiveWeights(interlock=1e3))
    targets = model.mean + rng.normal(scale=3.0, size=(FRAMES, COUNT, 3))
    goal = objective.project(targets)
    m = len(model.inputs)
    cost = rng.uniform(0.0, 300.0, size=(FRAMES, m)) if hold else None
    own = rng.uniform(-1.0, 1.0, size=(FRAMES, m)) if hold else None
    goal = ProjectedTargets(goal.b, goal.scale, goal.floor, own=own, hold=cost)
    return objective, goal, *rng.uniform(-1.2, 1.2, size=(2, FRAMES, m))


@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("steps", [0, 1, 6])
@pytest.mark.parametrize("size", SIZES)
def test_it_walks_as_numpy_does(
    size: tuple[int, int, tuple[int, int], int], steps: int, hold: bool
) -> None:
    model = random_model(*size)
    objective, goal, start, last = problem(model, hold)
    m = len(model.inputs)
    rng = np.random.default_rng(5)
    walls = np.sort(rng.uniform(-1.0, 1.0, size=(2, FRAMES, m)), axis=0)
    box = Box(walls[0], walls[1], rng.normal(size=(2, m)), np.array([0.1, 0.4]))
    # One step is the same but for rounding. Several come to the same place.
    x, cost = minimise(objective, goal, start, last, box, steps, tolerance=0.0)
    same, same_cost = reference.minimise(objective, goal, start, last, box, steps, tolerance=0.0)
    np.testing.assert_allclose(cost, same_cost, rtol=1e-4 if steps > 1 else 1e-5)
    np.testing.assert_allclose(x, same, atol=1e-2 if steps > 1 else 1e-4)


def test_the_lips_of_these_problems_meet_and_part() -> None:
    model = random_model(*SIZES[-1])
    objective, goal, start, _ = problem(model, hold=False)
    touching = reference.residual(objective, start, goal)[1]
    assert 0.1 < touching.mean() < 0.9


def test_without_lips_that_touch_the_answer_is_another() -> None:
    model = random_model(*SIZES[-1])
    objective, goal, start, _ = problem(model, hold=False)
    m = len(model.inputs)
    box = Box(-np.ones(m), np.ones(m), np.zeros((0, m)), np.zeros(0))
    x, _ = minimise(objective, goal, start, None, box, steps=6)
    passing = Objective(model, objective.weights)
    passing.contact = Contact.none()
    other, _ = minimise(passing, goal, start, None, box, steps=6)
    assert np.abs(x - other).max() > 1e-3


def test_each_frame_is_solved_as_if_alone() -> None:
    model = random_model(*SIZES[-1])
    objective, goal, start, last = problem(model, hold=True)
    m = len(model.inputs)
    box = Box(-np.ones(m), np.ones(m), np.zeros((0, m)), np.zeros(0))
    x, cost = minimise(objective, goal, start, last, box, steps=5)
    for t in range(FRAMES):
        at = slice(t, t + 1)
        alone, its_cost = minimise(objective, goal.frame(t), start[at], last[at], box, steps=5)
        np.testing.assert_array_equal(x[at], alone)
        np.testing.assert_array_equal(cost[at], its_cost)


def test_a_hessian_without_a_minimum_is_refused() -> None:
    box = Box(-np.ones(2), np.ones(2), np.zeros((0, 2)), np.zeros(0))
    with pytest.raises(ArithmeticError, match="frame 0 is not positive definite"):
        bounded_step(np.array([[[1.0, 2.0], [2.0, 1.0]]]), np.ones((1, 2)), np.zeros((1, 2)), box)
