"""The stop at any moment of a run: how soon the outputs are off, and that nothing undoes it."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.robot import wire
from mien.robot.control.connect import connected, opened
from mien.robot.control.emergency import Emergency
from mien.robot.control.estop_socket import CLOSED, EstopSocket, request
from mien.robot.control.loop import Clock, Loop
from mien.robot.errors import DeviceError, EmergencyStopError, MienError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import load_face
from mien.robot.link import protocol
from mien.robot.live.face import LiveFace
from mien.robot.recording.session import RecordingSession
from mien.robot.wire import State
from tests.bench.firmware.line import Line
from tests.bench.robot.live_flood import Mute
from tests.bench.robot.stop_trials import COURSES, Asking, length_s, trial

FACE = load_face("hobby9")
SAFE = to_pulses(FACE, FACE.safe)
LIMIT_MS = 20.0
LENGTHS = {course: length_s(FACE, course) for course in COURSES}


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.mark.parametrize("course", COURSES)
@settings(max_examples=8, deadline=None)
@given(share=st.floats(0.0, 0.999))
def test_from_the_request_to_outputs_off_it_takes_20_ms_at_any_moment(
    course: str, share: float
) -> None:
    within_20_ms(course, share)


@pytest.mark.slow
@pytest.mark.parametrize("course", COURSES)
@settings(max_examples=60, deadline=None)
@given(share=st.floats(0.0, 0.999))
def test_of_many_more_moments_none_takes_longer(course: str, share: float) -> None:
    within_20_ms(course, share)


def within_20_ms(course: str, share: float) -> None:
    """Stop a course of a run after this share of its time."""
    found = trial(FACE, course, share * LENGTHS[course])
    assert found.error is not None
    assert not found.again
    if found.reached:
        assert found.off_ms <= LIMIT_MS
        assert found.state == State.ESTOP  # latched: no ramp, disarm or goodbye has ended it
        assert found.answer == "ESTOP"
        assert found.error.hint == "look at the face, then mien clear"
    elif found.state != State.ESTOP:  # it was not heard, and that is said
        assert "did not confirm" in found.error.message or "not confirmed" in found.error.message
        assert found.error.hint == "cut the servo supply"
        assert found.answer != "ESTOP"


class Stopped:
    """A run in lock-step, on a line with a board, that is stopped at one moment."""

    def __init__(self, moment: float, line: Line | None = None) -> None:
        self.line, self.heard = line or Line(), EstopSocket()
        self.ends = Asking(self.line, moment, self.heard)

    def follow(self, seconds: float = 2.0, observe: Callable[..., None] = lambda _: None) -> None:
        with connected(FACE, self.ends, self.ends, self.heard) as (board, clock):
            end = clock.now() + seconds
            wanted = np.full(len(FACE.names), 0.2)
            loop = Loop(FACE, board, clock, observe)
            loop.follow(lambda t: wanted if t < end else None)


def test_after_the_stop_line_and_clock_refuse_everything() -> None:
    run = Stopped(0.5)
    with (
        pytest.raises(EmergencyStopError),
        connected(FACE, run.ends, run.ends, run.heard) as (board, clock),
    ):
        board.arm()
        with pytest.raises(EmergencyStopError):
            clock.sleep_until(1.0)
        assert run.line.core.state == State.ESTOP
        run.line.core.newest_setpoint()
        written = run.line.written
        for use in (board.arm, board.disarm, board.clear, lambda: clock.sleep_until(9.0)):
            with pytest.raises(EmergencyStopError):
                use()
        for k in range(90):
            board.send(1.0 + k, SAFE)  # gives nobody a way round it
            board.read()
        assert run.line.written == written
    assert run.line.core.state == State.ESTOP


def test_a_stop_while_the_cable_is_out_is_not_hidden() -> None:
    run = Stopped(0.8)

    def pull(_: object) -> None:
        run.line.unplugged = run.line.now() > 0.7

    told: list[str] = []
    run.heard.stopped = told.append  # type: ignore[assignment,method-assign]
    with pytest.raises(EmergencyStopError, match="gone") as raised:
        run.follow(observe=pull)
    assert raised.value.hint == "cut the servo supply"
    assert told == []  # and whoever asked hears the same
    run.line.advance(1.0)
    assert run.line.core.state == State.FAILSAFE  # by itself


def test_a_cable_that_is_back_is_used_for_the_stop() -> None:
    run = Stopped(0.8)

    class Dead(Asking):
        gone = True

        def write(self, data: bytes) -> None:
            if self.asked and self.gone:
                raise DeviceError("/dev/ttyACM0 is gone")
            super().write(data)

        def reopen(self) -> None:
            self.gone = False

    run.ends = Dead(run.line, 0.8, run.heard)
    with pytest.raises(EmergencyStopError) as raised:
        run.follow()
    assert raised.value.hint == "look at the face, then mien clear"
    assert run.line.core.state == State.ESTOP


def test_a_board_that_answers_with_another_state_has_not_confirmed() -> None:
    run = Stopped(0.8)

    class Lying(Asking):
        def read(self, timeout_s: float = 0.0) -> bytes:
            if self.asked:  # the answer of a board that has been told to arm
                return arm_ack()
            return super().read(timeout_s)

    run.ends = Lying(run.line, 0.8, run.heard)
    with pytest.raises(EmergencyStopError, match="board says ARMED") as raised:
        run.follow()
    assert raised.value.hint == "cut the servo supply"


def arm_ack() -> bytes:
    ack = wire.Ack(wire.Msg.ESTOP, wire.Result.OK, wire.State.ARMED, 0)
    return protocol.encode(wire.Msg.ACK, 0, protocol.pack(ack))


def test_a_stop_during_the_ramp_after_an_error_wins_over_the_error() -> None:
    run = Stopped(1.0)

    def fail(_: object) -> None:
        if run.line.now() > 0.95:
            raise MienError("the voice process died")

    with pytest.raises(EmergencyStopError):
        run.follow(observe=fail)
    assert run.line.core.state == State.ESTOP


@pytest.mark.parametrize("released", [False, True])
def test_a_stop_between_the_last_tick_and_the_goodbye_is_an_error_too(released: bool) -> None:
    run = Stopped(np.inf)
    with (
        pytest.raises(EmergencyStopError),
        connected(FACE, run.ends, run.ends, run.heard) as (board, _),
    ):
        board.arm()
        if released:  # so that close has nothing to say
            board.disarm()
        run.heard.requested.set()
    assert run.line.core.state == State.ESTOP


def test_a_run_that_was_stopped_before_it_began_arms_nothing() -> None:
    run = Stopped(np.inf)
    run.heard.requested.set()
    with pytest.raises(EmergencyStopError):
        run.follow()
    assert run.line.core.state == State.ESTOP


@pytest.mark.parametrize("phase", ["ramp", "follow", "asleep"])
def test_a_run_on_the_rig_is_stopped_from_another_process(phase: str) -> None:
    said: list[str] = []
    with EstopSocket() as heard:
        asker = threading.Thread(target=lambda: said.append(request(heard.path, 60.0)))
        with pytest.raises(EmergencyStopError), opened(FACE, "sim", estop=heard) as at:
            assert at.rig is not None
            core = at.rig.sim.core
            if phase == "asleep":
                asker.start()
                at.clock.sleep_until(at.clock.now() + 20.0)

            def observe(tick: object) -> None:
                begun = phase == "ramp" or tick.t > 0  # type: ignore[attr-defined]
                if begun and asker.ident is None:
                    asker.start()

            Loop(FACE, at.board, at.clock, observe).follow(lambda _: FACE.safe)
        asker.join()
        assert request(heard.path, 60.0) == "ESTOP"  # once more is as good
    assert said == ["ESTOP"]
    assert core.state == State.ESTOP  # type: ignore[attr-defined]
    assert not core.outputs()[1].any()


def test_two_threads_that_wait_stop_the_board_once() -> None:
    told: list[str] = []

    class Counted(EstopSocket):
        def stopped(self, state: str) -> None:
            told.append(state)
            super().stopped(state)

    ended: list[BaseException] = []
    with Counted() as heard:

        def wait(clock: Clock) -> None:
            try:
                while True:
                    clock.sleep_until(clock.now() + 0.05)
            except EmergencyStopError as e:
                ended.append(e)

        with pytest.raises(EmergencyStopError), opened(FACE, "file:/dev/null", estop=heard) as at:
            waiting = [threading.Thread(target=wait, args=(at.clock,)) for _ in range(3)]
            for thread in waiting:
                thread.start()
            assert request(heard.path, 60.0) == "ESTOP"
            for thread in waiting:
                thread.join(60.0)
        assert len(ended) == 3
    assert told == ["ESTOP"]


def test_a_board_that_is_closed_is_said_to_be_closed() -> None:
    with EstopSocket() as heard:
        with opened(FACE, "file:/dev/null", estop=heard):
            pass
        assert request(heard.path, 60.0) == CLOSED


@pytest.mark.parametrize("moment", [0.05, 0.15, 0.9, 1.2, 1.3, 2.5])
def test_a_live_face_is_stopped_awake_on_its_way_to_rest_and_asleep(moment: float) -> None:
    events: list[str] = []

    class Events(RecordingSession):
        def put(self, topic: str, t: float, content: dict[str, Any]) -> None:  # noqa: ARG002
            if topic == "/event":
                events.append(content["what"])

    run = Stopped(moment)
    with (
        pytest.raises(EmergencyStopError),
        connected(FACE, run.ends, run.ends, run.heard) as (board, clock),
    ):
        LiveFace(FACE, board, clock, Mute(), idle_s=1.0, recording=Events(FACE)).run()
    assert run.line.core.state == State.ESTOP
    assert run.line.now() - moment < LIMIT_MS / 1e3
    if moment > 0.1:  # it had begun
        assert events[0] == "awake"
        assert events[-1] == "estop"
        assert ("asleep" in events) == (moment > 2.0)


def test_a_wait_on_the_line_ends_at_the_request() -> None:
    run = Stopped(0.01)
    line = Emergency(run.ends, run.ends, run.heard).line
    with pytest.raises(EmergencyStopError):
        line.read(0.1)
    assert run.line.now() < 0.02
    assert run.line.core.state == State.ESTOP
