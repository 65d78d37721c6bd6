"""A style moves mean and principal poses toward a clip, and keeps what is said."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mien.models.errors import ModelError
from mien.models.face.blendshapes import ARKIT, INDEX, lip_opening
from mien.models.face.curves import CURVES
from mien.models.manner import style_file
from mien.models.manner.style_blend import blended
from mien.models.manner.style_file import STYLED, Style, analysed, learned, load, save
from mien.robot.errors import InputError
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import load_face
from mien.robot.media import audio
from mien.robot.media.livelink_takes import write_csv
from mien.robot.show.generator import Curves, rules
from mien.robot.show.imitation import checked_style, found, imitated, styled, within_reach
from mien.robot.show.scene import Scene
from mien.robot.verbs.cli import build


def _clip(seed: int = 0, frames: int = 400) -> np.ndarray:
    """A clip with a constant smile, brows that wander, and slow nods."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames) / 60
    out = np.zeros((frames, len(CURVES)))
    out[:, INDEX["mouthSmileLeft"]] = out[:, INDEX["mouthSmileRight"]] = 0.35
    out[:, INDEX["browInnerUp"]] = 0.3 + 0.25 * np.sin(2 * np.pi * 0.6 * t + rng.uniform(0, 6))
    out[:, CURVES.index("HeadPitch")] = 0.1 * np.sin(2 * np.pi * 0.3 * t)
    return out


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(audio.load(audio.LJ_DEMO)[: 4 * audio.RATE])


@pytest.fixture
def style(tmp_path: Path) -> Style:
    (tmp_path / "a.csv").write_text("x")
    return learned(_clip(), 60.0, "a", tmp_path / "a.csv", "synthetic")


def _distance(curves: Curves, style: Style) -> float:
    """Distance to the mean and to the principal poses of a style, whichever their signs."""
    mean, poses, _, _ = analysed(curves, 60.0)
    apart = np.minimum(
        np.linalg.norm(poses - style.axes, axis=1), np.linalg.norm(poses + style.axes, axis=1)
    )
    return float(np.linalg.norm(mean - style.means) + apart.sum())


def test_the_curves_move_to_the_style_and_keep_what_is_said(scene: Scene, style: Style) -> None:
    plain, moved = rules(scene, 1), styled(rules, style)(scene, 1)
    assert _distance(moved, style) < 0.5 * _distance(plain, style)
    free = [k for k in range(len(CURVES)) if k not in STYLED]
    jaw = [INDEX[n] for n in ("jawOpen", "mouthClose", "mouthPucker")]
    assert np.array_equal(moved[:, jaw], plain[:, jaw])
    assert set(jaw) <= set(free)
    shut = lip_opening(scene.spoken) < 0.02
    assert lip_opening(moved[:, : len(ARKIT)])[shut].max() < 0.06
    assert moved[:, : len(ARKIT)].min() >= 0.0
    assert moved[:, : len(ARKIT)].max() <= 1.0


def test_the_head_gain_holds_in_a_style(scene: Scene, style: Style) -> None:
    still = Scene(scene.samples, (), (0.0, 0.0, 0.0))
    assert np.abs(imitated(rules(still, 1), style, still)[:, -3:]).max() < 1e-6


def test_a_style_within_reach_asks_nothing_that_the_face_lacks(style: Style) -> None:
    face = Calibrated(load_face("hobby9"))
    row = np.array(style.mean)
    row[STYLED.index(INDEX["cheekPuff"])] = 0.9
    reached = within_reach(face, style.model_copy(update={"mean": tuple(row.tolist())}))
    assert reached.means[STYLED.index(INDEX["mouthSmileLeft"])] > 0.1
    assert np.isfinite(reached.axes).all()
    assert (reached.means[: len(ARKIT)] >= 0.0).any()


def test_a_style_is_a_small_file_that_says_where_it_comes_from(
    style: Style, tmp_path: Path
) -> None:
    save(tmp_path / "s.json", style)
    assert (tmp_path / "s.json").stat().st_size < 8000
    assert load(tmp_path / "s.json") == style
    assert (style.source, style.consent) == ("a.csv", "synthetic")
    for damage in ("{}", "[", '{"version": 1}'):
        (tmp_path / "s.json").write_text(damage)
        with pytest.raises(ModelError):
            load(tmp_path / "s.json")
        with pytest.raises(InputError):
            checked_style("s.json", tmp_path)


def test_clips_that_show_no_style_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    for curves, told in ((_clip(frames=60), "needs 2 s"), (np.zeros((200, 55)), "does not move")):
        with pytest.raises(ModelError, match=told):
            learned(curves, 60.0, "a", tmp_path / "a.csv", "self")


def test_a_blend_lies_between_its_parts(style: Style, tmp_path: Path) -> None:
    other = learned(0.5 * _clip(3), 60.0, "b", tmp_path / "a.csv", "given")
    both = blended("c", [(style, 3.0), (other, 1.0)])
    assert np.allclose(both.means, 0.75 * style.means + 0.25 * other.means, atol=1e-4)
    assert both.consent == "given"
    with pytest.raises(ModelError, match="weights"):
        blended("c", [(style, 0.0)])


def test_styles_are_learned_shown_blended_and_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    clip = tmp_path / "anna.csv"
    write_csv(clip, _clip()[:, : len(ARKIT)], 60.0)

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(build(), ["style", *words])
        code = getattr(done.exception, "exit_code", done.exit_code)
        return code, done.output + repr(done.exception)

    assert run("learn", "anna", "--clip", str(clip), "--consent", "given")[0] == 0
    assert run("learn", "anna", "--clip", str(clip), "--consent", "maybe")[0] == 2
    assert run("blend", "both", "anna", "0.6", str(clip), "0.4")[0] == 0
    assert run("blend", "both", "anna")[0] == 2
    assert "anna.csv" in run("list")[1]
    assert "mouthSmileLeft" in run("show", "anna")[1]
    assert found("anna", tmp_path).name == "anna"
    assert run("forget", "anna")[0] == 0
    assert run("forget", "anna")[0] == 2
    for wrong in ("anna", "../anna"):
        with pytest.raises(InputError):
            found(wrong, tmp_path)
    assert style_file.CONSENTS[0] == "given"


def test_a_show_names_a_clip_beside_it(tmp_path: Path) -> None:
    write_csv(tmp_path / "her.csv", _clip()[:, : len(ARKIT)], 60.0)
    read: Callable[[str], Style | None] = lambda name: checked_style(name, tmp_path)  # noqa: E731
    style = read("her.csv")
    assert style is not None
    assert style.means[STYLED.index(INDEX["mouthSmileLeft"])] == pytest.approx(0.35, abs=1e-3)
    with pytest.raises(InputError):
        read("none.csv")
    assert checked_style(None, tmp_path) is None
