"""Everything that can end or disturb a live run, in lock-step with the real firmware core."""

import errno
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.robot.control.loop import RATE_HZ
from mien.robot.errors import DeviceError, MienError
from mien.robot.live.face import EmergencyStopError
from mien.robot.live.jitter_buffer import CommandFrame
from mien.robot.panel.messages import Estop, SetEmotion, SetPose
from mien.robot.recording.recorder import Recorder
from mien.robot.recording.session import RecordingSession
from mien.robot.wire import State
from tests.robot.live.stage import FACE, JAW, Stage


def jaw(stage: Stage) -> np.ndarray:
    """Jaw command of each tick."""
    return np.array([tick.sent[JAW] for tick in stage.ticks])


def test_it_follows_the_voice_at_a_fixed_delay_and_ends_at_rest() -> None:
    stage = Stage()
    stage.voice.opening = lambda t: 0.4 + 0.3 * np.sin(2 * np.pi * 1.5 * t)
    live = stage.face(6.0)
    live.run()
    late = stage.ticks[3 * RATE_HZ : 5 * RATE_HZ]
    delay = live.jitter_buffer.delay_s
    fitted = [stage.voice.opening(tick.t - delay) for tick in late]
    np.testing.assert_allclose([tick.sent[JAW] for tick in late], fitted, atol=0.02)
    assert delay == pytest.approx(0.056, abs=0.001)  # what the network needs and a millisecond
    assert stage.voice.delay == pytest.approx(delay + 0.025)
    report = live.report()
    assert report["deadline_met"] == 1.0
    assert report["late_frames"] == 0
    assert report["mic_to_setpoint_ms_p50"] == pytest.approx(1e3 * delay, abs=0.3)
    stage.assert_at_rest()
    stage.assert_gentle()


def test_the_loop_moves_its_ticks_to_where_frames_are_due() -> None:
    stage = Stage()
    live = stage.face(6.0)
    live.run()
    at = stage.ticks[-1].t
    assert abs(live.jitter_buffer.phase(at)) < 0.0015


def test_a_frame_that_is_a_little_late_is_waited_for_and_not_shown_a_tick_later() -> None:
    stage = Stage()
    stage.voice.opening = lambda t: 0.4 + 0.3 * np.sin(2 * np.pi * 1.5 * t)
    stage.voice.slow = lambda k: 0.003 * (k % 7 == 0)
    began = stage.clock.now()
    stage.voice.speaks = lambda t: t > began + 3.0  # the delay is fitted by then
    live = stage.face(8.0)
    live.run()
    delay = live.jitter_buffer.delay_s
    assert delay == pytest.approx(0.056, abs=0.001)
    late = stage.ticks[4 * RATE_HZ : 6 * RATE_HZ]
    waits = sum(tick.late_s > 0.001 for tick in late)
    assert waits == pytest.approx(len(late) / 7, abs=2)
    fitted = [stage.voice.opening(tick.t - delay) for tick in late]
    np.testing.assert_allclose([tick.sent[JAW] for tick in late], fitted, atol=0.005)
    report = live.report()
    assert report["deadline_met"] == 1.0
    assert report["mic_to_setpoint_ms_p99"] == pytest.approx(1e3 * (delay + 0.002), abs=0.5)


def test_a_voice_that_dies_ends_in_a_ramp_and_a_release() -> None:
    stage = Stage()
    stage.voice.opening = lambda _: 0.8
    end = stage.clock.now() + 4.0
    stage.voice.alive = lambda now: now < end
    with pytest.raises(MienError, match="voice process died"):
        stage.face().run()
    assert jaw(stage).max() == pytest.approx(0.8)
    stage.assert_at_rest()
    stage.assert_gentle()


