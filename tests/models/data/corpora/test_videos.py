"""A film of the simulated head saying a sentence, read back as a training corpus."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from mien.models.data import media
from mien.models.data.batches import Settings
from mien.models.data.corpora import user_recordings, videos
from mien.models.data.parts import bridged, cut
from mien.models.data.schema import Clip, check, frame_count
from mien.models.errors import ModelError
from mien.models.face.blendshapes import FPS, INDEX, lip_opening
from mien.models.speech import metrics
from mien.models.speech import network as speech
from mien.models.speech import runtime_numpy as speech_light
from mien.models.speech.features import RATE
from mien.models.speech.network import Config
from mien.models.speech.stream import speak
from mien.models.train.speech.train import train
from mien.models.train.speech.training_objective import Plan
from mien.models.verbs.training.cli import train_app
from mien.robot.errors import DeviceError
from mien.robot.media import audio
from mien.robot.media.film import film
from mien.robot.sim.head import load_head
from mien.robot.sim.render import Renderer
from mien.robot.sim.skin import Skin
from tests.lacking import skip
from tests.robot.sim.skins import jaw_open, nodes

VIDEO_FPS = 25
SECONDS = 5.0
LOST = (2.4, 3.0)
"""Seconds in which the head is out of the picture."""


def ffmpeg(*arguments: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *arguments]
    subprocess.run(command, check=True)


@pytest.fixture(scope="module")
def sentence() -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """A sentence, and how far its lips are open at 60 a second."""
    samples = audio.load(audio.LJ_DEMO)[: round(SECONDS * RATE)]
    return samples, lip_opening(speak(speech_light.load(), samples))


@pytest.fixture(scope="module")
def filmed(
    sentence: tuple[NDArray[np.float32], NDArray[np.float64]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """FOLDER/anna/talk.mp4."""
    samples, opening = sentence
    path = tmp_path_factory.mktemp("films") / "anna" / "talk.mp4"
    path.parent.mkdir()
    head = load_head()
    skin = Skin(head, nodes(head), cache=tmp_path_factory.mktemp("cache"))
    try:
        renderer = Renderer(head, 400, 400)
    except DeviceError as error:
        skip(error)
    with renderer, film(path, (400, 400), VIDEO_FPS, samples, RATE) as out:
        for k in range(round(SECONDS * VIDEO_FPS)):
            t = k / VIDEO_FPS
            picture = np.zeros((400, 400, 3), np.uint8)
            if not LOST[0] <= t < LOST[1]:
                degrees = 30 * np.interp(t * FPS, np.arange(len(opening)), opening)
                picture = renderer.render(skin.deform(jaw_open(skin, float(degrees))))
            out.frame(picture)
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


def place(clip: Clip) -> slice:
    """Where in the sentence a clip lies, in frames."""
    begin = round(float(clip.name.split("@")[1]) * FPS)
    return slice(begin, begin + len(clip.shapes))


def test_lips_are_read_in_time_and_lost_faces_left_out(
    filmed: Path, cache: Path, sentence: tuple[NDArray[np.float32], NDArray[np.float64]]
) -> None:
    samples, expected = sentence
    got = videos.clips(filmed.parent.parent, cache)
    assert len(got) == 2
    for clip in got:
        check(clip)
        where = place(clip)
        assert clip.kind == "tracked"
        assert clip.speaker.endswith("anna")
        assert where.stop <= LOST[0] * FPS + 1 or where.start >= LOST[1] * FPS - 1
        source = samples[where.start * RATE // FPS :][: len(clip.samples)]
        assert np.corrcoef(source, clip.samples)[0, 1] > 0.98  # AAC between them
        opening = lip_opening(clip.shapes.astype(np.float32))
        assert metrics.pearson(opening, expected[where]) > 0.9
        assert abs(metrics.lag_ms(opening, expected[where], FPS)) < 25
    assert sum(len(c.shapes) for c in got) > 0.8 * (SECONDS - 0.6) * FPS


def test_a_video_is_tracked_once_whatever_its_name(
    filmed: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = videos.tracked(filmed, cache)
    copy = tmp_path / "b.mp4"
    copy.write_bytes(filmed.read_bytes())
    monkeypatch.setattr(videos, "tracked_rows", lambda *_: pytest.fail("tracked again"))
    again = videos.tracked(copy, cache)
    assert again.fps == first.fps == VIDEO_FPS
    for name in ("shapes", "gap", "width", "observed"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))


def test_a_sound_that_began_late_is_put_right(filmed: Path, cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "late"
    folder.mkdir()
    moved = ("-i", str(filmed), "-itsoffset", "0.4", "-i", str(filmed), "-map", "0:v", "-map")
    ffmpeg(*moved, "1:a", "-c", "copy", str(folder / "talk.mov"))
    clip = videos.clips(folder, cache)[0]
    # By the clock of the file the lips move 0.4 s too early; listening finds it, so that the sound
    # of the first moving lips is the beginning of the sentence again.
    straight = videos.clips(filmed.parent.parent, cache)[0]
    one, two = (lip_opening(c.shapes.astype(np.float32)) for c in (straight, clip))
    late = place(clip).start - place(straight).start
    assert late / FPS == pytest.approx(0.4, abs=0.06)
    n = min(len(one), len(two)) - 10
    assert metrics.pearson(one[:n], two[:n]) > 0.95
    # A table has the last word.
    (folder / "offsets.csv").write_text("name,offset_ms\ntalk,0\n")
    listed = videos.clips(folder, cache)[0]
    assert place(listed).start <= 3


def test_sound_waits_for_its_time(filmed: Path, tmp_path: Path) -> None:
    moved = ("-i", str(filmed), "-itsoffset", "0.5", "-i", str(filmed), "-map", "0:v", "-map")
    ffmpeg(*moved, "1:a", "-c", "copy", str(tmp_path / "a.mp4"))
    straight, late = media.sound(filmed), media.sound(tmp_path / "a.mp4")
    n = len(straight) - RATE
    shifts = range(7600, 8401, 8)
    r = [np.corrcoef(late[s : s + n], straight[:n])[0, 1] for s in shifts]
    assert shifts[int(np.argmax(r))] == pytest.approx(8000, abs=16)
    assert max(r) > 0.99


@pytest.mark.parametrize("kind", ["webm", "mov"])
def test_other_containers_and_big_upright_pictures(filmed: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    codecs = ("libvpx", "libopus") if kind == "webm" else ("mpeg4", "pcm_s16le")
    speed = ("-deadline", "realtime", "-cpu-used", "8") if kind == "webm" else ()
    small = ("-t", "0.4", "-vf", "scale=800:1200", "-c:v", codecs[0], *speed, "-c:a", codecs[1])
    ffmpeg("-i", str(filmed), *small, str(path))
    about = media.probe(path)
    assert about.fps == VIDEO_FPS
    assert about.seconds == pytest.approx(0.4, abs=0.1)
    pictures = list(media.pictures(path, about.fps))
    assert len(pictures) == 10
    assert pictures[0].shape == (960, 640, 3)
    assert len(media.sound(path)) == pytest.approx(0.4 * RATE, rel=0.2)


def test_a_few_steps_on_it_and_the_verb(filmed: Path, cache: Path, tmp_path: Path) -> None:
    corpora = user_recordings.user_corpora([filmed.parent.parent], [], cache)
    plan, small = Plan(steps=3, every=3, half=False), Config(width=12, dilations=(1, 2))
    _, curve = train(small, plan, Settings(size=4), corpora, tmp_path / "few")
    assert np.isfinite(list(curve[-1].values())).all()
    assert curve[-1]["shape"] > 0
    options = ["speech", "--videos", str(filmed.parent.parent), "--cache", str(cache)]
    options += ["--begin", str(speech.WEIGHTS), "--steps", "1", "--run", str(tmp_path / "run")]
    result = CliRunner().invoke(train_app, options, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    _, meta = speech.load(tmp_path / "run" / "speech.safetensors")
    [name] = meta["corpora"]
    assert name.startswith("videos-films")
    assert meta["corpora"][name]["minutes"] == pytest.approx(4.4 / 60, abs=0.01)


def test_what_cannot_be_used_is_named_and_left_out(
    filmed: Path, cache: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ModelError, match="no video in"):
        videos.clips(tmp_path, cache)
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    ffmpeg("-i", str(filmed), "-an", "-c", "copy", str(tmp_path / "silent.mp4"))
    black = ("-f", "lavfi", "-i", "color=black:s=64x64:r=10", "-f", "lavfi", "-i", "anullsrc")
    ffmpeg(*black, "-t", "2", str(tmp_path / "nobody.mp4"))
    with pytest.raises(ModelError, match="3"):
        videos.clips(tmp_path, cache)
    for message in ("broken.mp4 is no video", "silent.mp4 has no sound", "nobody.mp4 shows a face"):
        assert message in caplog.text
    with pytest.raises(ModelError, match="no folder"):
        user_recordings.user_corpora([tmp_path / "nowhere"], [], cache)


def test_short_losses_are_bridged_and_long_ones_cut() -> None:
    observed = np.ones(300, np.bool_)
    observed[100:103] = observed[150:170] = observed[:2] = False
    assert bridged(observed, 60)[100:103].all()
    assert not bridged(observed, 60)[150:170].any()
    assert not bridged(observed, 60)[:2].any()
    n = 300 * RATE // FPS
    shapes = np.zeros((300, 52), np.float16)
    shapes[:, INDEX["jawOpen"]] = np.arange(300) / 300
    clip = Clip(
        *("a", "test", "one", "tracked", (np.arange(n) // 4).astype(np.int16), shapes),
        *(np.ones(52, np.bool_), np.full(300, -1, np.int8)),
    )
    parts = cut(clip, bridged(observed, 60))
    assert [p.name for p in parts] == ["a@0.05", "a@2.85"]
    for part in parts:
        check(part)
        where = place(part)
        np.testing.assert_array_equal(part.shapes, shapes[where])
        assert part.samples[0] == where.start * RATE // FPS // 4
        assert len(part.shapes) == frame_count(len(part.samples))
