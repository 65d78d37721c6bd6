"""Nothing that comes out of a panel's process ends a run, whatever it is."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.models.face.emotion import EMOTIONS
from mien.robot.errors import EmergencyStopError
from mien.robot.live.requests import MAX_PER_TICK, accepted_requests
from mien.robot.names import is_name
from mien.robot.panel.messages import (
    EndRun,
    Estop,
    PlaybackPoses,
    PlaybackSent,
    RunEnded,
    SetEmotion,
    SetGaze,
    SetPlayback,
    SetPose,
    SetRecording,
    SetStyle,
    StateShown,
)
from mien.robot.viewer.run import RequestedPose
from mien.robot.wire import State
from tests.robot.live.stage import FACE, JAW, Stage

N = len(FACE.names)
KINDS: list[Any] = [
    SetEmotion, SetGaze, SetPose, SetStyle, SetRecording, SetPlayback, PlaybackPoses, PlaybackSent,
    EndRun, StateShown, RunEnded,
]  # fmt: skip
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
    | st.sampled_from([10**400, b"x", "../../escaped", "happiness"]),
    lambda part: st.lists(part, max_size=3)
    | st.dictionaries(st.text(max_size=3), part, max_size=3),
    max_leaves=8,
)  # fmt: skip


def made(kind: Any, *values: object) -> Any:
    """A message as it may come out of a pipe: any values, and perhaps not all of them."""
    message = object.__new__(kind)
    for field, value in zip(fields(kind), values, strict=False):
        object.__setattr__(message, field.name, value)
    return message


MESSAGE = JUNK | st.builds(made, st.sampled_from(KINDS), JUNK, JUNK) | (
    st.builds(made, st.sampled_from(KINDS), JUNK)
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(MESSAGE, max_size=8))
def test_what_is_obeyed_is_finite_in_range_and_of_the_right_shape(messages: list[Any]) -> None:
    requests, refused = accepted_requests(FACE, messages)
    assert len(requests) + refused <= len(messages)
    for request in requests:
        match request:
            case SetPose(np.ndarray() as pose):
                assert pose.shape == (N,)
                assert (pose >= FACE.limits[:, 0]).all() and (pose <= FACE.limits[:, 1]).all()
            case SetPose(pose):
                assert pose is None
            case SetEmotion(intensities):
                assert set(intensities) <= set(EMOTIONS)
                assert all(0.0 <= v <= 1.0 for v in intensities.values())
            case SetGaze(yaw, pitch):
                assert -1.0 <= yaw <= 1.0 and -1.0 <= pitch <= 1.0
            case SetStyle(name):
                assert is_name(name)
            case PlaybackPoses(times, rows):
                assert np.isfinite(times).all() and np.isfinite(rows).all()


WRONG: list[Any] = [
    SetEmotion({"schadenfreude": 1.0}), SetEmotion({"happiness": float("nan")}),
    made(SetEmotion, "happiness"), made(SetEmotion, {"happiness": "1"}), made(SetEmotion, {1: 1.0}),
    SetGaze(float("inf"), 0.0), made(SetGaze, 0.0), made(SetGaze, None, None),
    SetPose([0.0] * (N - 1)), SetPose([float("nan")] * N), made(SetPose, "x"),
    made(SetPose, [[0.0] * N]), made(SetPose, {}), SetRecording(""), SetRecording("x" * 300),
    made(SetRecording, 5), made(SetPlayback, b"x"), PlaybackPoses([0.0], [[0.0] * N, [0.0] * N]),
    PlaybackPoses([0.0], [[0.0]]), made(PlaybackPoses, "ab", "cd"),
    PlaybackPoses([float("inf")], [[0.0] * N]), ("arm",), ("disarm",), (), "stop", ("stop",),
    ("estop",), ("tune", [0.0] * N), None, 7, ["stop"], Estop, (None,), ({},), ([],), made(SetPose),
    made(PlaybackPoses, [0.0]), StateShown(), RunEnded("bored"), EndRun, ("update_cb", []),
    SetStyle("../../secret"), SetStyle(""), SetStyle("x" * 300), made(SetStyle, None),
    made(SetStyle, 5), made(SetStyle, b"anna"), made(SetStyle),
    SetPose([True] * N), SetGaze(1e999, 0), SetEmotion({"happiness": 10**400}),
]  # fmt: skip


class Once:
    """A panel that says everything at one moment of the run."""

    def __init__(self, stage: Stage, at: float, messages: list[Any]) -> None:
        self._stage, self._at, self._messages = stage, stage.clock.now() + at, messages

    def commands(self) -> list[Any]:
        if self._stage.clock.now() < self._at:
            return []
        out, self._messages = self._messages, []
        return out

    def show(self, _t: float, _tick: Any, _state: dict[str, Any]) -> None: ...


@pytest.mark.parametrize("message", WRONG, ids=range(len(WRONG)))
def test_each_of_these_is_refused(message: Any) -> None:
    assert accepted_requests(FACE, [message]) == ([], 1)


def test_a_run_goes_on_and_counts_what_was_no_request() -> None:
    stage = Stage()
    stage.voice.opening = lambda _: 0.5
    live = stage.face(2.0, panel=Once(stage, 1.0, [*WRONG, SetRecording("../../escaped")]))
    live.run()
    assert live.report()["panel_refused"] == len(WRONG)
    assert stage.ticks[-1].sent[JAW] == pytest.approx(0.5, abs=0.01)
    stage.assert_at_rest()


def test_the_newest_pose_of_a_flood_counts_and_a_tick_obeys_no_more_than_its_share() -> None:
    poses = [SetPose(np.full(N, k / 1000)) for k in range(1000)]
    requests, refused = accepted_requests(FACE, [SetRecording("first"), *poses])
    assert refused == 1001 - MAX_PER_TICK
    assert len(requests) == 1 and isinstance(requests[0], SetPose)
    assert np.asarray(requests[0].commands)[JAW] == pytest.approx(0.999)


def test_what_is_not_a_pose_keeps_its_order() -> None:
    anger, fear = SetEmotion({"anger": 1.0}), SetEmotion({"fear": 0.5})
    first, end = SetRecording("a"), SetRecording(None)
    requests, refused = accepted_requests(FACE, [first, anger, end, fear])
    assert requests == [first, end, fear]
    assert refused == 0


def test_of_many_styles_the_newest_is_worn() -> None:
    stage = Stage()
    chosen = [SetStyle("anna"), SetStyle("../ben"), SetStyle("auto"), SetStyle("none")]
    stage.face(2.0, panel=Once(stage, 1.0, chosen)).run()
    assert stage.voice.styles == ["none"]


def test_an_e_stop_in_a_flood_is_heard_first() -> None:
    flood = [Estop(), *[SetGaze(0.0, 0.0)] * 5000]
    assert accepted_requests(FACE, flood) == ([Estop()], 0)
    stage = Stage()
    with pytest.raises(EmergencyStopError):
        stage.face(5.0, panel=Once(stage, 1.0, flood)).run()
    assert stage.state == State.ESTOP


@pytest.mark.parametrize("times", [[0.0, 0.0, 0.1], [0.2, 0.1, 0.0], [0.1, 0.1], [-1.0, 1e300]])
def test_a_recording_whose_time_stands_still_or_runs_back_is_played(times: list[float]) -> None:
    stage = Stage()
    rows = [[0.2] * N for _ in times]
    said = [SetPlayback("odd"), PlaybackPoses(times, rows), PlaybackSent()]
    live = stage.face(2.0, panel=Once(stage, 0.5, said))
    live.run()
    stage.assert_at_rest()


@settings(max_examples=40, deadline=None)
@given(st.lists(MESSAGE, max_size=4))
def test_the_simulated_face_takes_a_whole_pose_or_keeps_the_old_one(messages: list[Any]) -> None:
    request = RequestedPose(FACE)
    assert request.update([*messages, SetPose([0.25] * N), *messages]).shape == (N,)
    assert np.isfinite(request.pose).all()
