"""Sender of the face to other programs over UDP."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mien.robot.errors import InputError
from mien.robot.media.livelink_takes import ROTATIONS
from mien.robot.names import quoted
from mien.robot.puppet import livelink_udp, osc
from mien.robot.puppet.livelink_udp import LiveLinkPacket


def resolved(option: str, host: str, port: int) -> tuple[str, int]:
    """IPv4 address and port of a receiver. Waits for the name server.

    Raises:
        InputError: no such host; ``option`` names where it was given.
    """
    try:
        found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as e:
        reason = getattr(e, "strerror", None) or e
        raise InputError(
            f"{option} {quoted(host)} has no IPv4 address: {reason}",
            f"{option} with an address such as 192.168.1.5:{port}",
        ) from e
    return str(found[0][4][0]), port


class HasWeights(Protocol):
    """Anything with blendshapes."""

    @property
    def weights(self) -> NDArray[np.float32]:
        """(52,) in 0..1."""


@dataclass
class Mirror:
    """Sender of the face to other programs: Live Link Face for Unreal, VMC for avatars.

    A missing receiver is no error, because UDP does not report it. The names of the receivers are
    resolved once, when this is made: the loop never waits for a name server.

    Attributes:
        livelink, vmc: receivers as (host, port); the host becomes an address.
        subject: name that Unreal shows. device: id of the sender.
        unsent: datagrams that this machine refused to send.

    Raises:
        InputError: a host has no address.
    """

    livelink: tuple[str, int] | None = None
    vmc: tuple[str, int] | None = None
    subject: str = "Mien"
    device: str = "4D49454E-0000-4000-8000-000000000001"
    unsent: int = 0
    _number: int = 0
    _socket: socket.socket = field(
        default_factory=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM), repr=False
    )

    def __post_init__(self) -> None:
        try:
            self.livelink = self.livelink and resolved("--mirror", *self.livelink)
            self.vmc = self.vmc and resolved("--mirror-vmc", *self.vmc)
        except InputError:
            self._socket.close()
            raise
        self._socket.setblocking(False)

    def send(self, t: float, weights: NDArray[np.float32], rotations: NDArray[np.float32]) -> None:
        """Send one frame at ``t`` s: weights (52,), rotations (9,) rad."""
        if self.livelink:
            frame = LiveLinkPacket(
                device=self.device,
                subject=self.subject,
                number=self._number,
                weights=weights,
                rotations=rotations,
            )
            self._put(livelink_udp.encode(frame), self.livelink)
        if self.vmc:
            for packet in osc.encode(t, weights, rotations):
                self._put(packet, self.vmc)
        self._number = (self._number + 1) & 0x7FFFFFFF

    def show(self, t: float, frame: HasWeights) -> None:
        """Send a frame of the live face, without head rotations."""
        self.send(t, frame.weights, np.zeros(len(ROTATIONS), np.float32))

    def _put(self, packet: bytes, to: tuple[str, int]) -> None:
        try:
            self._socket.sendto(packet, to)
        except OSError:
            self.unsent += 1

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
