"""What the kinds of actuators differ in: one object each. A new kind is one more class here.

A command becomes a pulse in the same way for every kind (``mien.robot.face.actuators``). A kind
says which of its settings are allowed, what the board needs beyond that pulse, and how the
simulated rig drives the skin.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal

from pydantic import PlainSerializer, PlainValidator
from pydantic_core import PydanticCustomError

from mien.robot import wire

_NO_FLAGS: Final = wire.Flag(0)


@dataclass(frozen=True)
class ChannelPulses:
    """Pulses of one channel as the board gets them, in 0.25 us.

    Attributes:
        min: lowest pulse.
        max: highest pulse.
        safe: pulse of the safe pose.
        flags: what the board must know of the kind.
        slack: pulse that only takes up a loose tendon.
        floor: pulse at which a tendon is just taut.
    """

    min: int
    max: int
    safe: int
    flags: wire.Flag = _NO_FLAGS
    slack: int = 0
    floor: int = 0


@dataclass(frozen=True)
class PulseSettings:
    """Settings of one actuator from the face YAML, in 0.25 us.

    Attributes:
        lowest: low end of the servo's range.
        neutral: pulse of command 0.
        highest: high end of the servo's range.
        rising: whether a positive command makes the pulse longer.
        slack: ``slack_us``.
        floor: ``floor_us``.
    """

    lowest: int
    neutral: int
    highest: int
    rising: bool
    slack: int
    floor: int


class ActuatorKind(ABC):
    """A kind of actuator.

    Attributes:
        name: value of ``kind:`` in the face YAML.
        has_hysteresis: whether its effect depends on past commands (a play operator models it).
        can_go_slack: whether it only pulls, and can lose its tension.
        drive: section of the mechanism file that connects it to the skin.
    """

    name: str
    has_hysteresis: bool
    can_go_slack: bool
    drive: Literal["linkages", "tendons"]

    @abstractmethod
    def faults(self, raw: dict[str, Any], limits: list[float] | None) -> Iterator[str]:
        """Faults of an actuator of this kind, one line each, beginning with the key.

        Args:
            raw: the actuator's entry in the face YAML.
            limits: lowest and highest command; None where they are malformed.
        """

    @abstractmethod
    def channel(self, pulses: ChannelPulses, settings: PulseSettings) -> ChannelPulses:
        """Pulses for the board, from those of the command limits and of the safe pose."""


class RigidKind(ActuatorKind):
    """A servo with a linkage of rods: it pushes and pulls."""

    name, has_hysteresis, can_go_slack, drive = "rigid", False, False, "linkages"

    def faults(self, raw: dict[str, Any], limits: list[float] | None) -> Iterator[str]:
        """See ``ActuatorKind``: settings of tendons are refused."""
        del limits
        for key in ("slack_us", "floor_us"):
            if raw.get(key):
                yield f"{key}: belongs to tendons, this actuator is rigid"

    def channel(self, pulses: ChannelPulses, settings: PulseSettings) -> ChannelPulses:
        """See ``ActuatorKind``: nothing is added."""
        del settings
        return pulses


class TendonKind(ActuatorKind):
    """A servo that winds a tendon: it only pulls."""

    name, has_hysteresis, can_go_slack, drive = "tendon", True, True, "tendons"

    def faults(self, raw: dict[str, Any], limits: list[float] | None) -> Iterator[str]:
        """See ``ActuatorKind``: negative commands are refused, and play, which is learned."""
        if raw.get("play_us"):
            yield "play_us: belongs to rigid actuators, the self-model learns that of a tendon"
        if limits and limits[0] < 0:
            yield f"limits: a tendon only pulls, so they start at 0 or above, are {limits}"

    def channel(self, pulses: ChannelPulses, settings: PulseSettings) -> ChannelPulses:
        """See ``ActuatorKind``: floor and slack are added.

        The floor lies beyond neutral in the direction of pull. The loose end, from which the board
        winds the tendon in after power-up, lies behind it, within the servo's own range.
        """
        if settings.rising:
            floor = min(settings.neutral + settings.floor, pulses.max)
            slack = min(settings.slack, floor - settings.lowest)
            low, safe = min(pulses.min, floor - slack), max(pulses.safe, floor)
            return ChannelPulses(low, pulses.max, safe, wire.Flag.TENDON, slack, floor)
        floor = max(settings.neutral - settings.floor, pulses.min)
        slack = min(settings.slack, settings.highest - floor)
        high, safe = max(pulses.max, floor + slack), min(pulses.safe, floor)
        flags = wire.Flag.TENDON | wire.Flag.PULL_DOWN
        return replace(pulses, max=high, safe=safe, flags=flags, slack=slack, floor=floor)


KINDS: Final[dict[str, ActuatorKind]] = {kind.name: kind for kind in (RigidKind(), TendonKind())}
"""The kinds by their name in the face YAML."""


def kind_named(name: object) -> ActuatorKind | None:
    """The kind of this name; None where there is none."""
    return KINDS.get(name) if isinstance(name, str) else None


def _read(value: object) -> ActuatorKind:
    kind = value if isinstance(value, ActuatorKind) else kind_named(value)
    if kind is None:
        names = " or ".join(repr(name) for name in KINDS)
        raise PydanticCustomError("literal_error", "Input should be {names}", {"names": names})
    return kind


KindField = Annotated[
    ActuatorKind, PlainValidator(_read), PlainSerializer(lambda kind: kind.name, return_type=str)
]
"""``kind:`` of the face YAML: a name in the file, an object in the program."""
