"""The song that ships: heard, written, edited, and sung as the subtitles say."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mien.models.face.blendshapes import FPS, lip_opening
from mien.models.song.aligned import by_score, by_words
from mien.models.song.hearing import Heard
from mien.models.song.lyrics import Line, read_lyrics
from mien.models.song.score import read_score
from mien.models.song.subtitles import MOTIONS, VOWELS, cue, parse, write
from mien.robot.errors import ModelError
from mien.robot.expression.song.motion import added, envelope, mouth, slow
from mien.robot.expression.song.perform import eased, listen, sing, sung_lips
from mien.robot.expression.song.shapes import COLUMNS
from mien.robot.expression.song.words import placed, told
from mien.robot.expression.song.writer import written
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import load_face
from mien.robot.face.thermal import BACK_OFF_C, Thermal
from mien.robot.media import audio
from tests.paths import ROOT

SECONDS = 14


@cache
def song() -> np.ndarray:
    return audio.load(audio.SONG_DEMO)[: SECONDS * audio.RATE]


@cache
def heard() -> Heard:
    return listen(song())


def test_the_notes_of_the_shipped_song_are_heard() -> None:
    score = [n for n in read_score(audio.SONG_DEMO.with_suffix(".musicxml")) if n.end < SECONDS]
    for note in score:
        near = [n for n in heard().notes if n.start < note.end and n.end > note.start]
        assert near, note
        if note.end - note.start > 0.5:
            best = max(near, key=lambda n: min(n.end, note.end) - max(n.start, note.start))
            assert abs(69 + 12 * np.log2(best.hertz / 440) - note.midi) < 1.0, note
    assert heard().alone
    assert len(heard().phrases) == 2


def test_words_agree_with_their_song_and_not_with_another() -> None:
    score = read_score(audio.SONG_DEMO.with_suffix(".musicxml"))[:16]
    other = read_score(ROOT / "tests" / "songs" / "lullaby.musicxml")
    right, wrong = by_score(score, heard()), by_score(other, heard())
    assert right.placed
    assert right.agreement > wrong.agreement + 0.2
    assert not wrong.placed
    lines = [x for x in read_lyrics(audio.SONG_DEMO.with_suffix(".lrc")) if (x.start or 0) < 20]
    assert by_words(lines, heard()).placed
    babble = [Line("pa " * 60)]
    assert not by_words(babble, heard()).placed
    words = placed(heard(), other, babble)
    assert written(heard(), words) == written(heard())
    said = told(words)
    assert "score is not used" in said
    assert "lyrics are not used" in said
    assert "sound alone" in said


def test_a_vowel_is_held_and_shut_behind_its_note() -> None:
    opening = lip_opening(sung_lips(heard(), written(heard())))
    for note in heard().notes:
        inside = opening[round((note.start + 0.1) * FPS) : round((note.end - 0.05) * FPS)]
        if note.seconds > 0.5:
            assert np.ptp(inside) / inside.mean() < 0.1, note
    last = heard().phrases[0].end
    assert opening[round((last + 0.1) * FPS)] < 0.01


def test_subtitles_are_all_that_the_song_needs() -> None:
    cues = written(heard())
    again = parse(write(cues))
    assert np.array_equal(sung_lips(heard(), cues), sung_lips(heard(), again))


@pytest.mark.parametrize("region", [r for r in MOTIONS if r not in ("mood",)])
def test_a_cue_moves_its_own_region_in_its_own_time(region: str) -> None:
    frames = 240
    weights, head = np.full((frames, 52), 0.1, np.float32), np.zeros((frames, 3))
    for motion in MOTIONS[region]:
        one = cue(1.0, 2.5, region, motion, 0.8)
        lips = mouth(weights, [one], np.zeros(frames), np.ones(frames))
        out, neck = added(lips, head, [one], replace(heard().beat, period_s=0.6), np.ones(3))
        moved = np.abs(out - weights).max(axis=1) + np.abs(neck - head).max(axis=1)
        times = np.flatnonzero(moved > 1e-6) / FPS
        assert len(times), motion
        assert 1.0 <= times[0] <= 1.0 + 2 / FPS, motion
        assert 2.5 - 2 / FPS <= times[-1] <= 2.5, motion
        others = [c for name, columns in COLUMNS.items() if name != region for c in columns]
        assert not np.abs(out - weights)[:, others].any(), motion
        assert region == "head" or not neck.any(), motion


def test_envelopes_begin_and_end_without_a_jerk() -> None:
    t = np.arange(240) / FPS
    for one in (cue(1.0, 2.0, "brows", "raise", 1.0), cue(1.0, 1.05, "brows", "raise", 1.0)):
        course = slow(t, one)
        assert course.max() > 0.85
        assert not course[t <= one.start].any()
        assert not course[t >= one.end].any()
    steps = np.diff(envelope(t, 1.0, 2.0, 0.4, 0.4), n=2)
    assert np.abs(steps).max() < 0.02


def test_a_long_hold_stays_cool_and_never_shuts() -> None:
    face = Calibrated(load_face("morpheus33"))
    held = [cue(0.5 + 61 * k, 60.5 + 61 * k, "mouth", "ah", 0.5) for k in range(6)]
    frames = 61 * 6 * FPS
    factor = eased(held, frames)
    assert factor.min() > 0.65
    thermal, still = Thermal(face.face), np.zeros(len(face.face.names))
    jaw = face.face.index("jaw_open")
    hottest = 0.0
    for k in range(0, frames, 6):
        still[jaw] = factor[k]  # the whole travel, and so more than any song asks for
        hottest = max(hottest, float(thermal.step(still, 0.1)[jaw]))
    assert hottest < BACK_OFF_C


def test_the_whole_face_sings() -> None:
    short = song()[: 4 * audio.RATE]
    ears = listen(short)
    face = Calibrated(load_face("morpheus33"))
    done = sing(face, short, ears, written(ears))
    assert done.commands.shape == (len(done.weights), 33)
    assert np.isfinite(done.commands).all()
    still = sing(face, short, ears, written(ears), sway=0.0)
    assert np.abs(still.head - done.head).max() > 0.01
    assert np.array_equal(still.weights[:, COLUMNS["mouth"]], done.weights[:, COLUMNS["mouth"]])


@pytest.mark.parametrize("gain", [1e-3, 30.0])
def test_the_level_of_a_song_does_not_matter(gain: float) -> None:
    part = song()[: 4 * audio.RATE]
    loud = listen((gain * part).astype(np.float32))
    assert [round(n.start, 2) for n in loud.notes] == [
        round(n.start, 2) for n in listen(part).notes
    ]


@pytest.mark.parametrize("kind", ["silence", "noise", "tone", "nothing", "not a number"])
def test_where_nobody_sings_the_mouth_rests(kind: str) -> None:
    n = 3 * audio.RATE
    rng, t = np.random.default_rng(0), np.arange(n) / audio.RATE
    sound = {
        "silence": np.zeros(n),
        "noise": rng.normal(0, 0.1, n),
        "tone": 0.2 * np.sin(2 * np.pi * 440 * t),
        "nothing": np.zeros(0),
        "not a number": np.full(n, np.nan),
    }[kind]
    ears = listen(sound.astype(np.float32))
    assert not ears.has_voice
    assert not sung_lips(ears, written(ears)).any()


def test_moods_of_subtitles_are_emotions() -> None:
    assert set(VOWELS) <= set(MOTIONS["mouth"])
    with pytest.raises(ModelError, match="no emotion"):
        parse("00:00:01,000 --> 00:00:02,000\nmood: neutrally\n")