def test_a_full_disk_ends_in_a_ramp_and_a_release() -> None:
    class FullDisk(io.BytesIO):
        def write(self, data: Any) -> int:
            if self.tell() + len(data) > 8000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    stage = Stage()
    stage.voice.opening = lambda t: 0.8 * np.sin(40 * t) ** 2  # hard to compress
    recorder = Recorder(Path("full.mcap"), FACE, file=FullDisk())
    recording = RecordingSession(FACE)
    recording.hold(recorder)
    waited = [0]

    def patiently(_: Any) -> None:  # the writer lives on real time, the stage does not
        waited[0] += 1
        if recorder._queue.qsize() > 20:
            recorder._thread.join(0.002)

    with pytest.raises(MienError, match="No space left"):
        stage.face(3600.0, recording=recording, watch=patiently).run()
    recording.close()
    stage.assert_at_rest()
    stage.assert_gentle()


def test_ctrl_c_at_any_moment_ends_in_a_ramp_and_a_release() -> None:
    for when in (0, 1, 7, 31, 150):
        stage = Stage()
        stage.voice.opening = lambda _: 0.8

        def interrupt(_: Any, stage: Stage = stage, when: int = when) -> None:
            stage.ticks.append(_)
            if len(stage.ticks) > when:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            stage.face(watch=interrupt).run()
        stage.assert_at_rest()
        stage.assert_gentle()


class Clicks:
    """A panel on which somebody clicks."""

    def __init__(self, stage: Stage, *clicks: tuple[float, object]) -> None:
        self._stage, self._clicks = stage, sorted(clicks, key=lambda c: c[0])
        self._began = stage.clock.now()
        self.shown: list[dict[str, Any]] = []

    def commands(self) -> list[object]:
        now = self._stage.clock.now() - self._began
        out = [c for at, c in self._clicks if at <= now]
        self._clicks = [(at, c) for at, c in self._clicks if at > now]
        return out

    def show(self, _t: float, _tick: Any, state: dict[str, Any]) -> None:
        self.shown.append(state)


def test_emergency_stop_cuts_the_outputs_at_once_and_stays() -> None:
    stage = Stage()
    stage.voice.opening = lambda _: 0.8
    pressed = 3.0
    began = stage.clock.now()
    with pytest.raises(EmergencyStopError, match="E-STOP"):
        stage.face(panel=Clicks(stage, (pressed, Estop()))).run()
    assert stage.state == State.ESTOP
    assert not stage.core.outputs()[1].any()
    last = stage.line.driven[-1][0] - began
    assert last < pressed + 2 / RATE_HZ + 0.01
    with pytest.raises(DeviceError, match="ESTOP"):
        stage.board.send(stage.clock.now(), FACE.pulses[:, 1])


def test_tune_mode_takes_the_face_and_gives_it_back() -> None:
    stage = Stage()
    stage.voice.opening = lambda _: 0.7
    pose = np.zeros(len(FACE.names))
    pose[JAW] = 0.25
    panel = Clicks(
        stage, (2.0, SetPose(pose)), (4.0, SetPose(None)), (5.0, SetEmotion({"happiness": 0.5}))
    )
    stage.face(6.0, panel=panel).run()
    start = stage.ticks[0].t
    track = jaw(stage)
    times = np.array([max(t.t, 0.0) for t in stage.ticks])
    moment = lambda s: track[np.searchsorted(times, times[times > 0][0] + s)]  # noqa: E731
    assert start <= 0.0
    assert moment(3.0) == pytest.approx(0.25)
    assert moment(4.9) == pytest.approx(0.7)
    assert stage.voice.emotions == [{"happiness": 0.5}]
    assert {"level_db", "celsius", "deadline_met", "link"} <= set(panel.shown[-1])


def test_silence_lets_the_servos_go_and_a_voice_wakes_them() -> None:
    stage = Stage()
    began = stage.clock.now()
    stage.voice.opening = lambda t: 0.5 if stage.voice.speaks(t) else 0.0
    stage.voice.speaks = lambda t: not 2.0 < t - began < 8.0
    live = stage.face(11.0, idle_s=2.0)
    live.run()
    assert live.metrics.sleeps == 1
    driven = np.array([t for t, _ in stage.line.driven]) - began
    asleep = driven[(driven > 5.5) & (driven < 8.0)]
    assert len(asleep) == 0
    assert ((driven > 9.0) & (driven < 11.0)).any()
    assert jaw(stage)[-30:].max() == pytest.approx(0.5, abs=0.01)
    stage.assert_at_rest()
    stage.assert_gentle()


