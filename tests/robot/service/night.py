"""An unattended face in lock-step: the real firmware core and rule on a clock of the test."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from mien.robot.control.connect import Opened
from mien.robot.live.face import LiveFace
from mien.robot.live.voice_setup import VoiceStatus
from mien.robot.recording.session import RecordingSession
from mien.robot.service.settings import ArmRule, Settings
from mien.robot.service.status_file import Status
from mien.robot.service.supervisor import Supervisor
from tests.robot.live.stage import FACE, Stage

NOON = datetime(2026, 1, 2, 12, 0)
RULE = ArmRule(healthy_s=2.0, grace_s=1.0)


class Night:
    """A stage whose face nobody attends. ``script`` has what happens at which second."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.stage = Stage()
        self.stage.voice.opening = lambda _: 0.5
        self.settings = settings or Settings(arm=RULE)
        self.began = self.stage.clock.now()
        self.free, self.source = 1e6, VoiceStatus(name="mic")
        self.script: dict[float, Callable[[], object]] = {}
        self.seen: list[tuple[float, Status]] = []
        self.recording = RecordingSession(FACE)
        self.supervisor = Supervisor(
            FACE, "sim", self.settings, now=self.stage.clock.now,
            local=lambda: NOON + timedelta(seconds=self.t), free=lambda: self.free, every_s=1e6,
        )  # fmt: skip
        self._errand = 0.0

    @property
    def t(self) -> float:
        return self.stage.clock.now() - self.began

    def may_move(self, t: float) -> bool:
        for at in [at for at in self.script if at <= self.t]:
            self.script.pop(at)()
        if self.t >= self._errand:  # the thread's, on the clock of the stage
            self._errand += 0.5
            self.supervisor.errand()
            self.seen.append((self.t, self.supervisor.status()))
        return self.supervisor.may_move(t)

    def run(self, seconds: float, **more: Any) -> LiveFace:
        live = self.stage.face(seconds, permit=self.may_move, recording=self.recording, **more)
        at = Opened(self.stage.board, self.stage.clock, None, "/dev/ttyACM0")
        with self.supervisor:
            self.supervisor.begin(at, self.recording, live.meters, lambda: self.source)
            live.run()
        return live

    def armed(self) -> list[tuple[float, float]]:
        """From when to when the outputs were driven, s since the start."""
        spans: list[list[float]] = []
        for t, _ in self.stage.line.driven:
            at = t - self.began
            if spans and at - spans[-1][1] < 0.1:
                spans[-1][1] = at
            else:
                spans.append([at, at])
        return [(a, b) for a, b in spans]

    def at(self, t: float) -> Status:
        return next(status for seen, status in self.seen if seen >= t)
