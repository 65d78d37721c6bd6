from pathlib import Path

import numpy as np
import pytest

from mien.models.face.blendshapes import FPS
from mien.robot.errors import InputError
from mien.robot.expression.life import Life
from tests.bench.robot.bench_life import bench
from tests.bench.robot.life_measures import Talk, blink_lengths, measures, of_gaze, spectrum

T = np.arange(75) / 25.0


def talk(head: np.ndarray, brow: np.ndarray) -> Talk:
    loud = 0.02 + 0.2 * (np.arange(48000) / 16000 % 0.5 < 0.25)
    sound = (loud * np.random.default_rng(0).standard_normal(48000)).astype(np.float32)
    return Talk(head, brow, np.zeros(75), sound, 25.0)


def test_a_sway_lies_in_the_band_of_its_frequency() -> None:
    shares = spectrum([np.sin(2 * np.pi * 2.0 * T), 5.0 + np.sin(2 * np.pi * 2.0 * T + 1.0)], 25.0)
    assert shares[2] > 0.95
    assert sum(shares) == pytest.approx(1.0, abs=0.02)


def test_amplitude_wander_and_speed_of_a_head() -> None:
    sway = 2.0 * np.sin(2 * np.pi * T)[:, None] * (1.0, 0.5, 0.0)
    found = measures([talk(sway, T), talk(sway + np.array((6.0, 0.0, 0.0)), T)])
    assert found["yaw_deg"] == pytest.approx(2.0 / np.sqrt(2.0), rel=0.02)
    assert found["yaw_wander_deg"] == pytest.approx(3.0)
    assert found["pitch_wander_deg"] == pytest.approx(0.0, abs=1e-9)
    assert found["yaw_deg_s"] == pytest.approx(2.0 * 2 * np.pi / np.sqrt(2.0), rel=0.03)


def test_brows_on_every_loud_half_second_follow_the_loudness() -> None:
    up = (T % 0.5 < 0.25).astype(np.float64)
    still = np.zeros((75, 3))
    follows, opposes = (measures([talk(still, b)])["brow_r_loudness"] for b in (up, -up))
    assert follows > 0.7
    assert opposes < -0.7


def test_a_long_closure_is_no_blink() -> None:
    lid = np.zeros(100)
    lid[10:14] = lid[50:53] = 0.8
    lid[60:90] = 0.9
    assert blink_lengths([lid], 25.0) == [0.16, 0.12]


def test_the_gaze_of_a_speaker_is_measured() -> None:
    t = np.arange(60 * FPS) / FPS
    gate = (t % 10.0 < 5.0).astype(np.float64)
    found = of_gaze(Life(seed=1).gaze(t, gate), gate)
    assert 60 < found["saccades_per_min"] < 180
    assert found["away_share_speaking"] > found["away_share_listening"]
    assert 0.3 < found["fixation_s"] < 0.9


def test_a_folder_without_a_film_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no filmed sentences"):
        bench(data=tmp_path)
