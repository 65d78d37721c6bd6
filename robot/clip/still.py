"""Still poses on the simulated face, moved to through the real firmware and observed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np

from mien.robot.control.loop import RATE_HZ, Loop, Tick
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import Floats
from mien.robot.link.board import Board
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard

HOLD_S: Final = 1.3
"""Time from one pose to the next in s, with the hold at the first."""
MOVE_S: Final = 0.35

Result = TypeVar("Result")


def hold(
    calibrated: Calibrated,
    commands: Floats,
    observe_rig: Callable[[Rig], Result],
    build: int = 0,
    progress: Callable[[float], None] = lambda _: None,
) -> list[Result]:
    """Move from neutral to each pose, wait until it is still, and observe the rig.

    The face returns to neutral between two poses, so that the tendons start each pose from the same
    state.

    Args:
        calibrated: the face.
        commands: (P, n) poses.
        observe_rig: called with the rig at each pose; its results are returned in order.
        build: seed of the robot's tolerances.
        progress: called with the share that is done, 0 to 1.
    """
    face = calibrated.face
    rig = Rig(face, build)
    sim = SimBoard(rig)
    board = Board(face, sim, sim.now)
    results: list[Result] = []
    whole = 2 * HOLD_S

    def command(t: float) -> Floats:
        k, within = divmod(t, whole)
        pose = commands[min(int(k), len(commands) - 1)]
        share = np.clip((within - HOLD_S) / MOVE_S, 0.0, 1.0)
        back = 1.0 - np.clip(within / MOVE_S, 0.0, 1.0)
        if within < HOLD_S:
            pose = commands[max(int(k) - 1, 0)] if k else np.zeros(len(face.names))
            share = back
        return np.asarray(pose * share * share * (3.0 - 2.0 * share))

    def observe(tick: Tick) -> None:
        passed = (tick.t + 1.0 / RATE_HZ) / whole
        if passed >= len(results) + 1 - 1e-6:
            results.append(observe_rig(rig))
            progress(len(results) / len(commands))

    board.connect()
    Loop(face, board, sim, observe).play(command, len(commands) * whole)
    board.close()
    return results
