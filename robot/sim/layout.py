"""Where the levers, rods and horns of a linkage sit: geometry only, in mm, in the head frame.

A linkage is laid out from the face inwards. At a point that should move along ``direction`` for
a positive command a rod arrives along that direction; its other end is the tip of an arm, which
turns about an axis square to both; the other arm of that lever takes the next rod; and so on to
the servo's horn. At neutral every rod is square to its arms, except for the given skews.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.robot.sim.description import Horn, Rocker

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Arm:
    """A turning part: its pivot, unit axis (positive command turns it positively) and tips.

    ``output`` is the tip of the arm that faces the skin, ``input`` of the one that faces the
    servo (None on a horn). ``rod`` is the length of the rod from ``output`` on to the face.
    """

    pivot: F64
    axis: F64
    output: F64
    input: F64 | None
    rod: float


def unit(v: ArrayLike) -> F64:
    """v (3,) scaled to length 1.

    Raises:
        ValueError: v has no direction.
    """
    a = np.asarray(v, dtype=np.float64)
    length = float(np.linalg.norm(a))
    if length < 1e-9:
        raise ValueError(f"vector {a.tolist()} has no direction")
    return a / length


def turned(v: F64, axis: F64, degrees: float) -> F64:
    """v (3,) turned about the unit axis (3,), right-handed (Rodrigues)."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.asarray(v * c + np.cross(axis, v) * s + axis * (axis @ v) * (1.0 - c))


def square_to(v: ArrayLike, direction: F64) -> F64:
    """Unit vector of the part of v (3,) that is square to the unit vector direction (3,)."""
    a = np.asarray(v, dtype=np.float64)
    return unit(a - direction * (a @ direction))


def chain(
    point: F64, direction: F64, toward: F64, rockers: list[Rocker], horn: Horn | None
) -> list[Arm]:
    """Rockers, then the horn, of a linkage that moves ``point`` (3,) along ``direction`` (3,).

    Args:
        toward: where the arms without a direction of their own point (3,); not along ``direction``.

    Returns:
        The arms from the face to the servo.
    """
    arms: list[Arm] = []
    direction, toward = unit(direction), np.asarray(toward, dtype=np.float64)
    for rocker in rockers:
        axis, out = _arm(direction, toward, rocker.toward, rocker.skew)
        tip = point - direction * rocker.rod
        pivot = tip - out * rocker.arm
        lever = turned(out, axis, rocker.bend - rocker.skew)
        arms.append(Arm(pivot, axis, tip, pivot + lever * rocker.lever, abs(rocker.rod)))
        point, direction, toward = pivot + lever * rocker.lever, np.cross(axis, lever), lever
    if horn is not None:
        axis, out = _arm(direction, toward, horn.toward, horn.skew)
        tip = point - direction * horn.rod
        arms.append(Arm(tip - out * horn.radius, axis, tip, None, abs(horn.rod)))
    return arms


def _arm(direction: F64, toward: F64, explicit: ArrayLike | None, skew: float) -> tuple[F64, F64]:
    """Axis and output arm, both unit (3,), of a lever whose tip moves along ``direction``."""
    out = square_to(toward if explicit is None else explicit, direction)
    axis = unit(np.cross(out, direction))
    return axis, turned(out, axis, skew)
