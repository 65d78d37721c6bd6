"""The rig's view without a browser: what it asks of the loop, and what it shows of the rig."""

import json
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from threading import Event
from typing import Any

import numpy as np
import pytest

from mien.robot.errors import InputError
from mien.robot.face.calibrated import Calibrated
from mien.robot.panel.messages import Estop, FaceState, SetPose
from mien.robot.panel.page import Frame
from mien.robot.panel.window import Window
from mien.robot.viewer.chosen import Chosen
from mien.robot.viewer.panel import RigView
from mien.robot.viewer.picture import TAUT_N, dots, heat, loads, marks, outside
from mien.robot.viewer.presets import Presets
from mien.robot.viewer.run import RequestedPose
from tests.robot import waiting
from tests.robot.panel.scenes import read_frame, read_scene
from tests.robot.viewer.rigs import FACE, TENDONS, N, follow, pulled

until = partial(waiting.until, seconds=100.0)


def test_the_requested_pose_follows_poses_and_nothing_else() -> None:
    requested = RequestedPose(FACE)
    asked = np.linspace(-1, 1, N)
    np.testing.assert_array_equal(requested.update([SetPose(asked.tolist())]), asked)
    bad = [Estop(), SetPose([0.0]), SetPose([float("nan")] * N)]
    np.testing.assert_array_equal(requested.update(bad), asked)


def test_in_lock_step_a_pose_is_ramped_and_its_effort_seen() -> None:
    pose = pulled()
    seen = follow(FACE, [SetPose(pose.tolist())], 2.0)
    sent = np.array([t.sent for t in seen.ticks])
    steps = np.abs(np.diff(sent, axis=0))
    assert (steps <= FACE.speed / 60 + 1e-9).all()
    assert any(t.slowed.any() for t in seen.ticks)
    np.testing.assert_allclose(sent[-1], pose, atol=1e-9)
    assert set(seen.state["tension"]) == set(TENDONS)
    assert all(0.5 < newton < TAUT_N for newton in seen.state["tension"].values())
    tendons = seen.state["tendons"]
    assert tendons.shape == (4, 2, 3)
    ends = np.linalg.norm(tendons[:, 0] - tendons[:, 1], axis=1)
    assert ((ends > 5.0) & (ends < 60.0)).all()
    load = seen.state["load"]
    assert load.shape == (N,)
    assert (load <= 1.0 + 1e-6).all()
    pulling = [FACE.index(n) for n in TENDONS]
    assert load[pulling].min() > np.median(load)
    assert max(seen.rig.tensions().values()) < 0.2  # at rest again


def test_colours_and_bars_say_how_much() -> None:
    colors = heat(np.array([0.0, 0.5, 1.0, 7.0])).astype(int)
    assert colors[0, 2] > colors[0, 0]
    assert colors[2, 0] > 200 > 60 > colors[2, 1]
    np.testing.assert_array_equal(colors[2], colors[3])
    load = np.full(N, 0.25)
    load[3] = np.nan  # a broken rig is still shown
    state = {"load": load, "tension": {"cheek_left": 1.5}}
    told = json.loads(loads(FACE, np.zeros(N), state).data)
    assert [bar[1] for bar in told["servos"]].count(0.25) == N - 1
    assert [bar[0].split()[0] for bar in told["servos"]] == list(FACE.names)
    assert told["tendons"][0][:3] == ["cheek_left", 0.5, "1.50 N"]


def test_markers_sit_where_actuators_move_the_face() -> None:
    model = Calibrated(FACE).model
    at = marks(FACE, model.landmarks)
    neutral = model.landmarks(np.zeros(N))
    assert at[FACE.index("neck_yaw")] == -1
    brow, nose = at[FACE.index("brow_mid_left")], at[FACE.index("nose_right")]
    assert neutral[brow][0] > 0 > neutral[nose][0]
    assert neutral[brow][1] > neutral[at[FACE.index("jaw_open")]][1]


def test_dots_and_markers_lie_where_they_should() -> None:
    ends = np.array([[[0.0, 0.0, 0.0], [10.0, 0.0, 0.0]], [[0.0, 5.0, 0.0], [0.0, 5.0, 9.0]]])
    points = dots(ends)
    assert points.shape == (80, 3)
    np.testing.assert_allclose(points[[0, 39, 40, 79]], ends.reshape(4, 3))
    np.testing.assert_allclose(outside(np.array([[0.0, 7.0, 20.0]])), [[0.0, 7.0, 26.0]])


class SlowPresets(Presets):
    """Presets that take until they are let go; each is the pose of its strength."""

    def __init__(self) -> None:
        self.begun, self.go = Event(), Event()

    def pose(self, name: str, strength: float = 1.0) -> Any:
        assert name in self.names
        self.begun.set()
        assert self.go.wait(60.0)
        return np.full(3, strength)


@pytest.fixture
def slow() -> tuple[SlowPresets, Chosen, list[Any]]:
    presets, said = SlowPresets(), list[Any]()
    return presets, Chosen(presets, 3, said.append), said


