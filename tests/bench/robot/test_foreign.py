"""Whoever is not the panel's own page gets 403, before any handshake."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest

from mien.robot.panel.access import KEY, STOP, VIEW, Access, RequestInfo
from tests.bench.robot.foreign import WAYS, Site, line, listening, page, served


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with served() as found:
        yield found


@pytest.mark.parametrize("way", sorted(WAYS))
def test_no_foreign_way_is_let_in(site: Site, way: str) -> None:
    assert not WAYS[way](site)


def test_its_own_page_is_let_in(site: Site) -> None:
    own = f"http://{site.host}"
    assert page(site, site.page_key)
    assert page(site, site.page_key, Origin=own)
    assert line(site, site.socket_key)


MORE = {
    "no origin at all": lambda s: line(s, s.socket_key, origin=""),
    "origin with https": lambda s: line(s, s.socket_key, origin=f"https://{s.host}"),
    "origin with a path": lambda s: line(s, s.socket_key, origin=f"http://{s.host}/"),
    "origin that only begins right": lambda s: line(
        s, s.socket_key, origin=f"http://{s.host}.foreign.example"
    ),
    "a second origin": lambda s: line(s, s.socket_key, Origin="http://foreign.example"),
    "a name of this machine that was not said": lambda s: line(
        s, s.socket_key, host=f"localhost:{s.port}", origin=f"http://localhost:{s.port}"
    ),
    "host without its port": lambda s: line(
        s, s.socket_key, host="127.0.0.1", origin="http://127.0.0.1"
    ),
    "a second host": lambda s: line(s, s.socket_key, Host="foreign.example"),
    "secret in a cookie": lambda s: (
        line(s, Cookie=f"mien={s.socket_key}; key={s.page_key}")
        or page(s, Cookie=f"key={s.page_key}")
    ),
    "secret in an authorization": lambda s: line(s, Authorization=f"Bearer {s.socket_key}"),
    "socket's secret in the address": lambda s: line(s, target=f"/ws?key={s.socket_key}"),
    "page's secret in the socket's place": lambda s: line(s, s.page_key),
    "socket's secret in the page's place": lambda s: page(s, s.socket_key),
    "an extension that nobody offered us": lambda s: line(
        s, "", Sec_WebSocket_Extensions=f"key.{s.socket_key}"
    ),
    "half a secret": lambda s: page(s, s.page_key[:-1]) or line(s, s.socket_key[:-1]),
    "two secrets": lambda s: page(s, target=f"/?key=x&key={s.page_key}"),
    "another path": lambda s: page(s, target=f"/x?key={s.page_key}"),
    "an absolute target": lambda s: page(s, target=f"http://{s.host}/?key={s.page_key}"),
    "another method": lambda s: (
        page(s, s.page_key, method="POST") or page(s, s.page_key, method="HEAD")
    ),
    "a body": lambda s: page(s, s.page_key, Content_Length="5"),
    "http 1.0": lambda s: page(s, s.page_key, version="1.0"),
    "a name that is no text": lambda s: page(s, "\xff%ff") or page(s, "%ud800"),
}


@pytest.mark.parametrize("way", sorted(MORE))
def test_nothing_half_right_is_let_in(site: Site, way: str) -> None:
    assert not MORE[way](site)


@pytest.mark.parametrize(
    "offers", [f"{KEY}secret", f"mien.other, {KEY}secret", f"{VIEW}, {STOP}, {KEY}secret", ""]
)
def test_a_socket_asks_for_just_one_of_the_two_roles(offers: str) -> None:
    access = Access("127.0.0.1", 8080, socket_key="secret")
    info = RequestInfo(
        *("GET", "/ws", (1, 1), "127.0.0.1", ("127.0.0.1:8080",), ("http://127.0.0.1:8080",)),
        offers=tuple(offers.split(", ")),
    )
    assert access.socket(info) in ("no subprotocol of ours", "no secret")
    assert access.socket(replace(info, offers=(VIEW, f"{KEY}secret"))) == ""
    assert access.socket(replace(info, offers=(f"{KEY}secret", STOP))) == ""


def test_strangers_write_nothing_into_the_terminal(
    capfd: pytest.CaptureFixture[str], site: Site
) -> None:
    for head in (
        b"\x00" * 100 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000,
        b"\x16\x03\x01" + b"a" * 300,
    ):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", site.port), 10) as at, suppress(OSError):
                at.sendall(head)
                assert at.recv(20)[9:12] in (b"400", b"403", b"")
    assert page(site, site.page_key)
    assert capfd.readouterr() == ("", "")


def test_every_refusal_is_a_403_without_a_word_of_why(site: Site) -> None:
    said = set()
    for head in (
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        f"GET /?key={site.page_key} HTTP/1.1\r\nHost: x\r\n\r\n",
        f"DELETE /ws HTTP/1.1\r\nHost: {site.host}\r\n\r\n",
        f"OPTIONS * HTTP/1.1\r\nHost: {site.host}\r\n\r\n",
        f"GET /favicon.ico HTTP/1.1\r\nHost: {site.host}\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", site.port), 10) as at:
            at.sendall(head.encode())
            whole = b"".join(iter(partial(at.recv, 65536), b""))
        assert whole.startswith(b"HTTP/1.1 403 ")
        said.add(whole.partition(b"\r\n\r\n")[2])
    assert len(said) == 1
    assert site.page_key.encode() not in said.pop()


def test_this_process_and_the_panel_listen_where_they_say_and_nowhere_else(site: Site) -> None:
    assert listening(site.pid) == [site.port]
    with socket.create_server(("127.0.0.1", 0)) as more:
        assert more.getsockname()[1] in listening(os.getpid())  # the look finds what is there


REQUEST = RequestInfo("GET", "/?key=sesame-open", (1, 1), "192.168.0.7", ("192.168.0.7:8080",))


def test_on_every_address_the_host_is_the_one_where_the_connection_came_in() -> None:
    access = Access("0.0.0.0", 8080, page_key="sesame-open")
    assert access.page(REQUEST) == ""
    for host in ("192.168.0.8:8080", "robot.local:8080", "0.0.0.0:8080", "192.168.0.7:80"):
        assert access.page(replace(REQUEST, hosts=(host,))) == "another host"


def test_a_name_that_was_said_is_its_own_and_so_is_the_address_behind_it() -> None:
    access = Access("Robot.local", 80, page_key="sesame-open")
    for host in ("robot.local:80", "robot.local", "ROBOT.local", "192.168.0.7"):
        assert access.page(replace(REQUEST, hosts=(host,))) == ""
    assert (
        access.page(RequestInfo(**{**vars(REQUEST), "hosts": ("robot.locale",)})) == "another host"
    )


def test_addresses_of_the_sixth_version_are_written_as_browsers_write_them() -> None:
    access = Access("::", 8080, page_key="sesame-open")
    for local, host in (("::1", "[::1]:8080"), ("::ffff:10.0.0.2", "10.0.0.2:8080")):
        assert access.page(replace(REQUEST, local=local, hosts=(host,))) == ""
    assert access.address("fe80::1%eth0") == "http://[fe80::1]:8080/?key=sesame-open"
