"""A plausible set of skin nodes at MediaPipe landmarks, and poses of them, for tests of skin and
renderer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.robot.sim.head import Head
from mien.robot.sim.skin import Node, Skin, SkinState

UPPER_LIP = (0, 13, 37, 267, 40, 270, 81, 311)
LOWER_LIP = (14, 17, 84, 314, 91, 321, 178, 402)
CORNERS = (61, 291)
CHIN = (152, 199, 176, 400, 149, 378, 202, 422)
OTHERS = (50, 280, 205, 425, 129, 358, 55, 65, 105, 285, 295, 334, 9)
JAW_SIDE = (150, 379)
LANDMARKS = (*UPPER_LIP, *LOWER_LIP, *CORNERS, *CHIN, *JAW_SIDE, *OTHERS)


def nodes(head: Head) -> list[Node]:
    return [Node(f"node_{index}", head.neutral_landmarks[index]) for index in LANDMARKS]


def jaw_turn(head: Head, degrees: float) -> NDArray[np.float64]:
    """4x4 mm: the jaw opened about its hinge."""
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    jaw = np.eye(4)
    jaw[:3, :3] = [[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]]
    jaw[:3, 3] = head.jaw_pivot - jaw[:3, :3] @ head.jaw_pivot
    return jaw


def jaw_open(skin: Skin, degrees: float) -> SkinState:
    """The jaw opened, lower lip and chin carried along by their nodes, corners half way."""
    state = SkinState.neutral(len(skin.nodes))
    state.jaw = jaw_turn(skin.head, degrees)
    rest = skin.head.parts["skin"].vertices[skin.vertices].astype(np.float64)
    moved = rest @ state.jaw[:3, :3].T + state.jaw[:3, 3] - rest
    share = {
        **dict.fromkeys(LOWER_LIP, 0.85),
        **dict.fromkeys(CHIN, 0.97),
        **dict.fromkeys(CORNERS, 0.4),
        **dict.fromkeys(JAW_SIDE, 0.8),
    }
    state.nodes = moved * np.array([share.get(index, 0.0) for index in LANDMARKS])[:, None]
    return state


def anything(skin: Skin, seed: int) -> SkinState:
    """Every input of the skin at once, within a few mm and a few tenths of a radian."""
    rng = np.random.default_rng(seed)
    state = jaw_open(skin, rng.uniform(0, 20))
    state.nodes = state.nodes + rng.normal(0, 2, state.nodes.shape)
    state.lids = rng.uniform((-0.1, -0.1, -0.1, -0.1), (0.5, 0.5, 0.1, 0.1))
    state.gaze = rng.uniform(-0.4, 0.4, (2, 2))
    state.tongue = rng.normal(0, 5, 3)
    return state
