from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.models.data import schema
from mien.models.data.augment import breathed
from mien.models.data.batches import Batches, Settings
from mien.models.data.corpora import facegood, grid
from mien.models.data.corpora.registry import prepare
from mien.models.data.corpora.synthetic import joined, rule_clip, with_pauses, with_rules
from mien.models.data.corpora.voices import Spoken
from mien.models.data.labels.coarticulation import fitted_rules
from mien.models.data.labels.lips import from_measures, gap_of
from mien.models.data.schema import Clip, at_60
from mien.models.errors import ModelError
from mien.models.face.blendshapes import INDEX, lip_opening
from mien.models.speech.features import RATE
from mien.models.speech.phones import NUMBER, PHONES, Phone
from tests.models.data.beeps import beeps, corpus
from tests.paths import DATA


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
    audio = clip.samples.astype(np.float32) / np.float32(32768)
    frames = np.arange(len(clip.phones))
    rng = np.random.default_rng(0)
    change = np.abs(breathed(clip, audio, frames.astype(np.float64), rng) - audio)
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
    with pytest.raises(ModelError, match="excludes"):
        prepare(["grid"], None, tmp_path, "grid", "fitted")


def test_a_camera_says_what_lips_did_in_the_hush() -> None:
    settings = Settings(size=4, nothing=0.0)
    real = Batches([(corpus(), 1.0)], {}, settings, 0).next()
    rules = Batches([(corpus(beeps(kind="rules")), 1.0)], {}, settings, 0).next()
    assert real.silent.max() == 0
    assert rules.silent.max() == 1


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
