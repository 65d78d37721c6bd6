"""Emergency stop from outside a run: a Unix socket of its own, which no other message can delay.

A run that drives a board owns one ``EstopSocket``. ``request`` reaches it from any process of the
same user. The answer comes when the outputs are off, or gives the reason why that is unknown. The
socket has no other function.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import stat
import struct
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from threading import BoundedSemaphore, Condition, Event, Thread
from typing import Final, Self

from mien.robot.errors import DeviceError

REQUEST: Final = b"ESTOP\n"
CLOSED: Final = "CLOSED"
"""Answered by a run that has no board open: it drives nothing, and it ends."""
CUT: Final = "cut the servo supply"

_ANSWER_MAX: Final = 1024
_MAX_CLIENTS: Final = 32
_REQUEST_S: Final = 0.25
"""How long somebody who has connected may take to send its request."""
ANSWER_S: Final = 3.0
"""A run that has not answered after so long is reported as busy."""
_PROBE_S: Final = 0.1
_PATH_MAX: Final = 107
_NUMBERS = count()


@dataclass(frozen=True)
class Answer:
    """Answer of a run: state of the board by name, and port of the board."""

    state: str
    port: str


class EstopSocket:
    """Receives the stop request of one run, from entering to leaving.

    Attributes:
        path: for ``request``.
        requested: set by the stop request and never cleared; it ends the run.
        wake: event for clocks to wait on, so that they wake at the request.

    Raises:
        DeviceError: on entering, if no folder belongs to this user alone.
    """

    def __init__(self) -> None:
        self.requested = Event()
        self.wake = self.requested
        self.path = Path()
        self._turn = Condition()
        self._port: str | None = None
        self._result: dict[str, str] | None = None
        self._clients = BoundedSemaphore(_MAX_CLIENTS)
        self._waiting = 0

    @property
    def port(self) -> str | None:
        """The port whose board the run drives; None before it is known and after it is closed."""
        return self._port

    def __enter__(self) -> Self:
        home = folder()
        sockets()  # forgets those of runs that were killed
        name = f"{os.getpid()}-{next(_NUMBERS)}.sock"
        self.path, hidden = home / name, home / f".{name}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            hidden.unlink(missing_ok=True)
            self._socket.bind(str(hidden))
            hidden.chmod(0o600)
            self._socket.listen(_MAX_CLIENTS)
            hidden.rename(self.path)  # nobody sees one that does not listen yet
        except OSError as e:
            self._socket.close()
            raise DeviceError(
                f"no E-STOP socket {self.path}: {e.strerror}", f"ls -la {home}"
            ) from e
        self._thread = Thread(target=self._listen, name="estop", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)
        self.detach()
        with self._turn:  # this may be the end of the process, and somebody waits for a word
            self._turn.wait_for(lambda: self._waiting == 0, _REQUEST_S)
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # ends accept()
        self._thread.join()
        self._socket.close()

    def attach(self, port: str) -> None:
        """A board is open on ``port``. ``stopped`` or ``failed`` answers for it."""
        with self._turn:
            self._port = port

    def detach(self) -> None:
        """The board is closed. Waiting and later requests get this answer."""
        with self._turn:
            self._port = None
            self._turn.notify_all()

    def stopped(self, state: str) -> None:
        """Outputs are off; the board is in ``state``."""
        self._answer(asdict(Answer(state, self._port or "")))

    def failed(self, why: str) -> None:
        """The board did not confirm."""
        self._answer({"error": why})

    def _answer(self, result: dict[str, str]) -> None:
        with self._turn:
            self._result = result
            self._turn.notify_all()

    def _listen(self) -> None:
        while True:
            self._clients.acquire()
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            Thread(target=self._serve, args=(client,), name="estop-client", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client:
                client.settimeout(_REQUEST_S)
                if _ours(client) and _line(client, len(REQUEST)) == REQUEST:
                    self.requested.set()
                    self._reply(client)
        except OSError:
            pass  # the client has gone; the stop was received
        finally:
            self._clients.release()

    def _reply(self, client: socket.socket) -> None:
        with self._turn:
            self._waiting += 1
        try:
            client.sendall(json.dumps(self._outcome()).encode() + b"\n")
        finally:
            with self._turn:
                self._waiting -= 1
                self._turn.notify_all()

    def _outcome(self) -> dict[str, str]:
        """The answer, once it is known."""
        with self._turn:
            known = self._turn.wait_for(lambda: bool(self._result) or self._port is None, ANSWER_S)
            if self._result:
                return self._result
        return asdict(Answer(CLOSED, "")) if known else {"error": "the run is busy"}


def request(path: Path, timeout_s: float = 1.0) -> str:
    """Request the stop of the run at ``path``. Returns the state of the board once it is off.

    The state is ``ESTOP``, or ``CLOSED`` from a run without an open board.

    Raises:
        DeviceError: there is no run, or the stop was not confirmed.
    """
    return request_stop(path, timeout_s).state


def request_stop(path: Path, timeout_s: float = 1.0) -> Answer:
    """As ``request``, with the port of the board."""
    who = f"the run of process {path.stem.partition('-')[0]}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as run:
            run.settimeout(timeout_s)
            run.connect(str(path))
            if not _ours(run):
                raise DeviceError(f"{path} belongs to somebody else", "mien estop")
            run.sendall(REQUEST)
            answer = json.loads(_line(run, _ANSWER_MAX))
            if "error" in answer:
                raise DeviceError(f"{who} did not confirm the stop: {answer['error']}", CUT)
            return Answer(str(answer["state"]), str(answer["port"]))
    except (FileNotFoundError, ConnectionRefusedError) as e:
        raise DeviceError(f"no run listens on {path}", "mien estop") from e
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise DeviceError(f"{who} did not confirm the stop: {e}", CUT) from e


def sockets() -> list[Path]:
    """Sockets of the running runs of this user. Those of ended runs are removed."""
    return [path for path in sorted(folder().glob("[!.]*.sock")) if _alive(path)]


def folder() -> Path:
    """Folder of the sockets: ``$XDG_RUNTIME_DIR/mien``, or a folder of this user in /tmp.

    Raises:
        DeviceError: it is a link, has another owner, or others may write there.
    """
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    home = Path(base) / "mien"
    # A path that is too long for a socket is as good as none.
    if not (base and Path(base).is_dir() and len(os.fsencode(home)) < _PATH_MAX - 24):
        home = Path(tempfile.gettempdir()) / f"mien-{os.getuid()}"
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        found = home.lstat()
    except OSError as e:
        raise DeviceError(f"no folder for E-STOP, {home}: {e.strerror}", f"ls -ld {home}") from e
    private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    if not private or found.st_uid != os.getuid():
        raise DeviceError(
            f"the folder for E-STOP, {home}, must be of this user alone (mode 0700, no link)",
            f"ls -ld {home}, then remove it",
        )
    return home


def _alive(path: Path) -> bool:
    if not stat.S_ISSOCK(path.lstat().st_mode):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as run:
        run.settimeout(_PROBE_S)
        try:
            run.connect(str(path))
        except OSError as e:
            if e.errno in (errno.ECONNREFUSED, errno.ENOENT):
                path.unlink(missing_ok=True)  # its run was killed
                return False
    return True  # a run that is too busy to say so lives


def _ours(other: socket.socket) -> bool:
    """The process at the other end runs as this user, or as root."""
    size = struct.calcsize("3i")
    _pid, uid, _gid = struct.unpack(
        "3i", other.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    )
    return uid in (os.getuid(), 0)


def _line(other: socket.socket, max_bytes: int) -> bytes:
    """One line of at most ``max_bytes`` bytes."""
    data = b""
    while len(data) < max_bytes and not data.endswith(b"\n"):
        part = other.recv(max_bytes - len(data))
        if not part:
            break
        data += part
    return data
