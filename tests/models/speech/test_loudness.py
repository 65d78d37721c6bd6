"""The last stage of the speech network, and who is taught what."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.models.data.batches import Batch
from mien.models.face.blendshapes import INDEX
from mien.models.speech import loudness
from mien.models.speech.network import Config, SpeechNet
from mien.models.speech.phones import NUMBER
from mien.models.train.speech.training_objective import Objective, Plan, Speakers

STEPS = 40


def net(seed: int = 0) -> SpeechNet:
    torch.manual_seed(seed)
    small = SpeechNet(Config(width=16, dilations=(1, 2), lookahead_frames=3))
    for head in (small.head, small.own, small.known):
        torch.nn.init.normal_(head.weight, std=0.2)
    return small


def sound(seed: int = 0, count: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, STEPS, 132, generator=generator) * 0.5


@pytest.mark.parametrize("lookahead", [0, 1, 2, 5, 11])
def test_power_is_averaged_around_the_frame_that_is_described(lookahead: int) -> None:
    taps = loudness.taps(lookahead)
    assert taps.sum() == pytest.approx(1)
    lags = np.arange(len(taps))[::-1]
    assert lags.max() == lookahead + loudness.HALF_WINDOW_FRAMES
    if lookahead >= loudness.HALF_WINDOW_FRAMES:
        assert float(taps @ lags) == pytest.approx(lookahead)
        assert not taps[lags < lookahead - loudness.HALF_WINDOW_FRAMES].any()
    else:
        assert taps[-1] == pytest.approx((3 - lookahead) / 5)


def test_a_power_of_one_at_the_peak_and_of_nothing_in_silence() -> None:
    at_peak = np.ones((3, 132), np.float32)
    np.testing.assert_allclose(loudness.power(at_peak), 1.0, rtol=1e-6)
    assert loudness.loudness(np.array([1.0], np.float32))[0] == pytest.approx(1.2)
    assert loudness.loudness(np.array([1e-3], np.float32))[0] == pytest.approx(0.5)
    assert loudness.loudness(np.array([1e-6, 0.0], np.float32)).tolist() == [0.0, 0.0]


def test_louder_opens_further_and_a_closure_stays_one() -> None:
    share = Config().loudness
    requested = np.array([0.0, 0.01, 0.05, 0.15, 0.4], np.float32)
    soft, usual, loud = (
        loudness.opened(requested, np.full(5, level, np.float32), share)
        for level in (0.3, 0.6, 1.0)
    )
    assert max(soft[0], usual[0], loud[0]) < 1e-6
    assert (soft[1:] < usual[1:]).all()
    assert (usual[1:] < loud[1:]).all()
    assert (np.diff(usual) > 0).all()
    assert usual[3] == pytest.approx(0.15, abs=0.003)
    assert not loudness.opened(requested, np.zeros(5, np.float32), share).any()


def test_a_filmed_voice_gets_the_speaker_specific_head_and_a_new_one_the_generic_head() -> None:
    small, x = net().eval(), sound()
    with torch.no_grad():
        heads, _ = small.heads(x)
        for logit, expected in ((50.0, heads.specific), (-50.0, heads.generic)):
            small.known.weight.zero_()
            small.known.bias.fill_(logit)
            seen = small(x)[0]
            seen[..., INDEX["tongueOut"]] = expected[..., INDEX["tongueOut"]]  # has its own stage
            torch.testing.assert_close(seen, expected)
    assert float((heads.specific - heads.generic).abs().max()) > 0.01


def test_without_loudness_anybodys_shapes_are_the_plain_ones() -> None:
    torch.manual_seed(0)
    small = SpeechNet(Config(width=16, dilations=(1,), loudness=0.0))
    heads, _ = small.heads(sound())
    torch.testing.assert_close(heads.generic, heads.generic_plain)


@pytest.mark.parametrize("tracked", [0.0, 1.0])
def test_rules_teach_the_generic_head_and_faces_the_speaker_specific_one(tracked: float) -> None:
    small = net()
    ones = torch.ones(2, STEPS, 52)
    batch = Batch(
        features=sound(count=2),
        shapes=torch.rand(2, STEPS, 52) * 0.3,
        given=ones,
        phones=torch.full((2, STEPS), 3),
        silent=torch.zeros(2, STEPS),
        speaker=torch.zeros(2, dtype=torch.int64),
        weight=torch.ones(2),
        tracked=torch.full((2,), tracked),
    )
    heads, _ = small.heads(batch.features)
    objective = Objective(Plan(), [], torch.ones(52))
    loss, parts = objective(heads, batch, Speakers([""]))
    torch.autograd.backward(loss)
    taught = {k: float(getattr(small, k).weight.grad.abs().sum()) for k in ("head", "own")}
    silent, learning = ("head", "own") if tracked else ("own", "head")
    assert taught[silent] == 0
    assert taught[learning] > 0
    assert parts["known"] > 0
    taught_known = small.known.weight.grad
    assert taught_known is not None
    assert float(taught_known.abs().sum()) > 0


@pytest.mark.parametrize(("phone", "part"), [("AA", "sung"), ("F", "bite"), ("M", "decided")])
def test_lips_that_are_wrong_after_the_loudness_stage_cost(phone: str, part: str) -> None:
    """A soft vowel or f is not shut, and an m is, in what the face does in the end."""
    features = sound(count=2)

    def cost(opened: float) -> float:
        shapes = torch.zeros(2, STEPS, 52)
        shapes[..., INDEX["jawOpen"]] = 0.0 if phone == "M" else 0.2
        final = torch.zeros(2, STEPS, 52)
        final[..., INDEX["jawOpen"]] = opened
        heads, _ = net().heads(features)
        heads = replace(heads, generic=final)
        batch = Batch(
            features=features,
            shapes=shapes,
            given=torch.ones(2, STEPS, 52),
            phones=torch.full((2, STEPS), NUMBER[phone]),
            silent=torch.zeros(2, STEPS),
            speaker=torch.zeros(2, dtype=torch.int64),
            weight=torch.ones(2),
            tracked=torch.zeros(2),
        )
        return Objective(Plan(), [], torch.ones(52))(heads, batch, Speakers([""]))[1][part]

    wrong, right = (0.2, 0.0) if phone == "M" else (0.0, 0.2)
    assert cost(wrong) > 10 * cost(right)
