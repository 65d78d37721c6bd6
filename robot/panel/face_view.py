"""The panel's view: a live face, its meters, emotions and recordings, a slider for every servo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import singledispatchmethod
from typing import Any, Final

from mien.models.face.emotion import EMOTIONS
from mien.robot.expression.voices import AUTO, NONE, codes_of, style_named, style_names
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import FaceConfig, load_face
from mien.robot.panel.face_scene import FaceScene
from mien.robot.panel.intents import (
    EmotionIntent,
    GazeIntent,
    Intent,
    RecordIntent,
    ReplayIntent,
    RestIntent,
    Schema,
    StyleIntent,
    TuneIntent,
)
from mien.robot.panel.messages import (
    EndRun,
    FaceState,
    Send,
    SetEmotion,
    SetGaze,
    SetPose,
    SetStyle,
)
from mien.robot.panel.meters import board, level, serial, servos, voice
from mien.robot.panel.page import Frame, Page, part, text
from mien.robot.panel.recordings import Recordings
from mien.robot.panel.scene import script
from mien.robot.panel.window import Window

_METERS_EVERY: Final = 5


@dataclass(frozen=True)
class Slider:
    """One actuator as the page draws it."""

    name: str
    region: str
    low: float
    high: float


def sliders(face: FaceConfig) -> list[dict[str, Any]]:
    """A slider for every actuator, in the face's order."""
    return [
        asdict(Slider(name, actuator.region, float(low), float(high)))
        for (name, actuator), (low, high) in zip(face.actuators.items(), face.limits, strict=True)
    ]


class FaceView:
    """A ``View`` of one live face.

    Args:
        window: what to show.
        send: sends a message to the loop.
    """

    def __init__(self, window: Window, send: Send) -> None:
        self._send, self._line, self._style = send, window.line, window.style
        self._face = load_face(window.face)
        self._recordings = Recordings(send, self._face)
        model = Calibrated(self._face, window.calibration).model
        self._scene = FaceScene(self._face, model, window.build)
        self._shows = 0
        intents = (EmotionIntent, GazeIntent, TuneIntent, RecordIntent, ReplayIntent, RestIntent)
        self.intents = Schema(self._face, *intents, *((StyleIntent,) if self._style else ()))
        self.page = Page(
            f"Mien: {self._face.name}",
            styles=(part("stage.css"),),
            scripts=(script(), part("stage.js"), part("face_view.js")),
            simulated=window.line == "sim",
        )

    def hello(self) -> Sequence[Frame]:
        """Names and limits that never change, and the face."""
        return [
            self._scene.hello(),
            text(
                "hello",
                face=self._face.name,
                emotions=list(EMOTIONS),
                sliders=sliders(self._face),
            ),
        ]

    def frames(self, state: FaceState) -> Sequence[Frame]:
        """The board, the face, and from time to time the meters."""
        meters = state.meters
        out = [
            text("board", **board(meters)),
            self._scene.frame(state.target, state.sent, state.skin),
        ]
        if self._shows % _METERS_EVERY == 0:
            out.append(
                text(
                    "meters",
                    level=level(meters),
                    voice=voice(meters),
                    serial=serial(meters, self._line, self._face.baud),
                    servos=servos(meters, self._face.names),
                    recordings=self._recordings.summary(meters),
                    style=self._style,
                    styles=[NONE, AUTO, *style_names()] if self._style else [],
                )
            )
        self._shows += 1
        return out

    @singledispatchmethod
    def handle(self, intent: Intent) -> None:
        """Hand it to the loop, or to the recordings."""
        raise NotImplementedError(intent.called)

    @handle.register
    def _(self, intent: EmotionIntent) -> None:
        self._send(SetEmotion({intent.emotion: intent.intensity}))

    @handle.register
    def _(self, intent: GazeIntent) -> None:
        self._send(SetGaze(intent.yaw, intent.pitch))

    @handle.register
    def _(self, intent: StyleIntent) -> None:
        if intent.style not in (NONE, AUTO):
            codes_of(style_named(intent.style))
        self._style = intent.style
        self._send(SetStyle(intent.style))

    @handle.register
    def _(self, intent: TuneIntent) -> None:
        self._send(SetPose(None if intent.pose is None else list(intent.pose)))

    @handle.register
    def _(self, intent: RecordIntent) -> None:
        self._recordings.record(intent.recording)

    @handle.register
    def _(self, intent: ReplayIntent) -> None:
        self._recordings.replay(intent.recording)

    @handle.register
    def _(self, _: RestIntent) -> None:
        self._send(EndRun())
