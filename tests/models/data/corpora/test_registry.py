from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.models.data import augment, schema
from mien.models.data.batches import Batches, Settings, quiet, warped
from mien.models.data.corpora import facegood, grid
from mien.models.data.corpora.registry import prepare
from mien.models.data.corpora.synthetic import joined, rule_clip, with_pauses, with_rules
from mien.models.data.corpora.voices import Spoken
from mien.models.data.labels.coarticulation import fitted_rules
from mien.models.data.labels.lips import from_measures, gap_of
from mien.models.data.schema import Clip, Corpus, at_60, frame_count
from mien.models.errors import ModelError
from mien.models.face.blendshapes import INDEX, lip_opening
from mien.models.speech.features import BAND, MELS, RATE
from mien.models.speech.phones import NUMBER, PHONES, UNKNOWN, Phone
from tests.paths import DATA


def beeps(
    name: str = "a", seconds: float = 6.0, speaker: str = "one", kind: str = "tracked"
) -> Clip:
    """A clip whose mouth is open exactly while a tone sounds (0.25 s on, 0.25 s off)."""
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    on = (t % 0.5) < 0.25
    rng = np.random.default_rng(0)
    samples = 0.3 * np.sin(2 * np.pi * 440 * t) * on + 1e-4 * rng.normal(size=n)
    frames = frame_count(n)
    shapes = np.zeros((frames, 52), np.float16)
    open_ = (np.arange(frames) / 60 % 0.5) < 0.25
    shapes[:, INDEX["jawOpen"]] = open_
    given = np.zeros(52, np.bool_)
    given[[INDEX["jawOpen"], INDEX["mouthClose"]]] = True
    phones = np.where(open_, NUMBER["AA"], NUMBER["sil"]).astype(np.int8)
    raw = (samples * 32767).astype(np.int16)
    return Clip(name, "test", speaker, kind, raw, shapes, given, phones)


def corpus(*clips: Clip) -> Corpus:
    return Corpus("test", clips or (beeps(),), "x")


def test_a_corpus_survives_the_cache(tmp_path: Path) -> None:
    calls = []

    def make() -> list[Clip]:
        calls.append(1)
        return [beeps("a"), beeps("b", 2.5, "two", "rules")]

    first = schema.prepared(tmp_path, "test", [1], make)
    again = schema.prepared(tmp_path, "test", [1], make)
    assert len(calls) == 1
    assert again.source == first.source
    for one, two in zip(first, again, strict=True):
        for key in ("samples", "shapes", "phones", "given"):
            np.testing.assert_array_equal(getattr(one, key), getattr(two, key))
        assert (one.name, one.speaker, one.kind) == (two.name, two.speaker, two.kind)
    schema.prepared(tmp_path, "test", [2], make)
    assert len(calls) == 2


def test_a_clip_whose_parts_do_not_fit_is_refused(tmp_path: Path) -> None:
    clip = beeps()
    for bad in (
        replace(clip, shapes=clip.shapes[:-1]),
        replace(clip, phones=clip.phones[:-1]),
        replace(clip, kind="guessed"),
        replace(clip, shapes=np.full_like(clip.shapes, np.nan)),
    ):
        with pytest.raises(ModelError, match="test/a"):
            schema.prepared(tmp_path, "test", [id(bad)], lambda bad=bad: [bad])  # type: ignore[misc]
    with pytest.raises(ModelError, match="no clip"):
        schema.prepared(tmp_path, "none", [0], list)


def test_60_frames_from_25() -> None:
    ramp = np.arange(25, dtype=np.float64)[:, None] / 25
    out = at_60(ramp, 25.0, 60)
    np.testing.assert_allclose(out[:57, 0], np.arange(57) / 60, atol=1e-6)
    assert (out[58:, 0] == out[58, 0]).all()  # the end is held


def overlap(settings: Settings, seed: int) -> float:
    """Correlation of target and energy, frame by frame, over crops with speech in them."""
    batch = Batches([(corpus(), 1.0)], {}, settings, seed).next()
    begin = settings.warmup
    energy = batch.features[:, begin : begin + settings.frames, MELS + 66].numpy()  # hop 2k
    jaw = batch.shapes[..., INDEX["jawOpen"]].numpy()
    inside = batch.given[..., INDEX["jawOpen"]].numpy() > 0
    return float(np.corrcoef(energy[inside], jaw[inside])[0, 1])


@pytest.mark.parametrize("augmented", [False, True])
def test_targets_stay_with_their_sound(augmented: bool) -> None:
    settings = Settings(size=12, nothing=0.0, augment=augmented, changed=1.0)
    assert overlap(settings, 1) > (0.7 if augmented else 0.93)


