"""Simulated capture rigs whose camera, or whose steps, a test has a hand in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mien.calibration.capture import sim_rig
from mien.calibration.capture.capture_rig import CaptureFrame, ConnectedFace
from mien.calibration.capture.sim_rig import SimRig
from mien.robot.sim import sim_board
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard


def capture_through(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[CaptureFrame], CaptureFrame]
) -> None:
    """Rigs opened from now on capture through what ``change`` makes of their camera."""

    def made(at: ConnectedFace, capture: CaptureFrame, *others: object) -> SimRig:
        return SimRig(at, change(capture), *others)  # type: ignore[arg-type]

    monkeypatch.setattr(sim_rig, "SimRig", made)


def watch_steps(monkeypatch: pytest.MonkeyPatch, watch: Callable[[Rig], None]) -> None:
    """Boards of rigs opened from now on call ``watch`` after every step."""
    monkeypatch.setattr(sim_board, "SimBoard", lambda rig: SimBoard(rig, watch=watch))
