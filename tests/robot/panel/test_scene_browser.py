"""The face in a real browser: that it is a face, that it moves, and that no bytes break it."""

import json
import zlib
from collections.abc import Iterator

import numpy as np
import pytest

from mien.robot.panel.scene import Scene
from mien.robot.sim.skin import SkinState
from tests.robot.browser import CHROMIUM, Browser
from tests.robot.panel.scene_page import CLOUDS, HEIGHT, WIDTH, Stage
from tests.robot.sim.rigs import commands, hold

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def module_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Browser(WIDTH, HEIGHT) as browser:
        yield Stage(browser, tmp_path_factory.mktemp("scene"))


@pytest.fixture
def stage(module_stage: Stage) -> Stage:
    """At rest, seen from the front."""
    module_stage.browser.js("scene.reset(), scene.fade(1), scene.show('marks', false)")
    module_stage.show(SkinState.neutral(len(module_stage.skin.nodes)))
    return module_stage


def around(stage: Stage, picture: np.ndarray, landmarks: list[int], reach: int = 2) -> np.ndarray:
    """(3,) mean colour of the picture about the landmarks, as the page's camera sees them."""
    points = stage.skin.landmarks(SkinState.neutral(len(stage.skin.nodes)))[landmarks]
    clip = np.array(stage.browser.js("Array.from(scene.seen.clip_from_world)")).reshape(4, 4).T
    at = np.c_[points, np.ones(len(points))] @ clip.T
    xy = (at[:, :2] / at[:, 3:] * (0.5, -0.5) + 0.5) * (WIDTH, HEIGHT)
    spots = [
        picture[int(y) - reach : int(y) + reach + 1, int(x) - reach : int(x) + reach + 1]
        for x, y in xy
    ]
    return np.asarray(np.concatenate([s.reshape(-1, 3) for s in spots]).mean(axis=0))


LIPS, CHIN, FOREHEAD = [12, 11, 38, 268, 15, 16, 85, 315], [175, 199], [10, 151, 9]


def redness(color: np.ndarray) -> float:
    """How much redder than grey, whatever the light."""
    return float((color[0] - color[1]) / color.sum())


def test_it_is_a_face_with_painted_lips_before_a_dark_background(stage: Stage) -> None:
    picture = stage.picture()
    corner = picture[:20, :20].mean(axis=(0, 1))
    assert corner.max() < 0.2
    lips, chin, forehead = (around(stage, picture, at) for at in (LIPS, CHIN, FOREHEAD))
    for skin in (chin, forehead):
        assert skin[0] > skin[1] > skin[2] > corner.max()
    assert redness(lips) > 1.3 * redness(chin)
    brows = around(stage, picture, [105, 334])
    assert brows.mean() < 0.7 * forehead.mean()


