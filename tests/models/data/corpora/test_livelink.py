"""A folder of Live Link Face takes as a training corpus."""

from __future__ import annotations

import csv
import logging
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from mien.models.data import offset
from mien.models.data.batches import Settings
from mien.models.data.corpora import livelink, user_recordings
from mien.models.data.schema import check
from mien.models.errors import ModelError
from mien.models.face.blendshapes import ARKIT, FPS, INDEX, lip_opening
from mien.models.face.livelink_csv import COLUMNS, Take, is_take, read_csv, timecode
from mien.models.speech.features import RATE
from mien.models.speech.network import Config
from mien.models.train.speech.train import train
from mien.models.train.speech.training_objective import Plan

START = 13 * 3600 + 59.5
"""Seconds of the day at which takes begin."""


def voice(seconds: float, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Something like syllables, and how far a mouth is open in them at 60 a second."""
    rng = np.random.default_rng(seed)
    knots = np.arange(0, seconds + 0.2, 0.1)
    level = np.where(np.arange(len(knots)) % 3 == 0, 0.0, rng.uniform(0.2, 1.0, len(knots)))
    t = np.arange(round(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 20))
    samples = 0.1 * np.interp(t, knots, level) * buzz
    frames = np.arange(round(seconds * FPS)) / FPS
    return samples.astype(np.float32), 0.6 * np.interp(frames, knots, level)


def write(
    path: Path,
    opening: NDArray[np.floating],
    times: NDArray[np.floating] | None = None,
    header: tuple[str, ...] = COLUMNS,
) -> None:
    """A take whose jaw is ``opening`` (T,) at ``times`` seconds, with a little left in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(len(opening)) / FPS if times is None else times
    values = {"JawOpen": opening, "MouthLeft": 0 * opening + 0.25, "BrowInnerUp": opening}
    with path.open("w", newline="") as f:
        rows = csv.writer(f)
        rows.writerow(header)
        for k, t in enumerate(times):
            shapes = [f"{float(values[c][k]) if c in values else 0.0:.10f}" for c in header[2:]]
            rows.writerow([timecode(START + float(t)), 61, *shapes])


def sound(path: Path, samples: NDArray[np.float32], rate: int = 48000) -> None:
    at = np.arange(round(len(samples) * rate / RATE)) * RATE / rate
    soundfile.write(path, np.interp(at, np.arange(len(samples)), samples), rate)


def test_every_shape_lands_under_its_own_name_at_its_own_time(tmp_path: Path) -> None:
    samples, opening = voice(4.0)
    write(tmp_path / "anna" / "a_cal.csv", opening)
    sound(tmp_path / "anna" / "a.wav", samples)
    (tmp_path / "anna" / "offsets.csv").write_text("name,offset_ms\n")
    (tmp_path / "offsets.csv").write_text("name,offset_ms\na,0\n")
    [clip] = livelink.clips(tmp_path)
    check(clip)
    assert clip.kind == "mapped"
    assert clip.speaker.endswith("anna")
    got = clip.shapes.astype(np.float32)
    np.testing.assert_allclose(got[:, INDEX["jawOpen"]], opening[: len(got)], atol=2e-3)
    np.testing.assert_allclose(got[:, INDEX["mouthLeft"]], 0.25, atol=1e-3)
    assert (got[:, INDEX["mouthRight"]] == 0).all()
    assert clip.given[INDEX["mouthLeft"]]
    assert not clip.given[INDEX["browInnerUp"]]  # the sound is not why brows move
    assert len(clip.samples) / RATE == pytest.approx(4.0, abs=0.06)


def test_other_spelling_other_order_missing_columns(tmp_path: Path) -> None:
    _, opening = voice(2.0)
    head = ("Timecode", "BlendshapeCount", "MouthLeft", "JawOpen", "Happy")
    write(tmp_path / "a.csv", opening, header=head)
    take = read_csv(tmp_path / "a.csv")
    assert {ARKIT[i] for i in np.flatnonzero(take.given)} == {"mouthLeft", "jawOpen"}
    np.testing.assert_allclose(take.weights[:, INDEX["jawOpen"]], opening, atol=1e-6)
    sound(tmp_path / "a.wav", voice(2.0)[0])
    [clip] = livelink.clips(tmp_path)
    assert clip.given.sum() == 2


def test_a_take_of_30_a_second_with_rows_missing(tmp_path: Path) -> None:
    samples, opening = voice(6.0)
    times = np.arange(0, 6.0, 1 / 30)
    times = times[(times < 2.0) | (times > 2.5)]  # the telephone was busy for half a second
    times = np.delete(times, 20)  # and for a single frame
    write(tmp_path / "a.csv", np.interp(times * FPS, np.arange(len(opening)), opening), times)
    sound(tmp_path / "a.wav", samples)
    (tmp_path / "offsets.csv").write_text("name,offset_ms\na,0\n")
    one, two = livelink.clips(tmp_path)
    begins = [float(c.name.split("@")[1]) for c in (one, two)]
    assert begins[0] == 0
    assert begins[1] == pytest.approx(2.5, abs=0.06)
    for clip, begin in zip((one, two), begins, strict=True):
        where = round(begin * FPS) + np.arange(len(clip.shapes))
        wrong = np.abs(clip.shapes[:, INDEX["jawOpen"]] - opening[where])
        assert np.median(wrong) < 0.01
        sounded = samples[round(begin * RATE) :][: len(clip.samples)]
        assert np.corrcoef(sounded, clip.samples)[0, 1] > 0.99


def test_rows_without_a_face_are_left_out() -> None:
    _, opening = voice(5.0)
    rows = opening[:, None] * (np.arange(52) == INDEX["jawOpen"]) + 0.01
    rows[120:180] = 0
    np.testing.assert_array_equal(
        livelink.at(_take(rows), np.arange(300) / FPS)[1][[100, 119, 125, 175, 185]],
        [True, True, False, False, True],
    )


def _take(rows: NDArray[np.floating]) -> Take:
    still = np.zeros((len(rows), 9), np.float32)
    times = np.arange(len(rows)) / FPS
    return Take(times, rows.astype(np.float32), still, 0.0, np.ones(52, np.bool_))


def test_the_best_version_of_a_take_and_nothing_else(tmp_path: Path) -> None:
    _, opening = voice(1.0)
    for name in ("s_1_cal", "s_1_raw", "s_1", "s_1_neutral", "s_2_raw", "deep/s_3"):
        write(tmp_path / f"{name}.csv", opening)
    (tmp_path / "frame_log.csv").write_text("V,0,1,2\n")
    (tmp_path / "picture.csv").write_bytes(b"\xff\xfe\x00")
    assert not is_take(tmp_path / "frame_log.csv")
    found = livelink.takes(tmp_path)
    assert {k: v.stem for k, v in found.items()} == {
        "s_1": "s_1_cal", "s_2": "s_2_raw", "deep/s_3": "s_3",
    }  # fmt: skip


@pytest.mark.parametrize("late", [0.0, 0.75, -0.4])
def test_an_offset_is_estimated_from_the_sound(
    tmp_path: Path, late: float, caplog: pytest.LogCaptureFixture
) -> None:
    from mien.models.speech import runtime_numpy as speech_light
    from mien.models.speech.stream import speak
    from mien.robot.media import audio

    samples = audio.load(audio.LJ_DEMO)
    opening = lip_opening(speak(speech_light.load(), samples))
    rng = np.random.default_rng(0)
    rolled = np.roll(opening, round(late * FPS)) * 0.7
    rolled += 0.01 * np.convolve(rng.normal(size=len(opening)), np.ones(9) / 3, mode="same")
    write(tmp_path / "a.csv", np.maximum(rolled, 0.001))
    sound(tmp_path / "a.wav", samples, RATE)
    with caplog.at_level(logging.INFO):
        [clip] = livelink.clips(tmp_path)
    assert ("corrected" in caplog.text) == (late != 0)
    begin = round(float(clip.name.split("@")[1]) * FPS)
    got = lip_opening(clip.shapes.astype(np.float32))[: len(opening) - begin - 60]
    expected = opening[begin:][: len(got)]
    assert np.corrcoef(got, expected)[0, 1] > 0.9


def test_noise_tells_no_offset() -> None:
    rng = np.random.default_rng(0)
    samples = (rng.normal(size=5 * RATE) * 1000).astype(np.int16)
    assert offset.found(samples, rng.random(300), np.ones(300, np.bool_)) is None


def test_a_few_steps_on_it(tmp_path: Path) -> None:
    samples, opening = voice(4.0)
    for k in range(2):
        write(tmp_path / f"s{k}" / "a.csv", opening)
        sound(tmp_path / f"s{k}" / "a.wav", samples)
    [(corpus, odds)] = user_recordings.user_corpora([], [tmp_path], tmp_path / "cache")
    assert len({c.speaker for c in corpus}) == 2
    assert 0 < odds <= user_recordings.MAX_ODDS
    plan, small = Plan(steps=2, every=2, half=False), Config(width=12, dilations=(1, 2))
    _, curve = train(small, plan, Settings(size=3), [(corpus, odds)], tmp_path / "run")
    assert np.isfinite(list(curve[-1].values())).all()
    with pytest.raises(ModelError, match="two folders have the same name"):
        user_recordings.user_corpora([], [tmp_path, tmp_path], tmp_path / "cache")


def test_what_cannot_be_used_is_named_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, opening = voice(1.0)
    write(tmp_path / "silent.csv", opening)
    write(tmp_path / "broken.csv", opening)
    with (tmp_path / "broken.csv").open("a") as f:
        f.write("noon,61,0\n")
    write(tmp_path / "still.csv", 0 * opening, header=("Timecode", "BlendShapeCount", "JawOpen"))
    for name in ("broken", "still"):
        sound(tmp_path / f"{name}.wav", voice(1.0)[0])
    with pytest.raises(ModelError, match="3"):
        livelink.clips(tmp_path)
    for message in (
        "no sound beside",
        "broken.csv: 1 of 61 rows are not used, the first: line 62",
        "nothing ever moves",
    ):
        assert message in caplog.text
    (tmp_path / "offsets.csv").write_text("name,offset_ms\na,soon\n")
    with pytest.raises(ModelError, match=r"offsets\.csv"):
        livelink.clips(tmp_path)
