"""The link's own Board against the emulated ATmega2560, in lock-step."""

from __future__ import annotations

import numpy as np
import pytest

from mien.firmware.emulator.machine import Kind
from mien.robot.errors import DeviceError
from mien.robot.face.config import load_face
from mien.robot.link.board import Board
from mien.robot.wire import State
from tests.bench.firmware.emulated import EmulatedTransport, LockStep
from tests.lacking import skip

pytestmark = pytest.mark.avr
PERIOD_S = 0.01


def make() -> LockStep:
    try:
        return LockStep(load_face("hobby9"))
    except DeviceError as e:
        if not e.hint:  # it is all there, and does not compile
            raise
        skip(e)


@pytest.fixture
def rig() -> LockStep:
    return make()


def play(rig: LockStep, board: Board, seconds: float, swing_us: float = 0.0) -> None:
    """Send a slow sine at 100 Hz and read what comes back, as the loop does."""
    end = rig.now() + seconds
    while rig.now() < end:
        t = rig.now()
        board.send(t, rig.face.pulses[:, 1] + swing_us * np.sin(2 * np.pi * t))
        board.read()
        rig.sleep(max(0.0, t + PERIOD_S - rig.now()))


def test_connect_arm_move_disarm(rig: LockStep) -> None:
    board = Board(rig.face, rig.transport, rig.now)
    board.connect()
    assert not rig.avr.drive
    board.arm()
    play(rig, board, 1.0)
    pulses, powered = rig.avr.outputs()
    assert powered.all()
    assert np.abs(pulses / 4 - rig.face.pulses[:, 1]).max() <= 122 / 25 / 2 + 0.125
    assert board.read() is not None
    board.close()
    rig.run(0.01)
    assert not rig.avr.drive
    assert not rig.avr.outputs()[1].any()


def test_a_reset_in_motion_is_mended_and_ramps(rig: LockStep) -> None:
    board = Board(rig.face, rig.transport, rig.now)
    board.connect()
    board.arm()
    play(rig, board, 1.0, swing_us=100.0)
    rig.avr.machine.reset()
    rig.run(0.003)
    assert not rig.avr.drive
    play(rig, board, 3.0, swing_us=100.0)
    assert board.counters.reconnects == 1
    assert rig.avr.drive
    telemetry = board.read()
    assert telemetry is not None and telemetry.state == State.ARMED


def test_a_pulled_cable_is_failsafe_and_comes_back(rig: LockStep) -> None:
    board = Board(rig.face, rig.transport, rig.now)
    board.connect()
    board.arm()
    play(rig, board, 1.0, swing_us=100.0)
    rig.transport.reopen()
    rig.run(1.0)
    assert rig.avr.drive  # ramped to safe, and holding
    play(rig, board, 3.0, swing_us=100.0)
    telemetry = board.read()
    assert telemetry is not None and telemetry.state == State.ARMED


def test_the_same_bytes_give_the_same_motion(rig: LockStep) -> None:
    def once(face_rig: LockStep) -> list[bytes]:
        board = Board(face_rig.face, face_rig.transport, face_rig.now)
        board.connect()
        board.arm()
        seen = []
        for _ in range(20):
            play(face_rig, board, 0.05, swing_us=150.0)
            seen.append(face_rig.avr.machine.pulses().tobytes())
        return seen

    assert once(rig) == once(make())


def test_time_that_is_asked_for_is_the_boards_time(rig: LockStep) -> None:
    rig.avr.machine.watch(Kind.RESET, Kind.CRASH)
    before = rig.avr.machine.now_us
    rig.run(0.25)
    assert rig.avr.machine.now_us - before == pytest.approx(250_000.0, abs=1.0)
    assert rig.transport.read(0.1) == b""
    assert rig.now() == pytest.approx(0.35)
    assert not rig.avr.machine.events()


def test_a_clock_that_jumps_ahead_does_not_make_the_board_catch_up(rig: LockStep) -> None:
    """A suspended laptop: an hour must not be emulated."""
    clock = [0.0]
    line = EmulatedTransport(rig.avr, lambda: clock[0], lambda _: None)
    before = rig.avr.machine.now_us
    clock[0] = 3600.0
    line.catch_up()
    assert rig.avr.machine.now_us - before < 6e6


def test_a_missing_emulator_is_a_device_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.firmware.tools.cache import BuildError

    def missing(*_: object, **__: object) -> None:
        raise BuildError("no libsimavr", "sudo apt install libsimavr-dev")

    monkeypatch.setattr("mien.firmware.emulator.board.EmulatedAvr", missing)
    with pytest.raises(DeviceError, match="no libsimavr") as caught:
        LockStep(load_face("hobby9"))
    assert "apt install" in caught.value.hint
