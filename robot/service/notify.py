"""Messages to systemd: that the run has started, that it lives, and that it ends."""

from __future__ import annotations

import os
import socket
from typing import Final

READY: Final = "READY=1"
ALIVE: Final = "WATCHDOG=1"
STOPPING: Final = "STOPPING=1"


def notify(message: str, status: str = "") -> bool:
    """Send a message to the service manager that started this process. Never blocks.

    Args:
        message: one of READY, ALIVE and STOPPING.
        status: one line for ``systemctl status``.

    Returns whether there is a manager, and it took the message.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address or not hasattr(socket, "AF_UNIX"):
        return False
    if address.startswith("@"):  # an abstract one
        address = "\0" + address[1:]
    text = f"{message}\nSTATUS={' '.join(status.split())}" if status else message
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.setblocking(False)
            manager.sendto(text.encode(errors="replace"), address)
    except OSError:
        return False
    return True
