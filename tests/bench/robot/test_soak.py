"""The hours in minutes: what the lock-step run is made of, and that it measures memory."""

import numpy as np
import pytest

from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import load_face
from mien.robot.media import audio
from mien.robot.sim.sim_board import SimBoard
from tests.bench.robot import soak as module
from tests.bench.robot.soak import Reciter, soak

SENTENCE = audio.load(audio.LJ_DEMO)[: 2 * audio.RATE]
CALIBRATED = Calibrated(load_face("hobby9"))


def test_all_of_a_live_face_runs_and_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    grows = iter(np.arange(100.0, 200.0, 0.5))
    monkeypatch.setattr(module, "rss_mb", lambda: next(grows))
    found = soak(CALIBRATED, SENTENCE, 3.0)
    assert found["soak_ticks"] > 2 * 60
    assert found["soak_late_frames"] == 0
    assert found["rss_growth_over_s"] == pytest.approx(2.7, abs=0.1)
    assert found["rss_growth_mb"] > 50.0  # it looked more than a hundred times
    mb_per_s = found["rss_growth_mb"] / found["rss_growth_over_s"]
    assert found["rss_slope_mb_per_h"] == pytest.approx(3600 * mb_per_s, rel=0.02)


def test_it_says_the_same_again_and_no_second_is_lost_between() -> None:
    from mien.robot.sim.realtime import simulated

    class Still:
        """Only a clock."""

        def __init__(self, sim: SimBoard) -> None:
            self.now = sim.now

    reciter = Reciter(CALIBRATED, SENTENCE, Still(simulated(CALIBRATED.face)))  # type: ignore[arg-type]
    frames = reciter.poll(12.0)
    times = np.array([f.t for f in frames])
    np.testing.assert_allclose(np.diff(times), 1 / 60, atol=1e-9)
    assert times[-1] > 11.8
    spoken = np.array([f.gate > 0.5 for f in frames])
    assert spoken.any()
    assert np.count_nonzero(np.diff(spoken.astype(int)) == 1) >= 2  # again, after a silence
