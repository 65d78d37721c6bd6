"""The settings of an unattended face: a YAML file with the rule by which it may move.

    ~/.config/mien/service.yaml  ->  Settings

A file with a fault, or without a rule, is refused whole, and nothing moves.
"""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, Field, ValidationError

from mien.models.reading.bounded import FileError
from mien.models.reading.strict import Strict, fault_lines, listed
from mien.models.reading.yaml_file import read_yaml
from mien.models.user_folders import config_folder
from mien.robot.errors import ConfigError

Day: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
MINUTES_A_DAY: Final = 24 * 60


def minutes(hours: str) -> tuple[int, int]:
    """Begin and end of ``HH:MM-HH:MM`` in minutes since midnight. 24:00 is the end of a day.

    Raises:
        ValueError: it is written in another way, or begin and end are the same.
    """
    found = _HOURS.fullmatch(hours)
    if found is None:
        raise ValueError("expected HH:MM-HH:MM, such as 09:00-18:30")
    first, last = hours.split("-")
    begin, end = (int(part[:2]) * 60 + int(part[3:]) for part in (first, last))
    if begin == end:
        raise ValueError("begin and end are the same; a whole day is 00:00-24:00")
    return begin, end


def _checked_hours(hours: str) -> str:
    minutes(hours)
    return hours


Hours: TypeAlias = Annotated[str, AfterValidator(_checked_hours)]


class ArmRule(Strict):
    """When the face may move. All parts must hold at once.

    Attributes:
        healthy_s: the board was healthy for so many seconds without a break.
        grace_s: a face that moves comes to rest when its board was not healthy for so long, in s.
        person: a person said ``mien service arm`` since this start.
        hours: times of the day, local time; an end before its begin is on the next day. None are
            all times.
        days: days of the week on which ``hours`` begin. None are all days.
    """

    healthy_s: float = Field(default=10.0, ge=1.0, le=3600.0)
    grace_s: float = Field(default=2.0, ge=0.0, le=60.0)
    person: bool = False
    hours: tuple[Hours, ...] = ()
    days: tuple[Day, ...] = ()

    def open_at(self, day: int, at: time) -> bool:
        """Whether ``hours`` and ``days`` allow motion on ``day`` (0 is Monday) at ``at``."""
        now = at.hour * 60 + at.minute
        for begin, end in map(minutes, self.hours or ("00:00-24:00",)):
            began_today = begin <= now < (end if begin < end else MINUTES_A_DAY)
            began_yesterday = end < begin and now < end
            if (began_today and self._on(day)) or (began_yesterday and self._on(day - 1)):
                return True
        return False

    def _on(self, day: int) -> bool:
        return not self.days or DAYS[day % 7] in self.days


class Recordings(Strict):
    """Recordings without end: files of so many minutes, of which the newest are kept.

    Attributes:
        minutes: length of a file; 0 records nothing.
        keep: most files.
        max_mb: most megabytes of all files together.
    """

    minutes: float = Field(default=0.0, ge=0.0, le=1440.0)
    keep: int = Field(default=24, ge=1, le=10_000)
    max_mb: float = Field(default=2000.0, ge=1.0, le=10_000_000.0)


class Log(Strict):
    """The log file: ``keep`` older files of at most ``max_mb`` megabytes each."""

    max_mb: float = Field(default=1.0, ge=0.01, le=1000.0)
    keep: int = Field(default=4, ge=1, le=100)


class Settings(Strict):
    """Settings of an unattended face.

    Attributes:
        arm: when it may move.
        recordings: recordings without end.
        log: the log file.
        min_free_mb: with less free space in megabytes the face rests; 0 never asks.
    """

    arm: ArmRule
    recordings: Recordings = Recordings()
    log: Log = Log()
    min_free_mb: float = Field(default=200.0, ge=0.0, le=10_000_000.0)


EXAMPLE: Final = """\
# Settings of the unattended face: mien service install, mien live --unattended THIS_FILE
# All parts of the rule must hold before the face moves.
arm:
  healthy_s: 10        # seconds of a healthy board without a break
  grace_s: 2           # seconds without a healthy board after which a moving face rests
  person: false        # true: it waits for a person, who says: mien service arm
  hours: []            # local time, such as ["09:00-18:00", "22:00-02:00"]; [] is always
  days: []             # such as [mon, tue, wed, thu, fri]; [] is every day
recordings:
  minutes: 0           # length of a file; 0 records nothing
  keep: 24             # most files
  max_mb: 2000         # most megabytes of all files together
log:
  max_mb: 1            # size of one file
  keep: 4              # older files
min_free_mb: 200       # with less free space on the disk the face rests; 0 never asks
"""


def default_path() -> Path:
    """Where the settings are looked for: ``service.yaml`` in the user's configuration folder."""
    return config_folder() / "service.yaml"


def load_settings(path: Path) -> Settings:
    """Settings from a YAML file.

    Raises:
        ConfigError: there is none, or it has faults; the message lists all of them.
    """
    hint = "edit it; mien service install --dry-run shows an example"
    try:
        content = read_yaml(path)
        return Settings.model_validate(content)
    except OSError as e:
        # Where there is something that cannot be read, an install would meet it, too.
        next_ = "mien service install" if isinstance(e, FileNotFoundError) else f"ls -ld {path}"
        raise ConfigError(f"no settings in {path}: {e.strerror}", next_) from e
    except FileError as e:
        raise ConfigError(str(e), hint) from e
    except ValidationError as e:
        raise ConfigError(f"{path} is refused:\n{listed(fault_lines(e))}", hint) from e
