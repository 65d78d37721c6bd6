"""The written rule: what a file may say, and what is refused."""

from datetime import time
from pathlib import Path

import pytest

from mien.robot.errors import ConfigError
from mien.robot.service.settings import EXAMPLE, ArmRule, Settings, load_settings


def loaded(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "service.yaml"
    path.write_text(text)
    return load_settings(path)


def test_the_example_says_what_the_defaults_are(tmp_path: Path) -> None:
    assert loaded(tmp_path, EXAMPLE) == Settings(arm=ArmRule())
    assert EXAMPLE.count("#") > 12


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the file"),  # cut off by a full disk, for example
        ("{}", "arm"),
        ("recordings: {minutes: 1}", "arm"),
        ("arm: yes", "arm"),
        ("arm: {healthy: 3}", "healthy"),
        ("arm: {healthy_s: 0}", "healthy_s"),
        ("arm: {healthy_s: .nan}", "healthy_s"),
        ("arm: {hours: ['9-18']}", "HH:MM-HH:MM"),
        ("arm: {hours: ['09:00-09:00']}", "the same"),
        ("arm: {hours: ['09:00-24:01']}", "HH:MM"),
        ("arm: {hours: ['24:00-08:00']}", "HH:MM"),
        ("arm: {days: [monday]}", "days"),
        ("arm: {person: perhaps}", "person"),
        ("arm: {}\narm: {}", "twice"),
        ("arm: [", "line"),
    ],
)
def test_a_file_with_a_fault_is_refused_and_says_which(
    tmp_path: Path, text: str, what: str
) -> None:
    with pytest.raises(ConfigError, match=what) as wrong:
        loaded(tmp_path, text)
    assert wrong.value.exit_code == 2


def test_without_a_file_there_is_no_rule(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_settings(tmp_path / "none.yaml")


def test_hours_hold_over_midnight_and_belong_to_the_day_on_which_they_begin() -> None:
    night = ArmRule(hours=("22:00-02:00",), days=("fri",))
    friday, saturday, sunday = 4, 5, 6
    assert night.open_at(friday, time(22, 0))
    assert night.open_at(saturday, time(1, 59))
    assert not night.open_at(saturday, time(2, 0))
    assert not night.open_at(saturday, time(22, 0))
    assert not night.open_at(friday, time(1, 0))  # of Thursday
    assert not night.open_at(sunday, time(1, 0))
    monday_morning = ArmRule(hours=("22:00-02:00",), days=("sun",))
    assert monday_morning.open_at(0, time(1, 0))


def test_the_end_is_outside_and_a_day_ends_at_24() -> None:
    day = ArmRule(hours=("09:00-18:00", "20:00-24:00"))
    found = [h for h in range(24) if day.open_at(2, time(h, 0))]
    assert found == [*range(9, 18), *range(20, 24)]
    assert day.open_at(2, time(23, 59))
    assert all(ArmRule().open_at(d, time(h)) for d in range(7) for h in range(24))
