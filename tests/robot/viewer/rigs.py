"""A rig that pulls its tendons, as the view is shown it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.robot.control.loop import Loop, Tick
from mien.robot.face.config import FaceConfig, load_face
from mien.robot.link.board import Board
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard
from mien.robot.viewer.run import RELEASE_S, Effort, RequestedPose

FACE = load_face("morpheus33")
N = len(FACE.names)
TENDONS = ("cheek_left", "cheek_right", "nose_left", "nose_right")


def pulled(**named: float) -> np.ndarray:
    """A pose (n,) that pulls every tendon, and other actuators by name."""
    pose = np.zeros(N)
    for name in TENDONS:
        pose[FACE.index(name)] = 1.0
    for name, value in named.items():
        pose[FACE.index(name)] = value
    return pose


@dataclass
class Followed:
    """What the view's loop did: the rig afterwards, its ticks, and the last picture of it."""

    rig: Rig
    ticks: list[Tick]
    skin: Any
    state: dict[str, Any]


def follow(face: FaceConfig, messages: list[Any], seconds: float) -> Followed:
    """The view's loop in lock-step until ``seconds``, and then to rest."""
    rig = Rig(face)
    line = SimBoard(rig)
    board, requested, effort = Board(face, line, line.now), RequestedPose(face), Effort(rig)
    out = Followed(rig, [], None, {})

    def observe(tick: Tick) -> None:
        out.ticks.append(tick)
        out.skin = rig.skin_state()
        link = {"link": board.report(), "connected": board.connected}
        out.state = {**effort.state(), **link}

    def commands(t: float) -> Any:
        if out.ticks and t > seconds:
            return None
        return requested.update(messages if len(out.ticks) > 20 else [])

    board.connect()
    Loop(face, board, line, observe).follow(commands)
    line.sleep_until(line.now() + RELEASE_S)
    assert not line.powered.any()  # released
    return out