def test_of_many_presets_the_newest_is_worked_out(
    slow: tuple[SlowPresets, Chosen, list[Any]],
) -> None:
    presets, chosen, said = slow
    chosen.by_name("happiness", 0.1)
    assert presets.begun.wait(60.0)
    for k in range(2, 1000):
        chosen.by_name("happiness", k / 1000)
    presets.go.set()
    assert until(lambda: bool(said))
    assert said == [SetPose([0.999] * 3)]
    assert chosen.current.preset == "happiness"


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_a_hand_does_wins_over_a_preset_that_is_still_worked_out(
    slow: tuple[SlowPresets, Chosen, list[Any]], by_hand: bool
) -> None:
    presets, chosen, said = slow
    chosen.by_name("happiness", 0.7)
    assert presets.begun.wait(60.0)
    if by_hand:
        chosen.by_hand((0.2, 0.2, 0.2))
    else:
        chosen.neutral()
    presets.go.set()
    time.sleep(0.2)  # long enough for the first one to be heard, which must not happen
    chosen.by_name("anger", 0.5)
    assert until(lambda: len(said) == 2)
    assert said[0] == SetPose([0.2] * 3 if by_hand else [0.0] * 3)
    assert said[1] == SetPose([0.5] * 3)


@pytest.fixture(scope="module")
def heard() -> list[Any]:
    return []


@pytest.fixture(scope="module")
def view(heard: list[Any]) -> RigView:
    return RigView(Window("morpheus33"), heard.append)


def ask(view: RigView, **message: Any) -> None:
    view.handle(view.intents.read(json.dumps(message)))


def test_a_browser_may_ask_for_poses_and_presets_of_this_face(
    view: RigView, heard: list[Any]
) -> None:
    pose = pulled(jaw_open=0.5).tolist()
    ask(view, intent="pose", pose=pose)
    assert heard.pop() == SetPose(pose)
    ask(view, intent="neutral")
    assert heard.pop() == SetPose([0.0] * N)
    ask(view, intent="preset", preset="happiness", strength=0.8)
    assert until(lambda: bool(heard))
    wanted = Presets(Calibrated(FACE)).pose("happiness", 0.8)
    np.testing.assert_allclose(heard.pop().commands, wanted, atol=1e-9)


@pytest.mark.parametrize(
    "message",
    [
        {"intent": "pose", "pose": [0.0]},
        {"intent": "pose", "pose": [2.0] * N},
        {"intent": "pose", "pose": [float("nan")] * N},
        {"intent": "pose", "pose": [0.0] * N, "target": "#estop"},
        {"intent": "pose"},
        {"intent": "preset", "preset": "smirk", "strength": 1.0},
        {"intent": "preset", "preset": "__class__", "strength": 1.0},
        {"intent": "preset", "preset": "happiness", "strength": 1.5},
        {"intent": "preset", "preset": ["happiness"], "strength": 1.0},
        {"intent": "feel", "emotion": "happiness", "intensity": 1.0},
        {"intent": "estop"},
        ["pose"],
    ],
)
def test_anything_else_is_refused_and_nobody_hears_of_it(
    view: RigView, heard: list[Any], message: Any
) -> None:
    with pytest.raises(InputError):
        view.intents.read(json.dumps(message))
    assert heard == []


def sent(frames: Iterable[Frame], kind: str) -> bytes:
    """The bytes of the first frame of a kind."""
    content = next(f.data for f in frames if f.kind == kind)
    assert isinstance(content, bytes)
    return content


def test_a_picture_has_the_rig_its_loads_and_its_tendons(view: RigView) -> None:
    seen = follow(FACE, [SetPose(pulled().tolist())], 0.8)
    told = read_scene(sent(view.hello(), "scene"))
    last = seen.ticks[-1]
    state = FaceState(last.target, last.sent, seen.skin, seen.state)
    frames = {f.kind: f for f in view.frames(state)}
    assert set(frames) == {"board", "picture", "choice", "loads"}
    picture = read_frame(sent(frames.values(), "picture"), told)
    np.testing.assert_allclose(
        picture["tendons"].reshape(4, 40, 3)[:, [0, -1]], seen.state["tendons"], atol=0.01
    )
    cheek = picture["tendons colors"][0]
    np.testing.assert_array_equal(
        cheek, heat(np.array([seen.state["tension"]["cheek_left"] / TAUT_N]))[0]
    )
    assert np.isfinite(picture["loads"]).all()
    assert json.loads(frames["board"].data)["state"] == "ARMED"
    broken = {**seen.state, "load": np.full(N, np.nan), "tendons": np.full((4, 2, 3), np.nan)}
    frames = {f.kind: f for f in view.frames(replace(state, meters=broken))}
    assert "tendons" not in read_frame(sent(frames.values(), "picture"), told)
    assert "choice" not in frames  # nobody chose anything since
