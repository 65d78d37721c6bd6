"""Loss terms of the speech network: position, velocity, closure, correlation, silence.

Shapes are (B, T, D) in 0..1 at 60 Hz unless stated otherwise.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

CLOSED_TARGET = 0.05
"""Lip opening below which a target is a closure."""
SHUT = 0.035
"""Lip opening at which lips are seen as shut: 15 % of what they reach in speech."""
REACH = 3
"""Frames around a p, b or m within which its closure may be."""


def context_weights(target: Tensor, temperature: float = 1.0, window: int = 5) -> Tensor:
    """Weight of each frame by how much the face moves around it, (B, T), mean 1 per sequence.

    After Kim & Kim, "Phonetic context-aware loss" (Interspeech 2025, arXiv 2507.20568): the motion
    m_t = |v_t - v_(t-1)| averaged over ``window`` frames, then a softmax over time. The softmax of
    the paper has no scale: on shapes in 0..1 it is nearly flat, on millimetres it selects nearly
    one frame. Here the temperature is in units of the motion's standard deviation in the sequence.
    An infinite temperature gives 1 everywhere.
    """
    if target.shape[1] < 2:
        return target.new_ones(target.shape[:2])
    motion = (target[:, 1:] - target[:, :-1]).norm(dim=-1)  # (B, T - 1)
    motion = functional.pad(motion, (1, 0))
    half = window // 2
    padded = functional.pad(motion[:, None], (half, window - 1 - half), mode="replicate")
    local = functional.avg_pool1d(padded, window, stride=1)[:, 0]  # (B, T)
    spread = local.std(dim=1, keepdim=True).clamp_min(1e-6)
    return torch.softmax(local / (temperature * spread), dim=1) * target.shape[1]


def masked_mse(error: Tensor, mask: Tensor) -> Tensor:
    """Mean of error^2 weighted by mask (same shape, >= 0); 0 if the mask is 0 everywhere."""
    return (error**2 * mask).sum() / mask.sum().clamp_min(1.0)


def velocity(predicted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Squared error of first differences in time, over pairs of frames inside the mask."""
    both = mask[:, 1:] * mask[:, :-1]
    return masked_mse(
        (predicted[:, 1:] - predicted[:, :-1]) - (target[:, 1:] - target[:, :-1]), both
    )


def parted(opening: Tensor, target: Tensor, mask: Tensor, least: float = CLOSED_TARGET) -> Tensor:
    """Squared shortfall of lip opening (B, T) below its target, which counts up to ``least``.

    Targets of a closure, below ``CLOSED_TARGET``, do not count. This is the counterpart of the
    closure loss. n, d and t sound like m and b, and an uncertain network would close the lips
    halfway on all of them.
    """
    shortfall = (target.clamp(max=least) - opening).clamp_min(0.0)
    return masked_mse(shortfall, mask * (target > CLOSED_TARGET))


def near_closure(opening: Tensor, target: Tensor, mask: Tensor, sharpness: float = 12.0) -> Tensor:
    """Squared error of lip opening (B, T), weighted by exp(-sharpness * true opening).

    An error of a millimetre is most visible when the lips should touch. The weight is that of the
    lip distance term of Audio2Face-3D (NVIDIA, 2025).
    """
    return masked_mse(opening - target, mask * torch.exp(-sharpness * target.clamp_min(0.0)))


def decorrelation(predicted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean over sequences of 1 - Pearson r of (B, T). Constant and empty sequences are excluded.

    The loss is independent of gain and offset, which differ between faces.
    """
    n = mask.sum(dim=1, keepdim=True).clamp_min(1.0)
    p = (predicted - (predicted * mask).sum(dim=1, keepdim=True) / n) * mask
    t = (target - (target * mask).sum(dim=1, keepdim=True) / n) * mask
    moving = (t**2).sum(dim=1) / n[:, 0] > 1e-4
    r = (p * t).sum(dim=1) / torch.sqrt(((p**2).sum(dim=1) + 1e-4) * ((t**2).sum(dim=1) + 1e-4))
    return ((1.0 - r) * moving).sum() / moving.sum().clamp_min(1)


def stillness(opening: Tensor, silent: Tensor) -> Tensor:
    """Penalty for open or moving lips in silence: opening and mask (B, T) -> scalar."""
    both = silent[:, 1:] * silent[:, :-1]
    return masked_mse(opening, silent) + 10 * masked_mse(opening[:, 1:] - opening[:, :-1], both)


def timidity(predicted: Tensor, target: Tensor, mask: Tensor, scale: Tensor) -> Tensor:
    """Squared shortfall of each shape's spread in time below that of the target.

    A squared error makes an uncertain network move too little: it predicts a mean. The spread is
    the standard deviation over all frames of the batch inside the mask.

    Args:
        predicted: (B, T, D).
        target: (B, T, D).
        mask: (B, T, D), 0 where a shape has no target.
        scale: (D,) weights of the shapes.
    """
    n = mask.sum(dim=(0, 1))

    def spread(x: Tensor) -> Tensor:
        mean = (x * mask).sum(dim=(0, 1)) / n.clamp_min(1.0)
        return torch.sqrt(((x - mean) ** 2 * mask).sum(dim=(0, 1)) / n.clamp_min(1.0) + 1e-6)

    shortfall = (spread(target) - spread(predicted)).clamp_min(0.0)
    return (scale * shortfall**2 * (n > 0)).sum() / len(scale)


def shut_or_not(
    opening: Tensor, closure: Tensor, other: Tensor, misses: float = 1.0, width: float = 0.012
) -> Tensor:
    """Cross-entropy of shut against open lips (B, T), where a squared error would hedge.

    An uncertain network leaves the lips nearly shut in every sound that may be a p, b or m. One
    shut frame within REACH of a closure is enough; elsewhere every frame counts.

    Args:
        opening: (B, T).
        closure: (B, T), 1 in p, b and m.
        other: (B, T), 1 in speech that is no closure.
        misses: weight of closures that are missed, against all that are false.
        width: opening over which the decision changes.
    """
    reach = 2 * REACH + 1
    pooled = -functional.max_pool1d(-opening[:, None], reach, stride=1, padding=REACH)[:, 0]
    near = functional.max_pool1d(closure[:, None], reach, stride=1, padding=REACH)[:, 0]
    apart = other * (near == 0)
    missed = functional.softplus((pooled - SHUT) / width) * closure
    false = functional.softplus((SHUT - opening) / width) * apart
    each = [x.sum() / m.sum().clamp_min(1.0) for x, m in ((missed, closure), (false, apart))]
    return misses * each[0] + each[1]
