"""``mien style`` with a voice: learned, drawn, spoken in, blended, and refused in one sentence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from mien.models.errors import ModelError
from mien.models.face.blendshapes import ARKIT
from mien.models.face.emotion import EMOTIONS
from mien.models.manner.style_file import load
from mien.robot.expression.voice_style import LiveStyle
from mien.robot.expression.voices import learned_styles, of_whoever_speaks, style_path
from mien.robot.media import audio
from mien.robot.media.livelink_takes import write_csv
from mien.robot.show.imitation import voice_of
from mien.robot.verbs.cli import build

MOOD = ("style", "learn", "x", "--emotion")
MOODY = ("style", "learn", "moves", "--emotion")


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
    assert own is not None
    assert own.shape == (len(EMOTIONS), 64)
    for name in ("low", "high"):
        assert learn(name, "--voice", folder / f"{name}.wav")[0] == 0
        assert len(load(style_path(name)).voiceprint) == 24
    for name, sound in sounds.items():
        assert of_whoever_speaks(sound, learned_styles())[1] == name
    assert run("style", "forget", "low")[0] == 0
    assert [s.name for s in learned_styles()] == ["high"]
    assert run("style", "blend", "mixed", "high", "1")[0] == 0
    assert load(style_path("mixed")).voiceprint == ()


def test_an_emotion_is_learned_drawn_blended_and_forgotten(folder: Path) -> None:
    low, high = ("--voice", folder / "low.wav"), ("--voice", folder / "high.wav")
    for name in ("anna", "ben"):
        assert learn(name, *low)[0] == 0
    code, said = run(*MOODY[:2], "anna", "--emotion", "happy", "--consent", "self", *high)
    assert code == 0, said
    anna, plain = load(style_path("anna")), load(style_path("ben"))
    told = anna.emotions["happiness"]
    assert (told.source, told.consent, anna.consent) == ("high.wav", "self", "public")
    assert (anna.code, anna.voiceprint) == (plain.code, plain.voiceprint)
    assert anna.codes is not None
    happy = EMOTIONS.index("happiness")
    np.testing.assert_array_equal(anna.codes[happy], told.code)
    np.testing.assert_array_equal(anna.codes[happy + 1], anna.code)
    assert style_path("anna").stat().st_size < 8000
    # What it does is drawn for each, where it comes from stands beside it.
    shown = run("style", "show", "anna")[1]
    assert "happiness: high.wav" in shown
    assert shown.count("sibilant") == 2
    assert "happiness" in run("style", "list")[1]
    assert learn("low", *low)[0] == 0
    assert learn("low", *high, "--emotion", "anger")[0] == 0
    assert run("style", "blend", "both", "anna", "1", "low", "3")[0] == 0
    both = load(style_path("both"))
    assert sorted(both.emotions) == ["anger", "happiness"]
    assert both.emotions["happiness"].code == told.code
    assert both.emotions["happiness"].source == "1.00 anna"
    assert both.emotions["happiness"].consent == "self"
    # It goes alone, with the whole style, and when the voice is another one.
    assert run("style", "forget", "anna", "--emotion", "happy")[0] == 0
    assert load(style_path("anna")) == plain.model_copy(update={"name": "anna"})
    assert "anger of the voice before is gone" in learn("low", *high)[1]
    assert not load(style_path("low")).emotions
    assert run("style", "forget", "both")[0] == 0
    assert not style_path("both").exists()


def test_files_of_earlier_versions_load_and_bad_emotions_are_named(folder: Path) -> None:
    assert learn("anna", "--voice", folder / "low.wav")[0] == 0
    path = style_path("anna")
    assert "emotions" not in path.read_text()  # what earlier versions wrote and read
    old = load(path)
    assert learn("anna", "--voice", folder / "high.wav", "--emotion", "anger")[0] == 0
    whole = json.loads(path.read_text())
    assert load(path).model_copy(update={"emotions": {}}) == old

    def told(**changes: object) -> str:
        entry = {**whole["emotions"]["anger"], **changes}
        path.write_text(json.dumps({**whole, "emotions": {changes.pop("called", "anger"): entry}}))
        with pytest.raises(ModelError) as refused:
            load(path)
        return str(refused.value.message)

    assert "emotions.anger.consent" in told(consent="maybe")
    assert "emotions.anger.code" in told(code=[0.0] * 63)
    assert "emotions.anger.code.3" in told(code=[0.0] * 3 + [1e9] + [0.0] * 60)
    assert "emotions.anger.sha256" in told(sha256="x")
    assert "emotions.anger.mood: unknown key" in told(mood=1)
    for name in ("bored", "neutral"):
        entry = whole["emotions"]["anger"]
        path.write_text(json.dumps({**whole, "emotions": {name: entry}}))
        with pytest.raises(ModelError, match=f"emotions.{name}"):
            load(path)
    path.write_text(json.dumps(whole) + " " * 70_000)
    with pytest.raises(ModelError, match="64"):
        load(path)


def test_a_print_of_an_earlier_version_knows_nobody_and_its_style_still_works(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("older", "high"):
        of = "low" if name == "older" else name
        assert learn(name, "--voice", folder / f"{of}.wav")[0] == 0
    new = load(style_path("older"))
    content = json.loads(style_path("older").read_text())
    content["voiceprint"] = [0.25] * 16
    style_path("older").write_text(json.dumps(content))
    old = load(style_path("older"))
    assert (old.code, len(old.voiceprint)) == (new.code, 16)
    np.testing.assert_array_equal(voice_of("older"), new.codes)
    assert {s.name for s in learned_styles()} == {"older", "high"}
    # It is neither known nor in the way of who is; one note says what to do.
    capsys.readouterr()
    sounds = {n: audio.load(folder / f"{n}.wav") for n in ("low", "high")}
    assert of_whoever_speaks(sounds["high"], learned_styles())[1] == "high"
    assert of_whoever_speaks(sounds["low"], learned_styles())[1] == ""
    note = capsys.readouterr().err
    assert note.count("mien style learn NAME --voice A.wav --consent WHO") == 1
    assert "voice of older:" in note
    assert voice_of("auto", sounds["high"]) is not None
    # The panel and the live face begin with it too.
    live = LiveStyle()
    live.choose("auto")
    live.choose("older")
    for verb in ("list", "show"):
        assert run("style", verb, *["older"] * (verb == "show"))[0] == 0
    assert run("style", "blend", "both", "older", "1", "high", "1")[0] == 0
    assert learn("older", "--voice", folder / "high.wav", "--emotion", "anger")[0] == 0
    assert learn("older", "--voice", folder / "low.wav")[0] == 0
    assert load(style_path("older")) == new
    assert of_whoever_speaks(sounds["low"], learned_styles())[1] == "older"


@pytest.mark.parametrize("count", [1, 15, 17, 23, 25])
def test_a_print_has_its_numbers_or_those_of_an_earlier_version(folder: Path, count: int) -> None:
    assert learn("low", "--voice", folder / "low.wav")[0] == 0
    content = json.loads(style_path("low").read_text())
    style_path("low").write_text(json.dumps({**content, "voiceprint": [0.2] * count}))
    with pytest.raises(ModelError, match="voiceprint"):
        load(style_path("low"))
    assert not learned_styles()


def test_an_emotion_that_was_learned_changes_the_mouth_while_it_is_shown(folder: Path) -> None:
    plain = ("speak", "--wav", folder / "low.wav", "--no-film", "--face", "hobby9", "--style", "a")
    feels = (*plain, "--emotion", "happiness")
    assert learn("a", "--voice", folder / "low.wav")[0] == 0
    assert run(*plain, "--out", folder / "calm")[0] == 0
    assert run(*feels, "--out", folder / "usual")[0] == 0
    assert learn("a", "--voice", folder / "high.wav", "--emotion", "happiness")[0] == 0
    assert run(*plain, "--out", folder / "calm2")[0] == 0
    assert run(*feels, "--out", folder / "own")[0] == 0
    said = {
        n: (folder / n / "blendshapes.csv").read_text() for n in ("calm", "calm2", "usual", "own")
    }
    assert said["calm"] == said["calm2"]
    assert said["usual"] != said["own"]


def test_a_stranger_who_is_heard_live_leaves_nothing_behind(folder: Path) -> None:
    assert learn("high", "--voice", folder / "high.wav")[0] == 0
    environment = {**os.environ, "HOME": str(folder / "home"), "TMPDIR": str(folder)}
    environment |= {f"XDG_{n}_HOME": str(folder / n) for n in ("CACHE", "CONFIG", "STATE")}

    def tree() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

    before = tree()
    words = "live --wav low.wav --face hobby9 --style auto --seconds 8 --json"
    done = subprocess.run(
        [sys.executable, "-m", "mien.robot.verbs.cli", *words.split()],
        env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert tree() == before


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
        (("live", "--wav", "low.wav", "--sing", "--style", "nobody"), "song"),
        (("style", "show", "nobody"), "nobody"),
        (("style", "learn", "auto", "--consent", "self", "--voice", "low.wav"), "meaning of its"),
        (("style", "learn", "none", "--consent", "self", "--voice", "low.wav"), "meaning of its"),
        ((*MOOD, "happy", "--consent", "self", "--voice", "low.wav"), "there is no style 'x'"),
        ((*MOOD, "happy", "--voice", "low.wav"), "x --emotion happy --voice low.wav --consent"),
        ((*MOOD, "happy", "--consent", "self", "--clip", "take.csv"), "from a voice alone"),
        ((*MOODY, "happy", "--consent", "self", "--voice", "low.wav"), "clip alone"),
        ((*MOODY, "bored", "--consent", "self", "--voice", "low.wav"), "'bored' is not an emotion"),
        ((*MOODY, "neutral", "--consent", "self", "--voice", "low.wav"), "without --emotion"),
        (("style", "forget", "moves", "--emotion", "anger"), "was not learned in anger"),
        (("style", "forget", "moves", "--emotion", "bored"), "'bored' is not an emotion"),
        (("panel", "--style", "nobody"), "nobody"),
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
