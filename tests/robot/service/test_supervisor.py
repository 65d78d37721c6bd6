"""An unattended face: when it moves, and what it says."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from mien.robot.errors import DeviceError, MienError
from mien.robot.live.run import Options
from mien.robot.live.voice_setup import VoiceSetup, VoiceStatus
from mien.robot.panel.messages import Estop
from mien.robot.service import requests
from mien.robot.service.places import recordings_folder
from mien.robot.service.settings import Recordings, Settings
from mien.robot.service.status_file import read_all
from mien.robot.wire import State
from tests.robot.service.night import RULE, Night
from tests.robot.service.places import own_folders


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return own_folders(tmp_path, monkeypatch)


def said(word: str) -> Callable[[], object]:
    """A person who says this to the process of the test."""
    return partial(requests.say, os.getpid(), word)


def test_it_starts_at_rest_and_moves_when_the_board_was_healthy_for_long_enough() -> None:
    night = Night()
    night.run(6.0)
    ((begin, _end),) = night.armed()
    assert 2.0 <= begin < 2.5
    assert "of 2 s" in night.at(1.0).rests
    assert not night.at(1.0).armed
    assert night.at(5.0).armed
    assert night.at(5.0).rests == ""
    assert night.at(5.0).problems == ()
    assert night.at(5.0).port == "/dev/ttyACM0"
    night.stage.assert_at_rest()
    night.stage.assert_gentle()
    assert read_all() == {}  # it has said goodbye


def test_a_refused_rule_moves_nothing(tmp_path: Path) -> None:
    from mien.robot.verbs.running import run_and_print

    path = tmp_path / "service.yaml"
    path.write_text("arm: {healthy_s: soon}")
    with pytest.raises(MienError, match="healthy_s") as wrong:
        run_and_print(Options(VoiceSetup("hobby9", source="quiet")), 1.0, False, path)
    assert wrong.value.exit_code == 2
    assert not (tmp_path / "run" / "mien").exists()  # not even a run has begun


def test_a_person_arms_and_rests() -> None:
    night = Night(Settings(arm=RULE.model_copy(update={"person": True})))
    night.script = {4.0: said("arm"), 8.0: said("rest"), 12.0: said("nonsense"), 14.0: said("arm")}
    night.run(18.0)
    (first, rested), (again, _) = night.armed()
    assert 4.0 <= first < 5.0
    assert 8.0 <= rested < 10.0
    assert 14.0 <= again < 15.0
    assert "waits for a person" in night.at(3.0).rests
    assert night.at(3.0).problems == ()  # to wait is healthy
    night.stage.assert_gentle()


def test_a_word_from_before_the_start_counts_for_nothing() -> None:
    requests.say(os.getpid(), requests.ARM)
    night = Night(Settings(arm=RULE.model_copy(update={"person": True})))
    night.run(4.0)
    assert night.armed() == []


def test_it_rests_outside_of_its_hours() -> None:
    night = Night(Settings(arm=RULE.model_copy(update={"hours": ("12:01-13:00",)})))
    night.run(64.0)
    ((begin, _),) = night.armed()
    assert 60.0 <= begin < 61.0
    assert "outside of its hours" in night.at(30.0).rests


def test_a_full_disk_ends_in_rest_and_not_in_a_crash() -> None:
    night = Night()
    night.script = {4.0: lambda: setattr(night, "free", 3.0),
                    8.0: lambda: setattr(night, "free", 1e6)}  # fmt: skip
    night.run(12.0)
    (_, rested), (again, _) = night.armed()
    assert 4.0 <= rested < 6.5
    assert 8.0 <= again < 9.0  # its board was healthy all the time
    assert "3 MB left" in night.at(7.0).problems[0]
    night.stage.assert_gentle()


def test_a_board_that_is_away_for_a_moment_is_outlasted_and_for_longer_ends_in_rest() -> None:
    night = Night(Settings(arm=RULE.model_copy(update={"grace_s": 3.0})))
    night.script = {
        t: partial(setattr, night.stage.line, "cut", on)
        for t, on in ((5.0, True), (6.5, False), (12.0, True), (17.0, False))
    }
    night.run(26.0)
    assert night.at(11.0).armed
    assert night.at(16.5).rests == "the board does not answer"
    assert night.at(18.0).rests  # it counts again
    assert night.at(25.0).armed
    night.stage.assert_at_rest()


@pytest.mark.parametrize("by", ["panel", "button"])
def test_an_emergency_stop_outlives_restarts_until_a_person_answers(by: str) -> None:
    class Panel:
        def commands(self) -> list[object]:
            return [Estop()] if night.t > 4.0 else []

        def show(self, *_: object) -> None: ...

    night = Night()
    if by == "button":
        night.script = {4.0: lambda: night.stage.core.press_button()}
    with pytest.raises(DeviceError):
        night.run(10.0, panel=Panel() if by == "panel" else None)
    assert night.stage.state == State.ESTOP

    again = Night()  # after a restart and a cut of the supply: nothing is latched on the board
    again.run(6.0)
    assert again.armed() == []
    assert "emergency stop" in again.at(5.0).rests
    assert any("emergency stop" in p for p in again.at(5.0).problems)

    answered = Night()
    answered.script = {3.0: said(requests.ARM)}
    answered.run(6.0)
    assert len(answered.armed()) == 1
    last = Night()
    last.run(4.0)
    assert len(last.armed()) == 1


def test_a_board_that_is_found_stopped_is_cleared_by_a_person_alone() -> None:
    night = Night()
    night.stage.board.estop()
    night.script = {5.0: said(requests.ARM)}
    night.run(10.0)
    ((begin, _),) = night.armed()
    assert 7.0 <= begin < 9.0  # cleared, and then healthy for 2 s
    assert "ESTOP" in night.at(4.0).problems[0]


def test_recordings_follow_each_other_and_old_ones_go() -> None:
    night = Night(Settings(arm=RULE, recordings=Recordings(minutes=0.05, keep=2)))
    night.run(16.0)
    night.recording.close()
    names = sorted(p.name for p in recordings_folder().iterdir())
    assert 2 <= len(names) <= 3
    assert all(name.startswith("unattended-2026") for name in names)
    assert night.at(10.0).recording in {s.recording for _, s in night.seen}
    assert len({s.recording for _, s in night.seen if s.recording}) >= 4
    assert night.recording.on is False


def test_a_recording_that_fails_is_a_problem_and_no_end() -> None:
    recordings_folder().parent.mkdir(parents=True)
    recordings_folder().write_text("no folder")
    night = Night(Settings(arm=RULE, recordings=Recordings(minutes=1.0)))
    night.run(6.0)
    assert night.at(5.0).armed
    assert any("recordings" in problem for problem in night.at(5.0).problems)


def test_what_is_lost_and_gone_is_said() -> None:
    night = Night()
    night.source = VoiceStatus(name="USB mic", present=False, dropped=3)
    night.run(4.0)
    assert night.at(3.0).drops["sound_blocks"] == 3
    assert "USB mic is gone" in night.at(3.0).problems