def test_batches_are_reproducible_and_shaped() -> None:
    settings = Settings(size=3)
    one, two, other = (
        Batches([(corpus(), 1.0)], {"one": 2}, settings, seed).next() for seed in (0, 0, 1)
    )
    assert (one.features == two.features).all()
    assert not (one.features == other.features).all()
    total = settings.warmup + settings.frames + settings.lookahead
    assert one.features.shape == (3, total, 132)
    assert one.shapes.shape == one.given.shape == (3, 180, 52)
    assert one.speaker.tolist() == [2, 2, 2]


def test_crops_of_nothing_want_closed_lips() -> None:
    batch = Batches([(corpus(), 1.0)], {}, Settings(size=4, nothing=1.0), 0).next()
    assert (batch.silent == 1).all()
    assert (batch.shapes == 0).all()
    assert (batch.phones == NUMBER["sil"]).all()
    assert batch.given[..., INDEX["jawOpen"]].min() == 1
    assert batch.given[..., INDEX["mouthPucker"]].max() == 0


def test_rules_count_less_than_a_camera() -> None:
    settings = Settings(size=2, nothing=0.0)
    real = Batches([(corpus(), 1.0)], {}, settings, 0).next()
    rules = Batches([(corpus(beeps(kind="rules")), 1.0)], {}, settings, 0).next()
    assert real.tracked.tolist() == [1, 1]
    assert rules.tracked.tolist() == [0, 0]
    assert float(rules.weight[0]) < float(real.weight[0])


def test_quiet_keeps_away_from_speech_and_from_the_unknown() -> None:
    phones = np.zeros(100, np.int64)
    phones[50] = NUMBER["AA"]
    phones[90:] = UNKNOWN
    got = quiet(phones, 5)
    assert got[44] == 1
    assert got[45:56].max() == 0
    assert got[56] == 1
    assert got[85:].max() == 0


def test_a_channel_changes_the_sound_and_not_its_timing() -> None:
    rng = np.random.default_rng(0)
    audio = beeps().samples.astype(np.float32) / np.float32(32768)
    before = np.abs(audio).reshape(-1, 400).mean(axis=1)
    for _ in range(10):
        out = augment.channel(audio, rng)
        assert out.shape == audio.shape
        assert np.isfinite(out).all()
        assert np.abs(out).max() <= 1.3
        after = np.abs(out).reshape(-1, 400).mean(axis=1)
        shifts = range(-8, 9)  # the tone comes back after 20
        best = max(shifts, key=lambda s: np.corrcoef(np.roll(before, s), after)[0, 1])
        assert 0 <= best <= 2  # an echo comes later, never earlier


def test_noise_has_unit_power() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert np.mean(augment.noise(16000, rng) ** 2) == pytest.approx(1.0, rel=0.01)


