"""What systemd is told."""

import socket
from pathlib import Path

import pytest

from mien.robot.service.notify import ALIVE, READY, notify


def test_the_manager_gets_one_datagram_with_a_line_of_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        assert notify(READY)
        assert notify(ALIVE, "two\nlines")
        assert manager.recv(1000) == b"READY=1"
        assert manager.recv(1000) == b"WATCHDOG=1\nSTATUS=two lines"
    assert not notify(READY)  # nobody listens any more
    monkeypatch.delenv("NOTIFY_SOCKET")
    assert not notify(READY)


def test_an_abstract_address_works_and_a_full_one_never_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("")
        address = manager.getsockname()
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + address[1:].decode())
        assert notify(READY)
        assert [notify(ALIVE) for _ in range(10_000)][-1] is False
