"""Nothing that comes out of a panel's process ends a run, whatever it is."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.models.face.emotion import EMOTIONS
from mien.robot.errors import EmergencyStopError
from mien.robot.live.requests import MAX_PER_TICK, accepted_requests
from mien.robot.viewer.view import Wish
from mien.robot.wire import State
from tests.robot.live.stage import FACE, JAW, Stage

N = len(FACE.names)
KINDS = ["feel", "look", "tune", "record", "replay", "piece", "played", "stop", "pose", "arm", ""]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
    | st.sampled_from([10**400, b"x", "../../escaped", "happiness"]),
    lambda part: st.lists(part, max_size=3)
    | st.dictionaries(st.text(max_size=3), part, max_size=3),
    max_leaves=8,
)  # fmt: skip
MESSAGE = JUNK | st.tuples(st.sampled_from(KINDS)) | st.tuples(st.sampled_from(KINDS), JUNK) | (
    st.tuples(st.sampled_from(KINDS), JUNK, JUNK)
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(MESSAGE, max_size=8))
def test_what_is_obeyed_is_finite_in_range_and_of_the_right_shape(messages: list[Any]) -> None:
    requests, refused = accepted_requests(FACE, messages)
    assert len(requests) + refused <= len(messages)
    for kind, *rest in requests:
        if kind == "tune" and rest[0] is not None:
            assert rest[0].shape == (N,)
            assert (rest[0] >= FACE.limits[:, 0]).all() and (rest[0] <= FACE.limits[:, 1]).all()
        elif kind == "feel":
            assert set(rest[0]) <= set(EMOTIONS)
            assert all(0.0 <= v <= 1.0 for v in rest[0].values())
        elif kind == "look":
            assert all(-1.0 <= v <= 1.0 for v in rest)
        elif kind == "piece":
            assert np.isfinite(rest[0]).all() and np.isfinite(rest[1]).all()


WRONG: list[Any] = [
    ("feel", {"schadenfreude": 1.0}), ("feel", {"happiness": float("nan")}), ("feel", "happiness"),
    ("feel", {"happiness": "1"}), ("feel", {1: 1.0}), ("look", float("inf"), 0.0), ("look", 0.0),
    ("look", None, None), ("tune", [0.0] * (N - 1)), ("tune", [float("nan")] * N), ("tune", "x"),
    ("tune", [[0.0] * N]), ("tune", {}), ("record", ""), ("record", "x" * 300), ("record", 5),
    ("replay", b"x"), ("piece", [0.0], [[0.0] * N, [0.0] * N]), ("piece", [0.0], [[0.0]]),
    ("piece", "ab", "cd"), ("piece", [float("inf")], [[0.0] * N]), ("arm",), ("disarm",), (),
    "stop",
    ("stop", 1), ("played", None), None, 7, ["stop"], ("estop", 1), (None,), ({},), ([],),
    ("update_cb", []), ("tune", [True] * N), ("look", 1e999, 0), ("feel", {"happiness": 10**400}),
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


@pytest.mark.parametrize("message", WRONG, ids=repr)
def test_each_of_these_is_refused(message: Any) -> None:
    assert accepted_requests(FACE, [message]) == ([], 1)


def test_a_run_goes_on_and_counts_what_was_no_wish() -> None:
    stage = Stage()
    stage.voice.opening = lambda _: 0.5
    live = stage.face(2.0, panel=Once(stage, 1.0, [*WRONG, ("record", "../../escaped")]))
    live.run()
    assert live.report()["panel_refused"] == len(WRONG)
    assert stage.ticks[-1].sent[JAW] == pytest.approx(0.5, abs=0.01)
    stage.assert_at_rest()


def test_the_newest_pose_of_a_flood_counts_and_a_tick_obeys_no_more_than_its_share() -> None:
    poses = [("tune", np.full(N, k / 1000)) for k in range(1000)]
    requests, refused = accepted_requests(FACE, [("record", "first"), *poses])
    assert refused == 1001 - MAX_PER_TICK
    assert len(requests) == 1
    assert requests[0][1][JAW] == pytest.approx(0.999)


def test_what_is_not_a_pose_keeps_its_order() -> None:
    asked = [("record", "a"), ("feel", {"anger": 1.0}), ("record", None), ("feel", {"fear": 0.5})]
    requests, refused = accepted_requests(FACE, asked)
    assert requests == [("record", "a"), ("record", None), ("feel", {"fear": 0.5})]
    assert refused == 0


def test_an_e_stop_in_a_flood_is_heard_first() -> None:
    flood = [("estop",), *[("look", 0.0, 0.0)] * 5000]
    assert accepted_requests(FACE, flood) == ([("estop",)], 0)
    stage = Stage()
    with pytest.raises(EmergencyStopError):
        stage.face(5.0, panel=Once(stage, 1.0, flood)).run()
    assert stage.state == State.ESTOP


@pytest.mark.parametrize("times", [[0.0, 0.0, 0.1], [0.2, 0.1, 0.0], [0.1, 0.1], [-1.0, 1e300]])
def test_a_recording_whose_time_stands_still_or_runs_back_is_played(times: list[float]) -> None:
    stage = Stage()
    rows = [[0.2] * N for _ in times]
    said = [("replay", "odd"), ("piece", times, rows), ("played",)]
    live = stage.face(2.0, panel=Once(stage, 0.5, said))
    live.run()
    stage.assert_at_rest()


@settings(max_examples=40, deadline=None)
@given(st.lists(MESSAGE, max_size=4))
def test_the_simulated_face_takes_a_whole_pose_or_keeps_the_old_one(messages: list[Any]) -> None:
    request = Wish(FACE)
    assert request.hear([*messages, ("pose", [0.25] * N), *messages]).shape == (N,)
    assert np.isfinite(request.pose).all()
