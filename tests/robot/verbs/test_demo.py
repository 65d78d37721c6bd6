"""The whole path, from a sound file to what the demo leaves behind."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner

from mien.models.errors import ModelError
from mien.models.self_model.model import shipped
from mien.robot.errors import ConfigError, InputError, MienError
from mien.robot.media import audio
from mien.robot.media import livelink_takes as livelink
from mien.robot.verbs.demo import demo

APP = typer.Typer()
APP.command()(demo)


def run(out: Path, *options: str) -> dict[str, object]:
    """Run ``mien demo`` without a film and return its numbers; its errors are raised."""
    result = CliRunner().invoke(APP, ["--no-film", "--out", str(out), *options])
    if result.exception is not None:
        raise result.exception
    numbers: dict[str, object] = json.loads((out / "metrics.json").read_text())
    return numbers


def sentence(seconds: float = 1.5) -> NDArray[np.float32]:
    return audio.load(audio.LJ_DEMO)[: int(seconds * audio.RATE)]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    out = tmp_path_factory.mktemp("demo")
    return out, run(out)


def test_the_mouth_follows_the_speech_inside_all_limits(
    played: tuple[Path, dict[str, object]],
) -> None:
    _, numbers = played
    assert numbers["limit_violations"] == 0
    assert numbers["r_lip_gap"] > 0.7  # type: ignore[operator]
    assert abs(numbers["lag_ms"]) < 60  # type: ignore[arg-type]
    assert numbers["lip_gap_p95_mm"] > 5  # type: ignore[operator]
    link = numbers["link"]
    assert isinstance(link, dict)
    assert link["board_rx_bad"] == link["board_refused"] == link["board_clamped"] == 0


def test_the_lips_are_closed_in_silence(played: tuple[Path, dict[str, object]]) -> None:
    assert played[1]["silent_gap_mm"] < 0.5  # type: ignore[operator]


def test_it_leaves_what_it_promises(played: tuple[Path, dict[str, object]]) -> None:
    out, numbers = played
    assert sorted(p.name for p in out.iterdir()) == [
        "blendshapes.csv", "blendshapes.json", "figure.png", "metrics.json",
    ]  # fmt: skip
    sidecar = json.loads((out / "blendshapes.json").read_text())
    assert sidecar["fps"] == 60
    assert sidecar["lookahead_ms"] == pytest.approx(95.8, abs=5)
    assert len(sidecar["model"]["weights"]) == 16
    assert sidecar["emotion"] is None
    spoken = [p for p in sidecar["phones"] if p["phone"] != "sil"]
    assert len(spoken) > 20
    assert sidecar["phones"][-1]["end"] <= numbers["seconds"]
    take = livelink.read_csv(out / "blendshapes.csv")
    assert take.weights.shape[1] == 52
    assert take.times[-1] == pytest.approx(numbers["seconds"], abs=0.05)


def test_the_same_clip_twice_is_the_same_to_the_last_digit(tmp_path: Path) -> None:
    wav = tmp_path / "short.wav"
    soundfile.write(wav, sentence(0.8), audio.RATE)
    once, again = (run(tmp_path / k, "--wav", str(wav)) for k in "ab")
    same = ("r_lip_gap", "lag_ms", "landmark_error_mm", "lip_gap_p95_mm", "unreached_mm")
    assert {k: once[k] for k in same} == {k: again[k] for k in same}


def test_a_small_face_says_the_same_sentence(tmp_path: Path) -> None:
    wav = tmp_path / "short.wav"
    soundfile.write(wav, sentence(), audio.RATE)
    numbers = run(tmp_path / "out", "--wav", str(wav), "--face", "hobby9")
    assert numbers["actuators"] == 9
    assert numbers["limit_violations"] == 0
    assert numbers["r_jaw"] > 0.7  # type: ignore[operator]


@pytest.mark.parametrize(
    ("rate", "channels", "subtype"),
    [(8000, 1, "PCM_16"), (48000, 2, "PCM_24"), (44100, 1, "FLOAT")],
)
def test_any_ordinary_sound_file_is_said(
    tmp_path: Path, rate: int, channels: int, subtype: str
) -> None:
    samples = np.repeat(sentence(0.5)[:, None], channels, axis=1)
    wav = tmp_path / "any.wav"
    soundfile.write(wav, samples, rate, subtype=subtype)
    assert run(tmp_path / "out", "--wav", str(wav))["limit_violations"] == 0


def test_sound_that_is_no_number_in_places_moves_nothing_wild(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    samples = sentence(0.8).copy()
    samples[3000:3400] = np.nan
    wav = tmp_path / "nan.wav"
    soundfile.write(wav, samples, audio.RATE, subtype="FLOAT")
    assert run(tmp_path / "out", "--wav", str(wav))["limit_violations"] == 0
    assert "400 samples were not finite" in caplog.text


@pytest.mark.parametrize("content", [None, b"", b"no sound at all"])
def test_what_is_no_sound_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    wav = tmp_path / "bad.wav"
    if content is not None:
        wav.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.wav") as caught:
        run(tmp_path / "out", "--wav", str(wav))
    assert caught.value.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    wav = tmp_path / "empty.wav"
    soundfile.write(wav, np.zeros(0, np.float32), audio.RATE)
    with pytest.raises(InputError, match=r"empty\.wav"):
        run(tmp_path / "out", "--wav", str(wav))


def test_a_face_with_faults_moves_nothing(tmp_path: Path) -> None:
    face = tmp_path / "face.yaml"
    face.write_text("face: x\nmechanism: hobby9\nboards: [0x40]\nactuators: {}\nfoo: 1\n")
    with pytest.raises(ConfigError, match="foo"):
        run(tmp_path / "out", "--face", str(face))
    assert not (tmp_path / "out").exists()


def test_a_self_model_of_another_face_is_refused_by_name_and_hash(tmp_path: Path) -> None:
    from mien.robot.face.config import load_face

    with pytest.raises(ModelError) as caught:
        run(tmp_path / "out", "--face", "morpheus33", "--calibration", str(shipped("hobby9")))
    made_for = load_face("hobby9").hashes[1]  # it shipped before the hash was narrowed
    for word in ("morpheus33", "hobby9", load_face("morpheus33").hash, made_for):
        assert word in caught.value.message


@pytest.mark.parametrize(
    "options", [("--fault", "stuck:nose"), ("--fault", "melted:jaw_open"), ("--board", "toaster")]
)
def test_a_bad_option_names_what_is_allowed(tmp_path: Path, options: tuple[str, str]) -> None:
    wav = tmp_path / "short.wav"
    soundfile.write(wav, sentence(0.3), audio.RATE)
    with pytest.raises(MienError) as caught:
        run(tmp_path / "out", "--wav", str(wav), *options)
    assert caught.value.exit_code == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.gl
# imageio-ffmpeg leaves its pipes to the garbage collector
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
def test_the_film_shows_a_face_and_lasts_as_long_as_its_sound(tmp_path: Path) -> None:
    import imageio_ffmpeg

    wav = tmp_path / "short.wav"
    soundfile.write(wav, sentence(), audio.RATE)
    out = tmp_path / "out"
    result = CliRunner().invoke(APP, ["--wav", str(wav), "--size", "240", "--out", str(out)])
    assert result.exception is None, result.exception
    frames = imageio_ffmpeg.read_frames(str(out / "film.mp4"))
    about = next(frames)
    pictures = [np.frombuffer(f, np.uint8).reshape(240, 240, 3) for f in frames]
    assert about["fps"] == 30
    assert len(pictures) == pytest.approx(30 * 2.1, abs=2)
    middle = pictures[0][80:160, 80:160].astype(float)
    assert middle[..., 0].mean() > middle[..., 2].mean() + 15  # skin is redder than the backdrop
    moved = [np.abs(p.astype(int) - pictures[0]).max() for p in pictures]
    assert max(moved) > 60
