"""The rig's view: head, loads and strings in colour, a slider per actuator, and presets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.blendshapes import ARKIT
from models.emotion import EMOTIONS
from robot.calibrated import Calibrated
from robot.config import FaceConfig, Floats, load_face
from robot.panel.head import SCALE
from robot.panel.process import Window, serve
from robot.panel.server import Panel
from robot.sim.show.presets import Presets

TAUT_N: Final = 2.0
"""Tension that is drawn in the hottest colour; a full pull of the shipped strings is 1.5 to 1.8."""
_SCALE_COLORS: Final = np.array([[70, 120, 220], [70, 190, 90], [240, 200, 60], [225, 40, 30]])
_METERS_EVERY: Final = 3
_OPACITY: Final = 0.35
_DOTS: Final = 40
_LIFT_MM: Final = 6.0
_AXIS_MM: Final = np.array([0.0, 0.0, -80.0])
"""A point of the head's upright axis: markers are lifted off the skin away from it."""
_ROW_MM: Final = (-130.0, 14.0, 60.0)
"""Height, spacing and depth of the markers of actuators that move no landmark."""


class SimPanel(Panel):
    """A viser server for one simulated rig.

    Args:
        window: what to show and where; ``window.build`` is not None.
        say: hears ("pose", [n commands]) when a slider or a preset moved.
    """

    def __init__(self, window: Window, say: Callable[[tuple[Any, ...]], None]) -> None:
        self._presets = Presets(Calibrated(load_face(window.face), window.calibration))
        self._sliders: list[Any] = []
        super().__init__(window, say)

    def show(self, wanted: Floats, sent: Floats, skin: Any, state: dict[str, Any]) -> None:
        """Commands (n,) wanted and sent, the rig's skin, and ``Effort.state``."""
        del wanted
        with self._server.atomic():
            if skin is not None:
                turn = skin.head
                self._head.move(self._rig.skin.deform(skin), turn)
                points = self._rig.skin.landmarks(skin)
                at = np.where(self._of[:, None] >= 0, outside(points[self._of]), self._row)
                at = at @ turn[:3, :3].T + turn[:3, 3]
                self._loads.points = (SCALE * at).astype(np.float32)
            self._loads.colors = heat(state["load"])
            if self._strings is not None:
                pull = np.array(list(state["tension"].values())) / TAUT_N
                self._strings.points = (SCALE * dots(state["strings"])).astype(np.float32)
                self._strings.colors = heat(np.repeat(pull, _DOTS))
            if self._shows % _METERS_EVERY == 0:
                self._bars.content = bars(self._face, sent, state["load"], state["tension"])
            self._shows += 1

    def _scene(self, window: Window) -> None:
        super()._scene(window)
        self._of = marks(self._face, self._model.landmarks)
        self._row = np.zeros((len(self._of), 3))
        loose = np.flatnonzero(self._of < 0)
        height, apart, depth = _ROW_MM
        self._row[loose] = (0.0, height, depth)  # also where every actuator moves a landmark
        self._row[loose, 0] = (np.arange(len(loose)) - (len(loose) - 1) / 2) * apart
        self._loads = self._server.scene.add_point_cloud(
            "/loads", self._row.astype(np.float32), heat(np.zeros(len(self._of))),
            point_size=0.045, point_shape="circle", precision="float32",
        )  # fmt: skip
        count = len(self._rig.machine.strings)
        self._strings = None
        if count:
            self._strings = self._server.scene.add_point_cloud(
                "/strings", np.zeros((count * _DOTS, 3), np.float32),
                heat(np.zeros(count * _DOTS)),
                point_size=0.02, point_shape="circle", precision="float32",
            )  # fmt: skip

    def _stop_panel(self) -> None:
        window = self._server.gui.add_panel()
        with window.add_tab("Rig"):
            button = self._server.gui.add_button("NEUTRAL", hint="All commands to 0")
        window.float(x=16, y=-16, width=240)
        button.on_click(lambda _: self._neutral())

    def _controls(self) -> None:
        gui = self._server.gui
        gui.set_panel_label(f"Mien sim: {self._face.name}, build {self._rig.build.seed}")
        clear = gui.add_checkbox("see the strings through the skin", False)
        clear.on_update(lambda e: self._fade(_OPACITY if e.target.value else None))
        tabs = gui.add_tab_group()
        with tabs.add_tab("Presets"):
            strength = gui.add_slider("strength", 0.0, 1.0, 0.05, 1.0)
            emotion = gui.add_dropdown("emotion", EMOTIONS)
            shape = gui.add_dropdown("ARKit shape", ("none", *ARKIT))
        with tabs.add_tab("Actuators"):
            self._by_hand()
        with tabs.add_tab("Loads"):
            self._bars = gui.add_html("waiting for the first tick")
        self._lists: tuple[tuple[Any, str], ...] = ((emotion, EMOTIONS[0]), (shape, "none"))
        self._last = EMOTIONS[0]

        def preset(event: Any) -> None:
            name = str(event.target.value)
            if event.client is not None and name != "none":
                self._last = name
                self._forget(but=event.target)
                self._take(self._presets.pose(name, float(strength.value)))

        def stronger(_: Any) -> None:
            self._take(self._presets.pose(self._last, float(strength.value)))

        emotion.on_update(preset)
        shape.on_update(preset)
        strength.on_update(stronger)

    def _by_hand(self) -> None:
        gui = self._server.gui
        found: dict[int, Any] = {}
        for region in dict.fromkeys(a.region for a in self._face.actuators.values()):
            with gui.add_folder(region, expand_by_default=region in ("mouth", "jaw")):
                for k, (name, actuator) in enumerate(self._face.actuators.items()):
                    if actuator.region == region:
                        found[k] = gui.add_slider(name, *actuator.limits, 0.01, 0.0)
        self._sliders = [found[k] for k in range(len(self._face.names))]

        def moved(event: Any) -> None:
            if event.client is not None:  # a hand, not a preset that puts the sliders in place
                self._say(("pose", [float(s.value) for s in self._sliders]))

        for slider in self._sliders:
            slider.on_update(moved)

    def _forget(self, but: Any = None) -> None:
        """Put the lists of presets back, so that the same one can be chosen again."""
        for handle, first in self._lists:
            if handle is not but:
                handle.value = first

    def _neutral(self) -> None:
        self._last = EMOTIONS[0]
        self._forget()
        self._take(np.zeros(len(self._face.names)))

    def _take(self, pose: Floats) -> None:
        """Ask for a pose (n,), and put the sliders there."""
        for slider, value in zip(self._sliders, pose.tolist(), strict=True):
            slider.value = value
        self._say(("pose", pose.tolist()))

    def _fade(self, opacity: float | None) -> None:
        for handle in self._head.meshes:
            handle.opacity = opacity


