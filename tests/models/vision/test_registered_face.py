"""A face that was seen at rest is followed where the tracker alone overlooks it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face.regions import IRIS_LEFT, IRIS_RIGHT
from mien.models.vision.face_tracker import POINTS, FaceTracker
from mien.robot.sim.head import Head
from mien.robot.sim.render import Renderer
from mien.robot.sim.skin import Skin, SkinState

F64 = NDArray[np.float64]
Picture = NDArray[np.uint8]


def shares(
    tracker: FaceTracker, neutral: Picture, moved: Picture, true: F64, at: NDArray[np.bool_]
) -> tuple[float, float]:
    """How much of the true rise of points ``at`` the settled tracker sees, and once registered."""
    rest = tracker.track(neutral)
    tracker.settle([rest])
    home = tracker.reference

    def share() -> float:
        off = tracker.track(moved).landmarks - home
        return float(off[at, 1].mean() / (true - home)[at, 1].mean())

    alone = share()
    tracker.register([(neutral, rest)])
    return alone, share()


@pytest.mark.gl
def test_a_registered_face_shows_the_cheek_that_the_tracker_overlooks(
    tracker: FaceTracker, renderer: Renderer, neutral: Picture, skin: Skin, head: Head
) -> None:
    state = SkinState.neutral(len(skin.nodes))
    cheek = [node.name for node in skin.nodes].index("node_425")
    state.nodes[cheek] = 0.0, 3.0, 0.0
    there = (skin.landmarks(state) - head.neutral_landmarks)[:, 1] > 1.0
    assert there.sum() > 5
    raised = renderer.render(skin.deform(state))
    alone, registered = shares(tracker, neutral, raised, skin.landmarks(state), there)
    assert alone < 0.5
    assert 0.75 < registered < 1.25
    at_rest = tracker.track(neutral).landmarks
    np.testing.assert_allclose(at_rest, head.neutral_landmarks, atol=0.3)


@pytest.mark.gl
def test_registering_needs_a_face(tracker: FaceTracker, neutral: Picture) -> None:
    dark = np.zeros_like(neutral)
    with pytest.raises(ModelError, match="at rest"):
        tracker.register([(dark, tracker.track(dark))])


@pytest.mark.gl
def test_a_registered_face_looks_up_when_it_does(
    tracker: FaceTracker, renderer: Renderer, neutral: Picture, skin: Skin
) -> None:
    state = SkinState.neutral(len(skin.nodes))
    state.gaze[:] = 0.0, 0.2
    irises = np.isin(np.arange(POINTS), [*IRIS_LEFT, *IRIS_RIGHT])
    up = renderer.render(skin.deform(state))
    alone, registered = shares(tracker, neutral, up, skin.landmarks(state), irises)
    assert alone < 0.7
    assert 0.8 < registered < 1.2
