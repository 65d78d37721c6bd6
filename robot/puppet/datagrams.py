"""Captured faces from the network: receive, sort and count datagrams. Nothing here blocks."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any, Final, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import ARKIT
from mien.robot.errors import DeviceError
from mien.robot.media.livelink_takes import ROTATIONS
from mien.robot.puppet import livelink_udp, osc
from mien.robot.puppet.frame_order import FrameOrder
from mien.robot.puppet.livelink_udp import LiveLinkPacket, MalformedError
from mien.robot.puppet.senders import LOOPBACK, Allowed, Budget, Control, Sender

MAX_BURST: Final = 64
"""Datagrams read at most in one call, so that a flood costs a limited time."""

T = TypeVar("T")


@dataclass
class PacketCounts:
    """Counts of datagrams by fate, and of messages within them that are not understood.

    Attributes:
        taken: datagrams that are used.
        malformed: datagrams that are not of the port's protocol.
        foreign: datagrams of senders that are not allowed or do not hold the face.
        stale: datagrams that a newer one has overtaken.
        over: datagrams beyond the budget; they are not decoded.
        unknown: messages or values that are not understood, in datagrams that are used.
    """

    taken: int = 0
    malformed: int = 0
    foreign: int = 0
    stale: int = 0
    over: int = 0
    unknown: int = 0


@dataclass(frozen=True, eq=False)
class CapturedFace:
    """A captured face.

    Attributes:
        t: arrival time in s.
        weights: (52,) blendshapes in 0..1.
        rotations: (9,) rad, order of ``ROTATIONS``.
        tracked: False while the sender sees no face; the weights are 0 then.
    """

    t: float
    weights: NDArray[np.float32]
    rotations: NDArray[np.float32]
    tracked: bool


class Inlet(Generic[T]):
    """A UDP port that takes the datagrams of one allowed sender.

    Args:
        decode: datagram -> T; raises MalformedError.
        longest: bytes of the longest datagram.
        port: UDP port; 0 picks a free one.
        host: address to bind. The default takes packets of this machine only.
        allow: networks that may send; an empty sequence allows all.

    Attributes:
        counts: counts of datagrams.
        fault: why the last malformed datagram, or unknown message, is not understood.
        control: which sender holds the face.
        full: whether the last ``poll`` left datagrams behind.
        port: the bound port.

    Raises:
        DeviceError: the address cannot be bound.
    """

    def __init__(
        self,
        decode: Callable[[bytes], T],
        longest: int,
        port: int,
        host: str = "127.0.0.1",
        allow: Sequence[IPv4Network] = LOOPBACK,
    ) -> None:
        self._decode, self._longest = decode, longest
        self.counts, self.control, self.full = PacketCounts(), Control(), False
        self.fault = ""
        self._allowed = Allowed(allow)
        self._of_holder, self._of_others = Budget(), Budget()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind((host, port))
        except (OSError, UnicodeError) as e:
            self._socket.close()
            reason = getattr(e, "strerror", None) or "no such address"
            raise DeviceError(
                f"cannot listen on UDP {host}:{port}: {reason}", "another port, or end its user"
            ) from e
        self.port: int = self._socket.getsockname()[1]

    def fileno(self) -> int:
        """File descriptor for ``select``."""
        return self._socket.fileno()

    def poll(self, now: float) -> list[T]:
        """Datagrams since the last call, in order; ``now`` in s."""
        out: list[T] = []
        self.full = True
        for _ in range(MAX_BURST):
            try:
                data, sender = self._socket.recvfrom(self._longest + 1)
            except (BlockingIOError, ConnectionError):
                self.full = False
                break
            if (found := self._sorted(data, sender, now)) is not None:
                out.append(found)
        return out

    def _sorted(self, data: bytes, sender: Sender, now: float) -> T | None:
        """The content of a datagram that counts, else None. Cheap checks come first."""
        if sender not in self._allowed:
            self.counts.foreign += 1
        elif not self._budget(sender).take(len(data), now):
            self.counts.over += 1
        else:
            try:
                found = self._decode(data)
            except MalformedError as e:
                self.counts.malformed += 1
                self.fault = str(e)
                return None
            if self.control.accept(sender, now):
                self.counts.taken += 1
                return found
            self.counts.foreign += 1
        return None

    def _budget(self, sender: Sender) -> Budget:
        """The budget of a sender. Other senders cannot use up that of the holder."""
        return self._of_holder if sender == self.control.holder else self._of_others

    def close(self) -> None:
        """Free the port."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Port:
    """A receiver with an ``inlet`` that is closed at the end."""

    inlet: Inlet[Any]

    def close(self) -> None:
        """Free the port."""
        self.inlet.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Puppet(Port):
    """Receiver of Live Link Face: the newest frame of one phone."""

    def __init__(
        self,
        port: int = livelink_udp.PORT,
        host: str = "127.0.0.1",
        allow: Sequence[IPv4Network] = LOOPBACK,
    ) -> None:
        longest = livelink_udp.LONGEST
        self.inlet: Inlet[LiveLinkPacket] = Inlet(livelink_udp.decode, longest, port, host, allow)
        self.port, self.counts = self.inlet.port, self.inlet.counts
        self._order, self._sender = FrameOrder(), ""
        self._captured: CapturedFace | None = None

    def poll(self, now: float) -> CapturedFace | None:
        """The newest face, or None before the first packet."""
        for frame in self.inlet.poll(now):
            if frame.device != self._sender:
                self._order, self._sender = FrameOrder(), frame.device
            if self._order.is_late(frame.number, now):
                self.counts.stale += 1
                self.counts.taken -= 1
            elif frame.weights is None or frame.rotations is None:
                self._captured = CapturedFace(now, _nothing(), _still(), False)
            else:
                self._captured = CapturedFace(now, frame.weights, frame.rotations, True)
        return self._captured


class VmcPuppet(Port):
    """Receiver of VMC: shapes are collected until the message Apply."""

    def __init__(
        self,
        port: int = osc.PERFORMER_PORT,
        host: str = "127.0.0.1",
        allow: Sequence[IPv4Network] = LOOPBACK,
    ) -> None:
        self.inlet: Inlet[list[osc.OscMessage]] = Inlet(_vmc, osc.LONGEST, port, host, allow)
        self.port, self.counts = self.inlet.port, self.inlet.counts
        self._gather = osc.VmcShapes()
        self._captured: CapturedFace | None = None

    def poll(self, now: float) -> CapturedFace | None:
        """The newest face, or None before the first Apply."""
        handovers = self.inlet.control.handovers
        for messages in self.inlet.poll(now):
            if self.inlet.control.handovers != handovers:  # drop its old shapes
                self._gather, handovers = osc.VmcShapes(), self.inlet.control.handovers
            unknown = self._gather.unknown
            for message in messages:
                if (face := self._gather.take(message)) is not None:
                    self._captured = CapturedFace(now, face.weights, face.rotations, True)
            self.counts.unknown += self._gather.unknown - unknown
            self.inlet.fault = self._gather.fault or self.inlet.fault
        return self._captured


def _vmc(packet: bytes) -> list[osc.OscMessage]:
    """The messages of a VMC datagram. Raises MalformedError for OSC without VMC."""
    messages = osc.decode(packet)
    if not any(m.address.startswith(osc.PREFIX) for m in messages):
        raise MalformedError("OSC, but not VMC")
    return messages


def _nothing() -> NDArray[np.float32]:
    return np.zeros(len(ARKIT), np.float32)


def _still() -> NDArray[np.float32]:
    return np.zeros(len(ROTATIONS), np.float32)
