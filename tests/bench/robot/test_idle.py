import numpy as np
import pytest

from tests.bench.robot.idle import measured

MINUTES = 10.0


@pytest.fixture(scope="module")
def idle() -> dict[str, float]:
    return measured(2, 60.0 * MINUTES)


def test_an_idle_face_never_stops_for_two_seconds(idle: dict[str, float]) -> None:
    assert idle["stop_s"] < 2.0
    assert idle["still_eyes_s"] < 2.0


def test_an_idle_face_is_never_nervous(idle: dict[str, float]) -> None:
    assert idle["head_deg_s_p99"] < 12.0
    assert idle["head_deg_s2_p99"] < 100.0
    assert idle["head_share_above_3_hz"] < 1e-4
    assert idle["jerk_share_above_5_hz"] < 0.05
    assert 40.0 < idle["saccades_per_min"] < 150.0


def test_an_idle_face_blinks_as_a_person_does(idle: dict[str, float]) -> None:
    assert 15.0 <= idle["blinks_per_min"] <= 25.0


def test_without_gain_the_head_is_still_and_the_eyes_never_stop() -> None:
    still = measured(3, 90.0, head_gain=0.0)
    assert still["head_deg_s_p99"] == 0.0
    assert still["still_eyes_s"] < 2.0
    assert np.isfinite(list(still.values())).all()
