"""Devices that this user may not open: the group that may, and the command that joins it."""

from __future__ import annotations

import os
from pathlib import Path

USUAL_GROUP = "dialout"
"""Group of serial ports on Debian and its relatives."""


def may_open(device: str) -> bool:
    """Whether this user may read and write a device, as far as its permissions tell."""
    return not Path(device).exists() or os.access(device, os.R_OK | os.W_OK)


def group_of(device: str, usual: str = USUAL_GROUP) -> str:
    """Name of the group of a device; ``usual`` where it has none of its own."""
    try:
        found = Path(device).group()
    except (KeyError, OSError, NotImplementedError):
        return usual
    return usual if found == "root" else found


def refusal(device: str, usual: str = USUAL_GROUP) -> tuple[str, str]:
    """What to say of a device that may not be opened, and the command that mends it."""
    group = group_of(device, usual)
    return (
        f"no permission for {device}: this user is not in the group {group}",
        f"sudo usermod -aG {group} $USER, then log out and in again",
    )
