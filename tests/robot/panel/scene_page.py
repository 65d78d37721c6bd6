"""A scene in a page of its own, in a real browser."""

import base64
import json
import time
from pathlib import Path

import numpy as np
from matplotlib.image import imread

from mien.robot.face.config import load_face
from mien.robot.panel.scene import Cloud, Scene, script
from mien.robot.sim.rig import Rig
from mien.robot.sim.skin import SkinState
from tests.robot.browser import Browser

WIDTH, HEIGHT = 400, 480


CLOUDS = (Cloud("marks", 478, 2.5, 1.0, (0, 255, 0), shown=False),)


PAGE = """<!doctype html><meta charset="utf-8">
<style>body { margin: 0 } canvas { display: block; width: 100vw; height: 100vh }</style>
<canvas></canvas><script>%s</script><script>
const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer;
let said = "";
window.onerror = message => { said = String(message); };
const scene = new FaceScene(document.querySelector("canvas"));
async function load(text) {
  said = "";
  try { await scene.load(bytes(text)); said = "loaded"; } catch (e) { said = String(e); }
}
function frame(text) {
  try { scene.frame(bytes(text)); return "shown"; } catch (e) { return String(e); }
}
</script>"""


def coded(message: bytes) -> str:
    return json.dumps(base64.b64encode(message).decode())


class Stage:
    """A scene in a page of its own."""

    def __init__(self, browser: Browser, home: Path) -> None:
        self.rig = Rig(load_face("morpheus33"))
        self.skin = self.rig.skin
        self.scene = Scene(self.skin, CLOUDS)
        self.browser, self._home = browser, home
        page = home / "scene.html"
        page.write_text(PAGE % script(), encoding="utf-8")
        browser.open(page.as_uri())
        self.until("typeof load === 'function'")
        assert self.load(self.scene.message) == "loaded"

    def until(self, expression: str) -> None:
        for _ in range(10_000):
            if self.browser.js(expression):
                return
            time.sleep(0.01)
        raise TimeoutError(expression)

    def load(self, message: bytes) -> str:
        self.browser.js(f"void load({coded(message)})")
        self.until("said !== ''")
        return str(self.browser.js("said"))

    def frame(self, message: bytes) -> str:
        return str(self.browser.js(f"frame({coded(message)})"))

    def show(self, state: SkinState) -> None:
        """Shows a state and waits until the face has got there."""
        points = {"marks": self.skin.landmarks(state) @ state.head[:3, :3].T + state.head[:3, 3]}
        for _ in range(2):
            assert self.frame(self.scene.frame(state, points)) == "shown"

    def picture(self) -> np.ndarray:
        """(HEIGHT, WIDTH, 3) in 0..1, as soon as everything has got where it goes."""
        self.until("scene.still")
        self.browser.screenshot(self._home / "scene.png")
        return np.asarray(imread(self._home / "scene.png")[..., :3], dtype=np.float64)
