"""``mien style`` with a voice: learned, drawn, spoken in, blended, and refused in one sentence."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from mien.models.face.blendshapes import ARKIT
from mien.models.manner.style_file import load
from mien.robot.media import audio
from mien.robot.media.livelink_takes import write_csv
from mien.robot.show.imitation import learned_styles, style_path, voice_of
from mien.robot.show.voices import of_whoever_speaks
from mien.robot.verbs.cli import build


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(build(), [str(w) for w in words])
    code = getattr(done.exception, "exit_code", done.exit_code)
    printed = [getattr(done.exception, name, "") for name in ("message", "hint")]
    return code, done.output + "\n".join(printed)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sounds: a sentence and a higher copy of it, and no styles."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    sound = audio.load(audio.LJ_DEMO)[: 4 * audio.RATE]
    soundfile.write(tmp_path / "low.wav", sound, audio.RATE)
    soundfile.write(tmp_path / "high.wav", sound, round(1.3 * audio.RATE))
    rng = np.random.default_rng(0)
    weights = 0.3 + 0.1 * rng.normal(size=(400, len(ARKIT))).cumsum(axis=0) / 20
    write_csv(tmp_path / "take.csv", np.clip(weights, 0, 1), 60.0)
    return tmp_path


def learn(name: str, *words: object) -> tuple[int, str]:
    return run("style", "learn", name, "--consent", "public", *words)


def test_a_voice_becomes_a_small_file_that_says_where_it_comes_from(folder: Path) -> None:
    assert learn("low", "--voice", folder / "low.wav")[0] == 0
    style = load(style_path("low"))
    assert style_path("low").stat().st_size < 8000
    assert (style.source, style.consent, style.moves) == ("low.wav", "public", False)
    assert len(style.voice) == 64
    assert learn("both", "--voice", folder / "low.wav", "--clip", folder / "take.csv")[0] == 0
    both = load(style_path("both"))
    assert (both.voice, both.moves, both.source) == (style.voice, True, "low.wav + take.csv")
    assert both.sha256 != style.sha256


def test_styles_are_drawn_blended_and_forgotten(folder: Path) -> None:
    for name in ("low", "high"):
        assert learn(name, "--voice", folder / f"{name}.wav")[0] == 0
    assert learn("moves", "--clip", folder / "take.csv")[0] == 0
    code, shown = run("style", "show", "low")
    assert code == 0
    assert all(word in shown for word in ("open", "sibilant", "head", "blinks", "|"))
    assert run("style", "blend", "half", "low", "1", "high", "1", "moves", "2")[0] == 0
    low, high, half, moves = (load(style_path(n)) for n in ("low", "high", "half", "moves"))
    mean = 0.5 * (np.array(low.code) + np.array(high.code))
    np.testing.assert_allclose(half.code, mean, atol=1e-4)
    np.testing.assert_allclose(half.means, moves.means, atol=1e-4)
    assert "low.wav" in run("style", "list")[1]
    assert run("style", "forget", "low")[0] == 0
    assert not style_path("low").exists()


def test_a_sentence_is_spoken_in_a_style(folder: Path) -> None:
    assert learn("high", "--voice", folder / "high.wav")[0] == 0
    plain = ("speak", "--wav", folder / "low.wav", "--no-film", "--face", "hobby9")
    for out, words in (("a", ()), ("b", ("--style", "high"))):
        code, said = run(*plain, *words, "--out", folder / out)
        assert code == 0, said
    a, b = ((folder / n / "blendshapes.csv").read_text() for n in "ab")
    assert a != b


def test_whoever_speaks_is_known_again_by_a_print_that_forget_deletes(folder: Path) -> None:
    sounds = {n: audio.load(folder / f"{n}.wav") for n in ("low", "high")}
    own = voice_of("auto", sounds["low"])
    assert len(own) == 64
    for name in ("low", "high"):
        assert learn(name, "--voice", folder / f"{name}.wav")[0] == 0
        assert len(load(style_path(name)).voiceprint) == 16
    for name, sound in sounds.items():
        assert of_whoever_speaks(sound, learned_styles())[1] == name
    assert run("style", "forget", "low")[0] == 0
    assert [s.name for s in learned_styles()] == ["high"]
    assert run("style", "blend", "mixed", "high", "1")[0] == 0
    assert load(style_path("mixed")).voiceprint == ()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("style", "learn", "x", "--consent", "self"), "neither --voice nor --clip"),
        (("style", "learn", "x", "--voice", "low.wav"), "--consent is missing; it says who"),
        (("style", "learn", "x", "--voice", "low.wav"), "x --voice low.wav --consent WHO"),
        (("style", "learn", "x"), "x --voice A.wav --consent WHO"),
        (("style", "learn", "x", "--consent", "self"), "x --voice A.wav --consent self"),
        (("style", "learn", "x", "--consent", "me", "--clip", "my take.csv"), "--consent is 'me'"),
        (("style", "learn", "x", "--consent", "me", "--clip", "my take.csv"), "--clip 'my take"),
        (("style", "learn", "x", "--consent", "self", "--voice", "none.wav"), "none.wav"),
        (("style", "learn", "x", "--consent", "self", "--voice", "take.csv"), "take.csv"),
        (("style", "learn", "x", "--consent", "self", "--voice", "quiet.wav"), "no style"),
        (("style", "learn", "x", "--consent", "self", "--voice", "empty.wav"), "empty.wav"),
        (("speak", "--wav", "low.wav", "--style", "nobody"), "nobody"),
        (("speak", "--wav", "low.wav", "--style", "moves"), "clip alone"),
        (("live", "--wav", "low.wav", "--style", "nobody"), "nobody"),
        (("live", "--wav", "low.wav", "--style", "auto"), "still running"),
        (("live", "--wav", "low.wav", "--sing", "--style", "nobody"), "song"),
        (("style", "show", "nobody"), "nobody"),
    ],
)
def test_what_is_no_style_is_refused_in_one_sentence(
    folder: Path, words: tuple[str, ...], told: str
) -> None:
    soundfile.write(folder / "quiet.wav", np.zeros(audio.RATE), audio.RATE)
    soundfile.write(folder / "empty.wav", np.zeros(0), audio.RATE)
    assert learn("moves", "--clip", folder / "take.csv")[0] == 0
    code, said = run(*words)
    assert code == 2, said
    assert told in said
    assert not style_path("x").exists()
