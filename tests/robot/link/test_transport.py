"""Bytes over a pty, into a file, into the core in this process; and ports that fail."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
import serial
from serial.tools import list_ports

from mien.firmware.host import HostCore
from mien.robot import wire
from mien.robot.control.connect import opened
from mien.robot.errors import DeviceError, InputError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import load_face
from mien.robot.link import discovery
from mien.robot.link.board import Board
from mien.robot.link.protocol import Deframer
from mien.robot.link.transport import CoreTransport, FileTransport, SerialTransport, dry_run
from mien.robot.wire import Msg, State
from tests.robot.waiting import until

pytestmark = pytest.mark.realtime

FACE = load_face("hobby9")
QUIET = 100  # ms


class Clock:
    """Simulated seconds."""

    def __init__(self) -> None:
        self.t = 0.0

    def now(self) -> float:
        return self.t

    def sleep(self, seconds: float) -> None:
        self.t += seconds


@contextmanager
def board_on_a_pty() -> Iterator[tuple[str, HostCore]]:
    """The path of a port with a core behind it. Its time stands still while nobody writes to it, so
    that a host which is kept off the CPU is not silent for it."""
    master, slave = os.openpty()
    os.set_blocking(master, False)
    core, stop = HostCore(), threading.Event()

    def serve() -> None:
        now, quiet = 0, 0
        while not stop.wait(0.001):
            quiet += 1
            with suppress(BlockingIOError):
                core.receive(os.read(master, 4096), now)
                quiet = 0
            if quiet < QUIET:
                now += 1000
                core.tick(now)
            if answer := core.transmit():
                os.write(master, answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield os.ttyname(slave), core
    finally:
        stop.set()
        thread.join()
        os.close(master)
        os.close(slave)


def test_a_face_is_driven_through_a_pty() -> None:
    with board_on_a_pty() as (path, core):
        board = Board(FACE, SerialTransport(path), time.monotonic)
        board.connect()
        board.arm()
        assert core.state == State.ARMED
        board.send(time.monotonic(), to_pulses(FACE, FACE.safe))
        assert np.isfinite(board.outputs()).all()
        board.close()
        board.close()
        assert until(lambda: core.state == State.DISARMED, 60.0)


def test_a_port_is_found_by_its_hello(monkeypatch: pytest.MonkeyPatch) -> None:
    with board_on_a_pty() as (path, _):
        found = discovery.probe(path, "a pty", 30.0)
        assert (found.mien, found.state) == (True, "Mien board, UNCONFIGURED")
        monkeypatch.setattr(wire, "PROTOCOL_HASH", 1)
        other = discovery.probe(path, "a pty", 30.0)
        assert not other.mien and "mien firmware flash" in other.state


def test_a_port_with_something_else_behind_it_is_no_board() -> None:
    master, slave = os.openpty()
    try:
        assert discovery.probe(os.ttyname(slave), "", 0.2).state == "no Mien board"
    finally:
        os.close(master)
        os.close(slave)


def test_a_port_that_is_not_there() -> None:
    found = discovery.probe("/dev/ttyMien404")
    assert not found.mien and "cannot open /dev/ttyMien404" in found.state
    with pytest.raises(DeviceError, match="cannot open"):
        SerialTransport("/dev/ttyMien404")


def test_a_port_that_another_program_holds_is_said_to_be_in_use_but_not_to_an_estop() -> None:
    master, slave = os.openpty()
    first = SerialTransport(os.ttyname(slave), alone=True)
    try:
        with pytest.raises(DeviceError, match="in use by another program"):
            SerialTransport(os.ttyname(slave), alone=True)
        stop = SerialTransport(os.ttyname(slave))
        stop.write(b"stop")
        assert os.read(master, 4) == b"stop"
        stop.close()
    finally:
        first.close()
        os.close(slave)
        os.close(master)


def test_no_port_and_two_ports_are_both_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def ports(count: int) -> list[discovery.Port]:
        return [discovery.Port(f"/dev/ttyACM{k}", "", "Mien board", True) for k in range(count)]

    for count, named in ((0, "none"), (2, "/dev/ttyACM0, /dev/ttyACM1")):
        monkeypatch.setattr(discovery, "find_ports", lambda count=count: ports(count))
        with pytest.raises(DeviceError, match=named):
            discovery.open_board_port()


def test_find_ports_answers_for_every_port_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    class Listed:
        device, description = "/dev/ttyMien404", "nobody"

    monkeypatch.setattr(list_ports, "comports", lambda: [Listed()])
    (found,) = discovery.find_ports(0.1)
    assert (found.device, found.description, found.mien) == ("/dev/ttyMien404", "nobody", False)


def test_a_cable_that_is_pulled_is_a_device_error() -> None:
    master, slave = os.openpty()
    line = SerialTransport(os.ttyname(slave))
    os.close(slave)
    os.close(master)
    with pytest.raises(DeviceError, match="is gone"):
        for _ in range(10):
            line.write(b"\0" * 10)
            line.read()
    with pytest.raises(DeviceError):
        line.write(b"\0")
    with pytest.raises(DeviceError, match="cannot open"):
        line.reopen()
    line.close()


def test_a_write_that_times_out_is_counted_and_its_rest_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    master, slave = os.openpty()
    line = SerialTransport(os.ttyname(slave))

    def late(_self: serial.Serial, _data: bytes) -> int:
        raise serial.SerialTimeoutException("Write timeout")

    with monkeypatch.context() as patched:
        patched.setattr(serial.Serial, "write", late)
        line.write(b"\x05abc")
    assert line.write_timeouts == 1
    line.write(b"\x02x\0")
    assert os.read(master, 100) == b"\0\x02x\0"
    line.write(b"\x02y\0")
    assert os.read(master, 100) == b"\x02y\0"
    line.close()
    os.close(master)
    os.close(slave)


def test_read_waits_no_longer_than_it_is_told() -> None:
    master, slave = os.openpty()
    line = SerialTransport(os.ttyname(slave))
    assert line.read() == b""
    assert line.read(0.01) == b""
    os.write(master, b"abc")
    got = b""
    while len(got) < 3:
        got += line.read(1.0)
    assert got == b"abc"
    line.close()
    os.close(master)
    os.close(slave)


def test_dry_run_writes_the_bytes_that_the_board_would_get(tmp_path: Path) -> None:
    clock, core = Clock(), HostCore()
    path = tmp_path / "bytes.bin"
    with FileTransport(path, CoreTransport(core, clock.now, clock.sleep)) as line:
        board = Board(FACE, line, clock.now)
        board.connect()
        board.arm()
        for _ in range(50):
            clock.sleep(0.02)
            board.send(clock.now(), to_pulses(FACE, FACE.safe))
            board.read()
        board.close()
    kinds = [frame.type for frame in Deframer().feed(path.read_bytes())]
    assert kinds[0] == Msg.HELLO
    assert kinds.count(Msg.CONFIG_CHANNEL) == len(FACE.names)
    assert kinds.count(Msg.SETPOINT) == 50
    assert kinds[-1] == Msg.DISARM


def test_a_dry_run_played_into_another_core_configures_it_the_same(tmp_path: Path) -> None:
    clock, core = Clock(), HostCore()
    path = tmp_path / "bytes.bin"
    with FileTransport(path, CoreTransport(core, clock.now, clock.sleep)) as line:
        Board(FACE, line, clock.now).connect()
    again = HostCore()
    again.tick(0)
    again.receive(path.read_bytes())
    assert again.state == State.DISARMED
    assert again.native.config_crc == core.native.config_crc


def test_core_transport_keeps_the_board_in_time_with_its_clock() -> None:
    clock, core = Clock(), HostCore()
    line = CoreTransport(core, clock.now, clock.sleep)
    board = Board(FACE, line, clock.now)
    board.connect()
    board.arm()
    clock.sleep(0.1)
    line.catch_up()
    assert core.state == State.ARMED
    clock.sleep(0.2)
    line.catch_up()
    assert core.state == State.FAILSAFE
    clock.sleep(3600.0)
    line.catch_up()  # a laptop that slept
    assert core.violations == 0
    assert wire.State(core.state) == State.FAILSAFE


def test_port_file_is_a_dry_run_of_any_verb(tmp_path: Path) -> None:
    path = tmp_path / "bytes.bin"
    with opened(FACE, f"file:{path}") as at:
        at.board.arm()
        at.board.send(at.clock.now(), to_pulses(FACE, FACE.safe))
    kinds = [frame.type for frame in Deframer().feed(path.read_bytes())]
    assert kinds.count(Msg.SETPOINT) == 1 and kinds[-1] == Msg.DISARM


def test_a_dry_run_into_a_folder_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        dry_run(tmp_path / "nowhere" / "bytes.bin")
