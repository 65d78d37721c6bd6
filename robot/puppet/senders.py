"""Who may send a face over UDP, who of them has it, and how much they may send.

A datagram carries no secret and names its sender itself, so an address is the only thing to go by.
Whoever is in the same network can forge one: a stage's network is a network of its own.
"""

from __future__ import annotations

import socket
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Final, TypeAlias

from mien.robot.errors import InputError
from mien.robot.names import shown

Sender: TypeAlias = tuple[str, int]
"""Address and port."""
HOLD_S: Final = 1.0
"""A sender that is silent for so long loses the face to the next one."""
STEADY: Final = 10
"""Valid frames in ``HOLD_S`` of a sender that shows a face; one with fewer gives way to it."""
_WAITING: Final = 8
"""Senders without the face whose frames are counted."""
WIDEST: Final = 16
"""Shortest prefix of a network that may be allowed; a wider one is everybody."""
LOOPBACK: Final = (IPv4Network("127.0.0.0/8"),)
PACKETS: Final = 4000.0
"""Datagrams a second that are decoded; some VMC senders use one for every shape."""
BYTES: Final = 1_000_000.0
"""Bytes a second likewise."""


def networks(said: Sequence[str]) -> tuple[IPv4Network, ...]:
    """``192.168.1.5`` or ``192.168.1.0/24`` -> networks.

    Raises:
        InputError: not an IPv4 address or network, or one so wide that it is everybody.
    """
    out = []
    for text in said:
        try:
            network = IPv4Network(text, strict=False)
        except ValueError as e:
            raise InputError(
                f"--allow-from {shown(text)}: wanted an IPv4 address or a network (192.168.1.0/24)"
            ) from e
        if network.prefixlen < WIDEST:
            raise InputError(
                f"--allow-from {text} is {network.num_addresses} addresses: at most a /{WIDEST}"
            )
        out.append(network)
    return tuple(out)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a port that is bound there."""
    return host == "localhost" or host.startswith("127.")


class Allowed:
    """Addresses that may send.

    Args:
        networks: theirs; none is everybody, which is for asking the operator only.
    """

    def __init__(self, networks: Sequence[IPv4Network]) -> None:
        self._masks = [(int(n.netmask), int(n.network_address)) for n in networks]

    def __contains__(self, sender: Sender) -> bool:
        value = int.from_bytes(socket.inet_aton(sender[0]), "big")
        return not self._masks or any(value & mask == base for mask, base in self._masks)


class Control:
    """One sender at a time has the face.

    An allowed sender takes it when nobody has it, or when its holder was silent for ``HOLD_S``. A
    holder that sends fewer than ``STEADY`` valid frames in that time, as a keep-alive or a stray
    program does, gives way to one that has sent as many for so long. Frames that are not valid
    count for nobody.

    Attributes:
        holder: who has it. handovers: how often that changed from one to another.
    """

    def __init__(self) -> None:
        self.holder: Sender | None = None
        self.handovers = 0
        self._heard: OrderedDict[Sender, _SenderHistory] = OrderedDict()

    def heard(self, sender: Sender, now: float) -> bool:
        """A valid frame came at ``now`` s. Returns whether its sender has the face."""
        self._heard.setdefault(sender, _SenderHistory()).add(now)
        self._heard.move_to_end(sender)
        while len(self._heard) > _WAITING + 1:
            oldest = next(s for s in self._heard if s not in (self.holder, sender))
            del self._heard[oldest]
        if self.holder is None or self._gives_way(self.holder, sender, now):
            self.handovers += self.holder is not None
            self.holder = sender
        return sender == self.holder

    def forget(self) -> None:
        """Nobody has the face, and nobody was heard."""
        self.holder = None
        self._heard.clear()

    def _gives_way(self, holder: Sender, sender: Sender, now: float) -> bool:
        if sender == holder:
            return False
        theirs, own = self._heard[holder], self._heard[sender]
        if theirs.silent(now):
            return True
        return (
            own.lasting(now) and own.steady(now) and theirs.lasting(now) and not theirs.steady(now)
        )


@dataclass
class _SenderHistory:
    """When one sender was heard: since when without a silence, and its last frames."""

    since: float = -float("inf")
    times: deque[float] = field(default_factory=lambda: deque(maxlen=STEADY))

    def add(self, now: float) -> None:
        if not self.times or self.silent(now):
            self.since = now
            self.times.clear()
        self.times.append(now)

    def silent(self, now: float) -> bool:
        return now - self.times[-1] >= HOLD_S

    def lasting(self, now: float) -> bool:
        return now - self.since >= HOLD_S

    def steady(self, now: float) -> bool:
        return len(self.times) == STEADY and now - self.times[0] <= HOLD_S


@dataclass
class Budget:
    """What may be decoded a second; a quarter of it at once.

    Attributes:
        packets, size: a second.
    """

    packets: float = PACKETS
    size: float = BYTES

    def __post_init__(self) -> None:
        self._packets, self._size, self._at = self.packets / 4, self.size / 4, -float("inf")

    def take(self, size: int, now: float) -> bool:
        """Whether a datagram of ``size`` bytes is within it at ``now`` s."""
        past = min(max(now - self._at, 0.0), 1.0)
        self._at = now
        self._packets = min(self._packets + past * self.packets, self.packets / 4)
        self._size = min(self._size + past * self.size, self.size / 4)
        if self._packets < 1.0 or self._size < size:
            return False
        self._packets -= 1.0
        self._size -= size
        return True
