"""Laws of the inverse: it stays in the box, finds known answers, forgets its start, equals Adam."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.models.errors import ModelError
from mien.models.face.regions import LIP_GAPS, LIPS, gaps
from mien.models.self_model import model as self_model
from mien.models.self_model import prior
from mien.models.self_model.inverse import Inverse, Limits
from mien.models.self_model.levenberg_marquardt import Box, bounded_step, minimise
from mien.models.self_model.model import SelfModel
from mien.models.self_model.neck import NECK
from mien.models.self_model.objective import Objective, ObjectiveWeights
from mien.models.train.self_model.fit import fit
from mien.models.train.self_model.fit_config import FitConfig
from mien.robot.face.config import load_face
from mien.robot.face.retarget import limits_of
from tests.bench.models.inverse_adam import adam
from tests.models.analytic_face import AnalyticFace, Floats

SPEED = 6.0
FPS = 60.0
EXACT = ObjectiveWeights(neutral=1e-9, smooth=0.0, variance=0.0, lips=0.0, hold=0.0)


@pytest.fixture(scope="module")
def face() -> AnalyticFace:
    return AnalyticFace()


@pytest.fixture(scope="module")
def model(face: AnalyticFace) -> SelfModel:
    return fit(face.examples(), FitConfig(latents=16, hidden=(32, 32), steps=400, sparse=0.0))


@pytest.fixture
def inverse(face: AnalyticFace, model: SelfModel) -> Inverse:
    return Inverse(model, Limits.plain(face.limits, np.full(model.n, SPEED)))


def sweep(face: AnalyticFace, frames: int) -> Floats:
    """Commands (frames, n) that start at neutral, stay inside and are slower than SPEED."""
    t = np.arange(frames)[:, None] / FPS
    rate = 0.5 + 0.05 * np.arange(len(face.names))
    wave = np.sin(2 * np.pi * rate * t)
    wave[:, face.rigid : -1] = 0.5 - 0.5 * np.cos(2 * np.pi * rate[face.rigid : -1] * t)
    return 0.7 * wave


def test_known_commands_are_found(face: AnalyticFace, model: SelfModel) -> None:
    inverse = Inverse(model, Limits.plain(face.limits), EXACT, steps=12)
    commands = 0.8 * face.random(20, seed=5)
    commands[:, face.rigid : -1] += 0.2  # beyond the play: below it a tendon has no known answer
    found = inverse.solve_each(model.landmarks(commands))
    np.testing.assert_allclose(found[:, :-1], commands[:, :-1], atol=2e-3)


def test_the_answer_does_not_depend_on_the_warm_start(face: AnalyticFace, model: SelfModel) -> None:
    target = model.landmarks(0.6 * face.random(1, seed=3)[0])
    answers = []
    for seed in range(3):
        inverse = Inverse(model, Limits.plain(face.limits), EXACT, steps=20)
        inverse.reset(0.5 * face.random(1, seed=seed)[0] * (np.arange(model.n) < face.rigid))
        answers.append(inverse.solve(target).commands[: face.rigid])
    np.testing.assert_allclose(answers[1], answers[0], atol=1e-4)
    np.testing.assert_allclose(answers[2], answers[0], atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), size=st.floats(0.0, 200.0))
def test_no_target_ever_leaves_the_box_or_the_speed(
    face: AnalyticFace, model: SelfModel, seed: int, size: float
) -> None:
    rng = np.random.default_rng(seed)
    inverse = Inverse(model, Limits.plain(face.limits, np.full(model.n, SPEED)))
    last = inverse.commands
    low, high = face.limits.T
    for _ in range(5):
        target = face.neutral + rng.normal(scale=size, size=face.neutral.shape)
        commands = inverse.solve(target, dt=1 / FPS).commands
        assert (commands >= low).all()
        assert (commands <= high).all()
        assert (np.abs(commands - last) <= SPEED / FPS + 1e-12).all()
        last = commands


def test_a_sequence_is_followed_through_the_tendons_play(
    face: AnalyticFace, inverse: Inverse
) -> None:
    wanted = sweep(face, 240)
    targets = face.see(face.network_inputs(wanted))
    sent = np.array([inverse.solve(t, 1 / FPS).commands for t in targets])
    error = np.linalg.norm(face.see(face.network_inputs(sent)) - targets, axis=-1)
    motion = np.linalg.norm(targets - targets.mean(0), axis=-1)
    assert np.sqrt(np.mean(error**2)) < 0.15 * np.sqrt(np.mean(motion**2))


def test_adam_finds_nothing_better(face: AnalyticFace, model: SelfModel) -> None:
    objective = Objective(model, ObjectiveWeights())
    rng = np.random.default_rng(0)
    targets = model.landmarks(face.random(10, seed=6))
    targets += rng.normal(scale=1.0, size=targets.shape)
    low, high = face.limits[:-1].T
    box = Box(low, high, np.zeros((0, len(low))), np.zeros(0))
    start = np.zeros((10, len(low)))
    x, cost = minimise(objective, objective.project(targets), start, None, box, steps=6)
    _, reference = adam(objective, targets, start, low, high, steps=300, rate=0.05)
    np.testing.assert_allclose(cost, objective.cost(x, objective.project(targets)), rtol=1e-9)
    assert np.median(cost / reference) <= 1.02


def test_closing_lips_meet_at_the_price_of_the_rest(face: AnalyticFace, model: SelfModel) -> None:
    target = model.landmarks(0.5 * face.random(1, seed=8)[0])
    upper, lower = (list(i) for i in zip(*LIP_GAPS, strict=True))
    target[upper, 1] = target[lower, 1] = target[upper + lower, 1].mean()
    left = []
    for lips in (0.0, 60.0):
        inverse = Inverse(model, Limits.plain(face.limits), ObjectiveWeights(lips=lips), steps=20)
        left.append(float(np.square(gaps(inverse.solve(target).landmarks, LIP_GAPS)).sum()))
    assert left[1] < left[0]


def test_interlocks_hold(face: AnalyticFace, model: SelfModel) -> None:
    plane = np.zeros((1, model.n))
    plane[0, :2] = 1.0
    limits = Limits(face.limits, np.full(model.n, np.inf), plane, np.array([0.5]))
    want = np.zeros(model.n)
    want[:2] = 0.9
    free = Inverse(model, Limits.plain(face.limits), steps=20).solve(model.landmarks(want))
    held = Inverse(model, limits, steps=20).solve(model.landmarks(want))
    assert free.commands[:2].sum() > 1.5
    assert held.commands[:2].sum() < 0.51


def test_a_face_at_an_interlock_moves_everything_else(face: AnalyticFace, model: SelfModel) -> None:
    plane = np.zeros((1, model.n))
    plane[0, :2] = 1.0
    limits = Limits(face.limits, np.full(model.n, np.inf), plane, np.array([0.5]))
    inverse = Inverse(model, limits)
    near, beyond = np.zeros(model.n), np.zeros(model.n)
    near[:2], beyond[:2], beyond[2] = 0.249, 0.9, 0.4
    for _ in range(3):
        inverse.solve(model.landmarks(near), 1 / 60)
    before = inverse.commands
    for _ in range(3):
        after = inverse.solve(model.landmarks(beyond), 1 / 60).commands
    assert after[2] - before[2] > 0.2
    assert after[:2].sum() < 0.51


def test_what_cannot_be_reached_is_said_by_region(inverse: Inverse) -> None:
    target = inverse.model.landmarks(np.zeros(inverse.model.n))
    near = inverse.solve(target).residual_mm
    target[list(LIPS)] += np.random.default_rng(0).normal(scale=20.0, size=(len(LIPS), 3))
    far = inverse.solve(target).residual_mm
    assert max(near.values()) < 0.5
    assert far["lips"] > 10.0
    assert far["lips"] == max(far.values())


def test_variance_keeps_the_solution_where_poses_were_seen(face: AnalyticFace) -> None:
    narrow = face.examples(300)
    seen = np.abs(narrow.commands[:, 0]) < 0.3
    kept = replace(narrow, observed=np.flatnonzero(seen), landmarks=narrow.landmarks[seen])
    model = fit(kept, FitConfig(latents=16, hidden=(16, 16), steps=200, sparse=0.0))
    want = np.zeros(model.n)
    want[0] = 1.0
    target = face.see(face.network_inputs(want[None]))[0]
    predictive_variance = [
        Inverse(model, Limits.plain(face.limits), ObjectiveWeights(variance=d), steps=20)
        .solve(target)
        .predictive_variance
        for d in (0.0, 1e4)
    ]
    assert predictive_variance[1] < 0.7 * predictive_variance[0]


def test_nan_targets_are_refused_and_nothing_moves(face: AnalyticFace, inverse: Inverse) -> None:
    inverse.solve(face.neutral, 1 / FPS)
    before, state = inverse.commands.copy(), inverse.tendon_state.copy()
    bad = face.neutral.copy()
    bad[7, 0] = np.nan
    with pytest.raises(ModelError, match="NaN"):
        inverse.solve(bad, 1 / FPS)
    np.testing.assert_array_equal(inverse.commands, before)
    np.testing.assert_array_equal(inverse.tendon_state, state)
    with pytest.raises(ModelError, match="shape"):
        inverse.solve(face.neutral[:100])


def test_sides_do_the_same_where_the_target_does_not_say(
    face: AnalyticFace, model: SelfModel
) -> None:
    named = replace(model, names=("lid_left", "lid_right", *model.names[2:]))
    want = np.zeros(model.n)
    want[:2] = 0.8, 0.2
    target = model.landmarks(want)
    limits = Limits.plain(face.limits)
    apart = [
        np.subtract(
            *Inverse(named, limits, ObjectiveWeights(mirror=m), 20).solve(target).commands[:2]
        )
        for m in (0.0, 50.0, 1e6)
    ]
    assert apart[0] == pytest.approx(0.6, abs=0.1)
    assert apart[0] > apart[1] > apart[2]
    assert abs(apart[2]) < 0.01


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_the_shortest_clips(face: AnalyticFace, inverse: Inverse, frames: int) -> None:
    targets = np.repeat(face.neutral[None], frames, axis=0)
    assert inverse.solve_each(targets).shape == (frames, inverse.model.n)


def test_others_pass_through(inverse: Inverse) -> None:
    others = np.full(inverse.model.n, 0.05)
    solved = inverse.solve(inverse.model.landmarks(np.zeros(inverse.model.n)), 1 / FPS, others)
    assert solved.commands[-1] == 0.05
    assert not np.isclose(solved.commands[:-1], 0.05).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_descent_never_raises_the_cost(model: SelfModel, seed: int) -> None:
    rng = np.random.default_rng(seed)
    objective = Objective(model, ObjectiveWeights())
    m = len(model.inputs)
    box = Box(-np.ones(m), np.ones(m), np.zeros((0, m)), np.zeros(0))
    goal = objective.project(model.mean + rng.normal(scale=30.0, size=(3, *model.mean.shape)))
    start = rng.uniform(-1, 1, size=(3, m))
    x, cost = minimise(objective, goal, start, None, box, steps=5)
    assert (np.abs(x) <= 1.0).all()
    assert (cost <= objective.cost(start, goal) * (1 + 1e-12)).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_a_step_is_the_best_point_of_the_box(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(4, 12, 6))
    h = a.transpose(0, 2, 1) @ a
    g = rng.normal(scale=5.0, size=(4, 6))
    x = np.clip(rng.uniform(-1.5, 1.5, size=(4, 6)), -1, 1)
    box = Box(-np.ones(6), np.ones(6), np.zeros((0, 6)), np.zeros(0))
    found = bounded_step(h, g, x, box)
    for k in range(4):
        # The same problem as non-negative least squares would have it: the gradient is zero
        # inside, and points outwards at the walls.
        slope = g[k] + h[k] @ (found[k] - x[k])
        inside = np.abs(found[k]) < 1 - 1e-9
        np.testing.assert_allclose(slope[inside], 0.0, atol=1e-7)
        assert (slope[~inside] * found[k][~inside] <= 1e-7).all()


def test_a_step_stops_at_the_walls_and_solves_for_the_rest() -> None:
    h = np.array([[[2.0, 0.5], [0.5, 2.0]]])
    g = np.array([[-4.0, 0.0]])
    box = Box(-np.ones(2), np.ones(2), np.zeros((0, 2)), np.zeros(0))
    # Free, d0 would be 2.1; with d0 held at 1 the best d1 solves 2 d1 + d0 / 2 = 0.
    np.testing.assert_allclose(bounded_step(h, g, np.zeros((1, 2)), box), [[1.0, -0.25]])


def test_a_direct_actuator_stands_where_it_is_told(face: AnalyticFace, model: SelfModel) -> None:
    target = model.landmarks(np.full(model.n, 0.5))
    told = np.full(model.n, 0.15)
    name = model.names[model.inputs[1]]
    inverse = Inverse(model, Limits.plain(face.limits), direct=(name,))
    for command in (0.15, -0.3):
        told[model.inputs[1]] = command
        assert inverse.solve(target, 1 / FPS, told).commands[model.inputs[1]] == command
    assert inverse.solve_each(target[None])[0, model.inputs[1]] == 0.0
    assert Inverse(model, Limits.plain(face.limits)).solve_each(target[None])[0, 1] > 0.2


@pytest.mark.parametrize("born", [False, True])
def test_a_jump_is_solved_as_well_as_from_rest(born: bool) -> None:
    """``born``: the mean robot of the design, whose tendons keep some pull when they are let go."""
    face = load_face("morpheus33")
    model = self_model.load(self_model.shipped(face.name), face.name, face.hashes)
    if born:
        model = prior.load(prior.shipped(face.name)).nominal()
    goals = np.random.default_rng(2).uniform(
        face.limits[:, 0], face.limits[:, 1], size=(60, model.n)
    )
    goals[:, [face.names.index(n) for n in NECK]] = 0.0
    targets = model.landmarks(goals)
    # Two of these jumps get stuck by slopes alone.
    weights = ObjectiveWeights(mirror=0.0, neutral=1e-3)
    jumping, alone = (Inverse(model, limits_of(face), weights, steps=30) for _ in range(2))
    for target in targets:
        alone.reset(tendon_state=jumping.tendon_state)
        assert jumping.solve(target).cost <= 1.001 * alone.solve(target).cost
