import io

import numpy as np
import pytest

from mien.robot.control.connect import Opened
from mien.robot.errors import ConfigError, InputError
from mien.robot.verbs.manual import Hand, Keyboard, follow_pose, pose_with
from tests.robot.live.stage import FACE, JAW, Stage


def test_a_pose_with_one_command() -> None:
    pose = pose_with(FACE, "jaw_open", 0.5)
    assert pose[JAW] == 0.5
    assert np.count_nonzero(pose) == 1


@pytest.mark.parametrize("value", [1.5, -0.9, float("nan"), float("inf")])
def test_what_is_outside_the_limits_is_refused_and_they_are_named(value: float) -> None:
    with pytest.raises(InputError, match="allowed are"):
        pose_with(FACE, "jaw_open", value)


def test_an_unknown_actuator_lists_the_known() -> None:
    with pytest.raises(ConfigError, match="jaw_open"):
        pose_with(FACE, "jaw", 0.0)


def test_a_hand_steps_sets_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    hand = Hand(FACE, "jaw_open")
    pose = hand.step(["+", "+", "s 0.2", "+"])
    assert pose is not None
    assert pose[JAW] == pytest.approx(0.3)
    pose = hand.step(["99", "what", "nan"])
    assert pose is not None
    assert pose[JAW] == 1.0  # as far as it may
    assert hand.step(["q"]) is None
    said = capsys.readouterr()
    assert "jaw_open +0.300" in said.out
    assert "us" in said.out
    assert "a number sets it" in said.err


def test_the_end_of_the_input_ends_tuning() -> None:
    keys, lines = Keyboard(io.StringIO("0.5\n")), []
    while "q" not in lines:
        lines += keys.lines()
    assert lines == ["0.5\n", "q"]


def test_a_pose_is_reached_gently_held_and_left() -> None:
    stage = Stage()
    pose = pose_with(FACE, "jaw_open", 0.8)
    at = Opened(stage.board, stage.clock, None)
    follow_pose(FACE, at, lambda: pose, 2.0, lambda: False)
    reached = [
        t
        for t, p in stage.line.driven
        if abs(p[JAW] - max(q[JAW] for _, q in stage.line.driven)) < 1
    ]
    assert reached[-1] - reached[0] == pytest.approx(2.0, abs=0.3)
    stage.assert_at_rest()
    stage.assert_gentle()


def test_a_signal_ends_it_at_rest() -> None:
    stage = Stage()
    began = stage.clock.now()
    at = Opened(stage.board, stage.clock, None)
    follow_pose(FACE, at, lambda: FACE.safe, 0.0, lambda: stage.clock.now() > began + 3.0)
    stage.assert_at_rest()
