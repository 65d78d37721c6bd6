"""A model of servo as a mechanism's file has it, and the ranges of the numbers of that file."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field

from mien.models.reading.strict import Strict

_LARGEST: Final = 1e6  # of any number here; no unit of this file needs more
Number: TypeAlias = Annotated[float, Field(ge=-_LARGEST, le=_LARGEST)]
Positive: TypeAlias = Annotated[float, Field(ge=1e-9, le=_LARGEST)]
NotNegative: TypeAlias = Annotated[float, Field(ge=0.0, le=_LARGEST)]
MANY: Any = Field(max_length=200)  # entries of one section
Vector: TypeAlias = tuple[Number, Number, Number]
Range: TypeAlias = tuple[Number, Number]


class ServoKind(Strict):
    """One model of servo, as its data sheet gives it (at the supply voltage of the face)."""

    stall_torque: Positive
    no_load_speed: Positive  # degrees per second
    degrees_per_us: Positive = 0.09
    dead_band_us: NotNegative
    backlash: NotNegative  # degrees, from stop to stop
    friction: NotNegative  # N m at the output shaft
    armature: Positive  # kg m^2 of rotor and gears, seen from the output shaft
    lag_ms: NotNegative = 6.0  # of its pulse measurement
    full_drive: Positive = 4.0  # degrees of error at which the motor gets the full voltage
    rate_gain: NotNegative = 0.004  # s; damps the position loop
    travel: Positive = 80.0  # degrees to either side, where its stop is
