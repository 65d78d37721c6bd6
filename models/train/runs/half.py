"""Weights in half precision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def halved(tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Tensors as they are kept: matrices in half precision, vectors in single precision."""
    return {k: v.astype(np.float16 if v.ndim > 1 else np.float32) for k, v in tensors.items()}