@pytest.mark.slow
def test_the_jaw_opens_and_the_head_turns(stage: Stage) -> None:
    stage.show(stage.rig.skin_state())
    closed = stage.picture()
    hold(stage.rig, commands(stage.rig.face, jaw_open=1.0))
    state = stage.rig.skin_state()
    stage.show(state)
    opened = stage.picture()
    changed = np.abs(opened - closed).max(axis=2) > 0.1
    assert changed[HEIGHT // 2 :].mean() > 0.03  # the mouth
    assert changed[: HEIGHT // 3].mean() < 0.003  # not the brow
    state.head[0, 3] = 25.0
    stage.show(state)
    moved = stage.picture()
    assert columns(moved) - columns(closed) > 20.0


def columns(picture: np.ndarray) -> float:
    """The middle column of what is bright, in pixels."""
    return float(np.argwhere(picture.max(axis=2) > 0.35)[:, 1].mean())


def test_marks_are_drawn_when_wanted_and_on_the_skin(stage: Stage) -> None:
    def green() -> int:
        red, green, blue = np.moveaxis(stage.picture(), 2, 0)
        return int(((green > 1.5 * red) & (green > 1.5 * blue)).sum())

    assert green() == 0
    stage.browser.js("scene.show('marks', true)")
    assert green() > 800


def test_through_a_faded_skin_the_teeth_are_seen(stage: Stage) -> None:
    teeth = [41, 271]
    solid = around(stage, stage.picture(), teeth)
    stage.browser.js("scene.fade(0.3)")
    clear = stage.picture()
    assert redness(around(stage, clear, teeth)) < 0.6 * redness(solid)
    assert around(stage, clear, FOREHEAD).max() < 0.5  # the dark room behind


@pytest.mark.slow
def test_mouse_wheel_and_keys_turn_it_and_bring_it_back(stage: Stage) -> None:
    home = stage.picture()
    pointer = {"button": "left", "clickCount": 1}
    for kind, x in (("mousePressed", 150), ("mouseMoved", 250), ("mouseReleased", 250)):
        stage.browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=200, buttons=1, **pointer)
    assert stage.browser.js("scene.camera.view.yaw") == pytest.approx(-0.7)
    assert np.abs(stage.picture() - home).mean() > 0.02
    stage.browser.call(
        "Input.dispatchMouseEvent", type="mouseWheel", x=200, y=200, deltaX=0, deltaY=-200
    )
    stage.until("scene.camera.view.zoom > 1.2")
    stage.browser.js("document.querySelector('canvas').focus()")
    stage.browser.press("Home")
    stage.browser.js("document.querySelector('canvas').blur()")
    np.testing.assert_array_equal(stage.picture(), home)
    stage.browser.js("document.querySelector('canvas').focus()")
    stage.browser.press("ArrowUp")
    assert stage.browser.js("scene.camera.view.pitch") > 0.1


@pytest.mark.slow
def test_two_fingers_zoom(stage: Stage) -> None:
    for kind, apart in (("touchStart", 40), ("touchMove", 60), ("touchMove", 80)):
        spots = [{"x": 200 - apart, "y": 240, "id": 1}, {"x": 200 + apart, "y": 240, "id": 2}]
        stage.browser.call("Input.dispatchTouchEvent", type=kind, touchPoints=spots)
    stage.browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    stage.until("Math.abs(scene.camera.view.zoom - 2) < 0.05")


@pytest.mark.slow
def test_it_fits_a_narrow_and_a_wide_screen(stage: Stage) -> None:
    for width, height in ((390, 844), (844, 390)):
        stage.browser.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        stage.until(f"scene.canvas.width === {2 * width}")
        picture = stage.picture()
        assert picture.shape[:2] == (height, width)
        bright = np.argwhere(picture.max(axis=2) > 0.35)
        margins = [*bright.min(axis=0), *(np.array(picture.shape[:2]) - 1 - bright.max(axis=0))]
        assert min(margins) > 4
    stage.browser.call(
        "Emulation.setDeviceMetricsOverride",
        width=WIDTH, height=HEIGHT, deviceScaleFactor=1, mobile=False,
    )  # fmt: skip
    stage.until(f"scene.canvas.width === {2 * WIDTH}")


@pytest.mark.slow
def test_a_lost_context_comes_back_with_the_same_face(stage: Stage) -> None:
    before = stage.picture()
    stage.browser.js(
        "window.lost = scene.gl.getExtension('WEBGL_lose_context'), lost.loseContext()"
    )
    stage.until("scene.gl.isContextLost()")
    stage.browser.js("lost.restoreContext()")
    stage.until("!scene.gl.isContextLost()")
    np.testing.assert_allclose(stage.picture(), before, atol=0.01)


def test_bytes_that_are_no_frame_are_refused_whole(stage: Stage) -> None:
    before = stage.picture()
    state = SkinState.neutral(len(stage.skin.nodes))
    state.head[0, 3] = 40.0
    good = stage.scene.frame(state)
    other = Scene(None, CLOUDS).frame(None, {"marks": np.zeros((478, 3))})
    rng = np.random.default_rng(4)
    bad = {
        "short": good[:19], "empty": b"", "cut": good[:-4], "cut inside": good[:-3],
        "long": good + b"\0" * 4, "magic": b"MISC" + good[4:],
        "version": good[:4] + b"\3" + good[5:], "other": other,
        "all blocks": good[:12] + b"\xff" * 4 + good[16:],
        "another scene": good[:8] + bytes(4) + good[12:],
        "no such block": good[:15] + bytes([good[15] | 128]) + good[16:],
        "no blocks": good[:12] + b"\0" * 4 + good[16:],
        **{f"cut at {k}": good[:k] for k in rng.integers(0, len(good), 20).tolist()},
    }  # fmt: skip
    for name, message in bad.items():
        assert stage.frame(message).startswith(("Error: scene", "RangeError")), name
    np.testing.assert_array_equal(stage.picture(), before)
    assert stage.frame(good) == "shown"


TRIANGLE = {
    "name": "skin", "shader": "skin", "vertices": 3, "triangles": 1, "drawn": 1, "material": 0,
    "normals": False, "rows": 2, "rigid": False,
}  # fmt: skip


def handmade(arrays: bytes | None = None, space: int = 0, **other: object) -> bytes:
    """A scene of one triangle, whole unless something else is asked for."""
    told = {
        "step": 0.01,
        "clouds": [],
        "uniforms": {},
        "paint": [1, 1],
        "folds": {"rows": 0, "size": [1, 1]},
        "backdrop": [0, 0, 0],
    }
    text = json.dumps({**told, "parts": [{**TRIANGLE, **other}]}).encode()
    text += b" " * (-len(text) % 4 + space)
    if arrays is None:
        arrays = CORNERS
    body = len(text).to_bytes(4, "little") + text + arrays
    return b"MISC\2\0\0\0" + zlib.compress(body)


def of(kind: str, *numbers: int) -> bytes:
    raw = np.array(numbers, kind).tobytes()
    return raw + b"\0" * (-len(raw) % 4)


def mesh(corners: tuple[int, ...] = (0, 1, 2), rows: tuple[int, ...] = (0, 2)) -> bytes:
    still = of("u1", *[9] * 9) + of("u1", *[9] * 6) + of("<f4", *[0] * 9)
    return of("<i2", *range(9)) + of("<u2", *corners) + still + of("<u2", *rows) + bytes(8)


CORNERS = mesh()


def test_bytes_that_are_no_scene_leave_the_one_there_is(stage: Stage) -> None:
    before = stage.picture()
    whole = handmade()
    bad = {
        "cut": whole[:-9], "noise": whole[:8] + bytes(range(256)), "empty": b"", "head": whole[:8],
        "version": whole[:4] + b"\7" + whole[5:], "frame": b"MIFR" + whole[4:],
        "less": handmade(CORNERS[:-4]), "more": handmade(CORNERS + bytes(4)),
        "corner": handmade(mesh(corners=(0, 1, 3))), "row": handmade(mesh(rows=(0, 3))),
        "huge": handmade(vertices=70000), "negative": handmade(triangles=-1),
        "fewer": handmade(vertices=2), "drawn": handmade(drawn=2), "text": handmade(vertices="3"),
        "shader": handmade(shader="toString"), "all rows": handmade(rows=4),
        "bomb": handmade(space=1 << 24),
    }  # fmt: skip
    for name, message in bad.items():
        assert "Error" in stage.load(message), name
    np.testing.assert_array_equal(stage.picture(), before)
    assert stage.load(whole) == "loaded"
    assert stage.load(stage.scene.message) == "loaded"


def test_a_browser_that_cannot_draw_is_told(stage: Stage) -> None:
    said = stage.browser.js(
        "(() => { const c = document.createElement('canvas'); c.getContext = () => null;"
        " try { new FaceScene(c); } catch (e) { return e.message; } })()"
    )
    assert "no WebGL2" in said
