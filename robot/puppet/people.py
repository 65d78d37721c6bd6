"""People over OSC: other software says where people are, and the face looks at them.

``/mien/person ID YAW PITCH DISTANCE`` is one person: a whole number from 0 that stays the same
while he is seen, his direction in degrees (yaw positive to the face's left, pitch positive up) and
his distance in m, in the frame of the head at neutral. Without DISTANCE it is 1 m. The messages of
one bundle are one observation. Who is no longer sent is let go.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Any, Final

from mien.robot.expression.attention import MOST_PEOPLE, Person
from mien.robot.puppet.datagrams import Inlet, Port
from mien.robot.puppet.livelink_udp import MalformedError
from mien.robot.puppet.osc import LONGEST, OscMessage, decode
from mien.robot.puppet.senders import LOOPBACK

PORT: Final = 39570
"""UDP port unless another one is given."""
ADDRESS: Final = "/mien/person"
_MAX_NAME: Final = 2**31 - 1


class PeoplePort(Port):
    """Receiver of people: the newest place of each."""

    def __init__(
        self,
        port: int = PORT,
        host: str = "127.0.0.1",
        allow: Sequence[IPv4Network] = LOOPBACK,
    ) -> None:
        self.inlet: Inlet[list[OscMessage]] = Inlet(_people, LONGEST, port, host, allow)
        self.port, self.counts = self.inlet.port, self.inlet.counts

    def poll(self, now: float) -> tuple[Person, ...] | None:
        """The people of all datagrams since the last call; None when no datagram is used.

        A person who is not understood, or is beyond the first ``MOST_PEOPLE``, is left out and
        counted.
        """
        datagrams = self.inlet.poll(now)
        if not datagrams:
            return None
        found: dict[int, Person] = {}
        for message in (m for datagram in datagrams for m in datagram):
            one = person(message)
            if one is not None and (one.name in found or len(found) < MOST_PEOPLE):
                found[one.name] = one
            else:
                self.counts.unknown += 1
                values = " ".join(str(value) for value in message.values)
                self.inlet.fault = f"{message.address} {values}".strip()
        return tuple(found.values())


def person(message: OscMessage) -> Person | None:
    """The person of a message; None where it is not understood or out of range."""
    match message:
        case OscMessage(address, (name, yaw, pitch, *rest)) if (
            address == ADDRESS and len(rest) <= 1 and _is_name(name)
        ):
            numbers = (yaw, pitch, *rest)
            if all(isinstance(x, int | float) and not isinstance(x, bool) for x in numbers):
                one = Person(int(name), *(float(x) for x in numbers))
                return one if one.valid else None
    return None


def _is_name(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value <= _MAX_NAME
        and value == int(value)
    )


def _people(packet: bytes) -> list[OscMessage]:
    """The messages of a datagram. Raises MalformedError for OSC without a person."""
    messages = decode(packet)
    if not any(m.address == ADDRESS for m in messages):
        raise MalformedError(f"OSC, but nothing for {ADDRESS}")
    return messages
