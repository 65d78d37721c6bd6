"""Build seeds: 0 is the drawing, any other is another robot, always the same one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mien.robot.sim.builds import IDENTITY_MM, IDENTITY_WEIGHT, LENGTH_MM, LENGTH_SHARE, Build

MODES = np.ones((6, 4, 3), dtype=np.float32)
NAMES = st.text(min_size=1, max_size=20)


@given(NAMES, st.floats(0.1, 100.0))
def test_seed_zero_is_nominal(name: str, value: float) -> None:
    build = Build(0)
    assert build.length(name, value) == value
    assert build.scaled(name, value, 0.3) == value
    assert build.shifted(name, value, 9.0) == value
    assert not build.offset(name, 2.0).any()
    assert not build.identity(MODES).any()


@given(st.integers(1, 10_000), NAMES, st.floats(0.1, 100.0))
def test_draws_repeat_and_stop_at_two_deviations(seed: int, name: str, value: float) -> None:
    one, other = Build(seed), Build(seed)
    assert one.length(name, value) == other.length(name, value)
    assert abs(one.length(name, value) - value) <= 2 * (LENGTH_SHARE * value + LENGTH_MM) + 1e-9
    assert np.all(np.abs(one.offset(name, 0.5)) <= 1.0)
    assert np.all(np.abs(one.identity(MODES)) <= 2 * IDENTITY_WEIGHT)
    assert one.scaled(name, value, 0.4) >= 0.1 * value


def test_modes_that_leave_the_skull_are_left_out() -> None:
    modes = MODES.copy()
    modes[2] = IDENTITY_MM + 1.0
    weights = Build(4).identity(modes)
    assert weights[2] == 0.0
    assert np.count_nonzero(weights) == 5


def test_names_and_seeds_draw_apart() -> None:
    draws = [Build(s).shifted(n, 0.0, 1.0) for s in range(1, 40) for n in ("a", "b", "c", "d")]
    assert len(set(draws)) > 0.9 * len(draws)  # those beyond two deviations meet at the stop
    assert abs(float(np.mean(draws))) < 0.25
    assert 0.7 < float(np.std(draws)) < 1.1
