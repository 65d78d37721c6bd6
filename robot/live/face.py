"""The live face: joins voice, puppeteer, panel and playback to one target pose per tick.

``LiveFace`` owns no thread and reads no clock of its own. The loop calls it as a function of time,
and it observes what the loop sent. Tests run it in lock-step for that reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from mien.robot.control.loop import RATE_HZ, Clock, Loop, Tick
from mien.robot.errors import EmergencyStopError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.thermal import Thermal
from mien.robot.link.board import Board
from mien.robot.live.interfaces import Panel, Voice
from mien.robot.live.jitter_buffer import PATIENCE_S, CommandFrame, JitterBuffer
from mien.robot.live.requests import accepted_requests
from mien.robot.live.run_metrics import Metrics
from mien.robot.live.run_records import put_slow, put_tick
from mien.robot.panel import messages
from mien.robot.recording.playback import Playback
from mien.robot.recording.session import RecordingSession

LATE_S: Final = 0.5 / RATE_HZ
"""A setpoint sent more than half a period after its deadline has missed it."""
FADE_IN_S: Final = 0.2
FADE_OUT_S: Final = 0.6
IDLE_S: Final = 120.0
TAIL_S: Final = 0.8
"""Time in s after the end of a source in which the mouth closes."""
SLOW_EVERY: Final = 30
"""Ticks between records of temperatures and telemetry."""


class LiveFace:
    """One face in a live run.

    Args:
        face, board, clock: the face, its connected board and the board's clock.
        voice: source of command frames.
        lag_s: time in s by which the skin follows the pulses, from calibration or ``mien sync``.
        recording: session that records the run; None records nothing.
        panel: window in another process; None opens none.
        puppet: time in s -> commands (n,) that replace those of the voice, or None.
        mirror: called with (time in s, frame) for every frame that is shown.
        watch: called with every tick.
        idle_s: seconds of silence after which the face rests and releases the servos.
        permit: called in every tick with the time in s. While False the face rests and its servos
            have no drive; it moves again, from the safe pose, when it is True.
        stop: called in every tick; True ends the run.
    """

    def __init__(
        self,
        face: FaceConfig,
        board: Board,
        clock: Clock,
        voice: Voice,
        *,
        lag_s: float = 0.0,
        recording: RecordingSession | None = None,
        panel: Panel | None = None,
        puppet: Callable[[float], Floats | None] = lambda _: None,
        mirror: Callable[[float, CommandFrame], None] = lambda _t, _f: None,
        watch: Callable[[Tick], None] = lambda _: None,
        idle_s: float = IDLE_S,
        permit: Callable[[float], bool] = lambda _: True,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.face, self._board, self._clock, self._voice = face, board, clock, voice
        self._panel, self._puppet, self._mirror = panel, puppet, mirror
        self._recording = recording or RecordingSession(face)
        self.playback = Playback()
        self._watch, self._idle_s, self._stop, self._lag_s = watch, idle_s, stop, lag_s
        self._permit, self._permitted = permit, False
        self.jitter_buffer = JitterBuffer(voice.lookahead_s + 0.012, min_delay_s=voice.lookahead_s)
        self.thermal = Thermal(face)
        self.metrics = Metrics()
        self._loop = Loop(face, board, clock, self._observe)
        self._began = clock.now()
        self._awake = clock.now()
        self._share = 0.0
        self._shown: CommandFrame | None = None
        self._tuned: Floats | None = None
        self._sent_delay: float | None = None
        self._ending: float | None = None
        self._over = False

    def run(self) -> None:
        """Run until the source ends, ``stop`` returns True or an error occurs.

        The face is at rest when this returns or raises, except after an emergency stop.

        Raises:
            MienError: the voice, the recorder or the board failed.
            EmergencyStopError: the outputs are off and stay off until ``mien clear``.
        """
        try:
            while not self._over:
                self._permitted = self._permit(self._clock.now())
                if self._permitted:
                    self._awake = self._clock.now()
                    self._event("awake")
                    self._loop.follow(self._commands, self.jitter_buffer.phase)
                    self.metrics.missed = self._loop.missed
                if not self._over:
                    self.metrics.sleeps += 1
                    self._event("asleep")
                    self._sleep()
        except EmergencyStopError:
            self._event("estop")
            raise

    def _commands(self, t: float) -> Floats | None:
        """Target commands (n,) at ``t`` s; None to rest."""
        self._receive(t)
        if self._over or not self._permitted or t - self._awake > self._idle_s:
            return None
        target = self._by_hand(t)
        frame = self.jitter_buffer.at(t)
        if target is not None:
            self._awake = t
            return self._relieved(target)
        if frame is not None:
            self._shown = frame
            if frame.wakes:
                self._awake = t
        step = 1 / (FADE_IN_S * RATE_HZ) if frame is not None else -1 / (FADE_OUT_S * RATE_HZ)
        self._share = min(1.0, max(0.0, self._share + step))
        if self._shown is None:
            return self.face.safe
        eased = self._share**2 * (3.0 - 2.0 * self._share)
        return self._relieved(self.face.safe + eased * (self._shown.commands - self.face.safe))

    def _receive(self, t: float) -> None:
        """Read frames, panel requests and stop conditions since the last tick."""
        self._permitted = self._permit(t)
        self._recording.check()
        self._take(t)
        while (
            self.jitter_buffer.awaits(t) and (remaining := t + PATIENCE_S - self._clock.now()) > 0
        ):
            self._voice.wait(remaining)
            self._take(self._clock.now())
        delay = self.jitter_buffer.delay_s + self._board.lead_s + self._lag_s
        if delay != self._sent_delay:
            self._sent_delay = delay
            self._voice.delay_sound(delay)
        if self._panel is not None:
            requests, refused = accepted_requests(self.face, self._panel.commands())
            self.metrics.refused += refused
            for request in requests:
                self._handle(request)
        if self._voice.ended and self._ending is None:
            self._ending = t + TAIL_S + delay
        if self._stop() or (self._ending is not None and t > self._ending):
            self._over = True

    def _take(self, now: float) -> None:
        for frame in self._voice.poll(now):
            self.jitter_buffer.push(frame)
            if frame.gate > 0.5:
                self.metrics.to_frame.add(frame.arrived - frame.t)

    def _handle(self, request: messages.Request) -> None:
        match request:
            case messages.Estop():
                self._board.estop()
                raise EmergencyStopError("E-STOP was pressed", "look at the face, then mien clear")
            case messages.SetEmotion(intensities):
                self._voice.set_emotion(intensities)
            case messages.SetGaze(yaw, pitch):
                self._voice.set_gaze(yaw, pitch)
            case messages.SetStyle(name):
                self._voice.set_style(name)
            case messages.SetPose(commands):
                self._tuned = None if commands is None else np.asarray(commands)
            case messages.SetRecording(None):
                self._recording.end()
            case messages.SetRecording(str(name)):
                self._recording.begin(name)
            case messages.SetPlayback(None):
                self.playback.stop()
            case messages.SetPlayback(str(name)):
                self.playback.begin(name)
            case messages.PlaybackPoses(times, rows):
                self.playback.add(times, rows)
            case messages.PlaybackSent():
                self.playback.finish()
            case messages.EndRun():
                self._over = True

    def _by_hand(self, t: float) -> Floats | None:
        """Commands from panel, playback or puppeteer, in this order; None when there are none."""
        if self._tuned is not None:
            return self._tuned
        playback_pose = self.playback.at(t)
        return playback_pose if playback_pose is not None else self._puppet(t)

    def _relieved(self, target: Floats) -> Floats:
        relieved = self.thermal.relieved(target)
        self.metrics.backed_off += bool(np.any(relieved != target))
        return relieved

    def _sleep(self) -> None:
        """Wait with released servos until a voice, a puppeteer or the panel wakes the face.

        A face that was not permitted to move wakes as soon as it is.
        """
        while not self._over:
            t, before = self._clock.now(), self._permitted
            self._receive(t)
            frame = self.jitter_buffer.at(t)
            called = self._by_hand(t) is not None or (frame is not None and frame.wakes)
            if self._permitted and (called or not before):
                return
            self._board.read()
            if not self._board.connected:  # sending mends the link; a board at rest moves nothing
                self._board.send(t, to_pulses(self.face, self.face.safe))
            self.thermal.step(self.face.safe, 2 / RATE_HZ, driven=False)
            self._clock.sleep_until(t + 2 / RATE_HZ)

    def _observe(self, tick: Tick) -> None:
        c, now = self.metrics, self._clock.now()
        self.thermal.step(tick.sent, 1 / RATE_HZ)
        self._watch(tick)
        if tick.t <= 0:  # on the way to the first pose
            return
        c.ticks += 1
        c.late += tick.late_s > LATE_S
        c.clipped += bool(tick.clipped.any())
        c.slowed += bool(tick.slowed.any())
        c.interlocked += bool(tick.locked)
        c.lateness.add(tick.late_s)
        frame = self._shown
        if frame is not None and self._share == 1.0 and self._tuned is None:
            if frame.gate > 0.5:  # latency counts while somebody speaks
                c.to_setpoint.add(tick.t + tick.late_s - frame.t)
            self._mirror(now, frame)
        if self._recording.on:
            self._write(tick, frame)
        if self._panel is not None:
            self._panel.show(now - self._began, tick, self.meters())

    def meters(self) -> dict[str, Any]:
        """State of the run for the meters of the panel."""
        frame, newest = self._shown, self.jitter_buffer.newest_s
        return {
            "level_db": frame.level_db if frame else -120.0,
            "gate": frame.gate if frame else 0.0,
            "network_ms": frame.network_ms if frame else 0.0,
            "followed": frame.followed if frame else None,
            "frame_age_s": None if newest is None else self._clock.now() - newest,
            "delay_ms": 1e3 * self.jitter_buffer.delay_s,
            "late_frames": self.jitter_buffer.late,
            "deadline_met": self.metrics.deadline_met,
            "connected": self._board.connected,
            "lookahead_ms": 1e3 * self._voice.lookahead_s,
            "monitored": self._voice.monitored,
            "lips_ms": 1e3 * (self.jitter_buffer.delay_s + self._board.lead_s + self._lag_s),
            "link": self._board.report(),
            "recording": self._recording.state(self._clock.now() - self._began),
            "playback": self.playback.state(),
            "celsius": self.thermal.celsius.tolist(),
            "duty": self.thermal.duty.tolist(),
        }

    def _write(self, tick: Tick, frame: CommandFrame | None) -> None:
        put, t = self._recording.put, tick.t - self._began
        put_tick(put, t, tick, frame, self._began)
        if self.metrics.ticks % SLOW_EVERY == 0:
            put_slow(put, t, self.thermal, self._board.report())

    def _event(self, what: str) -> None:
        t = self._clock.now() - self._began
        self._recording.put("/event", t, {"t": t, "what": what})

    def report(self) -> dict[str, Any]:
        """Metrics of the run under the keys of ``metrics.json``."""
        jitter_buffer = self.jitter_buffer
        return {
            **self.metrics.report(),
            "delay_ms": 1e3 * jitter_buffer.delay_s,
            "lookahead_ms": 1e3 * self._voice.lookahead_s,
            "lead_ms": 1e3 * self._board.lead_s,
            "face_lag_ms": 1e3 * self._lag_s,
            "late_frames": jitter_buffer.late,
            "unseen_frames": jitter_buffer.unseen,
            "starved_ticks": jitter_buffer.starved,
            "delay_refits": jitter_buffer.refits,
            "hottest_c": float(self.thermal.celsius.max()),
            "records_dropped": self._recording.dropped,
            "link": self._board.report(),
        }
