"""Facial action units as ARKit shapes.

A unit is one visible action of the Facial Action Coding System (Ekman & Friesen 1978; Ekman,
Friesen & Hager 2002). Most ARKit shapes are close to one unit. The table of this module agrees with
M. Ozel's published ARKit-to-FACS table on which shapes belong to which unit. The weights are the
project's choice: the weight of a shape is its value when the unit has strength 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import INDEX

Side = Literal["both", "left", "right"]
"""The face's own left and right."""


@dataclass(frozen=True)
class Unit:
    """One action unit.

    Attributes:
        number: number of the unit in FACS.
        name: short form of its name in FACS.
        shapes: ARKit names without ``Left``/``Right`` -> weight at strength 1.
    """

    number: int
    name: str
    shapes: dict[str, float]


UNITS: Final[dict[int, Unit]] = {
    u.number: u
    for u in (
        Unit(1, "inner brow raiser", {"browInnerUp": 1.0}),
        Unit(2, "outer brow raiser", {"browOuterUp": 1.0}),
        Unit(4, "brow lowerer", {"browDown": 1.0}),
        Unit(5, "upper lid raiser", {"eyeWide": 1.0}),
        Unit(6, "cheek raiser", {"cheekSquint": 1.0, "eyeSquint": 0.35}),
        Unit(7, "lid tightener", {"eyeSquint": 1.0}),
        Unit(9, "nose wrinkler", {"noseSneer": 1.0, "browDown": 0.35, "mouthUpperUp": 0.25}),
        Unit(10, "upper lip raiser", {"mouthUpperUp": 1.0, "noseSneer": 0.3}),
        Unit(12, "lip corner puller", {"mouthSmile": 1.0}),
        Unit(14, "dimpler", {"mouthDimple": 1.0}),
        Unit(15, "lip corner depressor", {"mouthFrown": 1.0}),
        Unit(16, "lower lip depressor", {"mouthLowerDown": 1.0}),
        Unit(17, "chin raiser", {"mouthShrugLower": 1.0, "mouthShrugUpper": 0.4}),
        Unit(18, "lip pucker", {"mouthPucker": 1.0}),
        Unit(20, "lip stretcher", {"mouthStretch": 1.0}),
        Unit(22, "lip funneler", {"mouthFunnel": 1.0}),
        # Tight lips are narrow and thin; ARKit's mouthPress also pulls the corners out and up on
        # many heads, which reads as a smirk, so rolled lips carry most of 23 and 24.
        Unit(
            23,
            "lip tightener",
            {"mouthRollUpper": 0.8, "mouthRollLower": 0.8, "mouthPucker": 0.25},
        ),
        Unit(24, "lip pressor", {"mouthPress": 0.3, "mouthRollUpper": 0.5, "mouthRollLower": 0.5}),
        Unit(25, "lips part", {"mouthLowerDown": 0.6, "mouthUpperUp": 0.5}),
        Unit(26, "jaw drop", {"jawOpen": 1.0}),
        Unit(43, "eyes closed", {"eyeBlink": 1.0}),
        Unit(63, "eyes up", {"eyeLookUp": 1.0}),
        Unit(64, "eyes down", {"eyeLookDown": 1.0}),
    )
}
"""The units that the prototypes use, by number."""


@dataclass(frozen=True)
class Action:
    """A unit with a strength in 0..1. FACS letters A to E are about 0.1, 0.3, 0.5, 0.8, 1."""

    unit: int
    strength: float
    side: Side = "both"


def to_arkit(*actions: Action) -> NDArray[np.float64]:
    """ARKit weights (52,) of several simultaneous actions.

    Two units with weights a and b on one shape give ``1 - (1 - a)(1 - b)``. So no combination of
    units leaves 0..1.

    Raises:
        KeyError: :data:`UNITS` does not have the unit.
    """
    rest = np.ones(len(INDEX))
    for action in actions:
        for shape, weight in UNITS[action.unit].shapes.items():
            for name in _sided(shape, action.side):
                rest[INDEX[name]] *= 1.0 - weight * action.strength
    return 1.0 - rest


def _sided(shape: str, side: Side) -> tuple[str, ...]:
    if shape in INDEX:
        return (shape,)
    sides = ("Left", "Right") if side == "both" else (side.capitalize(),)
    return tuple(shape + s for s in sides)
