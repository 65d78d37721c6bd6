"""The status of a run: written by its process, read by ``mien status``.

A run writes ``PID.status`` into the folder of its E-STOP socket (``$XDG_RUNTIME_DIR/mien``), whole
or not at all, and readable by its user alone. A file says which process wrote it and when; one that
its process left behind, or that somebody else has written, is named as such and never believed.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

from pydantic import Field, ValidationError

from mien.models.formats import VERSION_KEY
from mien.models.reading.bounded import excerpt
from mien.models.reading.json_file import parse_json
from mien.models.reading.strict import Strict, fault_lines
from mien.robot.control.estop_socket import folder
from mien.robot.errors import MienError

VERSION: Final = 1
SUFFIX: Final = ".status"
SILENT_S: Final = 5.0
"""A run that has written nothing for so long counts as hanging. It writes once a second."""
STARTS: Final = "it starts"
_MAX_BYTES: Final = 1 << 16
_UNKNOWN: Final = ""


class Status(Strict):
    """What a run says about itself.

    Attributes:
        version: of this format.
        mien: version of Mien.
        pid, process: number of the process, and what tells it from a later one of that number.
        written_s: when this was written, s on the monotonic clock of the machine.
        uptime_s: since the start of the run.
        face, port: the face, and the port of its board.
        unattended: whether the run obeys a written rule.
        armed: whether the board drives servos.
        rests: why the face may not move; empty where it may.
        problems: what is wrong, a sentence each.
        board: state of the board by name; empty before its first report.
        faults: faults that the board has latched.
        frame_age_s: age of the newest frame of the voice; None before the first.
        hottest_c: estimated temperature of the hottest servo in C.
        voltage_v: supply of the servos in V; None: this board does not measure it.
        drops: what was lost since the start, by kind.
        disk_free_mb: free space of the disk in megabytes.
        recording: name of the recording; empty without one.
    """

    version: int = VERSION
    mien: str
    pid: int = Field(ge=1, le=2**31)
    process: str
    written_s: float
    uptime_s: float
    face: str
    port: str
    unattended: bool
    armed: bool
    rests: str
    problems: tuple[str, ...]
    board: str
    faults: tuple[str, ...]
    frame_age_s: float | None
    hottest_c: float
    voltage_v: float | None
    drops: dict[str, int]
    disk_free_mb: float
    recording: str


class StatusFile:
    """The file of this process, from entering to leaving.

    Attributes:
        path: of the file.
        failed: how often it could not be written. A full disk ends no run.
    """

    def __init__(self) -> None:
        self.path = folder() / f"{os.getpid()}{SUFFIX}"
        self.failed = 0
        for path, found in read_all().items():
            if isinstance(found, Gone):
                path.unlink(missing_ok=True)

    def write(self, status: Status) -> None:
        """Replace the file."""
        part = self.path.with_name(f".{self.path.name}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        try:
            part.unlink(missing_ok=True)
            with os.fdopen(os.open(part, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(status.model_dump_json())
            part.replace(self.path)
        except OSError:
            self.failed += 1
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def remove(self) -> None:
        """The run ends and says so."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


class Gone(str):
    """Why a file says nothing: its process has ended without removing it."""


class Foreign(str):
    """Why a file is not believed."""


Found: TypeAlias = Status | Gone | Foreign


def read_all() -> dict[Path, Found]:
    """Every status file of this user, by its path.

    Raises:
        DeviceError: the folder is not this user's alone.
    """
    return {path: read(path) for path in sorted(folder().glob(f"[!.]*{SUFFIX}"))}


def read(path: Path) -> Found:
    """The status in a file, or why it is not believed."""
    try:
        text = _private_text(path)
        content = parse_json(text)
        if isinstance(content, dict) and content.get(VERSION_KEY) != VERSION:
            return Foreign(f"{path} has version {excerpt(content.get(VERSION_KEY))}, not {VERSION}")
        status = Status.model_validate(content)
    except FileNotFoundError:
        return Gone(f"{path} has just been removed")
    except OSError as e:
        return Foreign(f"{path} cannot be read: {e.strerror}")
    except ValidationError as e:
        return Foreign(f"{path} is no status: {fault_lines(e)[0]}")
    except (MienError, ValueError) as e:
        return Foreign(f"{path} is no status: {e}")
    if path.name != f"{status.pid}{SUFFIX}":
        return Foreign(f"{path} speaks of process {status.pid}")
    if process_mark(status.pid) != status.process:
        return Gone(f"process {status.pid} has ended without a word; its last is in {path}")
    return status


def silent_s(status: Status) -> float:
    """For how long the run has written nothing, in s."""
    return max(0.0, time.monotonic() - status.written_s)


def process_mark(pid: int) -> str:
    """What tells a process from a later one of the same number; empty when there is none.

    On Linux it is the boot and the time of the start. Elsewhere it only says that one lives.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return _UNKNOWN if fields[0] in "ZX" else f"{boot}-{fields[19]}"
    except (OSError, IndexError):
        if Path("/proc/self/stat").exists():
            return _UNKNOWN
    try:
        os.kill(pid, 0)
    except (OSError, OverflowError):
        return _UNKNOWN
    return "alive"


def _private_text(path: Path) -> str:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        number = os.open(path, flags)
    except OSError as e:
        if e.errno == errno.ELOOP:
            raise ValueError("it is a link") from e
        raise
    with os.fdopen(number, "rb") as file:
        about = os.fstat(number)
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("it is no file")
        if about.st_uid != os.getuid():
            raise ValueError(f"it belongs to user {about.st_uid}")
        if about.st_mode & 0o077:
            raise ValueError(f"others may use it (mode {about.st_mode & 0o777:o})")
        raw = file.read(_MAX_BYTES + 1)
    if len(raw) > _MAX_BYTES:
        raise ValueError(f"it has more than {_MAX_BYTES} bytes")
    return raw.decode("utf-8", errors="replace")
