"""The rig's view: head, loads and tendons in colour, a slider per actuator, and presets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import singledispatchmethod
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from mien.models.face.blendshapes import ARKIT
from mien.models.face.emotion import EMOTIONS
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import load_face
from mien.robot.panel.face_view import sliders
from mien.robot.panel.intents import Commands, Intent, Schema, Share
from mien.robot.panel.messages import FaceState, Send
from mien.robot.panel.meters import board
from mien.robot.panel.page import Frame, Page, part, text
from mien.robot.panel.scene import script
from mien.robot.panel.served import serve
from mien.robot.panel.window import Window
from mien.robot.viewer.chosen import Choice, Chosen
from mien.robot.viewer.picture import RigPicture, loads
from mien.robot.viewer.presets import Presets

_METERS_EVERY: Final = 3
_HERE: Final = Path(__file__).parent


def _preset(value: str) -> str:
    if value not in Presets.names:
        raise ValueError("no such preset: an emotion or an ARKit shape")
    return value


class PoseIntent(Intent):
    """Take this pose: a hand on a slider."""

    called = "pose"
    pose: Commands


class PresetIntent(Intent):
    """Show an emotion or an ARKit shape so much."""

    called = "preset"
    preset: Annotated[str, Field(max_length=40), AfterValidator(_preset)]
    strength: Share


class NeutralIntent(Intent):
    """All commands to 0."""

    called = "neutral"


class RigView:
    """A ``View`` of one simulated rig.

    Args:
        window: what to show; ``window.build`` is not None.
        send: sends a message to the loop.
    """

    def __init__(self, window: Window, send: Send) -> None:
        self._face = load_face(window.face)
        calibrated = Calibrated(self._face, window.calibration)
        self._picture = RigPicture(self._face, calibrated.model, window.build or 0)
        self._chosen = Chosen(Presets(calibrated), len(self._face.names), send)
        self._shown_choice: Choice | None = None
        self._shows = 0
        self.intents = Schema(self._face, PoseIntent, PresetIntent, NeutralIntent)
        self.page = Page(
            f"Mien sim: {self._face.name}, build {window.build or 0}",
            styles=(part("stage.css"), (_HERE / "panel.css").read_text("utf-8")),
            scripts=(script(), part("stage.js"), (_HERE / "panel.js").read_text("utf-8")),
            again="mien sim --view",
            simulated=True,
        )

    def hello(self) -> Sequence[Frame]:
        """The rig, and the names and limits of what moves it."""
        names = {"emotions": list(EMOTIONS), "shapes": list(ARKIT)}
        return [self._picture.hello(), text("hello", sliders=sliders(self._face), **names)]

    def frames(self, state: FaceState) -> Sequence[Frame]:
        """The board, the rig, and from time to time its loads; the meters are ``Effort.state``."""
        out = [
            text("board", **board(state.meters)),
            self._picture.frame(state.skin, state.meters),
        ]
        choice = self._chosen.current
        if choice is not self._shown_choice:
            self._shown_choice = choice
            out.append(text("choice", **asdict(choice)))
        if self._shows % _METERS_EVERY == 0:
            out.append(loads(self._face, state.sent, state.meters))
        self._shows += 1
        return out

    @singledispatchmethod
    def handle(self, intent: Intent) -> None:
        """Choose another pose."""
        raise NotImplementedError(intent.called)

    @handle.register
    def _(self, intent: PoseIntent) -> None:
        self._chosen.by_hand(intent.pose)

    @handle.register
    def _(self, intent: PresetIntent) -> None:
        self._chosen.by_name(intent.preset, intent.strength)

    @handle.register
    def _(self, intent: NeutralIntent) -> None:
        del intent
        self._chosen.neutral()


def run(pipe: Connection, window: Window) -> None:
    """The view's process, for ``mien.robot.viewer.run``."""
    serve(pipe, window, lambda send: RigView(window, send))
