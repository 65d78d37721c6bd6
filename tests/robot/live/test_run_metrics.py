import numpy as np
import pytest

from mien.robot.live.run_metrics import Histogram, Metrics


def test_quantiles_are_right_to_a_tenth_of_a_millisecond() -> None:
    histogram, rng = Histogram(), np.random.default_rng(0)
    durations = rng.gamma(2.0, 0.005, 20_000)
    for d in durations:
        histogram.add(float(d))
    for q in (0.5, 0.99, 1.0):
        assert histogram.quantile_ms(q) == pytest.approx(1e3 * np.quantile(durations, q), abs=0.11)


def test_nothing_has_no_quantile_and_extremes_do_not_fail() -> None:
    histogram = Histogram()
    assert histogram.quantile_ms(0.5) is None
    histogram.add(-1.0)
    histogram.add(1e9)
    assert histogram.quantile_ms(1.0) == pytest.approx(600.0)


def test_ticks_left_out_count_as_missed_deadlines() -> None:
    assert Metrics(ticks=90, late=5, missed=10).deadline_met == pytest.approx(0.85)
