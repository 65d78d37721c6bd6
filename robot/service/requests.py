"""What a person says to an unattended face: ``arm`` or ``rest``, by way of a small file.

The file lies in the folder of the E-STOP socket, which belongs to this user alone. The run takes it
away when it has read it, and drops what was there before it started: a word from before a crash
does not arm a face after it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from mien.models.files import write_whole
from mien.robot.control.estop_socket import folder
from mien.robot.errors import DeviceError

SUFFIX: Final = ".request"
ARM: Final = "arm"
REST: Final = "rest"


def path_for(pid: int) -> Path:
    """The file that process ``pid`` looks at."""
    return folder() / f"{pid}{SUFFIX}"


def say(pid: int, word: str) -> Path:
    """Say ``arm`` or ``rest`` to process ``pid``. The file is gone when it has heard.

    Raises:
        OSError: the file cannot be written.
    """
    path = path_for(pid)
    write_whole(path, word)
    return path


def drop() -> None:
    """Forget what was said to this process, or to an earlier one of its number."""
    with suppress(OSError):
        path_for(os.getpid()).unlink(missing_ok=True)


def heard() -> str:
    """What a person has said to this process since the last call; empty is nothing."""
    try:
        path = path_for(os.getpid())
        word = path.read_text(encoding="utf-8")[:16].strip()
        path.unlink()
    except (OSError, ValueError, DeviceError):  # the last: the folder is not ours alone any more
        return ""
    return word if word in (ARM, REST) else ""
