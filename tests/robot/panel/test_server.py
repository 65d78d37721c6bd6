"""The panel's server: intents in, frames out, a stop that waits for nobody."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial

import aiohttp
import pytest

from mien.robot.errors import DeviceError
from mien.robot.panel.address import bound, shown_as
from mien.robot.panel.clients import BURST, RATE, Bucket
from mien.robot.panel.messages import Estop, PlaybackPoses, SetGaze, SetPose, SetRecording
from mien.robot.panel.outbox import EVERY_S, ROOM, Outbox
from mien.robot.panel.page import Frame, text
from mien.robot.panel.server import MAX_PENDING, VIEWS
from tests.bench.robot.foreign import Site, page
from tests.robot import waiting
from tests.robot.panel.served import FACE, Served, until_kind

pytestmark = pytest.mark.realtime

until = partial(waiting.until, seconds=100.0)
N = len(FACE.names)
LOOK = {"intent": "look", "yaw": 0.5, "pitch": -0.5}


def get(at: Served) -> str:
    """The page as it comes over the network, head and all."""
    with socket.create_connection(("127.0.0.1", at.port), 10) as line:
        line.sendall(
            f"GET /?key={at.access.page_key} HTTP/1.1\r\nHost: 127.0.0.1:{at.port}\r\n\r\n".encode()
        )
        return b"".join(iter(lambda: line.recv(65536), b"")).decode()


def test_an_intent_reaches_the_loop() -> None:
    with Served() as at, at.line() as line:
        assert until_kind(line, "hello")["names"] == list(FACE.names)
        line.send(json.dumps(LOOK))
        assert until(lambda: SetGaze(0.5, -0.5) in at.to_loop)


BAD = {
    "an attribute of an object": {"intent": "look", "yaw": 0.0, "pitch": 0.0, "update_cb": []},
    "an intent that is none": {"intent": "update_cb", "value": []},
    "no intent": {"yaw": 0.0},
    "a list of intents": [LOOK],
    "a number beyond its limits": {**LOOK, "yaw": 1.5},
    "a boolean for a number": {**LOOK, "yaw": True},
    "words for a number": {**LOOK, "yaw": "0.5"},
    "a pose of another face": {"intent": "tune", "pose": [0.0] * (N - 1)},
    "a pose beyond its limits": {"intent": "tune", "pose": [0.0] * (N - 1) + [7.0]},
    "an endless pose": {"intent": "tune", "pose": [0.0] * 3000},
    "a recording without a name": {"intent": "record", "recording": ""},
    "a stop in the wrong clothes": {"intent": "estop"},
    "what the view refuses": {"intent": "record", "recording": "full"},
    "not a number": '{"intent": "look", "yaw": NaN, "pitch": 0.0}',
    "an infinite number": '{"intent": "look", "yaw": 1e999, "pitch": 0.0}',
    "half an object": '{"intent": "look"',
    "a deep one": "[" * 5000,
    "nothing": "",
}


@pytest.fixture(scope="module")
def at() -> Iterator[Served]:
    with Served() as served:
        yield served


@pytest.mark.parametrize("bad", sorted(BAD))
def test_what_is_no_intent_is_told_to_who_sent_it_and_to_nobody_else(at: Served, bad: str) -> None:
    del at.to_loop[:]
    content = BAD[bad]
    message = content if isinstance(content, str) else json.dumps(content)
    with at.line() as good, at.line() as line:
        line.send(message)
        assert 0 < len(until_kind(line, "error")["text"]) < 400
        good.send(json.dumps(LOOK))  # it lives on, for everybody
        assert until(lambda: at.to_loop != [])
        line.send(json.dumps({**LOOK, "yaw": -1}))
        assert until(lambda: SetGaze(-1.0, -0.5) in at.to_loop)
        assert {type(m) for m in at.to_loop} == {SetGaze}
        good.send("{}")
        assert "no such intent" in until_kind(good, "error")["text"]  # its first error


def test_a_message_that_is_too_long_ends_its_connection_only(at: Served) -> None:
    with at.line() as good, at.line() as line:
        line.send("x" * 20_000)
        assert until(lambda: line.receive() is None)
        del at.to_loop[:]
        good.send(json.dumps(LOOK))
        assert until(lambda: at.to_loop != [])


def test_a_browser_that_asks_too_often_is_heard_at_the_rate_and_no_faster() -> None:
    with Served() as at, at.line() as line:
        until_kind(line, "hello")
        start = time.monotonic()
        for _ in range(1000):
            line.send(json.dumps(LOOK))
            time.sleep(0.001)
        line.send(json.dumps({**LOOK, "yaw": -0.25}))
        assert until(lambda: SetGaze(-0.25, -0.5) in at.to_loop)
        seconds = time.monotonic() - start
        assert BURST < at.view.handled <= BURST + RATE * seconds + 1


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    bucket = Bucket(rate=10.0, burst=5.0)
    assert [bucket.take(1.0) for _ in range(6)] == [0.0] * 5 + [pytest.approx(0.1)]
    assert bucket.take(1.05) == pytest.approx(0.05)
    assert bucket.take(1.1) == 0.0
    assert bucket.take(1.1) > 0.0
    assert [bucket.take(100.0) for _ in range(6)][-1] > 0.0  # no more than a burst is saved


def test_only_the_newest_picture_waits_for_a_browser_that_is_slow() -> None:
    big = "x" * 300_000
    with Served() as at, at.line() as line:
        until_kind(line, "hello")
        for k in range(100):
            at.server.post([Frame("big", json.dumps({"kind": "big", "k": k, "x": big}))])
        seen = [until_kind(line, "big")["k"]]
        while seen[-1] < 99:
            seen.append(until_kind(line, "big")["k"])
        assert len(seen) < 60


def test_who_comes_later_gets_the_newest_of_everything() -> None:
    with Served() as at:
        for k in range(3):
            at.server.post([text("board", state=str(k)), Frame("scene", b"\x01" + bytes([k]))])
        with at.line() as line:
            assert until_kind(line, "board")["state"] == "2"
            assert line.receive() == b"\x01\x02"


def test_the_end_of_a_run_is_said_before_the_lines_are_cut() -> None:
    with Served() as at, at.line() as line, at.stop_line() as stop:
        until_kind(line, "hello")
        at.server.over("the board does not answer")
        assert until_kind(line, "over")["message"] == "the board does not answer"
        assert line.receive() is None
        assert stop.receive() is None


def test_the_page_comes_whole_and_lets_nothing_else_in() -> None:
    with Served() as at:
        head, _, body = get(at).partition("\r\n\r\n")
        other = get(at)
    nonce = re.search(r"script-src 'nonce-([^']+)'", head)
    assert nonce is not None
    assert body.count(f'nonce="{nonce[1]}"') == 2
    assert nonce[1] not in other  # another one every time
    assert re.findall(r"<(?:script|style|link|img|iframe)\b(?![^>]*nonce)", body) == ["<link"]
    for rule in (
        "default-src 'none'", f"connect-src ws://127.0.0.1:{at.port};", "frame-ancestors 'none'",
        "base-uri 'none'", "form-action 'none'",
    ):  # fmt: skip
        assert rule in head
    for header in (
        "Referrer-Policy: no-referrer", "X-Content-Type-Options: nosniff",
        "X-Frame-Options: DENY", "Cache-Control: no-store",
    ):  # fmt: skip
        assert header in head
    assert "Mien: &lt;b&gt;plain&lt;/b&gt;" in body
    assert "<b>plain" not in body
    assert "// own script" in body
    assert at.access.page_key not in body
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\b|https?://", body)


def test_browsers_are_counted_and_the_stop_has_room_of_its_own(at: Served) -> None:
    lines = [at.line() for _ in range(VIEWS)]
    try:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            at.line()
        with at.stop_line() as stop:
            stop.send("estop")
            assert until_kind(lines[0], "stop")["phase"] == "requested"
    finally:
        for line in lines:
            line.close()

    def room() -> bool:
        try:
            at.line().close()
        except aiohttp.WSServerHandshakeError:
            return False
        return True

    assert until(room)


def test_who_says_nothing_makes_room_for_who_does() -> None:
    with Served() as at:
        silent = [
            socket.create_connection(("127.0.0.1", at.port), 10) for _ in range(MAX_PENDING + 20)
        ]
        try:
            with at.line() as line:
                until_kind(line, "hello")
            silent[0].settimeout(20)
            assert silent[0].recv(1) == b""  # the oldest was put out
        finally:
            for one in silent:
                one.close()


def test_refusals_are_counted_for_the_page() -> None:
    with Served() as at:
        site = Site(at.port, "", "", "", "", 0)
        for _ in range(3):
            assert not page(site, "wrong")
        with at.line() as line:
            assert until(lambda: until_kind(line, "beat")["refused"] == 3)
        assert at.server.refused == {"no secret": 3}


def test_a_port_that_is_taken_is_an_error_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for host in ("127.0.0.1", "localhost", "0.0.0.0"):
            with pytest.raises(DeviceError, match=f"port {port} of {host} is taken") as caught:
                bound(host, port)
            assert "--panel-port" in caught.value.hint
    with pytest.raises(DeviceError, match=r"no panel on '?192\.0\.2\.7"):
        bound("192.0.2.7", 0)
    with pytest.raises(DeviceError, match=r"no panel on 'no\.such\.host\.invalid'"):
        bound("no.such.host.invalid", 0)


def test_an_address_that_means_all_is_shown_as_one_that_can_be_opened() -> None:
    assert shown_as("127.0.0.1") == "127.0.0.1"
    assert shown_as("robot.local") == "robot.local"
    assert shown_as("0.0.0.0") not in ("0.0.0.0", "")


def test_the_outbox_keeps_the_newest_wish_and_the_order_of_the_rest() -> None:
    sent: list[object] = []
    gate = threading.Event()

    def send(message: object) -> None:
        assert gate.wait(30)
        sent.append(message)

    outbox = Outbox(send)
    outbox.put(SetRecording("first"))
    assert until(lambda: outbox.waiting == 0)  # it is in the hands of a loop that does not read
    start = time.monotonic()
    for k in range(1000):
        outbox.put(SetPose([k]))
        outbox.put(PlaybackPoses([k], []))
    outbox.put(Estop())
    assert time.monotonic() - start < 20  # nobody waited for the loop
    gate.set()
    assert until(lambda: SetPose([999]) in sent)
    assert sent[1] == Estop()
    assert [m for m in sent if isinstance(m, SetPose)] == [SetPose([999])]
    assert [m.times for m in sent if isinstance(m, PlaybackPoses)] == [[k] for k in range(ROOM)]
    outbox.close()


def test_the_loop_gets_no_more_wishes_than_it_has_ticks() -> None:
    sent: list[object] = []
    outbox = Outbox(sent.append)
    start = time.monotonic()
    while len(sent) < 20:
        outbox.put(SetPose([len(sent)]))
    assert len(sent) <= (time.monotonic() - start) / EVERY_S + 2
    outbox.close()
