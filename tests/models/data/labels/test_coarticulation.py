from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.models.data.labels import coarticulation as rules
from mien.models.data.labels.lips import GAP, GAP_REST, from_measures, gap_of, width_of
from mien.models.data.labels.phone_names import merge_silence
from mien.models.face.blendshapes import INDEX, SPEECH, lip_opening
from mien.models.speech.phones import BILABIAL, NUMBER, Phone

RATE = 16000


def say(*names: str, each: float = 0.15) -> tuple[list[Phone], np.ndarray, int]:
    """Phones of equal length with silence around them, and a sound as loud in every vowel."""
    row = ["sil", "sil", *names, "sil", "sil"]
    phones = merge_silence([Phone(n, i * each, (i + 1) * each) for i, n in enumerate(row)])
    samples = np.full(int(len(row) * each * RATE), 3000, np.int16)
    return phones, samples, int(len(row) * each * 60)


def opening(*names: str) -> np.ndarray:
    phones, samples, frames = say(*names)
    return lip_opening(rules.shapes(phones, samples, frames))


def at(index: int, part: float = 0.4, each: float = 0.15) -> int:
    """Frame inside the spoken phone number ``index``."""
    return round((index + 2 + part) * each * 60)


@pytest.mark.parametrize("phone", sorted(BILABIAL))
def test_lips_touch_on_p_b_m_between_open_vowels(phone: str) -> None:
    o = opening("AA", phone, "AA")
    assert o[at(1)] < 0.005
    assert o[at(0)] > 0.15
    assert o[at(2, 0.7)] > 0.15


def test_other_consonants_do_not_touch() -> None:
    for phone in ("T", "S", "K", "N", "L", "R", "SH"):
        assert opening("AA", phone, "AA")[at(0, 0.5) : at(2, 0.5)].min() > 0.05, phone


def test_open_vowels_are_wider_open_than_close_ones() -> None:
    mean = {v: opening("T", v, "T")[at(1)] for v in ("AA", "AE", "IY", "UW")}
    assert mean["AA"] > mean["UW"]
    assert mean["AE"] > mean["UW"]


def test_lips_rest_in_silence() -> None:
    o = opening("AA", "M", "AA")
    assert o[:4].max() < 0.05
    assert o[-4:].max() < 0.05


def test_lips_rest_in_a_pause_and_open_after_it() -> None:
    o = opening("AA", "sil", "sil", "sil", "AA")
    assert o[at(2, 0.0) : at(2, 1.0)].max() < 0.005
    assert o[at(0)] > 0.15
    assert o[at(4)] > 0.15


def test_rounding_and_spreading() -> None:
    phones, samples, frames = say("T", "UW", "T")
    round_ = rules.shapes(phones, samples, frames)
    phones, samples, frames = say("T", "EY", "T")
    wide = rules.shapes(phones, samples, frames)
    pucker = INDEX["mouthPucker"]
    assert round_[at(1), pucker] > wide[at(1), pucker] + 0.1


def test_teeth_on_lip_for_f_and_v() -> None:
    phones, samples, frames = say("AA", "F", "AA")
    roll = rules.shapes(phones, samples, frames)[:, INDEX["mouthRollLower"]]
    assert roll[at(1, 0.5)] > 0.3
    assert roll[at(0, 0.2)] < 0.05


def test_louder_vowels_open_further() -> None:
    phones, samples, frames = say("AA", "T", "AA", "T", "AA")
    loud = samples.copy()
    loud[int(0.3 * RATE) : int(0.45 * RATE)] = 12000
    usual = lip_opening(rules.shapes(phones, samples, frames))
    shouted = lip_opening(rules.shapes(phones, loud, frames))
    assert shouted[at(0)] > usual[at(0)] * 1.03


def test_coarticulation_anticipates() -> None:
    early = opening("T", "T", "AA")[at(1)]
    assert early > opening("T", "T", "T")[at(1)]


def test_rules_say_nothing_about_the_rest_of_the_face() -> None:
    phones, samples, frames = say("AA", "B", "SH", "F", "TH")
    shapes = rules.shapes(phones, samples, frames)
    still = [i for n, i in INDEX.items() if n not in SPEECH]
    assert (shapes[:, still] == 0).all()
    assert 0 <= shapes.min() <= shapes.max() <= 1
    assert rules.GIVEN.sum() == len(SPEECH)


def test_the_table_that_ships_is_bounded() -> None:
    fitted = rules.fitted_rules()
    assert fitted.target.shape == (40, len(rules.TRACKS))
    assert (fitted.strength > 0).all()
    others = [i for p, i in NUMBER.items() if p not in {*BILABIAL, "sil", "F", "V", "W"}]
    assert fitted.target[others, 0].min() >= 0.079
    assert fitted.target[[NUMBER[p] for p in BILABIAL], 0].max() < 0.06


def test_write_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    rules.write_rules(rules.default_rules(), path, "a note")
    again = rules.read_rules(path)
    np.testing.assert_allclose(again.target, rules.default_rules().target, atol=1e-3)
    np.testing.assert_allclose(again.after, rules.default_rules().after, rtol=1e-3)


def test_measured_lips_and_shapes_agree_both_ways() -> None:
    rng = np.random.default_rng(0)
    gap = GAP_REST + GAP * rng.uniform(0, 0.5, 200)
    width = 0.6 + rng.normal(0, 0.02, 200)
    tracked = rng.uniform(0, 0.4, (200, 52)).astype(np.float32)
    shapes = from_measures(tracked, gap, width, rest_width=0.6)
    np.testing.assert_allclose(gap_of(shapes), gap, atol=1e-6)
    np.testing.assert_allclose(width_of(shapes), width - 0.6, atol=1e-6)
    brow = INDEX["browInnerUp"]
    np.testing.assert_array_equal(shapes[:, brow], tracked[:, brow])
    with pytest.raises(ValueError, match="51"):
        from_measures(tracked[:, :51], gap, width, 0.6)
