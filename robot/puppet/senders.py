"""Which sender controls the face over UDP, and how much senders may send.

A datagram carries no secret, so the sender's address is the only identity. A program in the same
network can forge an address. A stage therefore needs a network of its own.
"""

from __future__ import annotations

import socket
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Final, TypeAlias

from mien.robot.errors import InputError
from mien.robot.names import quoted

Sender: TypeAlias = tuple[str, int]
"""Address and port."""
HOLD_S: Final = 1.0
"""Time in s of silence after which a sender loses the face."""
STEADY_FRAMES: Final = 10
"""Valid frames in ``HOLD_S`` of a steady sender. One with fewer loses the face to it."""
_MAX_WAITING: Final = 8
"""Senders without the face whose frames are counted."""
MIN_PREFIX_BITS: Final = 16
"""Shortest network prefix that may be allowed. A shorter one would allow everybody."""
LOOPBACK: Final = (IPv4Network("127.0.0.0/8"),)
PACKETS_PER_S: Final = 4000.0
"""Datagrams per second that are decoded. Some VMC senders use one for every shape."""
BYTES_PER_S: Final = 1_000_000.0
"""Bytes per second that are decoded."""


def networks(requested: Sequence[str]) -> tuple[IPv4Network, ...]:
    """Parse ``192.168.1.5`` or ``192.168.1.0/24`` to networks.

    Raises:
        InputError: not an IPv4 address or network, or a prefix shorter than ``MIN_PREFIX_BITS``.
    """
    out = []
    for text in requested:
        try:
            network = IPv4Network(text, strict=False)
        except ValueError as e:
            raise InputError(
                f"--allow-from {quoted(text)}: expected an IPv4 address or network (192.168.1.0/24)"
            ) from e
        if network.prefixlen < MIN_PREFIX_BITS:
            raise InputError(
                f"--allow-from {text} is {network.num_addresses} addresses: "
                f"at most a /{MIN_PREFIX_BITS}"
            )
        out.append(network)
    return tuple(out)


def is_loopback(host: str) -> bool:
    """Whether a port that is bound to ``host`` is reachable from this machine only."""
    return host == "localhost" or host.startswith("127.")


class Allowed:
    """Addresses that may send.

    Args:
        networks: allowed networks. An empty sequence allows all; it is used to ask the operator.
    """

    def __init__(self, networks: Sequence[IPv4Network]) -> None:
        self._masks = [(int(n.netmask), int(n.network_address)) for n in networks]

    def __contains__(self, sender: Sender) -> bool:
        value = int.from_bytes(socket.inet_aton(sender[0]), "big")
        return not self._masks or any(value & mask == base for mask, base in self._masks)


class Control:
    """Gives the face to one sender at a time.

    An allowed sender takes the face when no sender holds it, or when its holder was silent for
    ``HOLD_S``. A holder with fewer than ``STEADY_FRAMES`` valid frames in that time (a keep-alive,
    a
    stray program) loses it to a sender with at least as many. Invalid frames do not count.

    Attributes:
        holder: the sender that holds the face.
        handovers: how often the face went from one sender to another.
    """

    def __init__(self) -> None:
        self.holder: Sender | None = None
        self.handovers = 0
        self._history: OrderedDict[Sender, _SenderHistory] = OrderedDict()

    def accept(self, sender: Sender, now: float) -> bool:
        """Count a valid frame at ``now`` s. Returns whether its sender holds the face."""
        self._history.setdefault(sender, _SenderHistory()).add(now)
        self._history.move_to_end(sender)
        while len(self._history) > _MAX_WAITING + 1:
            oldest = next(s for s in self._history if s not in (self.holder, sender))
            del self._history[oldest]
        if self.holder is None or self._gives_way(self.holder, sender, now):
            self.handovers += self.holder is not None
            self.holder = sender
        return sender == self.holder

    def forget(self) -> None:
        """Take the face from its holder and forget all senders."""
        self.holder = None
        self._history.clear()

    def _gives_way(self, holder: Sender, sender: Sender, now: float) -> bool:
        if sender == holder:
            return False
        theirs, own = self._history[holder], self._history[sender]
        if theirs.silent(now):
            return True
        return (
            own.lasting(now) and own.steady(now) and theirs.lasting(now) and not theirs.steady(now)
        )


@dataclass
class _SenderHistory:
    """Arrival times of one sender: start without a silence, and the last frames."""

    since: float = -float("inf")
    times: deque[float] = field(default_factory=lambda: deque(maxlen=STEADY_FRAMES))

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
        return len(self.times) == STEADY_FRAMES and now - self.times[0] <= HOLD_S


@dataclass
class Budget:
    """Limit of what is decoded per second. A quarter of it may come at once.

    Attributes:
        packets: datagrams per second.
        size: bytes per second.
    """

    packets: float = PACKETS_PER_S
    size: float = BYTES_PER_S

    def __post_init__(self) -> None:
        self._packets, self._size, self._at = self.packets / 4, self.size / 4, -float("inf")

    def take(self, size: int, now: float) -> bool:
        """Whether a datagram of ``size`` bytes at ``now`` s is within the budget."""
        past = min(max(now - self._at, 0.0), 1.0)
        self._at = now
        self._packets = min(self._packets + past * self.packets, self.packets / 4)
        self._size = min(self._size + past * self.size, self.size / 4)
        if self._packets < 1.0 or self._size < size:
            return False
        self._packets -= 1.0
        self._size -= size
        return True
