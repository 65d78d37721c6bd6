"""Everything that can go wrong, at random and on top of each other, on the emulated board."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mien.firmware.emulator.machine import Kind
from mien.robot import wire
from mien.robot.errors import DeviceError
from mien.robot.link import protocol
from mien.robot.wire import Msg, State
from tests.bench.firmware.avr_face import AvrFace
from tests.firmware.avr_guard import Guard

pytestmark = [pytest.mark.avr, pytest.mark.usefixtures("avr")]

WATCHDOG_RESET = 8


def tricks(face: AvrFace, rng: np.random.Generator) -> list[Callable[[], None]]:
    """Things that happen to a board. None of them waits for an answer."""
    machine = face.machine

    def board() -> int:
        return int(rng.integers(machine.boards))

    def noise() -> None:
        machine.send(rng.integers(0, 256, int(rng.integers(1, 400))).astype(np.uint8).tobytes())

    def torn_upload() -> None:
        for type_, payload in list(face.upload.messages())[: int(rng.integers(1, 12))]:
            face.talk.send(type_, payload)

    def whole_upload() -> None:
        for type_, payload in face.upload.messages():
            face.talk.send(type_, payload)
            face.run(0.001)

    def mend() -> None:
        machine.hold_scl(False)
        machine.hold_sda(False)
        machine.stop_switch(True)
        for index in range(machine.boards):
            machine.board_power(index, True)
            machine.board_refuse(index, False)
            machine.board_refuse_after(index, 0xFFFF)

    def come_back() -> None:
        mend()
        for type_ in (Msg.HELLO, Msg.CLEAR, Msg.DISARM):
            _tell(face, type_)
        whole_upload()
        face.run(0.1)
        _tell(face, Msg.ARM, protocol.pack(wire.Arm(face.upload.crc)))

    return [
        *[come_back] * 6,
        lambda: machine.board_power(board(), False),
        lambda: machine.board_power(board(), True),
        lambda: machine.board_refuse(board(), True),
        lambda: machine.board_refuse(board(), False),
        lambda: machine.board_refuse_after(board(), int(rng.integers(60))),
        lambda: machine.board_refuse_after(board(), 0xFFFF),
        lambda: machine.hold_sda(True, int(rng.integers(0, 12))),
        lambda: machine.hold_sda(False),
        lambda: machine.hold_scl(bool(rng.integers(2))),
        lambda: machine.hold_scl(False),
        lambda: machine.reset(int(rng.choice([1, 2, 4]))),
        lambda: machine.stop_switch(bool(rng.integers(2))),
        lambda: machine.stop_switch(True),
        lambda: face.run(float(rng.uniform(0.0, 0.3))),
        lambda: _tell(face, Msg.HELLO),
        lambda: _tell(face, Msg.ESTOP),
        lambda: _tell(face, Msg.CLEAR),
        lambda: _tell(face, Msg.DISARM),
        lambda: _tell(face, Msg.ARM, protocol.pack(wire.Arm(face.upload.crc))),
        lambda: _tell(face, Msg.ARM, protocol.pack(wire.Arm(face.upload.crc))),
        noise,
        torn_upload,
        whole_upload,
        whole_upload,
    ]


def _tell(face: AvrFace, type_: Msg, payload: bytes = b"") -> None:
    face.talk.send(type_, payload)


def heal(face: AvrFace) -> None:
    """Take every fault away, bring the board back, and insist on a face that moves."""
    machine = face.machine
    for board in range(machine.boards):
        machine.board_refuse(board, False)
        machine.board_refuse_after(board, 0xFFFF)
        machine.board_power(board, True)
    machine.hold_scl(False)
    machine.hold_sda(False)
    machine.stop_switch(True)
    face.run(0.3)
    face.rig.transport.read()
    face.hello()
    face.talk.command(Msg.CLEAR)
    face.talk.command(Msg.DISARM)
    face.ready()
    assert face.state() == State.ARMED
    assert (face.pulses() > 0).all()


@pytest.mark.parametrize("seed", range(6))
def test_chaos(seed: int) -> None:
    rng = np.random.default_rng(seed)
    face = AvrFace()
    face.ready()
    face.machine.watch(Kind.RESET, Kind.CRASH)
    guard = Guard(face)
    choices = tricks(face, rng)
    for _ in range(60):
        choices[int(rng.integers(len(choices)))]()
        for _ in range(int(rng.integers(1, 12))):
            try:
                face.setpoint(face.wave(face.rig.now()))
                face.talk.listen()
            except DeviceError:
                pytest.fail("the emulated line cannot be lost")
            for _ in range(10):
                face.run(0.001)
                guard.look()
    assert not any(
        e.kind == Kind.CRASH or e.value == WATCHDOG_RESET
        for e in face.events(Kind.RESET, Kind.CRASH)
    )
    assert face.machine.watchdog_longest_us < 30_000.0
    assert guard.observed > 20
    heal(face)
    assert face.machine.ram_never_used() > 1024
