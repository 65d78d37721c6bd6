"""The socket of a run: who may ask, what is answered, and what is left behind."""

import os
import socket
import threading
from pathlib import Path

import pytest

from mien.robot.control import estop_socket
from mien.robot.control.estop_socket import (
    CLOSED,
    REQUEST,
    Answer,
    EstopSocket,
    folder,
    request,
    request_stop,
    sockets,
)
from mien.robot.errors import DeviceError
from tests.robot.waiting import until

pytestmark = pytest.mark.realtime

PATIENCE_S = 60.0  # what a busy machine may take, no measurement


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of this test alone, so that no run of anybody else is found."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "mien"


def raw(path: Path, said: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.settimeout(PATIENCE_S)
        other.connect(str(path))
        try:
            other.sendall(said)
            other.shutdown(socket.SHUT_WR)
            return other.recv(4096)
        except ConnectionError:  # hung up on while still talking
            return b""


def test_a_request_wakes_the_run_and_is_answered_when_the_outputs_are_off() -> None:
    with EstopSocket() as run:
        run.attach("/dev/ttyACM0")
        heard: list[Answer] = []
        asker = threading.Thread(target=lambda: heard.append(request_stop(run.path, PATIENCE_S)))
        asker.start()
        assert run.wake.wait(PATIENCE_S)
        assert run.requested.is_set()
        assert not heard  # not before the board has said so
        run.stopped("ESTOP")
        asker.join(PATIENCE_S)
        assert heard == [Answer("ESTOP", "/dev/ttyACM0")]
        assert request(run.path, PATIENCE_S) == "ESTOP"  # asked twice is as good


def test_a_board_that_did_not_confirm_is_said_with_what_to_do() -> None:
    with EstopSocket() as run:
        run.attach("sim")
        run.failed("the line is gone")
        with pytest.raises(DeviceError, match="the line is gone") as raised:
            request(run.path)
        assert raised.value.hint == "cut the servo supply"


def test_a_run_that_hangs_is_not_taken_for_stopped() -> None:
    with EstopSocket() as run:
        run.attach("sim")
        with pytest.raises(DeviceError, match="did not confirm") as raised:
            request(run.path, timeout_s=0.05)
        assert raised.value.hint == "cut the servo supply"
        assert run.requested.wait(PATIENCE_S)


def test_a_run_that_never_answers_is_said_to_be_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estop_socket, "ANSWER_S", 0.02)
    with EstopSocket() as run:
        run.attach("sim")
        with pytest.raises(DeviceError, match="busy") as raised:
            request(run.path, timeout_s=PATIENCE_S)
        assert raised.value.hint == "cut the servo supply"


def test_a_run_without_a_board_says_so_and_ends_by_it() -> None:
    with EstopSocket() as run:
        assert request(run.path, PATIENCE_S) == CLOSED
        assert run.requested.is_set()


def test_whoever_waits_hears_that_the_board_was_closed() -> None:
    heard: list[str] = []
    with EstopSocket() as run:
        run.attach("sim")
        asker = threading.Thread(target=lambda: heard.append(request(run.path, PATIENCE_S)))
        asker.start()
        assert run.wake.wait(PATIENCE_S)
    asker.join(PATIENCE_S)
    assert heard == [CLOSED]


@pytest.mark.parametrize(
    "said", [b"", b"\n", b"STOP", b"ESTOP", b"ESTOP ", b"\0" * 4096, b"ESTOQ\n"]
)
def test_anything_else_is_not_heard_and_not_answered(said: bytes) -> None:
    with EstopSocket() as run:
        run.attach("sim")
        assert raw(run.path, said) == b""
        assert not run.requested.is_set()
        run.stopped("ESTOP")
        assert raw(run.path, REQUEST) == b'{"state": "ESTOP", "port": "sim"}\n'


def test_many_who_say_nothing_do_not_keep_the_stop_out() -> None:
    with EstopSocket() as run:
        run.attach("sim")
        run.stopped("ESTOP")
        idle = []
        for _ in range(20):
            idle.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            idle[-1].connect(str(run.path))
        assert request(run.path, PATIENCE_S) == "ESTOP"
        for other in idle:
            other.close()


def test_socket_and_folder_are_for_this_user_alone(home: Path) -> None:
    with EstopSocket() as run:
        assert run.path.parent == home
        assert run.path.name.startswith(f"{os.getpid()}-")
        assert run.path.stat().st_mode & 0o777 == 0o600
        assert home.stat().st_mode & 0o777 == 0o700
    assert not run.path.exists()


def test_another_user_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    with EstopSocket() as run:
        run.attach("sim")
        run.stopped("ESTOP")
        monkeypatch.setattr("mien.robot.control.estop_socket.os.getuid", lambda: 4711)
        monkeypatch.setattr("struct.unpack", lambda *_: (1, 4712, 1))
        assert raw(run.path, REQUEST) == b""
        assert not run.requested.is_set()


def test_a_socket_of_somebody_else_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    with EstopSocket() as run:
        monkeypatch.setattr("struct.unpack", lambda *_: (1, 4712, 1))
        with pytest.raises(DeviceError, match="somebody else"):
            request(run.path)


def test_sockets_of_runs_that_were_killed_are_removed(home: Path) -> None:
    home.mkdir(mode=0o700)
    dead = home / "999999-0.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as killed:
        killed.bind(str(dead))
    file = home / "1-0.sock"
    file.write_text("not a socket")
    with EstopSocket() as run, EstopSocket() as other:
        assert sockets() == sorted([run.path, other.path])
        assert not dead.exists()
        assert file.exists()
    with pytest.raises(DeviceError, match="no run listens"):
        request(dead)


@pytest.mark.parametrize("wrong", ["open", "link", "file"])
def test_a_folder_that_others_could_write_to_is_refused(home: Path, wrong: str) -> None:
    if wrong == "open":
        home.mkdir(mode=0o700)
        home.chmod(0o770)
    elif wrong == "link":
        (home.parent / "elsewhere").mkdir(mode=0o700)
        home.symlink_to(home.parent / "elsewhere")
    else:
        home.write_text("")
    with pytest.raises(DeviceError, match="mien") as raised:
        EstopSocket().__enter__()
    assert str(home) in raised.value.hint


@pytest.mark.parametrize("base", ["", "/nowhere/at/all", "long"])
def test_without_a_runtime_folder_one_of_this_user_in_tmp_is_made(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if base == "long":
        deep = tmp_path / ("x" * 100)
        deep.mkdir()
        base = str(deep)
    monkeypatch.setenv("XDG_RUNTIME_DIR", base)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert folder() == tmp_path / f"mien-{os.getuid()}"
    assert folder().stat().st_mode & 0o777 == 0o700


def test_the_end_of_a_run_leaves_no_thread() -> None:
    before = threading.active_count()
    with EstopSocket() as run:
        assert request(run.path, PATIENCE_S) == CLOSED
    assert until(lambda: threading.active_count() == before, PATIENCE_S)
