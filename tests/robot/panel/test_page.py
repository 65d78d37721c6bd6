"""The panel's page in a real browser: what it shows, that its wishes arrive, and how it stops."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mien.models.manner.style_file import save
from mien.robot.expression.voices import style_of_voice, style_path
from mien.robot.media.audio import LJ_DEMO
from mien.robot.panel.access import KEY, VIEW
from mien.robot.panel.messages import EndRun, SetEmotion, SetGaze, SetPose, SetRecording, SetStyle
from tests.bench.robot.foreign import keys
from tests.robot.browser import CHROMIUM, Browser
from tests.robot.panel.shown_run import N, Run, own_home, running, says, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium"),
]
SIZES = ((1280, 800), (390, 844))


@pytest.fixture(scope="module")
def shown(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Run, Browser, str]]:
    with (
        pytest.MonkeyPatch.context() as patch,
        running(own_home(tmp_path_factory, patch)) as (run, address),
    ):
        browser.open(address)
        assert says(run, browser, "99.87 %")
        yield run, browser, address


def test_it_shows_the_face_its_meters_and_its_board(
    shown: tuple[Run, Browser, str], tmp_path: Path
) -> None:
    run, page, _ = shown
    assert "live, ARMED" in page.text()
    assert "with the lips" in page.text()
    page.click("Board")
    assert says(run, page, "/dev/ttyACM0")
    assert says(run, page, "1:01:05")
    page.click("Servos")
    assert says(run, page, "neck_roll")
    page.click("Face")
    from matplotlib.image import imread

    def skin() -> bool:
        """Whether skin is in the middle, and not the empty background."""
        run.tick()
        page.screenshot(tmp_path / "panel.png")
        picture = imread(tmp_path / "panel.png")[..., :3]
        middle = picture[300:560, 340:510].reshape(-1, 3)
        return bool((middle[:, 0] > middle[:, 2]).mean() > 0.7)

    assert until(skin)


def test_wishes_of_every_tab_arrive(shown: tuple[Run, Browser, str]) -> None:
    run, page, _ = shown
    page.click("happiness")
    assert run.hears(SetEmotion) == SetEmotion({"happiness": 0.7})
    page.js(
        "(() => { const s = document.querySelectorAll('input[type=range]')[1];"
        " s.value = -0.5; s.dispatchEvent(new Event('input')); })()"
    )
    assert run.hears(SetGaze) == SetGaze(-0.5, 0.0)
    page.click("Record")
    page.click("▶ replay")
    assert says(run, page, "nothing was recorded yet")
    page.click("● record")
    assert run.hears(SetRecording) == SetRecording("take-1")
    tape = {"name": "take-1.mcap", "seconds": 12.0, "dropped": 0, "message": ""}
    assert says(run, page, "● recording take-1.mcap, 12 s", recording=tape)
    page.click("■ stop and save")
    assert run.hears(SetRecording) == SetRecording(None)
    page.click("Tune")
    page.js("document.querySelector('#desk [role=tabpanel]:not([hidden]) input').click()")
    assert run.hears(SetPose) == SetPose([0.0] * N)
    page.js("document.querySelector('#desk [role=tabpanel]:not([hidden]) input').click()")
    assert run.hears(SetPose) == SetPose(None)
    page.click("Face")
    page.js("[...document.querySelectorAll('button')].find(b => /rest/.test(b.innerText)).click()")
    assert run.hears(EndRun) == EndRun()


def test_a_style_is_chosen_among_those_that_were_learned_and_one_is_worn(
    shown: tuple[Run, Browser, str],
) -> None:
    run, page, _ = shown
    page.click("Face")
    assert says(run, page, "auto")
    assert worn(page) == "none"
    save(style_path("anna"), style_of_voice(LJ_DEMO, "anna", "public"))
    assert says(run, page, "anna")
    page.click("anna")
    assert run.hears(SetStyle) == SetStyle("anna")
    assert until(lambda: run.tick() or worn(page) == "anna")
    # One that went meanwhile is refused, and the page goes back to what is worn.
    page.js("mien.ask({intent: 'style', style: 'nobody'})")
    assert says(run, page, "there is no style 'nobody'")
    page.js("mien.ask({intent: 'style', style: '../anna'})")
    assert says(run, page, "is no name for a style")
    page.js("mien.ask({intent: 'style', style: 7})")
    assert says(run, page, "valid string")
    assert not [m for m in run.heard if isinstance(m, SetStyle)]
    assert worn(page) == "anna"
    page.click("none")
    assert run.hears(SetStyle) == SetStyle("none")


def worn(page: Browser) -> str:
    """The style that the page shows as worn."""
    return str(
        page.js(
            "(() => { const f = [...document.querySelectorAll('fieldset')]"
            ".find(f => /Style/.test(f.innerText));"
            " const one = f.querySelector('input:checked'); return one ? one.value : ''; })()"
        )
    )


def box(page: Browser, selector: str) -> dict[str, float]:
    found = page.js(
        f"(() => {{ const r = document.querySelector({json.dumps(selector)})"
        ".getBoundingClientRect(); return JSON.stringify({left: r.left, top: r.top,"
        " right: r.right, bottom: r.bottom, width: r.width, height: r.height}); })()"
    )
    return dict(json.loads(found))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_stop_is_seen_at_once_on_every_tab(
    shown: tuple[Run, Browser, str], size: tuple[int, int]
) -> None:
    run, page, _ = shown
    page.resize(*size)
    for tab in ("Face", "Servos", "Board", "Record", "Tune"):
        page.click(tab)
        run.tick()
        page.js(
            "(() => { const s = document.querySelector('[role=tabpanel]:not([hidden])');"
            " s.scrollTop = s.scrollHeight; })()"
        )
        at = box(page, "#estop")
        assert at["top"] >= 0
        assert at["left"] >= 0
        assert at["right"] <= size[0]
        assert at["bottom"] <= size[1]
        assert at["width"] >= 0.8 * min(size[0], 430)
        assert at["height"] >= 70
        middle = [(at["left"] + at["right"]) / 2, (at["top"] + at["bottom"]) / 2]
        assert page.js(
            f"document.elementFromPoint({middle[0]}, {middle[1]}).closest('#estop') != null"
        )
        assert page.js("document.documentElement.scrollWidth <= innerWidth")
        assert page.js("document.documentElement.scrollHeight <= innerHeight")


def test_what_goes_wrong_is_told_to_this_page(shown: tuple[Run, Browser, str]) -> None:
    run, page, _ = shown
    page.js("mien.ask({intent: 'feel', emotion: 'update_cb', intensity: 1})")
    assert says(run, page, "no such emotion")
    page.js("mien.ask({intent: 'record', recording: '../../../escaped'})")
    assert says(run, page, "is no name for a recording")
    assert not [m for m in run.heard if isinstance(m, SetEmotion | SetRecording)]


FOREIGN = """<!doctype html><title>waiting</title><script>
const said = [], socket = (offers) => new Promise((done) => {
  const line = new WebSocket('ws://127.0.0.1:PORT/ws', offers);
  line.onopen = () => { line.send('estop'); line.send('{"intent": "rest"}'); done('opened'); };
  line.onerror = () => done('refused');
});
const page = async (how) => {
  try { return (await (await fetch('http://127.0.0.1:PORT/?key=PAGE', how)).text()).length; }
  catch { return 'refused'; }
};
(async () => {
  said.push(await socket(['VIEW', 'KEYSOCKET']));
  said.push(await socket(['mien.stop', 'KEYSOCKET']));
  said.push(await socket([]));
  said.push(await page({}));
  said.push(await page({ mode: 'no-cors', credentials: 'include' }));
  const frame = document.createElement('iframe');
  frame.src = 'http://127.0.0.1:PORT/?key=PAGE';
  document.body.append(frame);
  await new Promise((done) => { frame.onload = done; setTimeout(done, 50000); });
  let inside = 'nothing';
  try { inside = frame.contentWindow.document.body.innerText; } catch { inside = 'closed'; }
  said.push(inside);
  document.title = JSON.stringify(said);
})();
</script>"""


def test_a_page_of_another_origin_gets_nowhere_even_with_every_secret(
    shown: tuple[Run, Browser, str],
) -> None:
    run, page, address = shown
    port, page_key, socket_key = keys(address)
    html = FOREIGN.replace("PORT", str(port)).replace("PAGE", page_key)
    html = html.replace("KEYSOCKET", KEY + socket_key).replace("VIEW", VIEW)

    class Foreign(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Foreign)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    run.heard.clear()
    try:
        page.open(f"http://127.0.0.1:{server.server_port}/")
        assert until(lambda: str(page.js("document.title")).startswith("["))
        said = json.loads(page.js("document.title"))
    finally:
        server.shutdown()
        server.server_close()
        page.open(address)
    assert said[:4] == ["refused"] * 4
    assert said[4] in (0, "refused")  # an answer that it may not read
    assert said[5] == "closed"
    assert not [*run.heard, *run.panel.commands()]
    assert not run.estop.requested.is_set()
    assert says(run, page, "live, ARMED")


def test_the_stop_key_works_wherever_the_cursor_is_and_the_page_says_stopped(
    shown: tuple[Run, Browser, str], tmp_path: Path
) -> None:
    run, page, address = shown
    page.resize(*SIZES[0])
    page.open(address)
    assert says(run, page, "99.87 %")
    page.click("Record")
    page.js("document.querySelector('input[type=text]').focus()")
    page.press("Escape")
    assert run.estop.requested.wait(30)
    run.estop.stopped("ESTOP")
    assert page.wait_for("STOPPED")
    for size in SIZES:
        page.resize(*size)
        page.screenshot(tmp_path / f"stopped-{size[0]}.png")
        at = box(page, "#curtain-word")
        assert at["left"] >= 0
        assert at["right"] <= size[0]
        assert at["height"] > 44
        whole = box(page, "#curtain")
        assert (whole["width"], whole["height"]) == size
    assert "mien clear" in page.text()
    run.panel.close("E-STOP was asked for")
    assert until(lambda: page.js("mien.over()") is True)
    assert page.js("document.body.dataset.state") == "stopped"
    assert "mien clear" in page.text()
