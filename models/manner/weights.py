"""Weights file of the manner network: its config and the shapes that follow from it, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from mien.models import checkpoint
from mien.models.face.curves import CURVES
from mien.models.manner.config import STYLE, Config
from mien.models.manner.features import FEATURES
from mien.models.reading.arrays import check_shapes
from mien.models.reading.bounded import FileError
from mien.models.reading.strict import Strict, fault_lines, listed

KIND: Final = "manner"
VERSION: Final = 1
WEIGHTS: Final = checkpoint.WEIGHTS / "manner.safetensors"
"""Weights that ship."""
_Width = Annotated[int, Field(ge=1, le=1024)]


class _Config(Strict, extra="ignore"):
    widths: tuple[_Width, _Width, _Width]
    curves: Annotated[int, Field(ge=len(CURVES), le=len(CURVES))]
    features: Annotated[int, Field(ge=FEATURES, le=FEATURES)]
    style: Annotated[int, Field(ge=STYLE, le=STYLE)]
    hidden: _Width


class _Description(Strict, extra="ignore"):
    config: _Config


def read(path: Path = WEIGHTS) -> tuple[dict[str, NDArray[np.float32]], checkpoint.Meta, Config]:
    """Tensors, metadata and config of a weights file.

    Raises:
        ModelError: missing, no weights of a manner network, or they do not fit their own config.
    """
    tensors, meta = checkpoint.load(path, KIND)
    try:
        config = Config(**_Description.model_validate(meta).config.model_dump())
    except ValidationError as e:
        why = f"its metadata has faults:\n{listed(fault_lines(e))}"
        raise FileError(path, why, "mien train manner") from e
    check_shapes(path, tensors, layout(config))
    return {k: np.asarray(v, np.float32) for k, v in tensors.items()}, meta, config


def layout(config: Config) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor."""
    a, b, c = config.widths
    h, curves = config.hidden, config.curves
    out: dict[str, tuple[int, ...]] = {
        "mean": (curves,), "scale": (curves,),
        "sound_mean": (config.features,), "sound_scale": (config.features,),
        "level.weight": (h, 64), "level.bias": (h,),
        "style.weight": (h, config.style), "style.bias": (h,),
        "told.weight": (h, h), "told.bias": (h,),
        "stem.weight": (a, 2 * curves + config.features, 3), "stem.bias": (a,),
        "head.weight": (curves, a, 1), "head.bias": (curves,),
    }  # fmt: skip
    for name, (before, width) in {
        "down_a": (a, a), "down_b": (a, b), "middle_1": (b, c), "middle_2": (c, c),
        "up_b": (c + b, b), "up_a": (b + a, a),
    }.items():  # fmt: skip
        out |= {
            f"{name}.norm.weight": (before,), f"{name}.norm.bias": (before,),
            f"{name}.first.weight": (width, before, 3), f"{name}.first.bias": (width,),
            f"{name}.film.weight": (2 * width, h), f"{name}.film.bias": (2 * width,),
            f"{name}.second.weight": (width, width, 3), f"{name}.second.bias": (width,),
        }  # fmt: skip
        if before != width:
            out |= {f"{name}.skip.weight": (width, before, 1), f"{name}.skip.bias": (width,)}
    return out
