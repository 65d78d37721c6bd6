"""A style of a voice in words: what its 64 numbers do to a face."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.models.style.channels import CHANNELS
from mien.models.style.memory import (
    HABITS,
    WEIGHTS,
    Floats,
    Parameters,
    address,
    habits,
    read,
    slots,
)
from mien.models.style.visemes import MEMBERS, VISEMES

_LEFT, _RIGHT = (
    [CHANNELS.index(f"mouth{n}{side}") for n in ("LowerDown", "UpperUp")]
    for side in ("Left", "Right")
)


def described(style: Floats, path: Path = WEIGHTS) -> dict[str, float]:
    """Factors of a style (64,) against the mean voice, by name; the smile is a shape weight.

    Raises:
        ModelError: no such weights.
    """
    p = read(path)
    found = _by_class(p, style)
    out = {name: float(np.exp(log)) for name, log in zip(VISEMES, found[:, 0], strict=True)}
    left, right = found[:, _LEFT].mean(), found[:, _RIGHT].mean()
    out["lips"] = float(np.exp(0.5 * (left + right)))
    out["left side"] = float(np.exp(0.5 * (left - right)))
    out |= zip(HABITS, np.exp(habits(p, style)).tolist(), strict=True)
    out["smile"] = float(found[:, len(CHANNELS) :].mean())
    return out


def _by_class(p: Parameters, style: Floats) -> Floats:
    """Changes (4, 13) in pure phones of each class, less those of the mean voice."""
    shares = address(p, np.eye(len(MEMBERS)))
    mean = MEMBERS.T @ shares / MEMBERS.sum(axis=0)[:, None]
    return np.asarray(mean @ (slots(p, style) - slots(p, np.zeros_like(style))))