def test_breathing_breathes_and_pauses() -> None:
    sound = augment.breathing(20 * RATE, np.random.default_rng(1))
    still = np.abs(sound).reshape(-1, RATE // 50).max(axis=1) == 0
    assert 0.2 < still.mean() < 0.8
    breaths = np.flatnonzero(np.diff(still.astype(int)) == -1)
    assert 6 <= len(breaths) <= 40
    assert np.sqrt(np.mean(sound[np.repeat(~still, RATE // 50)] ** 2)) == pytest.approx(1, abs=0.3)


def test_a_rule_clip_closes_on_m_and_in_its_pauses() -> None:
    phones = [Phone("AA", 0.0, 0.3), Phone("M", 0.3, 0.4), Phone("AA", 0.4, 0.7)]
    samples = np.full(int(0.7 * RATE), 2000, np.int16)
    spoken = with_pauses(Spoken(samples, phones), np.random.default_rng(0))
    clip = rule_clip("a", "test", "one", spoken)
    schema.check(clip)
    opening = lip_opening(clip.shapes.astype(np.float32))
    m = np.flatnonzero(clip.phones == NUMBER["M"])
    assert opening[m[: len(m) // 2]].max() < 0.03
    assert opening[:3].max() < 0.06
    assert opening.max() > 0.2
    assert PHONES[clip.phones[0]] == "sil"
    again = with_rules(clip, fitted_rules())
    opened = lip_opening(again.shapes.astype(np.float32))
    assert np.corrcoef(opened, opening)[0, 1] > 0.97


def test_joined_sentences_pause_and_stay_with_their_sound() -> None:
    parts = [beeps(n, 3.0, s) for n, s in (("a", "one"), ("b", "one"), ("c", "two"))]
    got = joined(parts)
    assert [c.speaker for c in got] == ["one", "two"]
    for clip in got:
        schema.check(clip)
    clip = got[0]
    frames = np.arange(len(clip.phones))
    loud = np.asarray([np.abs(clip.samples[k * RATE // 60 :][:160]).mean() for k in frames])
    assert ((loud > 1000) == (clip.phones == NUMBER["AA"])).mean() > 0.97


def test_breaths_fall_into_pauses_only() -> None:
    clip = beeps(seconds=4.0)
    batches = Batches([(corpus(clip), 1.0)], {}, Settings(), 0)
    audio = clip.samples.astype(np.float32) / np.float32(32768)
    frames = np.arange(len(clip.phones))
    change = np.abs(batches._breathe(clip, audio, frames.astype(np.float64)) - audio)
    per_frame = np.asarray([change[k * RATE // 60 :][:266].max() for k in frames])
    assert per_frame[clip.phones == NUMBER["AA"]].max() < 1e-3
    assert per_frame.max() > 1e-3


def test_an_unknown_corpus_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="facegood"):
        prepare(["gird"], None, tmp_path)
    with pytest.raises(ModelError, match="--data"):
        prepare(["grid"], None, tmp_path)
    with pytest.raises(ModelError, match="no grid_s1"):
        prepare(["grid"], tmp_path, tmp_path)


def test_other_layouts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"face\.npz"):
        grid.takes(tmp_path, held_out=True)
    with pytest.raises(ModelError, match=r"face\.npz"):
        facegood.read(tmp_path)


def test_facegood_opening_is_the_issue_s() -> None:
    names = ["jawOpen", "mouthClose", "x_mouth_oh", "x_mouth_oo"]
    values = np.array([[0.3, 0.1, 0.5, 0.0], [0.2, 0.0, 0.0, 0.6]])
    shapes, _ = facegood.mapped(names, values)
    np.testing.assert_allclose(lip_opening(shapes), facegood.opening(names, values), atol=1e-6)
    np.testing.assert_allclose(facegood.opening(names, values), [0.5, 0.2])
    assert shapes[1, INDEX["mouthPucker"]] == pytest.approx(0.6)


def data_folder() -> Path:
    default = DATA
    folder = Path(os.environ.get("MIEN_DATA", default))
    if not (folder / "grid_s1").is_dir():
        pytest.skip("the corpora are not here: set MIEN_DATA")
    return folder


@pytest.mark.data
def test_held_out_clips_are_the_last_200_and_never_train() -> None:
    folder = data_folder() / "grid_s1"
    test = [t.name for t in grid.takes(folder, held_out=True)]
    train = [t.name for t in grid.takes(folder, held_out=False)]
    assert len(test) == 200
    assert not set(test) & set(train)
    assert max(train) < min(test)


@pytest.mark.data
def test_tracked_lips_are_kept_in_the_targets() -> None:
    take = grid.takes(data_folder() / "grid_s1", held_out=False)[3]
    shapes = from_measures(take.shapes, take.gap, take.width, grid.rest_width(take))
    np.testing.assert_allclose(gap_of(shapes), np.maximum(take.gap, 0.003), atol=1e-5)


def test_odds_come_with_a_name_or_from_the_table(tmp_path: Path) -> None:
    for bad in ("grid:x", "grid:0", "grid:-1", "grid:inf"):
        with pytest.raises(ModelError, match="odds of grid"):
            prepare([bad], None, tmp_path)
    with pytest.raises(ModelError, match="no rules 'own'"):
        prepare(["grid"], None, tmp_path, rules="own")
    with pytest.raises(ModelError, match="left out"):
        prepare(["grid"], None, tmp_path, "grid", "fitted")


def test_a_camera_says_what_lips_did_in_the_hush() -> None:
    settings = Settings(size=4, nothing=0.0)
    real = Batches([(corpus(), 1.0)], {}, settings, 0).next()
    rules = Batches([(corpus(beeps(kind="rules")), 1.0)], {}, settings, 0).next()
    assert real.silent.max() == 0
    assert rules.silent.max() == 1


def test_another_throat_moves_the_bands_by_its_factor() -> None:
    still = warped(1.0)
    np.testing.assert_allclose(still, np.arange(MELS), atol=1e-9)
    shorter = warped(1.1)  # formants go up: each band reads from below
    assert (shorter <= still).all()
    mels = 2595 * np.log10(1 + np.asarray(BAND) / 700)
    at = 30
    hertz = [
        700 * (10 ** ((mels[0] + (mels[1] - mels[0]) * (b + 1) / (MELS + 1)) / 2595) - 1)
        for b in (still[at], shorter[at])
    ]
    assert hertz[0] / hertz[1] == pytest.approx(1.1, rel=1e-6)


def test_effort_opens_rules_further_and_never_a_camera() -> None:
    """The same crop with and without a change of effort, told apart by what it targets."""
    for kind, moves in (("rules", True), ("tracked", False)):
        clip = corpus(beeps(kind=kind))
        off, on = (
            Batches(
                [(clip, 1.0)],
                {},
                Settings(size=8, nothing=0.0, breaths=0.0, changed=1.0, vigour=v),
                3,
            ).next()
            for v in (0.0, 8.0)
        )
        assert bool((off.shapes != on.shapes).any()) == moves
        assert (on.shapes >= 0).all()
