"""The ways in which somebody who is not the panel's own page may try to get in, as bytes.

Each way has all that it may have: where it shows no secret, that is because a foreign page has
none. ``foreign_accepted`` tries them on a panel of its own, which drives nothing.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from mien.robot.errors import MienError
from mien.robot.panel.access import KEY, VIEW
from mien.robot.panel.process import PanelProcess
from mien.robot.panel.window import Window

_PATIENCE_S: Final = 10.0
_NONCE: Final = "dGhlIHNhbXBsZSBub25jZQ=="
_META: Final = re.compile(r'name="mien-key" content="([^"]+)"')
_LISTENS: Final = "0A"


@dataclass(frozen=True)
class Site:
    """A panel that is served, with its secrets, and those of the run before on the same port."""

    port: int
    page_key: str
    socket_key: str
    old_page_key: str
    old_socket_key: str
    pid: int

    @property
    def host(self) -> str:
        """What its own page calls it."""
        return f"127.0.0.1:{self.port}"


def page(
    site: Site, key: str = "", *, host: str = "", method: str = "GET", target: str = "",
    version: str = "1.1", **headers: str,
) -> bool:  # fmt: skip
    """Whether the page is given to a request. ``headers`` have ``_`` for ``-``."""
    first = f"{method} {target or f'/?key={key}'} HTTP/{version}"
    return _status(site, [first, f"Host: {host or site.host}", *_lines(headers)]) == 200


def line(
    site: Site, key: str = "", *, origin: str | None = None, host: str = "", target: str = "/ws",
    version: str = "1.1", **headers: str,
) -> bool:  # fmt: skip
    """Whether a WebSocket is opened. ``origin`` is the page's own where none is given, "" none."""
    own = f"http://{site.host}" if origin is None else origin
    offers = ", ".join(filter(None, (VIEW, key and KEY + key)))
    return _status(
        site,
        [
            f"GET {target} HTTP/{version}", f"Host: {host or site.host}", "Connection: Upgrade",
            "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {_NONCE}",
            f"Sec-WebSocket-Protocol: {offers}", *([f"Origin: {own}"] if own else []),
            *_lines(headers),
        ],
    ) == 101  # fmt: skip


def _second_client(site: Site) -> bool:
    with socket.create_connection(("127.0.0.1", site.port), _PATIENCE_S) as first:
        first.sendall(b"GET /?key=")  # somebody else is on his way in
        return line(site) or page(site)


WAYS: Final[dict[str, Callable[[Site], bool]]] = {
    "foreign origin": lambda s: line(s, s.socket_key, origin="http://foreign.example"),
    "null origin": lambda s: line(s, s.socket_key, origin="null"),
    "origin of another port of the same host": lambda s: line(
        s, s.socket_key, origin=f"http://127.0.0.1:{s.port % 65535 + 1}"
    ),
    "forged host": lambda s: (
        line(
            s, s.socket_key, host=f"rebound.example:{s.port}",
            origin=f"http://rebound.example:{s.port}",
        )
        or page(s, s.page_key, host=f"rebound.example:{s.port}")
    ),
    "right origin without secret": lambda s: line(s) or page(s, Origin=f"http://{s.host}"),
    "secret with foreign origin": lambda s: page(s, s.page_key, Origin="http://foreign.example"),
    "inner port": lambda s: listening(s.pid) != [s.port],
    "secret of an earlier run": lambda s: page(s, s.old_page_key) or line(s, s.old_page_key),
    "secret in a referer": lambda s: (
        line(s, Referer=f"http://{s.host}/?key={s.page_key}")
        or page(s, target="/", Referer=f"http://{s.host}/?key={s.page_key}")
    ),
    "upgraded http 1.0": lambda s: line(s, s.socket_key, version="1.0"),
    "second client without secret": _second_client,
    "stale tab": lambda s: line(s, s.old_socket_key) or page(s, s.old_socket_key),
}  # fmt: skip
"""Name -> whether that way is let in."""


@contextmanager
def served(face: str = "hobby9") -> Iterator[Site]:
    """A panel on a port of its own, where another run had one before.

    Raises:
        MienError: it does not start, or does not let its own page in.
    """
    first = PanelProcess(Window(face, build=None, port=0))
    try:
        port, old_page, old_socket = keys(first.start())
    finally:
        first.close()
    second = PanelProcess(Window(face, build=None, port=port))
    try:
        _, page_key, socket_key = keys(second.start())
        site = Site(port, page_key, socket_key, old_page, old_socket, second.pid)
        if not line(site, site.socket_key):
            raise MienError("the panel does not let its own page in", "mien panel")
        yield site
    finally:
        second.close()


def foreign_accepted() -> int:
    """How many of ``WAYS`` are let in."""
    with served() as site:
        return sum(way(site) for way in WAYS.values())


def listening(pid: int) -> list[int]:
    """TCP ports on which a process of this machine listens, by /proc."""
    own = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            own.add(str(fd.readlink()))
        except OSError:
            continue  # closed since
    ports = []
    for table in ("tcp", "tcp6"):
        file = Path(f"/proc/{pid}/net/{table}")
        for row in file.read_text().splitlines()[1:] if file.exists() else ():
            fields = row.split()
            if fields[3] == _LISTENS and f"socket:[{fields[9]}]" in own:
                ports.append(int(fields[1].rpartition(":")[2], 16))
    return ports


def keys(address: str) -> tuple[int, str, str]:
    """Port, and the secrets of page and socket, of an address that a panel printed."""
    parts = urlsplit(address)
    port, key = parts.port or 80, parse_qs(parts.query)["key"][0]
    with socket.create_connection(("127.0.0.1", port), _PATIENCE_S) as at:
        at.sendall(f"GET /?{parts.query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        text = b"".join(iter(lambda: at.recv(65536), b"")).decode()
    found = _META.search(text)
    if found is None:
        raise MienError("the panel does not give out its own page", "mien panel")
    return port, key, found[1]


def _lines(headers: dict[str, str]) -> list[str]:
    return [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]


def _status(site: Site, head: list[str]) -> int:
    """The status of the answer to a request; 0 where the connection is closed without one."""
    try:
        with socket.create_connection(("127.0.0.1", site.port), _PATIENCE_S) as at:
            at.sendall("\r\n".join((*head, "", "")).encode("latin-1"))
            said = at.recv(64).split(b" ")
    except ConnectionError:
        return 0
    return int(said[1]) if len(said) > 1 and said[1].isdigit() else 0