def test_a_cable_pulled_for_two_seconds_is_survived() -> None:
    stage = Stage()
    stage.voice.opening = lambda _: 0.6
    began = stage.clock.now()

    def cable(tick: Any) -> None:
        stage.ticks.append(tick)
        stage.line.cut = 3.0 < stage.clock.now() - began < 5.0

    live = stage.face(10.0, watch=cable)
    live.run()
    driven = [(t - began, p) for t, p in stage.line.driven]
    neutral = FACE.pulses[JAW, 1]
    back = [t for t, p in driven if t > 5.0 and abs(p[JAW] - neutral) > 50]
    assert back[0] - 5.0 < 3.0
    assert live.report()["link"]["reconnects"] == 1
    stage.assert_at_rest()


def test_a_cable_pulled_while_asleep_is_no_harm() -> None:
    stage = Stage()
    began = stage.clock.now()
    stage.voice.opening = lambda t: 0.5 if stage.voice.speaks(t) else 0.0
    stage.voice.speaks = lambda t: not 1.0 < t - began < 12.0
    poll = stage.voice.poll

    def pulled(now: float) -> list[CommandFrame]:
        stage.line.cut = 6.0 < now - began < 9.0
        return poll(now)

    stage.voice.poll = pulled  # type: ignore[method-assign]
    live = stage.face(16.0, idle_s=2.0)
    live.run()
    assert live.metrics.sleeps == 1
    driven = np.array([t for t, _ in stage.line.driven]) - began
    assert not ((driven > 5.0) & (driven < 12.0)).any()
    assert jaw(stage)[-30:].max() == pytest.approx(0.5, abs=0.01)
    stage.assert_at_rest()


def test_a_cable_pulled_for_good_is_an_error_and_the_board_rests_by_itself() -> None:
    stage = Stage()
    stage.voice.opening = lambda _: 0.6
    began = stage.clock.now()

    def cable(_: Any) -> None:
        stage.line.cut = stage.clock.now() - began > 3.0

    with pytest.raises(DeviceError, match="away"):
        stage.face(watch=cable).run()
    stage.line.catch_up()
    assert stage.state == State.FAILSAFE
    np.testing.assert_allclose(stage.line.driven[-1][1][JAW], FACE.pulses[JAW, 1], atol=0.5)


def test_a_stall_is_counted_and_not_made_up_for() -> None:
    stage = Stage()
    stage.voice.opening = lambda t: 0.4 + 0.2 * np.sin(3 * t)

    def stall(tick: Any) -> None:
        stage.ticks.append(tick)
        if len(stage.ticks) in (200, 260):
            stage.clock.sleep(0.1)  # the machine was busy

    live = stage.face(6.0, watch=stall)
    live.run()
    times = np.array([t.t for t in stage.ticks if t.t > 0])
    assert np.diff(times).min() > 0.9 / RATE_HZ  # no burst
    assert live.report()["deadlines_missed"] >= 10
    assert live.report()["deadline_met"] < 0.98
    stage.assert_gentle()


def test_a_hot_servo_backs_off_and_says_so() -> None:
    stage = Stage()
    stage.voice.opening = lambda _: 0.8
    live = stage.face(4.0)
    live.thermal.celsius[JAW] = 75.0
    live.run()
    assert jaw(stage).max() < 0.5
    assert live.metrics.backed_off > 0


def test_the_end_of_a_source_ends_the_run() -> None:
    stage = Stage()
    stage.voice.opening = lambda _: 0.5
    stage.voice.ended = True
    live = stage.face()
    live.run()
    assert stage.clock.now() < 110.0
    stage.assert_at_rest()
