"""The panel: the face in 3D in a browser, its meters and feelings, and a hand on every actuator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import viser

from models.emotion import EMOTIONS
from robot.calibrated import Calibrated
from robot.config import Floats, load_face
from robot.panel.head import SCALE, BrowserHead
from robot.panel.meters import serial, servos, voice
from robot.panel.process import Window
from robot.panel.recordings import Recordings
from robot.panel.stop import add_stop
from robot.panel.token_gate import TokenGate
from robot.sim.head import load_head

WANTED, REACHED = (255, 120, 40), (60, 160, 255)
_METERS_EVERY: Final = 5


class Panel:
    """A viser server for one face.

    Args:
        window: what to show and where.
        say: hears clicks: ("estop",), ("feel", {...}), ("look", yaw, pitch), ("tune", pose), ...
    """

    def __init__(self, window: Window, say: Callable[[tuple[Any, ...]], None]) -> None:
        self._say = say
        self._face = load_face(window.face)
        self._model = Calibrated(self._face, window.calibration).model
        self._rig: Any = None
        gated = bool(window.token)
        self._server = viser.ViserServer(
            "127.0.0.1", 0 if gated else window.port, label="Mien", verbose=False
        )
        self._gate = TokenGate(window, self._server.get_port()) if gated else None
        self._pose = np.zeros(len(self._face.names))
        self._shows = 0
        self._line = window.line
        self._scene(window)
        self._stop_panel()
        self._controls()

    def _stop_panel(self) -> None:
        """What stands in its own window on every tab."""
        add_stop(self._server.gui, lambda: self._say(("estop",)))

    @property
    def address(self) -> str:
        """What to open."""
        if self._gate is not None:
            return self._gate.address
        return f"http://127.0.0.1:{self._server.get_port()}"

    def show(self, wanted: Floats, sent: Floats, skin: Any, state: dict[str, Any]) -> None:
        """Commands (n,) wanted and sent, the rig's skin or None, and the meters."""
        with self._server.atomic():
            aim = self._model.landmarks(wanted)
            there = self._model.landmarks(sent)
            if self._rig is not None and skin is not None:
                self._head.move(self._rig.skin.deform(skin), skin.head)
                there = self._rig.skin.landmarks(skin)
                turn = skin.head
                aim = aim @ turn[:3, :3].T + turn[:3, 3]
                there = there @ turn[:3, :3].T + turn[:3, 3]
            self._wanted.points = (SCALE * aim).astype(np.float32)
            self._reached.points = (SCALE * there).astype(np.float32)
            if self._shows % _METERS_EVERY == 0:
                self._voice.content = voice(state)
                self._serial.content = serial(state, self._line, self._face.baud)
                self._servos.content = servos(state, self._face.names)
                self._recordings.show(state)
            self._shows += 1

    def _scene(self, window: Window) -> None:
        scene = self._server.scene
        scene.set_up_direction("+y")
        scene.configure_default_lights(cast_shadow=False)
        if window.build is not None:
            from robot.sim.rig import Rig

            self._rig = Rig(self._face, window.build)
            self._head = BrowserHead(scene, self._rig.head)
        points = np.asarray(SCALE * load_head().neutral_landmarks, np.float32)
        size = 0.008
        self._wanted = scene.add_point_cloud(
            "/wanted", points, WANTED, point_size=size, point_shape="circle", precision="float32",
            visible=window.build is None,
        )  # fmt: skip
        self._reached = scene.add_point_cloud(
            "/reached", points, REACHED, point_size=size, point_shape="circle",
            precision="float32", visible=window.build is None,
        )  # fmt: skip

        @self._server.on_client_connect
        def _(client: viser.ClientHandle) -> None:
            client.camera.position = (0.35, 0.1, 4.4)
            client.camera.look_at = (0.35, -0.25, 0.0)
            client.camera.up_direction = (0.0, 1.0, 0.0)
            client.camera.fov = 0.7

    def _controls(self) -> None:
        gui = self._server.gui
        gui.set_panel_label(f"Mien: {self._face.name}")
        tabs = gui.add_tab_group()
        with tabs.add_tab("Face"):
            self._voice = gui.add_markdown("waiting for the first tick")
            wanted = gui.add_checkbox("wanted (self-model, orange)", self._wanted.visible)
            reached = gui.add_checkbox("reached (blue)", self._reached.visible)
            wanted.on_update(lambda e: setattr(self._wanted, "visible", e.target.value))
            reached.on_update(lambda e: setattr(self._reached, "visible", e.target.value))
            emotion = gui.add_dropdown("emotion", EMOTIONS)
            strength = gui.add_slider("intensity", 0.0, 1.0, 0.05, 0.7)
            gaze = gui.add_vector2("gaze", (0.0, 0.0), min=(-1, -1), max=(1, 1), step=0.05)
            rest = gui.add_button("end, come to rest")

        def feel(_: Any) -> None:
            self._say(("feel", {str(emotion.value): float(strength.value)}))

        emotion.on_update(feel)
        strength.on_update(feel)
        gaze.on_update(lambda e: self._say(("look", *map(float, e.target.value))))
        rest.on_click(lambda _: self._say(("stop",)))
        with tabs.add_tab("Servos"):
            self._servos = gui.add_markdown("waiting for the first tick")
        with tabs.add_tab("Board"):
            self._serial = gui.add_markdown("waiting for the first tick")
        with tabs.add_tab("Record"):
            self._recordings = Recordings(gui, self._say, self._face)
        with tabs.add_tab("Tune"):
            self._tuning()

    def _tuning(self) -> None:
        gui = self._server.gui
        on = gui.add_checkbox("tune by hand", False, hint="The sliders move the face")
        zero = gui.add_button("all neutral")
        sliders = []
        for region in dict.fromkeys(a.region for a in self._face.actuators.values()):
            with gui.add_folder(region, expand_by_default=region in ("mouth", "jaw")):
                for k, (name, actuator) in enumerate(self._face.actuators.items()):
                    if actuator.region == region:
                        low, high = actuator.limits
                        sliders.append((k, gui.add_slider(name, low, high, 0.01, 0.0)))

        def tune(_: Any) -> None:
            for k, slider in sliders:
                self._pose[k] = slider.value
            self._say(("tune", self._pose.tolist() if on.value else None))

        def neutral(_: Any) -> None:
            for _k, slider in sliders:
                slider.value = 0.0  # type: ignore[misc]
            tune(None)

        on.on_update(tune)
        zero.on_click(neutral)
        for _k, slider in sliders:
            slider.on_update(lambda _: tune(None) if on.value else None)
