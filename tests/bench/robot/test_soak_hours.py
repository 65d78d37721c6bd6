"""An unattended face for minutes, and at night for hours: memory, stops, clocks."""

import pytest

from mien.robot.face.config import load_face
from mien.robot.sim.sim_board import SimBoard
from tests.bench.robot import soak_hours as module
from tests.bench.robot.soak_hours import soak_hours
from tests.bench.robot.soak_parts import STOPS


def checked(found: dict[str, object]) -> None:
    assert found["missed_kinds"] == ""
    assert found["missed_stops"] == 0
    assert float(str(found["drift_ms_max"])) <= 5.0
    assert float(str(found["rss_growth_mb"])) <= 5.0
    assert found["violations"] == 0
    assert found["late_frames"] == 0


def test_a_minute_with_a_stop_of_each_kind() -> None:
    found = soak_hours(load_face("hobby9"), 75.0, 1.0, stop_every_s=13.0, share=0.02)
    checked(found)
    assert found["hours"] == pytest.approx(75 / 3600, rel=0.05)
    assert found["stops"] >= len(STOPS)
    assert found["runs"] >= 4
    assert found["ticks"] > 60 * 50  # it moved most of the time


def test_a_board_that_does_not_stop_is_found(monkeypatch: pytest.MonkeyPatch) -> None:

    class Line(SimBoard):
        def advance(self, seconds: float) -> None:
            super().advance(seconds)
            self.powered[:] = True

    monkeypatch.setattr(module, "SimBoard", Line)
    found = soak_hours(load_face("hobby9"), 30.0, 1.0, stop_every_s=8.0, share=0.0)
    assert found["missed_stops"] > 0
    assert "panel: ESTOP" in found["missed_kinds"]


@pytest.mark.slow
def test_eight_hours() -> None:
    found = soak_hours(load_face("hobby9"), 8 * 3600.0, 40.0, share=0.0)
    checked(found)
    assert found["hours"] == pytest.approx(8.0, rel=0.01)
    assert found["stops"] >= 40
    assert found["board_clock_wraps"] >= 6
