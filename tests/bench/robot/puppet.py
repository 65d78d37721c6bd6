"""What a flood on the port of a puppeteer costs the loop."""

from __future__ import annotations

import multiprocessing as mp
import socket
import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mien.robot.control.loop import RATE_HZ
from mien.robot.puppet import osc
from mien.robot.puppet.receiver import Receiver

SHAPES: Final = 330
"""Messages in a datagram that takes as long to read as one may."""
LARGEST: Final = 16_000


@dataclass(frozen=True)
class Cost:
    """Of looking for a face at 60 Hz while somebody floods the port.

    Attributes:
        poll_ms_max, poll_ms_p99: of looking. late_ms_max: behind the deadline of a tick.
        report: what became of the datagrams. sent: how many the flooder sent.
    """

    poll_ms_max: float
    poll_ms_p99: float
    late_ms_max: float
    sent: int
    report: dict[str, Any]


def datagram(size: int = LARGEST) -> bytes:
    """One of VMC, of at most ``size`` bytes and as many messages as are taken."""
    one = osc.message(osc.PREFIX + "Blend/Val", "JawOpen", 0.5)
    count = min(osc.MOST - 1, (size - 16) // (len(one) + 4) - 1)
    return osc.bundle([one] * count + [osc.message(osc.PREFIX + "Blend/Apply")])


def udp_loop(seconds: float = 3.0, size: int = LARGEST, bad: bool = False) -> Cost:
    """Measure it.

    Args:
        size: bytes of a datagram. bad: none of them is VMC.
    """
    packet = b"\xff" * size if bad else datagram(size)
    context = mp.get_context("spawn")
    sent = context.Value("q", 0)
    with Receiver("vmc", 0) as receiver:
        flooder = context.Process(target=_flood, args=(receiver.port, packet, sent), daemon=True)
        flooder.start()
        while not sent.value:
            time.sleep(0.01)
        polls, late = [], []
        due = time.monotonic()
        for _ in range(round(seconds * RATE_HZ)):
            due += 1.0 / RATE_HZ
            time.sleep(max(0.0, due - time.monotonic()))
            began = time.monotonic()
            receiver.poll(began)
            polls.append(time.monotonic() - began)
            late.append(began - due)
        flooder.kill()
        flooder.join()
        time.sleep(0.3)  # the last counts
        report = receiver.report()
    costs = 1e3 * np.array(polls)
    return Cost(
        float(costs.max()), float(np.percentile(costs, 99)), 1e3 * max(late), sent.value, report
    )


def udp_loop_ms(seconds: float = 3.0, size: int = LARGEST, bad: bool = False) -> float:
    """The longest look for a face, ms, during a flood; see ``udp_loop``."""
    return udp_loop(seconds, size, bad).poll_ms_max


def _flood(port: int, packet: bytes, sent: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        while True:
            sender.sendto(packet, ("127.0.0.1", port))
            sent.value += 1
