"""Where the panel's server listens, and how that is opened from a browser."""

from __future__ import annotations

import errno
import socket
from typing import Final

from mien.robot.errors import DeviceError
from mien.robot.panel.access import is_any

_BACKLOG: Final = 128


def bound(host: str, port: int) -> socket.socket:
    """A socket bound to an address, and to no other.

    Raises:
        DeviceError: the port is taken, or this machine has no such address.
    """
    try:
        found = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)
        family, _, _, _, where = min(found, key=lambda at: at[0] != socket.AF_INET)
        made = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as e:
        reason = getattr(e, "strerror", None) or "no such address"
        raise DeviceError(f"no panel on {host!r}: {reason}", "--panel-host 127.0.0.1") from e
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(where)
        made.listen(_BACKLOG)
    except OSError as e:
        made.close()
        if e.errno != errno.EADDRINUSE:
            message = f"no panel on {host} port {port}: {e.strerror}"
            raise DeviceError(message, "--panel-host 127.0.0.1 --panel-port 8080") from e
        message = f"port {port} of {host} is taken, by another panel or program"
        raise DeviceError(message, "end that one, or another --panel-port (0 finds one)") from e
    return made


def shown_as(host: str) -> str:
    """An address of this machine by which a server on ``host`` can be opened."""
    if not is_any(host):
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent; it picks the way out
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
