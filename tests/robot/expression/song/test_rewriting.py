"""Subtitles that a program or a server of the user's choice rewrites."""

from __future__ import annotations

import resource
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mien.models.errors import MienError
from mien.models.song.subtitles import cue, write
from mien.robot.expression.song import rewriting
from mien.robot.expression.song.rewriting import rewritten

DRAFT = (cue(1.0, 2.0, "mouth", "ah", 0.4, "la"),)
SMILE = cue(1.0, 2.0, "mouth", "smile", 0.5)


def program(code: str) -> str:
    return f'"{sys.executable}" -c "{code}"'


def test_a_program_gets_the_draft_and_its_answer_is_read() -> None:
    code = (
        "import json, sys; q = json.load(sys.stdin); assert 'brows' in q['task']; "
        "assert q['heard'] == {'voice': True}; "
        "print('Here it is:'); print(chr(96) * 3 + 'srt'); "
        "print(q['subtitles'].replace('ah, 0.4', 'smile, 0.5').replace('# la' + chr(10), '')); "
        "print(chr(96) * 3)"
    )
    assert rewritten(program(code), DRAFT, {"voice": True}) == (SMILE,)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print('I cannot do that.')", "no usable motion subtitles"),
        ("pass", "no cue"),
        ("raise SystemExit(3)", "exit code 3"),
        ("print('x' * 3000000)", "more than"),
    ],
)
def test_an_answer_that_is_no_file_is_refused(code: str, said: str) -> None:
    with pytest.raises(MienError) as error:
        rewritten(program(code), DRAFT, {})
    assert said in error.value.message


@pytest.mark.parametrize("asked", ["", "no-such-program-of-mien", '"', "http://127.0.0.1:9/x"])
def test_what_cannot_be_asked_is_named(asked: str) -> None:
    with pytest.raises(MienError):
        rewritten(asked, DRAFT, {})


class _Server(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Answer one cue."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(write([SMILE]).encode())

    def log_message(self, *_given: object) -> None:
        """Say nothing."""


def test_a_server_may_answer() -> None:
    server = HTTPServer(("127.0.0.1", 0), _Server)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/subtitles"
        assert rewritten(address, DRAFT, {}) == (SMILE,)
    finally:
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "answer",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 300 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_a_server_that_speaks_no_http_is_named(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line:
                line.recv(1 << 16)
                line.sendall(answer)
                line.shutdown(socket.SHUT_WR)
                while line.recv(1 << 16):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(MienError, match="did not answer"):
            rewritten(address, DRAFT, {})
        thread.join()


@pytest.mark.parametrize("address", ["http://a b/", "http://127.0.0.1:port/", "http://\0"])
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(MienError, match="did not answer"):
        rewritten(address, DRAFT, {})


def test_a_program_that_answers_without_end_is_stopped_at_the_limit() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(MienError, match="more than"):
        rewritten(program("while True: print('x' * 65536)"), DRAFT, {})
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_a_program_that_does_not_answer_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewriting, "TIMEOUT_S", 0.5)
    with pytest.raises(MienError, match="within"):
        rewritten(program("import time; time.sleep(30)"), DRAFT, {})


def test_a_child_that_outlives_its_program_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rewriting, "TIMEOUT_S", 0.5)
    begun = time.monotonic()
    with pytest.raises(MienError, match="within"):
        rewritten(program("import subprocess; subprocess.run(['sleep', '8'])"), DRAFT, {})
    assert time.monotonic() - begun < 5.0
