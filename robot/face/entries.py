"""Entries of a face's YAML file: its actuators, interlocks and supplies, each with its ranges."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from mien.models.reading.strict import Strict
from mien.robot import wire
from mien.robot.face.actuator_kinds import KindField
from mien.robot.names import Name, is_name

CHANNELS_PER_SERVO_BOARD = 16  # PCA9685, NXP datasheet rev. 4, section 1
_UNITS_PER_US = 4  # of the wire
FLOOR_US, CEILING_US = wire.PULSE_MIN / _UNITS_PER_US, wire.PULSE_MAX / _UNITS_PER_US

Role: TypeAlias = Literal["neck_yaw", "neck_pitch", "neck_roll", "tongue_out"]
ROLES: Final[tuple[str, ...]] = get_args(Role)
"""What an actuator can be for that no landmark shows. An actuator of that name has the role
unless another one was given it."""
Region: TypeAlias = Literal["eyes", "brows", "mouth", "nose", "cheeks", "jaw", "neck"]
Floats: TypeAlias = NDArray[np.float64]
Microseconds: TypeAlias = Annotated[float, Field(ge=FLOOR_US, le=CEILING_US)]
Address: TypeAlias = Annotated[int, Field(ge=0x40, le=0x7F)]
Coefficient: TypeAlias = Annotated[float, Field(ge=-100.0, le=100.0)]
Command: TypeAlias = Annotated[float, Field(ge=-1.0, le=1.0)]
YAML: Final = (".yaml", ".yml")


def _mechanism(text: str) -> str:
    parts = text.removeprefix("./").split("/")
    if not all(map(is_name, parts)) or not (text.endswith(YAML) or text == parts[0]):
        raise PydanticCustomError(
            "mechanism",
            "must be the name of a mechanism that ships, such as hobby9, or the path of a YAML "
            "file beside this one, such as myface_mechanism.yaml",
        )
    return text


Mechanism: TypeAlias = Annotated[str, Field(max_length=200), AfterValidator(_mechanism)]
"""A mechanism by its name in the package, or by the path of its file from the face's own folder."""


class Actuator(Strict):
    """One servo and what it moves.

    ``board`` is its servo board, an index into the ``boards`` of the face, and ``channel`` the
    output there.
    ``pulse_us`` is (min, neutral, max) in microseconds for the commands (-1, 0, +1) when
    ``direction`` is +1, and for (+1, 0, -1) when it is -1. ``speed`` is the fastest change of
    the command per second. ``slack_us`` is the pulse that only takes up a loose tendon, on
    top of neutral; ``floor_us`` the least pull that keeps it from going loose. ``play_us`` is half
    of the pulse that turns nothing when a rigid actuator reverses (None: see
    ``servo_play``). ``role`` is what an actuator is for that no landmark shows; its name may then
    be anything. ``absent`` marks one that is not built in: it keeps its place and its name, and
    nothing ever moves it.
    """

    kind: KindField
    region: Region
    role: Role | None = None
    servo: Literal["micro", "large"]
    board: Annotated[int, Field(ge=0)]
    channel: Annotated[int, Field(ge=0, lt=CHANNELS_PER_SERVO_BOARD)]
    pulse_us: tuple[Microseconds, Microseconds, Microseconds]
    direction: Literal[1, -1] = 1
    speed: Annotated[float, Field(ge=0.01, le=50.0)]
    safe: Command = 0.0
    limits: tuple[Command, Command] = (-1.0, 1.0)
    slack_us: Annotated[float, Field(ge=0.0, le=400.0)] = 0.0
    floor_us: Annotated[float, Field(ge=0.0, le=200.0)] = 0.0
    play_us: Annotated[float, Field(ge=0.0, le=50.0)] | None = None
    idle_release_s: Annotated[float, Field(ge=0.0, le=600.0)] = 0.0
    absent: bool = False


class Interlock(Strict):
    """Parts that must not meet: sum of ``terms[name] * command[name]`` is at most ``max``."""

    name: Name
    terms: Annotated[dict[Name, Coefficient], Field(min_length=1)]
    max: Annotated[float, Field(ge=-1000.0, le=1000.0)]


class Supply(Strict):
    """What feeds servos: all on some servo boards (their V+ terminals), single ones, or both.

    ``amps`` is what it may carry for seconds. The board starts the servos one group after the
    other to stay within it (``mien.robot.face.supply``).
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    volts: Annotated[float, Field(ge=3.0, le=30.0)]
    amps: Annotated[float, Field(ge=0.01, le=500.0)]
    boards: Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=3)] = []
    actuators: Annotated[list[str], Field(max_length=48)] = []


class Currents(Strict):
    """Currents of a class of servos or of one actuator, where the typical ones do not fit.

    They hold at the voltage of its supply; see ``mien.robot.face.currents.Draw``.
    """

    idle_a: Annotated[float, Field(ge=0.0, le=5.0)] | None = None
    run_a: Annotated[float, Field(ge=0.001, le=50.0)] | None = None
    stall_a: Annotated[float, Field(ge=0.001, le=50.0)] | None = None
    travel_s: Annotated[float, Field(ge=0.01, le=5.0)] | None = None
