"""The paced face of the emulator: a pseudo-terminal that pyserial opens. Nothing is timed here."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mien.firmware.avr.image import build_image
from mien.firmware.emulator.library import build
from mien.robot import wire
from mien.robot.errors import DeviceError
from mien.robot.face.config import load_face
from mien.robot.link import handshake, protocol
from mien.robot.link.dialogue import Dialogue
from mien.robot.link.upload import upload_of
from mien.robot.wire import Msg, Reset, State
from tests.bench.firmware.emulated import TerminalTransport

pytestmark = [pytest.mark.avr, pytest.mark.realtime, pytest.mark.usefixtures("avr")]

PATIENCE_S = 60.0


@pytest.fixture
def line() -> Iterator[TerminalTransport]:
    with TerminalTransport() as line:
        yield line


def hello(talk: Dialogue) -> wire.HelloReply:
    reply = talk.request(Msg.HELLO, b"", Msg.HELLO_REPLY, 0.5, 40)
    return protocol.unpack(wire.HelloReply, reply)


def patiently(call: Callable[[], object]) -> None:
    """Again while an emulator that is kept off the CPU does not answer. Raises the last error."""
    for _ in range(20):
        try:
            call()
        except DeviceError as e:
            if "does not answer" not in e.message:
                raise
        else:
            return
    call()


def test_a_whole_conversation_over_pyserial(line: TerminalTransport) -> None:
    talk = Dialogue(line, time.monotonic)
    face = load_face("hobby9")
    assert hello(talk).protocol_hash == wire.PROTOCOL_HASH
    patiently(lambda: handshake.send_upload(talk, upload_of(face)))
    patiently(lambda: handshake.arm(talk, upload_of(face), face, PATIENCE_S, time.monotonic))
    patiently(lambda: talk.command(Msg.ESTOP))
    assert State(hello(talk).state) == State.ESTOP


def test_faults_are_injected_by_lines_on_stdin(line: TerminalTransport) -> None:
    talk = Dialogue(line, time.monotonic)
    assert Reset(hello(talk).reset) == Reset.POWER
    line.command("watchdog")
    deadline = time.monotonic() + PATIENCE_S
    while Reset(hello(talk).reset) != Reset.WATCHDOG and time.monotonic() < deadline:
        pass
    assert Reset(hello(talk).reset) == Reset.WATCHDOG


def test_the_process_ends_with_its_input(line: TerminalTransport) -> None:
    line.stop()
    with pytest.raises(DeviceError):
        line.read()


def test_an_image_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="did not start"):
        TerminalTransport(str(tmp_path / "none.bin"))


def test_from_the_command_line() -> None:
    command = "from mien.robot.verbs.firmware import app; app()"
    done = subprocess.run(
        [sys.executable, "-c", command, "emulate"],
        input="pulses\n",
        capture_output=True,
        text=True,
        check=True,
    )
    device, *pulses = done.stdout.splitlines()
    assert device.startswith("/dev/")
    assert [[float(us) for us in row.split()] for row in pulses] == [[0.0] * 16] * 3


def test_usage() -> None:
    program = build() / "mien-emulator"
    assert build_image().bin.exists()
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage" in done.stderr
