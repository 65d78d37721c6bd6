"""The firmware core, compiled for this machine.

``HostCore`` is imported on first use, because the build of its extension imports this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.firmware.host.core import HostCore

__all__ = ["HostCore"]


def __getattr__(name: str) -> Any:
    if name == "HostCore":
        from mien.firmware.host.core import HostCore

        return HostCore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
