from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.face.blendshapes import INDEX, SPEECH, indices, lip_opening
from mien.models.face.emotion import EMOTIONS, blend, mix
from mien.models.fusion.learned import INPUTS, LearnedFusion
from mien.models.fusion.rules import CLOSED, OPENS, SHUTS, Fusion, closure, crossed, plain, sealed
from mien.models.train.fusion.train import Lips
from tests.paths import ROOT

Floats = NDArray[np.float64]
ALL: dict[str, Callable[[], Fusion]] = {
    "plain": lambda: plain,
    "crossed": lambda: crossed,
    "learned": LearnedFusion.load,
}
WITH_TERMS = ("crossed", "learned")
UNITS = ROOT / "robot" / "faces" / "face_units.npz"
LIPS = Lips.of(UNITS)


def speech(frames: int = 200, seed: int = 0) -> Floats:
    """Opening and closing lips with some rounding and spread."""
    rng = np.random.default_rng(seed)
    out = np.zeros((frames, len(INDEX)))
    jaw = 0.3 * np.clip(np.sin(np.arange(frames) * 0.3) + 0.3, 0, None)
    out[:, INDEX["jawOpen"]] = jaw
    out[:, INDEX["mouthPucker"]] = np.clip(np.sin(np.arange(frames) * 0.11), 0, None) * 0.6
    out[:, indices(SPEECH)] += rng.uniform(0, 0.01, (frames, len(SPEECH)))
    out[:, INDEX["mouthClose"]] = np.where(jaw == 0, out[:, INDEX["jawOpen"]], 0.0)
    return out


def gap_mm(weights: Floats) -> Floats:
    """Lip gap on the shapes of the project's head; lips do not pass through each other."""
    return np.asarray(np.maximum(np.clip(weights, 0, 1) @ LIPS.gap, 0.0))


def emotion(name: str, frames: int, intensity: float = 0.8) -> Floats:
    return np.tile(blend(mix({name: intensity})), (frames, 1))


@pytest.mark.parametrize("kind", ALL)
def test_no_expression_leaves_speech_exactly_as_it_was(kind: str) -> None:
    s = speech()
    out = ALL[kind]()(s, np.zeros_like(s), np.ones(len(s)))
    assert np.abs(out - s).max() <= 1e-12


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("name", EMOTIONS[1:])
def test_a_silent_face_shows_the_expression_itself(kind: str, name: str) -> None:
    e = emotion(name, 5)
    out = ALL[kind]()(np.zeros_like(e), e, np.zeros(5))
    assert np.abs(out - e).max() <= 1e-9


@pytest.mark.parametrize("kind", WITH_TERMS)
@pytest.mark.parametrize("name", EMOTIONS[1:])
def test_closures_that_speech_means_stay_closed(kind: str, name: str) -> None:
    s = speech()
    shut = lip_opening(s) < 0.02
    assert 20 < shut.sum() < 180
    out = ALL[kind]()(s, emotion(name, len(s)), np.ones(len(s)))
    assert np.percentile(gap_mm(out)[shut], 95) < np.percentile(gap_mm(s)[shut], 95) + 1.0


FACE = arrays(np.float64, (1, len(INDEX)), elements=st.floats(0.0, 1.0))
SMALL_MM = 1.0
"""What stretched corners, dimples and a raised nose may still part on this head, all at once."""


@settings(max_examples=300)
@given(FACE, FACE, st.floats(0.0, CLOSED), st.sampled_from(WITH_TERMS))
def test_any_closure_of_any_speech_survives_any_expression(
    s: Floats, e: Floats, opening: float, kind: str
) -> None:
    jaw, shut = INDEX["jawOpen"], INDEX["mouthClose"]
    s[:, shut] = np.minimum(s[:, shut], 1.0 - opening)
    s[:, jaw] = s[:, shut] + opening
    out = ALL[kind]()(s, e, np.ones(1))
    assert (out[:, OPENS] <= s[:, OPENS] + 1e-12).all()
    assert (out[:, SHUTS] >= s[:, SHUTS] - 1e-12).all()
    assert lip_opening(out)[0] <= lip_opening(s)[0] + 1e-12
    assert (np.clip(out, 0, 1) == out).all()


