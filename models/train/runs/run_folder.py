"""What trainings that can be resumed have in common: their checkpoint, and the averaged weights."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from mien.models.errors import ModelError


def read_checkpoint(last: Path, hint: str = "another --run") -> dict[str, Any]:
    """What an interrupted run wrote.

    Args:
        last: the file.
        hint: what helps where it is damaged.

    Raises:
        ModelError: the file is damaged.
    """
    try:
        return dict(torch.load(last, weights_only=True))
    except (OSError, RuntimeError, EOFError, ValueError, LookupError, UnpicklingError) as e:
        reason = str(e).strip().partition("\n")[0]
        raise ModelError(f"cannot resume from {last}: {reason}", hint) from e


def state_of(
    net: nn.Module, optimiser: torch.optim.Optimizer, schedule: LRScheduler
) -> dict[str, Any]:
    """What every training keeps: the network, how it learns, and torch's random numbers."""
    return {
        "net": net.state_dict(),
        "optimiser": optimiser.state_dict(),
        "schedule": schedule.state_dict(),
        "random": torch.get_rng_state(),
    }


def restore(
    kept: dict[str, Any], net: nn.Module, optimiser: torch.optim.Optimizer, schedule: LRScheduler
) -> None:
    """Go on from what ``state_of`` gave."""
    net.load_state_dict(kept["net"])
    optimiser.load_state_dict(kept["optimiser"])
    schedule.load_state_dict(kept["schedule"])
    torch.set_rng_state(kept["random"])


def follow(average: dict[str, Tensor], net: nn.Module, decay: float, step: int) -> None:
    """Bring the moving average of the weights forward by one step, in place.

    Args:
        average: tensors by name, as ``net.state_dict()`` has them.
        net: the network after step ``step``, which begins at 0.
        decay: of the average. The first steps count more, or the average would begin at chance.
    """
    share = min(decay, (step + 1) / (step + 10))
    for key, value in net.state_dict().items():
        average[key].lerp_(value, 1 - share)
