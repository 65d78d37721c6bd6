"""What the options of ``mien live`` mean: sources, senders, emotions, people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

from mien.robot.errors import InputError

if TYPE_CHECKING:
    from mien.robot.live.people import PeopleSetup


def allowed(
    puppet: int, vmc: int, bind: str, senders_allowed: Sequence[str]
) -> tuple[IPv4Network, ...]:
    """Who may send to the UDP ports of the puppeteer.

    Raises:
        InputError: ``senders``, or two puppeteers for one face.
    """
    from mien.robot.puppet.consent import operator, senders
    from mien.robot.puppet.senders import networks

    if puppet and vmc:
        raise InputError("one puppeteer at a time, not --puppet and --vmc")
    if not (puppet or vmc):
        return networks(senders_allowed)
    return senders(
        "livelink" if puppet else "vmc", puppet or vmc, bind, senders_allowed, operator()
    )


def parse_emotion(text: str) -> dict[str, float]:
    """Parse ``happiness`` or ``happiness=0.5,surprise=0.2`` to intensities in 0..1 by name.

    Raises:
        InputError: not a number in 0..1. ModelError: no such emotion.
    """
    from mien.models.face.emotion import named

    out = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        try:
            strength = float(value) if value else 1.0
        except ValueError:
            strength = -1.0
        if not 0.0 <= strength <= 1.0:
            raise InputError(f"emotion {part!r}: expected NAME or NAME=0..1")
        out[named(name.strip())] = strength
    return out


def parse_address(text: str, default: int) -> tuple[str, int] | None:
    """Parse ``HOST`` or ``HOST:PORT``; an empty text gives None.

    Raises:
        InputError: the port is no port.
    """
    if not text:
        return None
    host, _, port = text.partition(":")
    if not host or (port and not (port.isdigit() and 0 < int(port) < 65536)):
        raise InputError(f"{text!r}: expected HOST or HOST:PORT")
    return host, int(port) if port else default


def source_of(wav: Path | None, pcm: int, text: str) -> str:
    """The sound source that the options name; the microphone when they name none.

    Raises:
        InputError: more than one.
    """
    named = [n for n, given in (("wav", wav), ("pcm", pcm), ("text", text)) if given]
    if len(named) > 1:
        raise InputError(f"one source at a time, not {' and '.join('--' + n for n in named)}")
    return named[0] if named else "mic"


def people_of(
    attend: str, view: str, bind: str, senders_allowed: Sequence[str]
) -> PeopleSetup | None:
    """Who observes people for ``--attend``; None for an empty text.

    Raises:
        InputError: no such source, a camera's place that is none, or nobody may send.
    """
    from mien.robot.live.camera_view import parse_view
    from mien.robot.live.people import parse_source
    from mien.robot.puppet.consent import operator, senders

    place = parse_view(view)
    if not attend:
        return None
    setup = replace(parse_source(attend), view=place, bind=bind)
    if setup.camera is not None:
        return setup
    return replace(setup, allow=senders("people", setup.port, bind, senders_allowed, operator()))
