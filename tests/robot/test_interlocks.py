"""Interlocks: what the goal's sharing is for, and what the shortening of the step is for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.robot.face.config import FaceConfig, Floats, load_face
from mien.robot.face.safety import Limiter

DT = 1 / 60
HOBBY = load_face("hobby9")
A, B, C = 0, 1, 2


Locks = tuple[tuple[str, dict[int, float], float], ...]


def face(locks: Locks, speeds: tuple[float, ...]) -> FaceConfig:
    """hobby9 with these interlocks over its first actuators, which move at these speeds."""
    tree = HOBBY.model_dump()
    for name, speed in zip(HOBBY.names, speeds, strict=False):
        tree["actuators"][name]["speed"] = speed
    tree["interlocks"] = [
        {"name": name, "terms": {HOBBY.names[k]: v for k, v in terms.items()}, "max": most}
        for name, terms, most in locks
    ]
    return FaceConfig.model_validate(tree)


PRESSED: Locks = (("pressed", {A: 1.0, B: 1.0}, 1.0),)
# Each is relieved by what adds to another; together they leave a narrow way.
WOVEN: Locks = (
    ("first", {A: 1.0, B: 1.0}, 0.5),
    ("second", {B: -1.5, C: 1.0}, 0.4),
    ("third", {A: -1.0, C: -1.0, B: 0.5}, 0.3),
)


def total(config: FaceConfig, lock: int, commands: Floats) -> float:
    terms = config.interlocks[lock].terms
    return sum(v * float(commands[config.index(n)]) for n, v in terms.items())


def pose(config: FaceConfig, *values: float) -> Floats:
    out = np.zeros(len(config.names))
    out[: len(values)] = values
    return out


def path(config: FaceConfig, start: Floats, goal: Floats, ticks: int) -> Floats:
    limit, out = Limiter(config), [start]
    for _ in range(ticks):
        out.append(limit(goal, out[-1], DT).commands)
    return np.stack(out)


def test_a_fast_one_waits_for_the_slow_one_that_makes_room() -> None:
    config = face(PRESSED, (6.0, 1.0))
    way = path(config, pose(config, 0.0, 1.0), pose(config, 1.0, 0.0), 90)
    sums = way[:, A] + way[:, B]
    assert sums.max() <= 1.0 + 1e-9  # goal and start hold it, but the way at full speed does not
    np.testing.assert_allclose(way[-1, :2], [1.0, 0.0], atol=1e-9)  # and it arrives


def test_what_relieves_an_interlock_is_never_held_by_it() -> None:
    config = face(PRESSED, (6.0, 1.0))
    out = Limiter(config)(pose(config, 1.0, 0.0), pose(config, 0.0, 1.0), DT)
    assert out.commands[B] == pytest.approx(1.0 - 1.0 * DT)
    assert out.commands[A] == pytest.approx(1.0 * DT)
    assert out.locked == ("pressed",)


@pytest.mark.parametrize("start", [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.3, 0.7)])
def test_what_is_allowed_is_shared_in_proportion_from_wherever_the_face_comes(
    start: tuple[float, float],
) -> None:
    config = face(PRESSED, (3.0, 2.0))
    way = path(config, pose(config, *start), pose(config, 1.0, 1.0), 120)
    np.testing.assert_allclose(way[-1, :2], [0.5, 0.5], atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(-1.0, 1.0)] * 3), min_size=1, max_size=10),
    st.tuples(*[st.floats(0.5, 12.0)] * 3),
)
def test_interlocks_that_pull_against_each_other_all_hold_at_every_step(
    goals: list[tuple[float, float, float]],
    speeds: tuple[float, float, float],
) -> None:
    config = face(WOVEN, speeds)
    limit, last = Limiter(config), config.safe.copy()
    for goal in goals:
        for _ in range(12):
            now = limit(pose(config, *goal), last, DT).commands
            for lock, interlock in enumerate(config.interlocks):
                assert total(config, lock, now) <= interlock.max + 1e-9, interlock.name
            assert (np.abs(now - last) <= config.speed * DT + 1e-12).all()
            last = now


def test_a_pose_beyond_an_interlock_comes_back_and_goes_no_farther() -> None:
    config = face(PRESSED, (2.0, 2.0))
    start = pose(config, 0.9, 0.9)  # as a tighter interlock finds it
    way = path(config, start, pose(config, 1.0, 0.4), 120)
    sums = way[:, A] + way[:, B]
    assert (np.diff(sums) <= 1e-12).all()
    assert sums[-1] <= 1.0 + 1e-9


def test_a_face_without_interlocks_moves_at_its_speed() -> None:
    config = face((), (2.0, 2.0))
    out = Limiter(config)(pose(config, 1.0, -1.0), config.safe, DT)
    np.testing.assert_allclose(out.commands[:2], [2.0 * DT, -2.0 * DT])
    assert out.locked == ()


def test_an_interlock_is_named_while_it_holds_something_back_and_not_at_rest_on_its_edge() -> None:
    config = face(PRESSED, (3.0, 3.0))
    edge = pose(config, 0.4, 0.6)
    assert Limiter(config)(edge, edge, DT).locked == ()
    assert Limiter(config)(pose(config, 0.5, 0.6), edge, DT).locked == ("pressed",)


def test_what_an_interlock_holds_back_is_no_relief_of_another() -> None:
    locks: Locks = (("with_a", {B: 1.0, A: -1.0}, 0.0), ("with_c", {A: 1.0, C: -1.0}, 0.0))
    config = face(locks, (6.0, 6.0, 0.6))  # A wants to go, C lets it go slowly, B counts on A
    way = path(config, pose(config), pose(config, 1.0, 1.0, 1.0), 120)
    for tick in way:
        assert total(config, 0, tick) <= 1e-9
        assert total(config, 1, tick) <= 1e-9
    assert way[-1][:3].min() > 0.99  # all the same they arrive
