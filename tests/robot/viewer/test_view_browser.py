"""The rig's view in a real browser: presets, sliders, loads, and the tendons behind the skin."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from mien.robot.face.calibrated import Calibrated
from mien.robot.panel.messages import SetPose
from mien.robot.panel.window import Window
from mien.robot.viewer.presets import Presets
from mien.robot.viewer.run import ViewProcess
from tests.robot import waiting
from tests.robot.browser import CHROMIUM, Browser
from tests.robot.viewer.rigs import FACE, N, follow, pulled

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium"),
    pytest.mark.slow,
]
until = partial(waiting.until, seconds=40.0)


@pytest.fixture
def served() -> Iterator[tuple[ViewProcess, str]]:
    view = ViewProcess(Window("morpheus33", port=0))
    yield view, view.start()
    view.close()


def forehead(page: Browser, path: Path) -> float:
    """How bright the forehead is in a new screenshot, 0..1."""
    page.screenshot(path)
    return float(imread(path)[210:250, 390:460, :3].mean())


def test_the_view_in_a_browser(served: tuple[ViewProcess, str], tmp_path: Path) -> None:
    view, address = served
    seen = follow(FACE, [SetPose(pulled(jaw_open=0.8).tolist())], 2.0)
    view.watch(lambda: seen.skin)
    heard: list[Any] = []
    start = time.monotonic()

    def show() -> None:
        heard.extend(view.commands())
        view.show(time.monotonic() - start, seen.ticks[-1], seen.state)

    def shows(text: str) -> bool:
        def look() -> bool:
            show()
            return text in page.text()

        return until(look)

    with Browser() as page:
        page.open(address)
        assert shows("NEUTRAL")
        page.click("happiness")
        assert until(lambda: bool(show() or heard))
        asked = Presets(Calibrated(FACE)).pose("happiness")
        np.testing.assert_allclose(heard[-1].commands, asked, atol=1e-9)
        page.click("Loads")
        assert shows("Tendon tension")
        assert shows(f"{seen.state['tension']['cheek_left']:.2f} N")
        page.click("Actuators")  # the sliders went where the preset has them
        jaw, corner = FACE.index("jaw_open"), FACE.index("corner_x_left")
        slider = "document.querySelectorAll('.slider')[{}].querySelector('output').textContent"
        places = page.js("[...document.querySelectorAll('.slider span')].map(e => e.textContent)")
        at = places.index(FACE.names[corner])
        said = slider.format(at)
        assert until(lambda: bool(show() or page.js(said) == f"{asked[corner]:.2f}"))
        at = places.index(FACE.names[jaw])
        pull = "e => { e.value = 0.5; e.dispatchEvent(new Event('input')); }"
        page.js(f"({pull})(document.querySelectorAll('.slider')[{at}].querySelector('input'))")
        assert until(lambda: bool(show() or heard[-1].commands[jaw] == 0.5))
        solid = forehead(page, tmp_path / "solid.png")
        page.click("see through")
        # Through a faded skin the dark room shows.
        assert until(lambda: bool(show() or forehead(page, tmp_path / "faded.png") < 0.7 * solid))
        page.click("NEUTRAL")
        assert until(lambda: bool(show() or heard[-1] == SetPose([0.0] * N)))
    picture = imread(tmp_path / "solid.png")[..., :3]
    middle = picture[250:560, 330:520].reshape(-1, 3)
    assert (middle[:, 0] > 1.2 * middle[:, 2]).mean() > 0.6  # skin, not the empty background
