"""Receiver of captured faces in its own process, so that packets cost the loop no time.

Python runs one thread at a time, so a flood of packets in the loop's process would delay its ticks.
This process writes the newest face to shared memory and the loop reads it at constant cost. There
is no queue that can fill.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import select
import signal
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from ipaddress import IPv4Network
from multiprocessing.connection import Connection
from typing import Any, Final, Literal, Self, TypeAlias

import numpy as np

from mien.models.face.blendshapes import ARKIT
from mien.robot.errors import DeviceError, ErrorMessage
from mien.robot.media.livelink_takes import ROTATIONS
from mien.robot.names import quoted
from mien.robot.puppet.datagrams import CapturedFace, PacketCounts, Puppet, VmcPuppet
from mien.robot.puppet.senders import LOOPBACK, Sender

Kind: TypeAlias = Literal["livelink", "vmc"]
KINDS: Final[dict[str, type[Puppet] | type[VmcPuppet]]] = {"livelink": Puppet, "vmc": VmcPuppet}
NAMES: Final = {"livelink": "Live Link Face", "vmc": "VMC", "people": "people over OSC"}
MESSAGE_PERIOD_S: Final = 1.0
"""Shortest time in s between two lines on stderr."""
FLOOD_S: Final = 0.002
"""Pause in s after a full burst. The system drops the rest of a flood."""
_START_S: Final = 30.0
_POLL_S: Final = 0.25
_COUNTERS: Final = len(fields(PacketCounts))
_VALUES: Final = 1 + 1 + len(ARKIT) + len(ROTATIONS) + _COUNTERS + 1 + 3
"""Frame number, tracked, weights, rotations, counts, handovers, address, port, whether held."""


@dataclass(frozen=True)
class PortBound:
    """Message of the process: it receives at this port. Faces then come through shared memory."""

    port: int


class FaceMailbox:
    """The newest face and the packet counts in memory that two processes share.

    A checksum detects a reader that meets a writer. The reader then keeps its last value.
    """

    def __init__(self, memory: Any) -> None:
        self._memory = np.frombuffer(memory, np.float64)

    @staticmethod
    def memory(values: int = _VALUES) -> Any:
        """Allocate the shared memory of one mailbox for so many numbers."""
        return mp.get_context("spawn").RawArray("d", values + 1)

    def write(self, values: np.ndarray[Any, np.dtype[np.float64]]) -> None:
        """Write as many numbers as the memory has."""
        self._memory[-1] = -1.0
        self._memory[:-1] = values
        self._memory[-1] = zlib.crc32(values.tobytes())

    def read(self) -> np.ndarray[Any, np.dtype[np.float64]] | None:
        """The last numbers; None during a write or before the first."""
        values = self._memory.copy()
        return values[:-1] if values[-1] == zlib.crc32(values[:-1].tobytes()) else None


class Receiver:
    """The newest captured face of a UDP port. ``network.Inlet`` chooses the sender.

    Args:
        kind: protocol of the port.
        port: UDP port; 0 picks a free one.
        host: address to bind.
        allow: networks that may send.

    Raises:
        DeviceError: the address cannot be bound.
    """

    def __init__(
        self,
        kind: Kind,
        port: int,
        host: str = "127.0.0.1",
        allow: Sequence[IPv4Network] = LOOPBACK,
    ) -> None:
        context = mp.get_context("spawn")
        memory = FaceMailbox.memory()
        self._post = FaceMailbox(memory)
        self._pipe, far = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(far, memory, kind, port, host, tuple(allow)),
            name="mien-udp", daemon=True,
        )  # fmt: skip
        self._process.start()
        far.close()
        self._kind, self._number = kind, 0.0
        self._captured: CapturedFace | None = None
        self._last = np.zeros(_VALUES)
        self.port = self._started()

    def _started(self) -> int:
        try:
            answer: object = ErrorMessage("the receiver of faces did not start")
            if self._pipe.poll(_START_S):
                answer = self._pipe.recv()
        except EOFError:
            pass
        if isinstance(answer, PortBound):
            return answer.port
        self.close()
        assert isinstance(answer, ErrorMessage)
        raise DeviceError(answer.message, answer.hint)

    def poll(self, now: float) -> CapturedFace | None:
        """The newest captured face, or None before the first; ``now`` in s."""
        values = self._post.read()
        if values is None:
            return self._captured
        self._last = values
        if values[0] != self._number:
            self._number = values[0]
            n = 2 + len(ARKIT)
            weights = values[2:n].astype(np.float32)
            rotations = values[n : n + len(ROTATIONS)].astype(np.float32)
            self._captured = CapturedFace(now, weights, rotations, values[1] != 0.0)
        return self._captured

    def report(self) -> dict[str, Any]:
        """Packet counts and the sender that holds the face."""
        values = self._post.read()
        self._last = self._last if values is None else values
        *_, handovers, address, port, there = self._last
        counts = self._last[-4 - _COUNTERS : -4]
        names = (f.name for f in fields(PacketCounts))
        return {
            "kind": self._kind,
            **{name: int(count) for name, count in zip(names, counts, strict=True)},
            "handovers": int(handovers),
            "sender": _text(address, port) if there else None,
            "alive": self._process.is_alive(),
        }

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(2.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(2.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class OperatorMessages:
    """Messages to the operator: who holds the face, and what is refused.

    At most one line is printed in ``MESSAGE_PERIOD_S``. Counts add up until then.

    Args:
        kind: protocol of the port.
        print_line: prints a line.
    """

    def __init__(self, kind: str, print_line: Callable[[str], None]) -> None:
        self._name, self._print_line = NAMES[kind], print_line
        self._next = -np.inf
        self._holder: Sender | None = None
        self._reported = PacketCounts()

    def update(
        self, now: float, holder: Sender | None, counts: PacketCounts, fault: str = ""
    ) -> None:
        """Print what is new since the last line, if it is time for one.

        ``fault`` is the last thing that was not understood.
        """
        if now < self._next:
            return
        parts = []
        if holder != self._holder and holder is not None:
            parts.append(f"{holder[0]}:{holder[1]} has the face")
        refused = {
            "not allowed or not its turn": counts.foreign - self._reported.foreign,
            "malformed": counts.malformed - self._reported.malformed,
            "over the budget": counts.over - self._reported.over,
        }
        parts += [f"{n} datagrams {why}" for why, n in refused.items() if n]
        if unknown := counts.unknown - self._reported.unknown:
            parts.append(f"{unknown} messages not understood")
        if fault and (unknown or refused["malformed"]):
            parts[-1] += f", the last: {quoted(fault)}"
        if parts:
            self._print_line(f"{self._name}: {'; '.join(parts)}")
            self._next, self._holder, self._reported = (
                now + MESSAGE_PERIOD_S,
                holder,
                PacketCounts(*astuple(counts)),
            )


def _serve(
    pipe: Connection, memory: Any, kind: Kind, port: int, host: str, allow: Sequence[IPv4Network]
) -> None:
    """Run the process until the other end of ``pipe`` closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)  # the loop goes first
    try:
        puppet = KINDS[kind](port, host, allow)
    except DeviceError as e:
        pipe.send(ErrorMessage.of(e))
        return
    pipe.send(PortBound(puppet.port))
    post, messages = (
        FaceMailbox(memory),
        OperatorMessages(kind, lambda line: print(line, file=sys.stderr, flush=True)),
    )
    quoted, number = None, 0
    while pipe not in select.select([puppet.inlet, pipe], [], [], _POLL_S)[0]:
        now = time.monotonic()
        captured = puppet.poll(now)
        number += captured is not quoted
        quoted = captured
        holder = puppet.inlet.control.holder
        handovers = puppet.inlet.control.handovers
        post.write(_values(number, captured, puppet.counts, handovers, holder))
        messages.update(now, holder, puppet.counts, puppet.inlet.fault)
        if puppet.inlet.full:
            time.sleep(FLOOD_S)
    puppet.close()


def _values(
    number: int,
    captured: CapturedFace | None,
    counts: PacketCounts,
    handovers: int,
    holder: Sender | None,
) -> np.ndarray[Any, np.dtype[np.float64]]:
    face = np.zeros(1 + len(ARKIT) + len(ROTATIONS))
    if captured is not None:
        face = np.concatenate([[captured.tracked], captured.weights, captured.rotations])
    whose = (0, 0, 0) if holder is None else (_number(holder[0]), holder[1], 1)
    return np.concatenate([[number], face, astuple(counts), [handovers], whose]).astype(np.float64)


def _number(address: str) -> int:
    return int.from_bytes(bytes(int(part) for part in address.split(".")), "big")


def _text(address: float, port: float) -> str:
    return ".".join(str(part) for part in int(address).to_bytes(4, "big")) + f":{int(port)}"
