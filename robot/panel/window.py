"""What a panel shows and where it is opened."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.robot.errors import DeviceError
from mien.robot.panel.access import is_loopback

PORT: Final = 8080
TOKEN: Final = 8
"""Characters of a secret that a user chose, at least."""


@dataclass(frozen=True)
class Window:
    """What to show and where.

    Attributes:
        build: of the simulated robot, None on hardware (then the self-model is shown).
        line: port of the board, as the user wrote it.
        host: address to bind. Another one than this machine's own needs a ``token``.
        token: opens the page instead of the secret that every run makes for itself.
        style: name of the style at the start; None offers none, as for a song.
        estop: socket of the run, to which the panel's E-STOP goes; None sends it over the pipe.
    """

    face: str
    calibration: Path | None = None
    build: int | None = 0
    host: str = "127.0.0.1"
    port: int = PORT
    token: str = ""
    line: str = "sim"
    style: str | None = "none"
    estop: Path | None = None


def check(window: Window) -> None:
    """Whether a panel may be opened there.

    Raises:
        DeviceError: it is open to others and has no secret that somebody chose, or a short one.
    """
    if is_loopback(window.host) and not window.token:
        return
    if len(window.token) < TOKEN:
        wide = "is open to others and needs" if not is_loopback(window.host) else "needs"
        raise DeviceError(
            f"a panel on {window.host} {wide} a token of {TOKEN} characters",
            "--panel-token $(openssl rand -hex 12)",
        )
    if not is_loopback(window.host):
        print(
            f"warning: the panel on {window.host} speaks plain HTTP; whoever listens on that "
            "network reads the token and can move the face. Use a network of your own, or ssh -L.",
            file=sys.stderr,
        )
