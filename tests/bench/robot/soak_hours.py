"""``mien bench soak``: hours of an unattended face in minutes, with stops of every kind among them.

The objects are those of ``mien live``: supervisor, loop, limiter, life, expression, link, simulated
board with the real firmware, its watchdog, and for a share of every minute the speech network, the
inverse and the robot's mechanics. In the rest of the minute the voice says its last commands again,
and the mechanics stand still; everything else goes on. How large the share is follows from what a
second of both costs on this machine.

The clocks differ, as they do on a table: the sound card's and the board's run fast or slow against
the computer's, and sound arrives with jitter.
"""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer

from mien.robot.control.connect import LIVE_LEAD_S, Opened
from mien.robot.control.emergency import Emergency
from mien.robot.control.estop_socket import EstopSocket
from mien.robot.errors import DeviceError
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import FaceConfig, load_face
from mien.robot.link.board import Board
from mien.robot.live.face import LiveFace
from mien.robot.live.memory_usage import rss_mb
from mien.robot.live.voice_setup import VoiceStatus
from mien.robot.media import audio
from mien.robot.recording.session import RecordingSession
from mien.robot.service.latch import Latch
from mien.robot.service.settings import ArmRule, Settings
from mien.robot.service.supervisor import Supervisor
from mien.robot.sim.sim_board import SimBoard
from tests.bench.robot.soak_parts import Endless, Host, StandingRig, Stops

CYCLE_S: Final = 60.0
"""Every so often, in s, the network, the inverse and the mechanics run for their share."""
SETTLED: Final = 0.1
"""Share of the time after which everything has been used once, and growth counts."""
ERRAND_S: Final = 30.0
PILOT_S: Final = 6.0


def soak_hours(
    face: FaceConfig,
    seconds: float,
    minutes: float,
    stop_every_s: float = 600.0,
    share: float | None = None,
) -> dict[str, Any]:
    """An unattended face for so many simulated seconds, in about so many minutes of this machine.

    Args:
        face: the face.
        seconds: simulated; fewer where even the least does not fit into ``minutes``.
        minutes: of one core of this machine.
        stop_every_s: simulated time between two stops.
        share: of every minute with network, inverse and mechanics; None chooses it by the speed.
    """
    with own_folders(), Path(os.devnull).open("w") as nobody, redirect_stderr(nobody):
        run = Soak(face, seconds, minutes, stop_every_s, share)
        gc.collect()
        gc.freeze()
        try:
            return run.go()
        finally:
            gc.unfreeze()


