"""The page in a real browser when its run ends or its server goes: it never looks alive."""

from collections.abc import Callable

import pytest

from mien.robot.errors import DeviceError
from mien.robot.panel.page import text
from tests.robot.browser import CHROMIUM, Browser
from tests.robot.panel.served import Served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium"),
]


def refused() -> str:
    raise DeviceError("the board is silent", "cut the servo supply")


ENDS: dict[str, tuple[Callable[[Served, Browser], None], str, str]] = {
    "the run ends": (lambda at, _: at.server.over(""), "STOPPED", "mien clear"),
    "a stop ends the run": (lambda at, _: at.server.over("off", "done"), "STOPPED", "mien clear"),
    "the board's own switch": (
        lambda at, _: at.server.post([text("board", state="ESTOP", warning=True, stopped=True)]),
        "STOPPED",
        "mien clear",
    ),
    "the run fails": (
        lambda at, _: at.server.over("no answer"), "RUN FAILED", "(no answer)",
    ),
    "a stop that was not confirmed": (
        lambda at, _: at.server.over("silence", "unconfirmed"), "CUT THE POWER", "silence",
    ),
    "a stop that nobody answers": (
        lambda _, page: page.press("Escape"), "CUT THE POWER", "the board is silent",
    ),
    "the server goes": (
        lambda at, _: at.server.end(), "NO CONNECTION", "The face may still be moving",
    ),
}  # fmt: skip


@pytest.mark.parametrize("end", sorted(ENDS))
def test_no_end_of_a_run_looks_alive(browser: Browser, end: str) -> None:
    happens, word, next_step = ENDS[end]
    with Served(refused) as at:
        browser.open(at.access.address("127.0.0.1"))
        at.server.post([text("board", state="ARMED", warning=False, stopped=False)])
        assert browser.wait_for("live, ARMED")
        assert not browser.js("document.getElementById('curtain').checkVisibility()")
        happens(at, browser)
        assert browser.wait_for(next_step)
        assert browser.js("document.getElementById('curtain-word').innerText") == word
        assert browser.js("document.getElementById('curtain').checkVisibility()")
        assert browser.js("document.getElementById('desk').inert")
        again = word in ("NO CONNECTION", "CUT THE POWER")
        assert browser.js("getComputedStyle(document.getElementById('stopbar')).visibility") == (
            "visible" if again else "hidden"
        )
    if end == "the server goes":
        browser.press("Escape")
        assert browser.wait_for("the stop was not sent")


def test_a_stopped_rig_has_no_board_to_clear_and_the_page_says_what_to_do(browser: Browser) -> None:
    with Served(simulated=True) as at:
        browser.open(at.access.address("127.0.0.1"))
        assert browser.wait_for("live,")
        at.server.over("off", "done")
        assert browser.wait_for("nothing has to be cleared")
        assert browser.js("document.getElementById('curtain-word').innerText") == "STOPPED"
        assert "mien clear" not in browser.text()
        assert "mien panel" in browser.text()


def test_a_page_that_finds_its_run_again_is_live_again(browser: Browser) -> None:
    with Served() as at:
        browser.open(at.access.address("127.0.0.1"))
        assert browser.wait_for("live,")
        at.server.end()
        assert browser.wait_for("NO CONNECTION")
    with Served(access=at.access):
        assert browser.wait_for("live,")
        assert not browser.js("document.getElementById('curtain').checkVisibility()")
