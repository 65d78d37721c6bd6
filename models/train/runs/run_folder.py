"""What trainings that can be resumed have in common: their checkpoint, and the averaged weights."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from mien.models.errors import ModelError


def read_checkpoint(last: Path) -> dict[str, Any]:
    """What an interrupted run wrote.

    Raises:
        ModelError: the file is damaged.
    """
    try:
        return dict(torch.load(last, weights_only=True))
    except (OSError, RuntimeError, EOFError, ValueError, LookupError, UnpicklingError) as e:
        reason = str(e).strip().partition("\n")[0]
        raise ModelError(f"cannot resume from {last}: {reason}", "another --run") from e


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
