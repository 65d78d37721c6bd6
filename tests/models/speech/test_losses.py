from __future__ import annotations

import numpy as np
import pytest
import torch

from mien.models.train.speech.losses import (
    context_weights,
    decorrelation,
    masked_mse,
    near_closure,
    parted,
    shut_or_not,
    stillness,
    timidity,
    velocity,
)


def effective_frames(weights: torch.Tensor) -> float:
    """Effective number of frames of weights (T,), between 1 and T."""
    share = weights / weights.sum()
    return float(1.0 / share.square().sum())


def burst(frames: int = 100) -> torch.Tensor:
    """Still, except for frames 40 to 60."""
    x = torch.zeros(1, frames, 3)
    x[0, 40:60] = 0.4 * torch.sin(torch.arange(20) / 2.0)[:, None]
    return x


def test_weights_average_one_and_favour_motion() -> None:
    w = context_weights(burst())
    assert float(w.mean()) == pytest.approx(1.0, abs=1e-5)
    assert float(w[0, 45:55].mean()) > 3 * float(w[0, :30].mean())


def test_weights_do_not_depend_on_the_unit() -> None:
    torch.testing.assert_close(context_weights(burst()), context_weights(1000 * burst()))


def test_infinite_temperature_is_plain_mse() -> None:
    w = context_weights(burst(), temperature=1e9)
    torch.testing.assert_close(w, torch.ones_like(w))
    assert effective_frames(w[0]) == pytest.approx(100, abs=1e-2)
    assert effective_frames(context_weights(burst(), 0.5)[0]) < 60


def test_a_single_frame_has_weight_one() -> None:
    assert context_weights(torch.rand(2, 1, 3)).tolist() == [[1.0], [1.0]]


def test_masked_mse_counts_only_the_mask() -> None:
    error = torch.tensor([1.0, 2.0, 100.0])
    assert float(masked_mse(error, torch.tensor([1.0, 1.0, 0.0]))) == pytest.approx(2.5)
    assert float(masked_mse(error, torch.zeros(3))) == 0.0


def test_velocity_ignores_an_offset_and_sees_a_slope() -> None:
    x, mask = torch.rand(2, 50), torch.ones(2, 50)
    assert float(velocity(x + 0.3, x, mask)) == pytest.approx(0.0, abs=1e-9)
    slope = torch.arange(50) * 0.1
    assert float(velocity(x + slope, x, mask)) == pytest.approx(0.01, rel=1e-3)


def test_an_error_at_a_closure_costs_more_than_in_an_open_vowel() -> None:
    truth, mask = torch.tensor([[0.0, 0.3]]), torch.ones(1, 2)
    at_closure = near_closure(torch.tensor([[0.1, 0.3]]), truth, mask)
    in_vowel = near_closure(torch.tensor([[0.0, 0.4]]), truth, mask)
    assert float(at_closure / in_vowel) == pytest.approx(np.exp(12 * 0.3), rel=1e-3)
    assert float(near_closure(truth, truth, mask)) == 0.0


def test_decorrelation_wants_the_movement_not_the_size() -> None:
    t = torch.arange(120) / 10
    truth, mask = torch.sin(t)[None], torch.ones(1, 120)
    assert float(decorrelation(3 * truth + 1, truth, mask)) == pytest.approx(0.0, abs=1e-3)
    assert float(decorrelation(-truth, truth, mask)) == pytest.approx(2.0, abs=1e-3)
    assert float(decorrelation(truth, torch.zeros(1, 120), mask)) == 0.0


def test_stillness_is_for_silence_only() -> None:
    opening = torch.full((1, 40), 0.2)
    assert float(stillness(opening, torch.zeros(1, 40))) == 0.0
    assert float(stillness(opening, torch.ones(1, 40))) == pytest.approx(0.04)
    twitch = opening.clone()
    twitch[0, ::2] = 0.0
    assert float(stillness(twitch, torch.ones(1, 40))) > float(
        stillness(opening, torch.ones(1, 40))
    )


def test_losses_have_finite_gradients_at_rest() -> None:
    x = torch.zeros(2, 30, requires_grad=True)
    y, mask = torch.zeros(2, 30), torch.ones(2, 30)
    total = decorrelation(x, y, mask) + velocity(x, y, mask) + stillness(x, mask)
    torch.autograd.backward(total)
    assert x.grad is not None
    assert np.isfinite(x.grad.numpy()).all()


def test_parted_asks_nothing_of_closures_and_of_open_lips() -> None:
    target = torch.tensor([[0.0, 0.2, 0.2, 0.2]])
    opening = torch.tensor([[0.0, 0.3, 0.05, 0.01]])
    assert parted(opening[:, :3], target[:, :3], torch.ones(1, 3)) == 0
    got = parted(opening, target, torch.ones(1, 4))
    assert float(got) == pytest.approx(0.04**2 / 3, rel=1e-5)


def test_timidity_is_the_shortfall_of_the_spread_alone() -> None:
    t = torch.arange(200) / 10
    target = torch.stack([torch.sin(t), torch.cos(t)], dim=1)[None]
    mask, scale = torch.ones_like(target), torch.ones(2)
    half = target * torch.tensor([0.5, 1.0])
    assert float(timidity(target + 1.0, target, mask, scale)) == pytest.approx(0.0, abs=1e-9)
    assert float(timidity(1.5 * target, target, mask, scale)) == 0.0
    spread = float(torch.sin(t).std(correction=0))
    got = float(timidity(half, target, mask, scale))
    assert got == pytest.approx((0.5 * spread) ** 2 / 2, rel=1e-3)
    mask[..., 0] = 0.0
    assert float(timidity(half, target, mask, scale)) == pytest.approx(0.0, abs=1e-9)


def test_a_closure_is_shut_once_and_other_speech_never() -> None:
    closure, other = torch.zeros(1, 40), torch.ones(1, 40)
    closure[0, 18:22], other[0, 18:22] = 1.0, 0.0
    good = torch.full((1, 40), 0.2)
    good[0, 20] = 0.0
    late, hedged, shut = good.clone(), torch.full((1, 40), 0.04), torch.zeros(1, 40)
    late[0, 20], late[0, 28] = 0.2, 0.0
    best = float(shut_or_not(good, closure, other))
    assert best < 0.1
    for worse in (late, hedged, shut):
        assert float(shut_or_not(worse, closure, other)) > 5 * best
    # Next to a closure nothing is asked, and without one no shut frame is missed.
    near = good.clone()
    near[0, 15:18] = 0.0
    assert float(shut_or_not(near, closure, other)) == pytest.approx(best, abs=1e-6)
    assert float(shut_or_not(good + 1, 0 * closure, other)) == pytest.approx(0.0, abs=1e-6)