class Soak:
    """One soak; see ``soak_hours`` for the arguments."""

    def __init__(
        self, face: FaceConfig, seconds: float, minutes: float, every_s: float, share: float | None
    ) -> None:
        self._face, self._seconds, self._minutes = face, seconds, minutes
        self._rig = StandingRig(face)
        self._sim = SimBoard(self._rig)
        self._host = Host(self._sim)
        said = audio.load(audio.LJ_DEMO)
        self._voice = Endless(Calibrated(face), said, self._host)
        self._stops = Stops(self._sim, every_s)
        self._began = self._host.now()
        self._share = share
        self._cost: dict[bool, float] = {}  # CPU time in s of a simulated one
        self._lap = (0.0, time.process_time())
        self._errand_s, self._second_s = 0.0, 1.0
        # Of full size from the start: what the bench itself remembers must not look like growth.
        self._memory_mb = np.full(round(seconds) + 600, np.nan)
        self._drift_s = np.full(round(seconds) + 600, np.nan)
        self._runs = self._ticks = self._late = self._reconnects = 0

    @property
    def t(self) -> float:
        """Simulated seconds since the start."""
        return self._host.now() - self._began

    def go(self) -> dict[str, Any]:
        """Run to the end. Returns the numbers."""
        wall, cpu = time.monotonic(), time.process_time()
        while self.t < self._seconds:
            self._runs += 1
            self._one_run()
        held = self._memory_mb[np.isfinite(self._memory_mb)]
        drift = 1e3 * self._drift_s[np.isfinite(self._drift_s)]
        return {
            "hours": self.t / 3600,
            "took_min": (time.monotonic() - wall) / 60,
            "cpu_min": (time.process_time() - cpu) / 60,
            "whole_share": self._share,
            "rss_mb": float(held[-1]),
            "rss_growth_mb": float(held[-1] - held[0]),
            "stops": self._stops.given,
            "missed_stops": len(self._stops.missed),
            "missed_kinds": ", ".join(self._stops.missed),
            "drift_ms_max": float(drift.max()),
            "drift_ms_p99": float(np.quantile(drift, 0.99)),
            "board_clock_wraps": int(self._sim.now() * 1e6) >> 32,
            "runs": self._runs,
            "ticks": self._ticks,
            "late_frames": self._late,
            "reconnects": self._reconnects,
            "violations": self._sim.core.violations,  # type: ignore[attr-defined]
        }

    def _one_run(self) -> None:
        """Live until a stop ends the run, or the time is over; then a person looks and clears."""
        socket, recording = EstopSocket(), RecordingSession(self._face)
        emergency = Emergency(self._sim, self._host, socket)
        board = Board(self._face, emergency.line, self._host.now, LIVE_LEAD_S)
        board.connect()
        settings = Settings(arm=ArmRule(healthy_s=1.0))
        supervisor = Supervisor(self._face, "sim", settings, now=self._host.now, every_s=1e9)

        def permit(t: float) -> bool:
            self._watch(board, supervisor)
            self._stops.step(self.t, socket)
            return supervisor.may_move(t)

        live = LiveFace(
            self._face, board, emergency.clock, self._voice, recording=recording,
            panel=self._stops, permit=permit, stop=lambda: self.t >= self._seconds,
        )  # fmt: skip
        try:
            with supervisor:
                supervisor.begin(
                    Opened(board, emergency.clock, None), recording, live.meters, VoiceStatus
                )
                live.run()
        except DeviceError:
            self._stops.judge()
            person = Board(self._face, self._sim, self._host.now, LIVE_LEAD_S)
            person.connect()
            person.clear()
            Latch(self._face.name).open()
        self._ticks += live.metrics.ticks
        self._late += live.jitter_buffer.late
        self._reconnects += board.counters.reconnects

    def _watch(self, board: Board, supervisor: Supervisor) -> None:
        """Choose what runs, and measure, at most once a simulated second."""
        t = self.t
        if t >= self._errand_s:
            self._errand_s = t + ERRAND_S
            supervisor.errand()
        self._choose(t)
        if t < self._second_s:
            return
        self._second_s = t + 1.0
        if board.connected:
            asked = board.clock.to_board(self._host.now())
            apart = (asked - round(self._sim.now() * 1e6) + (1 << 31)) % (1 << 32) - (1 << 31)
            self._drift_s[int(t)] = abs(self._voice.error_s) + abs(apart) * 1e-6
        if t >= SETTLED * self._seconds:
            self._memory_mb[int(t)] = rss_mb()

    def _choose(self, t: float) -> None:
        """Whole or light, by the share, which follows from a look at what each costs."""
        if self._share is None and t < 2 * PILOT_S:
            whole = t < PILOT_S
        elif self._share is None:
            self._measured(t)
            least, most = self._cost[False], self._cost[True]
            room = 60.0 * self._minutes / self._seconds
            self._share = float(np.clip((room - least) / max(most - least, 1e-9), 0.0, 1.0))
            self._seconds = min(self._seconds, 60.0 * self._minutes / least)
            whole = True
        else:
            whole = t % CYCLE_S < self._share * CYCLE_S
        if self._share is None and whole != self._voice.whole:
            self._measured(t)
        self._voice.whole = self._rig.moving = whole

    def _measured(self, t: float) -> None:
        since, cpu = self._lap
        now = time.process_time()
        self._cost[self._voice.whole] = (now - cpu) / (t - since)
        self._lap = (t, now)


@contextmanager
def own_folders() -> Iterator[None]:
    """Folders of a user of their own: a soak's stops and status are nobody's."""
    names = ("XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_DATA_HOME")
    before = {name: os.environ.get(name) for name in names}
    with tempfile.TemporaryDirectory(prefix="mien-soak-") as folder:
        os.environ.update(dict.fromkeys(names, folder))
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value


def bench(
    hours: Annotated[float, typer.Option(min=0.01, help="Simulated hours.")] = 8.0,
    minutes: Annotated[
        float, typer.Option(min=0.1, help="CPU time of this machine, about.")
    ] = 15.0,
    face: Annotated[str, typer.Option(help="A face that ships, or a YAML file.")] = "hobby9",
) -> dict[str, Any]:
    """Hours of an unattended face in minutes: memory, stops of every kind, clocks that differ."""
    return soak_hours(load_face(face), 3600.0 * hours, minutes)
