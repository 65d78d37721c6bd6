"""The supervisor of a run: the rule by which it may move, its status, its log, its disk.

The loop asks ``may_move`` in every tick; that reads memory alone. A thread does once a second what
may wait for a disk (``errand``): the status file, old recordings, free space, and what a person
says. Every run has a supervisor; without ``Settings`` the face may always move.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from importlib import metadata
from threading import Event, Thread
from types import TracebackType
from typing import Any, Final, Self

from mien.robot.control.connect import Opened
from mien.robot.errors import DeviceError, EmergencyStopError, MienError
from mien.robot.face.config import FaceConfig
from mien.robot.face.thermal import BACK_OFF_C
from mien.robot.live.voice_setup import VoiceStatus
from mien.robot.recording.session import RecordingSession
from mien.robot.service import requests
from mien.robot.service.arming import NO_REPORT, Facts, board_fault, reason_to_rest
from mien.robot.service.latch import Latch
from mien.robot.service.log import LogFile
from mien.robot.service.notify import ALIVE, READY, STOPPING, notify
from mien.robot.service.places import free_mb, recordings_folder
from mien.robot.service.rolling import Rolling
from mien.robot.service.rotation import rotate
from mien.robot.service.settings import ArmRule, Settings
from mien.robot.service.status_file import STARTS, Status, StatusFile, process_mark
from mien.robot.wire import Fault, State

_COUNTS: Final = re.compile(r"[0-9.:]+")
"""What changes by itself in a sentence, and is no news for the log."""
LOOK_S: Final = 0.2
"""Time in s between two looks at the board."""
ERRAND_S: Final = 1.0
STUCK_S: Final = 2.0
"""A loop that has not asked for so long, in s, stands still."""
SILENT_S: Final = 3.0
"""A voice without a new frame for so long, in s, hangs: in silence, too, it has 60 a second."""
ALWAYS: Final = ArmRule(healthy_s=1.0)
_DROPS: Final = {
    "late_frames": "late_frames", "telemetry_lost": "telemetry", "frames_bad": "bad_frames",
    "board_late": "late_setpoints",
}  # fmt: skip
"""Counter of the meters or the link -> its name in the status."""


class Supervisor:
    """Watches one run, from entering to leaving.

    Args:
        face: the face.
        port: as the user wrote it.
        settings: the written rule; None: somebody attends, and the face may always move.
        now: monotonic clock in s, also of the status file.
        local: date and time of the day.
        free: free space in megabytes where recordings go.
        every_s: time in s between two errands.

    Attributes:
        settings: as given.
        waiting: why the run has not begun; empty when it has.
    """

    def __init__(
        self,
        face: FaceConfig,
        port: str,
        settings: Settings | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        local: Callable[[], datetime] = datetime.now,
        free: Callable[[], float] = free_mb,
        every_s: float = ERRAND_S,
    ) -> None:
        self.settings, self.waiting = settings, STARTS
        self._face, self._port, self._now, self._local, self._free = face, port, now, local, free
        self._limits = settings or Settings(arm=ALWAYS)
        self._latch = Latch(face.name)
        self._estopped = settings is not None and self._latch.closed
        self._rolling = Rolling(self._limits.recordings, recordings_folder())
        self._log = LogFile(settings.log) if settings else None
        self._done, self._every_s = Event(), every_s
        self._thread = Thread(target=self._run, name="supervisor", daemon=True)
        self._at: Opened | None = None
        self._began = self._asked = now()
        self._looked = -float("inf")
        self._board_fault = NO_REPORT
        self._since: float | None = None  # since when it is so, on the clock of the loop
        self._pressed: bool | None = None
        self._reason = STARTS if settings else ""
        self._free_mb = float("inf")
        self._meters: dict[str, Any] = {}
        self._spoken = self._failed = ""

    def __enter__(self) -> Self:
        self._file, self._process = StatusFile(), process_mark(os.getpid())
        requests.drop()
        self._say("starts" + ("; an emergency stop ended an earlier run" * self._estopped))
        self.errand()
        notify(READY)
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        notify(STOPPING)
        self._done.set()
        self._thread.join(2 * ERRAND_S)
        # Its last word: the loop may have ended at it, before anybody looked at the meters.
        state = self._at.board.report().get("board_state") if self._at else None
        stopped = isinstance(error, EmergencyStopError) or state == State.ESTOP
        if self.settings is not None and stopped:
            self._latch.close()
        self._say(f"ends: {error or 'as asked'}")
        self._file.remove()

    def begin(
        self,
        at: Opened,
        recording: RecordingSession,
        meters: Callable[[], dict[str, Any]],
        source: Callable[[], VoiceStatus],
    ) -> None:
        """See ``Supervision``."""
        self._recording, self._read_meters, self._source = recording, meters, source
        self._at, self.waiting, self._asked = at, "", self._now()

    def patient(self, error: MienError) -> bool:
        """Whether an unattended run that failed is tried again: it has not begun.

        It had no board or no microphone, so nothing has moved.
        """
        absent = error.exit_code == DeviceError.exit_code
        if self.settings is None or not (self.waiting and absent):
            return False
        if isinstance(error, EmergencyStopError):
            return False
        self.waiting = error.message
        return True

    def may_move(self, t: float) -> bool:
        """See ``Supervision``."""
        self._asked = self._now()
        if t - self._looked >= LOOK_S and self._at is not None:
            self._looked = t
            self._look(self._at, t)
        return not self._reason

    def errand(self) -> None:
        """What may wait for a disk: one turn of the thread."""
        self._free_mb = self._free()
        limits = self._limits
        if limits.recordings.minutes > 0.0:
            short = limits.min_free_mb - self._free_mb
            rotate(recordings_folder(), limits.recordings, short, self._rolling.current)
        match requests.heard():
            case requests.ARM:
                self._pressed, self._estopped = True, False
                self._latch.open()
            case requests.REST:
                self._pressed = False
        status = self.status()
        self._file.write(status)
        spoken = "; ".join(dict.fromkeys((status.rests or "may move", *status.problems)))
        news = _COUNTS.sub("", spoken)
        if news != self._spoken:
            self._say(spoken)
        self._spoken = news
        if self._now() - self._asked < STUCK_S or self.waiting:
            notify(ALIVE, spoken)

    def status(self) -> Status:
        """The run as it is now."""
        now, meters = self._now(), self._meters
        link = meters.get("link", {})
        named = State(int(link["board_state"])).name if "board_state" in link else ""
        drops = {name: int((meters | link).get(key, 0)) for key, name in _DROPS.items()}
        sound = self._source() if self._at else VoiceStatus()
        drops["records"] = self._recording.dropped if self._at else 0
        drops["sound_blocks"] = sound.dropped
        return Status(
            mien=metadata.version("mien"), pid=os.getpid(), process=self._process,
            written_s=now, uptime_s=now - self._began,
            face=self._face.name, port=self._at.device or self._port if self._at else self._port,
            unattended=self.settings is not None,
            armed=named == State.ARMED.name, rests=self._reason,
            problems=tuple(self._problems(now, sound)),
            board=named,
            faults=tuple(f.name or "" for f in Fault(int(link.get("board_faults", 0)))),
            frame_age_s=meters.get("frame_age_s"),
            hottest_c=max(meters.get("celsius", [0.0])), voltage_v=None,
            drops=drops, disk_free_mb=min(self._free_mb, 1e12),
            recording=self._recording.state(0.0)["name"] if self._at else "",
        )  # fmt: skip

    def _problems(self, now: float, sound: VoiceStatus) -> list[str]:
        asked_s = now - self._asked
        hot, age_s = max(self._meters.get("celsius", [0.0])), self._meters.get("frame_age_s")
        checks = (
            (bool(self.waiting), self.waiting),
            (not self.waiting and asked_s > STUCK_S, f"the loop stands still for {asked_s:.0f} s"),
            (not self.waiting and bool(self._board_fault), self._board_fault),
            (self._estopped, "an emergency stop ended an earlier run"),
            (bool(self._disk()), self._disk()),
            (not sound.present, f"{sound.name or 'the source of sound'} is gone"),
            (bool(self._rolling.problem), self._rolling.problem),
            (bool(self._failed), self._failed),
            (age_s is not None and age_s > SILENT_S, f"no frame has come for {age_s or 0.0:.0f} s"),
            (hot > BACK_OFF_C, f"a servo is at {hot:.0f} C (estimated), the face moves less"),
        )
        return [what for wrong, what in checks if wrong]

    def _disk(self) -> str:
        free, least = self._free_mb, self._limits.min_free_mb
        return f"the disk has {free:.0f} MB left, less than {least:g} MB" if free < least else ""

    def _look(self, at: Opened, t: float) -> None:
        self._meters = self._read_meters()
        fault = board_fault(at.board.connected, self._meters["link"], len(self._face.boards))
        if bool(fault) != bool(self._board_fault) or self._since is None:
            self._since = t
        self._board_fault = fault
        if self.settings is None:
            return
        if self._pressed and self._meters["link"].get("board_state") == State.ESTOP:
            self._clear(at)
        facts = Facts(
            board=fault, since_s=t - self._since, pressed=self._pressed,
            estopped=self._estopped, local=self._local(), disk=self._disk(),
            moving=not self._reason,
        )  # fmt: skip
        self._reason = reason_to_rest(self.settings.arm, facts)
        self._rolling.step(self._recording, t, not self._reason, facts.local)

    def _clear(self, at: Opened) -> None:
        """A person has looked at the face and said ``arm``: leave ESTOP, once."""
        self._pressed = None
        with suppress(DeviceError):  # its own button is still pressed: the status says ESTOP
            at.board.clear()
            self._pressed = True

    def _say(self, what: str) -> None:
        if self._log is not None:
            self._log.say(what, self._local())

    def _run(self) -> None:
        while not self._done.wait(self._every_s):
            try:
                self.errand()
            except Exception as e:  # the next turn may work; systemd misses only its sign of life
                self._failed = f"the supervisor failed: {type(e).__name__}: {e}"[:200]
                self._say(self._failed)
            else:
                self._failed = ""