def marks(face: FaceConfig, landmarks: Callable[[Floats], Floats]) -> NDArray[np.intp]:
    """(n,) the landmark that each actuator moves most, -1 where it moves none by 0.5 mm."""
    neutral = landmarks(np.zeros(len(face.names)))
    out = np.full(len(face.names), -1, dtype=np.intp)
    for k in range(len(face.names)):
        pose = np.zeros(len(face.names))
        pose[k] = face.limits[k, 1]
        moved = np.linalg.norm(landmarks(pose) - neutral, axis=1)
        if moved.max() > 0.5:
            out[k] = moved.argmax()
    return out


def outside(points: Floats) -> Floats:
    """Points of the skin (n, 3) mm, lifted off it so that it does not cut their markers."""
    away = (points - _AXIS_MM) * (1.0, 0.0, 1.0)
    return np.asarray(points + _LIFT_MM * away / np.linalg.norm(away, axis=1, keepdims=True))


def dots(strings: Floats) -> Floats:
    """Ends of strings (S, 2, 3) -> points along them (S * 40, 3), string by string."""
    share = np.linspace(0.0, 1.0, _DOTS)[:, None]
    return np.asarray(strings[:, :1] * (1.0 - share) + strings[:, 1:] * share).reshape(-1, 3)


def heat(share: Floats) -> NDArray[np.uint8]:
    """Shares (n,) in 0..1 -> colours (n, 3): blue at rest, green, yellow, red at the limit."""
    at = np.clip(share, 0.0, 1.0) * (len(_SCALE_COLORS) - 1)
    stops = np.arange(len(_SCALE_COLORS))
    channels = [np.interp(at, stops, _SCALE_COLORS[:, c]) for c in range(3)]
    return np.asarray(np.stack(channels, axis=1), dtype=np.uint8)


def bars(face: FaceConfig, sent: Floats, load: Floats, tension: Mapping[str, float]) -> str:
    """A bar per servo, as long and as hot as its load over stall torque, and one per string."""
    rows = ["<b>servo load, % of stall torque</b>"]
    colors = heat(load)
    for name, command, share, color in zip(face.names, sent, load, colors, strict=True):
        rows.append(_bar(f"{name} {command:+.2f}", share, f"{100 * share:.0f}", color))
    if tension:
        rows.append("<b>string tension, N</b>")
    for name, newton in tension.items():
        share = newton / TAUT_N
        rows.append(_bar(name, share, f"{newton:.2f}", heat(np.array([share]))[0]))
    return f"<div style='font:11px monospace;padding:4px 10px'>{''.join(rows)}</div>"


def _bar(label: str, share: float, value: str, color: NDArray[np.uint8]) -> str:
    width = 100 * min(max(share, 0.0), 1.0)
    return (
        "<div style='display:flex;gap:6px;align-items:center'>"
        f"<span style='width:170px'>{label}</span>"
        "<span style='flex:1;background:#ddd;height:8px'>"
        f"<span style='display:block;height:8px;width:{width:.0f}%;"
        f"background:rgb({','.join(map(str, color.tolist()))})'></span></span>"
        f"<span style='width:34px;text-align:right'>{value}</span></div>"
    )


def run(pipe: Connection, window: Window) -> None:
    """The view's process, for ``robot.sim.show.view``."""
    serve(pipe, lambda click: SimPanel(window, click))