@given(FACE, FACE, FACE, st.floats(0.0, 1.0))
def test_the_seal_holds_whatever_a_fusion_answers_and_lets_the_rest_be(
    s: Floats, blended: Floats, other: Floats, voice: float
) -> None:
    out = sealed(s, np.array([voice]), blended)
    meant = closure(s, np.array([voice]))[0]
    span = np.abs(blended - s)
    # Never further from speech than the fusion, and nearer by the closure where it matters.
    assert (np.abs(out - s) <= span + 1e-12).all()
    assert (out - s <= (1 - meant) * span + 1e-12)[:, OPENS].all()
    rest = np.setdiff1d(np.arange(len(INDEX)), np.concatenate([OPENS, SHUTS]))
    np.testing.assert_array_equal(out[:, rest], blended[:, rest])
    np.testing.assert_array_equal(sealed(s, np.zeros(1), other), other)


@pytest.mark.parametrize("kind", WITH_TERMS)
@pytest.mark.parametrize("name", EMOTIONS[1:])
def test_closed_lips_are_as_close_in_mm_with_every_emotion_at_full_strength(
    kind: str, name: str
) -> None:
    s = speech()
    shut = lip_opening(s) < CLOSED
    out = ALL[kind]()(s, emotion(name, len(s), 1.0), np.ones(len(s)))
    assert (gap_mm(out) - gap_mm(s))[shut].max() < SMALL_MM


def test_plain_adding_does_not_keep_them() -> None:
    s = speech()
    shut = lip_opening(s) < 0.02
    out = plain(s, emotion("surprise", len(s)), np.ones(len(s)))
    assert np.median(gap_mm(out)[shut]) > 10


@pytest.mark.parametrize("kind", WITH_TERMS)
def test_a_smile_gives_way_to_rounding(kind: str) -> None:
    s = speech()
    s[:] = 0
    s[:, INDEX["mouthPucker"]] = 0.7
    s[:, INDEX["jawOpen"]] = 0.15
    e = emotion("happiness", len(s))
    out = np.clip(ALL[kind]()(s, e, np.ones(len(s))), 0, 1)
    wider, plainly = (out - s)[0] @ LIPS.width, e[0] @ LIPS.width
    assert 0.1 * plainly < wider < 0.75 * plainly
    assert out[0, INDEX["mouthSmileLeft"]] > 0.3 * e[0, INDEX["mouthSmileLeft"]]


def test_a_shout_opens_more_and_a_sad_mouth_does_not() -> None:
    s = np.zeros((4, len(INDEX)))
    s[:, INDEX["jawOpen"]] = 0.3
    loud = np.ones(4)
    angry = gap_mm(crossed(s, emotion("anger", 4), loud))[0]
    assert angry > 1.05 * gap_mm(s)[0]
    assert gap_mm(crossed(s, emotion("sadness", 4), loud))[0] < angry


def test_closed_lips_mean_something_only_while_speaking() -> None:
    s = np.zeros((2, len(INDEX)))
    np.testing.assert_allclose(closure(s, np.array([0.0, 1.0])), [0.0, 1.0])
    s[:, INDEX["jawOpen"]] = 0.4
    np.testing.assert_allclose(closure(s, np.ones(2)), 0.0)


def test_the_learned_bases_explain_their_own_domain_and_are_sparse_in_the_other() -> None:
    net = LearnedFusion.load()
    e = np.stack([blend(mix({n: 0.8})) for n in EMOTIONS[1:]])
    x = np.zeros((len(e), INPUTS))
    x[:, -len(INDEX) :] = e
    error = np.sqrt(np.square(net.deformation(x) - e).mean())
    assert error < 0.25 * np.sqrt(np.square(e).mean())
    w_a, w_e = net.codes(x)
    assert w_a.sum(axis=1).mean() < 0.25 * w_e.sum(axis=1).mean()


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    checkpoint.save(path, {"a1.weight": np.zeros((2, 2), np.float32)}, {"kind": "fusion"})
    with pytest.raises(ModelError, match=r"a1\.weight has the shape \(2, 2\), expected \(2, 82\)"):
        LearnedFusion.load(path)
    checkpoint.save(path, {"x": np.zeros(2, np.float32)}, {"kind": "speech"})
    with pytest.raises(ModelError, match="speech"):
        LearnedFusion.load(path)


def test_a_smile_survives_an_open_vowel() -> None:
    vowel, smile = np.zeros((1, len(INDEX))), np.zeros((1, len(INDEX)))
    jaw, corner, lift, lower = (
        INDEX[n] for n in ("jawOpen", "mouthSmileLeft", "mouthUpperUpLeft", "mouthLowerDownLeft")
    )
    vowel[0, jaw] = 0.3
    smile[0, [corner, INDEX["mouthSmileRight"]]] = 1.0
    smile[0, [lift, lower]] = 0.4
    out = crossed(vowel, smile, np.ones(1))[0]
    assert out[corner] == 1.0
    assert 0.2 < out[jaw] < 0.25
    assert out[lift] > 0.28 > 0.18 > out[lower]
