"""Consent: the operator decides whose faces a network port takes.

Live Link Face and VMC carry no secret. On the loopback address every program of this machine may
send. On another address ``--allow-from`` names the senders, or the operator confirms a sender at
the terminal. Without a terminal the run is refused.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network
from typing import Final

from mien.robot.errors import InputError
from mien.robot.puppet.people import PeoplePort
from mien.robot.puppet.receiver import KINDS, NAMES
from mien.robot.puppet.senders import LOOPBACK, is_loopback, networks

PATIENCE_S: Final = 120.0
"""Time in s in which the operator has to start the sender."""
_STEP_S: Final = 0.02


def senders(
    kind: str,
    port: int,
    host: str,
    requested: Sequence[str],
    ask: Callable[[str], bool] | None = None,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[IPv4Network, ...]:
    """Networks that may send to ``host``.

    These are the networks in ``requested``, this machine, or the sender that the operator confirms.

    Args:
        kind: protocol of the port, a key of ``receiver.NAMES``.
        port: UDP port. host: address to bind.
        requested: addresses and networks of ``--allow-from``.
        ask: puts a question to the operator; None where there is no operator.
        now, sleep: clock in s.

    Raises:
        InputError: an invalid address, nobody to ask, or nobody confirmed.
        DeviceError: the address cannot be bound.
    """
    if requested:
        return networks(requested)
    if is_loopback(host):
        return LOOPBACK
    if ask is None:
        raise InputError(
            f"--bind {host} would take faces from everybody who reaches this machine, and "
            f"{NAMES[kind]} cannot carry a secret",
            "--allow-from ADDRESS of the phone, or start it at a terminal and confirm the sender",
        )
    refused: set[str] = set()
    receives = {**KINDS, "people": PeoplePort}[kind]
    with receives(port, host, ()) as puppet:
        end = now() + PATIENCE_S
        while now() < end:
            puppet.inlet.poll(now())
            holder = puppet.inlet.control.holder
            if holder is not None and holder[0] not in refused:
                if ask(f"{holder[0]} sends {NAMES[kind]}. Shall it move the face?"):
                    return networks([holder[0]])
                refused.add(holder[0])
            puppet.inlet.control.forget()  # ask for another sender next time
            sleep(_STEP_S)
    raise InputError(
        f"no sender of {NAMES[kind]} was confirmed within {PATIENCE_S:.0f} s",
        "--allow-from ADDRESS",
    )


def at_terminal(question: str) -> bool:
    """Ask on stderr. Only a typed yes counts."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def operator() -> Callable[[str], bool] | None:
    """Asks the operator at the terminal; None when the input is no terminal."""
    return at_terminal if sys.stdin.isatty() else None
