"""The panel's choice of a style: what it offers, what it refuses, and that one is worn."""

import json
from pathlib import Path

import numpy as np
import pytest

from mien.models.face.curves import CURVES
from mien.models.manner.style_file import learned, save
from mien.robot.errors import InputError
from mien.robot.expression.voices import MOST, style_of_voice, style_path
from mien.robot.media.audio import LJ_DEMO
from mien.robot.panel.face_view import FaceView
from mien.robot.panel.messages import FaceState, SetStyle, ToLoop
from mien.robot.panel.window import Window
from tests.robot.panel.states import STATE

N = 9


pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with a style of a voice, one of a clip alone, and a broken file."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    save(style_path("anna"), style_of_voice(LJ_DEMO, "anna", "public"))
    (tmp_path / "a.csv").write_text("x")
    curves = 0.1 * np.random.default_rng(0).uniform(0, 1, (300, len(CURVES)))
    save(style_path("moves"), learned(curves, 60.0, "moves", tmp_path / "a.csv", "self"))
    style_path("broken").write_text('{"name": "broken"}')
    return tmp_path


def view(style: str | None = "none") -> tuple[FaceView, list[ToLoop]]:
    sent: list[ToLoop] = []
    return FaceView(Window("hobby9", build=None, style=style), sent.append), sent


def shown(view: FaceView) -> tuple[str | None, list[str]]:
    """The style that is worn, and those that are offered."""
    zeros = np.zeros(N)
    state = {**STATE, "celsius": [30.0] * N, "duty": [0.2] * N}
    for _ in range(5):
        for frame in view.frames(FaceState(zeros, zeros, None, state)):
            if frame.kind == "meters":
                meters = json.loads(frame.data)
                return meters["style"], meters["styles"]
    raise AssertionError("no meters")


def ask(view: FaceView, style: object) -> None:
    view.handle(view.intents.read(json.dumps({"intent": "style", "style": style})))


def test_none_is_worn_at_first_and_learned_styles_are_offered() -> None:
    face, sent = view()
    assert shown(face) == ("none", ["none", "auto", "anna", "broken", "moves"])
    ask(face, "anna")
    ask(face, "auto")
    assert shown(face)[0] == "auto"
    ask(face, "none")
    assert sent == [SetStyle("anna"), SetStyle("auto"), SetStyle("none")]
    save(style_path("ben"), style_of_voice(LJ_DEMO, "ben", "public"))
    assert "ben" in shown(face)[1]


def test_the_style_of_the_command_line_is_worn_at_first() -> None:
    assert shown(view("anna")[0])[0] == "anna"


@pytest.mark.parametrize(
    ("style", "told"),
    [
        ("nobody", "there is no style 'nobody'"),
        ("moves", "clip alone"),
        ("broken", "it is no style"),
        ("../anna", "no name for a style"),
        ("/etc/passwd", "no name for a style"),
        ("anna.json", "there is no style"),
        ("", "at least 1 character"),
        ("x" * 81, "at most 80 characters"),
        (None, "valid string"),
        (["anna"], "valid string"),
        ({"name": "anna"}, "valid string"),
    ],
)
def test_what_is_no_learned_style_of_a_voice_is_refused(style: object, told: str) -> None:
    face, sent = view("anna")
    with pytest.raises(InputError, match=told):
        ask(face, style)
    assert not sent
    assert shown(face)[0] == "anna"


def test_an_intent_has_no_more_fields_than_its_name() -> None:
    face, sent = view()
    with pytest.raises(InputError, match="code"):
        face.intents.read('{"intent": "style", "style": "anna", "code": [1.0]}')
    assert not sent


def test_a_song_has_no_style_to_choose() -> None:
    face, sent = view(None)
    assert shown(face) == (None, [])
    with pytest.raises(InputError, match="no such intent"):
        ask(face, "anna")
    assert not sent


def test_a_page_lists_no_more_than_it_can_show() -> None:
    for k in range(MOST + 20):
        style_path(f"s{k}").write_text("")
    style_path("anna").with_name("-odd name.json").write_text("")
    offered = shown(view()[0])[1]
    assert len(offered) == MOST + 2
    assert "-odd name" not in offered
