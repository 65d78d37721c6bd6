"""What the file of a self-model must hold: its metadata, and the shapes of its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, ValidationError

from mien.models.face.regions import COUNT
from mien.models.reading.arrays import check_shapes
from mien.models.reading.bounded import FileError
from mien.models.reading.strict import Strict, fault_lines, listed
from mien.models.self_model.neck import NECK

MAX_LATENTS: Final = 64
POWERS: Final = 4
"""Degree of each actuator's own polynomial. A tendon that starts slack needs more than a cubic."""
_MAX_HIDDEN: Final = 1024
_AGAIN: Final = "mien calibrate all"
# m inputs, k tendons, H1 and H2 hidden units, F features, K latents, R rows of the factor.
_SHAPES: Final[dict[str, tuple[int | str, ...]]] = {
    "w1": ("H1", "m"), "b1": ("H1",), "w2": ("H2", "H1"), "b2": ("H2",), "out": ("F", "K"),
    "mean": (COUNT, 3), "decoder": ("K", 3 * COUNT), "doubt": ("R", "F"), "noise": ("K",),
    "neck": ("N", 6), "play_width": ("k",), "play_growth": ("k",),
}  # fmt: skip


class _Layout(Strict, extra="ignore"):
    """The metadata that is used. Everything else in it is for a reader of the file."""

    names: Annotated[tuple[str, ...], Field(min_length=1, max_length=256)]
    inputs: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)]
    tendons: tuple[NonNegativeInt, ...]
    lag_s: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.0
    seed: int = 0
    poses: int = 0
    loss: tuple[float, ...] = ()
    unseen_actuators: tuple[str, ...] = ()


def checked(
    path: Path, tensors: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]
) -> tuple[tuple[str, ...], list[int], list[int]]:
    """Names of the actuators, indices of the inputs, positions of the tendons among them.

    Args:
        path: the file.
        tensors: by name.
        meta: its metadata.

    Raises:
        FileError: something is missing, or does not fit the rest.
    """
    try:
        layout = _Layout.model_validate(meta)
    except ValidationError as e:
        raise FileError(path, f"its metadata is damaged:\n{listed(fault_lines(e))}", _AGAIN) from e
    names, inputs, tendons = layout.names, list(layout.inputs), list(layout.tendons)
    sizes = check_shapes(path, tensors, _SHAPES, m=len(inputs), k=len(tendons))
    powers, rest = divmod(sizes["F"] - sizes["H2"] - 1, len(inputs))
    width, growth = tensors["play_width"], tensors["play_growth"]
    rules = {
        "its actuators must have different names": len(set(names)) == len(names),
        f"its inputs must be different and below {len(names)}": _indices(inputs, len(names)),
        f"its tendons must be different and below {len(inputs)}": _indices(tendons, len(inputs)),
        f"it must have 1 to {MAX_LATENTS} latents": 1 <= sizes["K"] <= MAX_LATENTS,
        f"it must have at most {_MAX_HIDDEN} hidden units": max(sizes["H1"], sizes["H2"])
        <= _MAX_HIDDEN,
        f"it must have 1 to {POWERS} powers of each input": not rest and 1 <= powers <= POWERS,
        f"its neck must have 9 features of {', '.join(NECK)}, or none": sizes["N"] == 0
        or (sizes["N"] == 9 and set(NECK) <= set(names)),
        "its play_width must be at least 0": bool((width >= 0.0).all()),
        "its play_growth must be in [0, 1)": bool(((growth >= 0.0) & (growth < 1.0)).all()),
    }
    for rule, holds in rules.items():
        if not holds:
            raise FileError(path, rule, _AGAIN)
    return names, inputs, tendons


def _indices(values: list[int], end: int) -> bool:
    return len(set(values)) == len(values) and max(values, default=-1) < end
