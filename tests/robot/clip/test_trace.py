import numpy as np
import pytest

from mien.models.face.regions import lip_gap
from mien.robot.clip.trace import jaw_opening, lag_and_correlation, loudness

RATE = 60
T = np.arange(600) / RATE
SIGNAL = np.sin(2 * np.pi * 1.3 * T) + 0.6 * np.sin(2 * np.pi * 2.9 * T + 1)


@pytest.mark.parametrize("delay", [-0.1, -0.013, 0.0, 0.02, 0.0735, 0.2])
def test_a_known_delay_is_found_to_two_milliseconds(delay: float) -> None:
    late = np.interp(T - delay, T, SIGNAL)
    found, r = lag_and_correlation(SIGNAL, late, RATE)
    assert found == pytest.approx(1e3 * delay, abs=2)
    assert r > 0.99


def test_a_flat_signal_has_no_lag() -> None:
    found, r = lag_and_correlation(np.ones(100), SIGNAL[:100], RATE)
    assert np.isnan(found)
    assert np.isnan(r)


def test_the_lip_gap_is_the_height_of_the_upper_lip_over_the_lower() -> None:
    face = np.zeros((2, 478, 3))
    for upper in (13, 82, 312, 81, 311):
        face[1, upper, 1] = 7.0
    np.testing.assert_allclose(lip_gap(face), [0.0, 7.0])


def test_opening_grows_as_the_chin_goes_down() -> None:
    face = np.zeros((2, 478, 3))
    face[:, 152, 1] = (-60.0, -80.0)
    np.testing.assert_allclose(jaw_opening(face), [60.0, 80.0])


def test_loudness_of_a_tone_is_its_level_and_silence_is_the_floor() -> None:
    tone = (0.1 * np.sin(2 * np.pi * 500 * np.arange(16000) / 16000)).astype(np.float32)
    tone[8000:] = 0
    db = loudness(tone, 16000, np.array([0.25, 0.75]))
    assert db[0] == pytest.approx(20 * np.log10(0.1 / np.sqrt(2)), abs=0.2)
    assert db[1] == pytest.approx(-80.0)


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_a_few_samples_have_no_lag(samples: int) -> None:
    signal = np.arange(float(samples))
    assert np.isnan(lag_and_correlation(signal, signal, 60.0)).all()
