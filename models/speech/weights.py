"""Weights file of the speech network: its config and the shapes that follow from it, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

from numpy.typing import NDArray
from pydantic import Field, ValidationError, field_validator

from mien.models import checkpoint
from mien.models.face.blendshapes import ARKIT, SPEECH
from mien.models.reading.arrays import check_shapes
from mien.models.reading.bounded import FileError
from mien.models.reading.strict import Strict, fault_lines, listed
from mien.models.speech.config import Config
from mien.models.speech.features import FEATURES, HOPS_PER_FRAME
from mien.models.speech.phones import PHONES

KIND: Final = "speech"
_NEEDED: Final = ("jawOpen", "mouthClose")


class _Config(Strict, extra="ignore"):
    """``Config`` as a file has it; a later version may have added fields."""

    width: Annotated[int, Field(ge=1, le=1024)] = 160
    kernel: Annotated[int, Field(ge=1, le=9)] = 3
    dilations: Annotated[
        tuple[Annotated[int, Field(ge=1, le=256)], ...], Field(min_length=1, max_length=32)
    ] = Config.dilations
    lookahead_frames: Annotated[int, Field(ge=0, le=60)] = 5
    phones: Annotated[int, Field(ge=len(PHONES), le=len(PHONES))] = len(PHONES)
    features: Annotated[int, Field(ge=FEATURES, le=FEATURES)] = FEATURES
    outputs: Annotated[tuple[str, ...], Field(max_length=len(ARKIT))] = SPEECH
    loudness: Annotated[float, Field(ge=0.0, le=0.99)] = 0.5

    @field_validator("outputs")
    @classmethod
    def _shapes(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not set(_NEEDED) <= set(names) <= set(ARKIT) or len(set(names)) < len(names):
            raise ValueError(f"expected blendshapes, each once, with {' and '.join(_NEEDED)}")
        return names


class _Description(Strict, extra="ignore"):
    """What the metadata of a file must hold."""

    config: _Config
    lookahead_ms: Annotated[float, Field(ge=0.0, le=5000.0)] | None = None


def read(path: Path) -> tuple[dict[str, NDArray[Any]], checkpoint.Meta, Config]:
    """Tensors, metadata and config of a weights file.

    Raises:
        ModelError: missing, no weights of a speech network, or they do not fit their own config.
    """
    tensors, meta = checkpoint.load(path, KIND)
    try:
        config = Config(**_Description.model_validate(meta).config.model_dump())
    except ValidationError as e:
        why = f"its metadata has faults:\n{listed(fault_lines(e))}"
        raise FileError(path, why, "mien train speech") from e
    check_shapes(path, tensors, _layout(config))
    return tensors, meta | {"lookahead_ms": meta.get("lookahead_ms") or config.lookahead_ms}, config


def _layout(config: Config) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor."""
    inputs, width, outputs = config.features * HOPS_PER_FRAME, config.width, len(config.outputs)
    heads = {"head": outputs, "own": outputs, "known": 1, "phone_head": config.phones}
    layout: dict[str, tuple[int, ...]] = {
        "mean": (inputs,), "scale": (inputs,), "stem.weight": (width, inputs, 1),
        "stem.bias": (width,), "norm.weight": (width,), "norm.bias": (width,),
    }  # fmt: skip
    for head, size in heads.items():
        layout |= {f"{head}.weight": (size, width), f"{head}.bias": (size,)}
    for i in range(len(config.dilations)):
        layout |= {
            f"blocks.{i}.conv.weight": (width, width, config.kernel),
            f"blocks.{i}.mix.weight": (width, width, 1),
            **{f"blocks.{i}.{name}": (width,)
               for name in ("norm.weight", "norm.bias", "conv.bias", "mix.bias")},
        }  # fmt: skip
    return layout
