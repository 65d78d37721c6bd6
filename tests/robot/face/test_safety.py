import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.robot.face.config import Floats, load_face
from mien.robot.face.safety import Limiter, ramp, ramp_seconds

FACE = load_face("morpheus33")
N = len(FACE.names)
ANY = st.floats(allow_nan=True, allow_infinity=True, width=32)
DT = 1 / 60


def holds(commands: Floats) -> bool:
    return all(
        sum(c * commands[FACE.index(n)] for n, c in lock.terms.items()) <= lock.max + 1e-6
        for lock in FACE.interlocks
    )


@given(st.lists(arrays(np.float64, N, elements=ANY), min_size=1, max_size=12))
def test_nothing_leaves_range_speed_or_interlocks_whatever_is_asked(wishes: list[Floats]) -> None:
    limit, last = Limiter(FACE), FACE.safe.copy()
    for wish in wishes:
        now = limit(wish, last, DT).commands
        assert np.all(np.isfinite(now))
        assert np.all(now >= FACE.limits[:, 0] - 1e-12)
        assert np.all(now <= FACE.limits[:, 1] + 1e-12)
        assert np.all(np.abs(now - last) <= FACE.speed * DT + 1e-9)
        assert holds(now)
        last = now


def test_an_allowed_pose_passes_unchanged() -> None:
    wish = np.full(N, 0.01)
    out = Limiter(FACE)(wish, np.zeros(N), 1.0)
    np.testing.assert_array_equal(out.commands, wish)
    assert not out.clipped.any()
    assert not out.slowed.any()
    assert out.locked == ()


def test_what_is_not_a_number_holds_its_actuator_and_is_reported() -> None:
    last = np.zeros(N)
    last[3] = 0.4
    wish = np.zeros(N)
    wish[3] = np.nan
    out = Limiter(FACE)(wish, last, DT)
    assert out.commands[3] == 0.4
    assert out.clipped[3]


def test_lids_pressed_together_are_held_apart_by_their_interlock() -> None:
    wish = np.zeros(N)
    upper, lower = FACE.index("lid_upper_left"), FACE.index("lid_lower_left")
    wish[[upper, lower]] = 1.0
    out = Limiter(FACE)(wish, np.zeros(N), 10.0)
    assert out.locked == ("lids_left",)
    assert out.commands[upper] + out.commands[lower] == pytest.approx(1.6)


def test_what_is_out_of_range_ends_at_its_limit() -> None:
    for wish, end in ((np.full(N, 7.0), 1), (np.full(N, -7.0), 0)):
        last = FACE.limits[:, end] * 0.999
        out = Limiter(FACE.model_copy(update={"interlocks": []}))(wish, last, 1.0)
        np.testing.assert_array_equal(out.commands, FACE.limits[:, end])
        assert out.clipped.all()


def test_time_that_stands_still_or_runs_back_moves_nothing() -> None:
    for dt in (0.0, -1.0):
        out = Limiter(FACE)(np.full(N, 0.5), np.zeros(N), dt)
        np.testing.assert_array_equal(out.commands, np.zeros(N))


def test_a_ramp_starts_and_ends_at_rest_and_keeps_a_quarter_of_the_speed() -> None:
    start, goal = np.zeros(N), FACE.limits[:, 1].copy()
    total = ramp_seconds(FACE, start, goal)
    times = np.linspace(0.0, total, 2001)
    path = np.stack([ramp(FACE, start, goal, float(t)) for t in times])
    speed = np.abs(np.diff(path, axis=0)) / (times[1] - times[0])
    np.testing.assert_allclose(path[0], start)
    np.testing.assert_allclose(path[-1], goal)
    assert np.all(speed <= FACE.speed / 4 * 1.001)
    assert speed[0].max() < 1e-3
    assert speed[-1].max() < 1e-3
