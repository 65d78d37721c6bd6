"""PortAudio, which the whole process shares, and its restart.

PortAudio lists the devices when it starts. A device that is plugged in later needs a restart. A
restart ends every stream, so the owners of all streams close them first.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from threading import RLock
from typing import Any, Final, Protocol
from weakref import WeakSet

from mien.robot.errors import DeviceError

LOCK: Final = RLock()
"""Held while streams are opened and closed, because PortAudio is not thread-safe."""


class StreamOwner(Protocol):
    """Owner of a stream, which it opens again by itself."""

    def drop(self) -> None:
        """Close the stream now."""


_owners: WeakSet[StreamOwner] = WeakSet()


def portaudio() -> Any:
    """The sounddevice module.

    Raises:
        DeviceError: PortAudio is not installed.
    """
    try:
        import sounddevice
    except OSError as e:
        raise DeviceError("PortAudio is missing", "apt-get install libportaudio2") from e
    return sounddevice


def output_of(sd: Any, device: str) -> tuple[int | str | None, Mapping[str, Any]]:
    """The output with this number or part of a name, and what PortAudio knows of it.

    An empty text is the default output.

    Raises:
        DeviceError: no such output, or several.
    """
    requested = int(device) if device.isdigit() else device or None
    try:
        return requested, sd.query_devices(requested, "output")
    except (sd.PortAudioError, ValueError) as e:
        raise DeviceError(f"no output {device or 'by default'}: {e}", "mien devices") from e


def register(owner: StreamOwner) -> None:
    """Register an owner, whose stream is dropped before a restart."""
    with LOCK:
        _owners.add(owner)


def restart() -> None:
    """Restart PortAudio, which lists the devices again. All streams are dropped."""
    sd = portaudio()
    with LOCK:
        for owner in list(_owners):
            owner.drop()
        for again in (sd._terminate, sd._initialize):
            with suppress(sd.PortAudioError):
                again()


def end(stream: Any) -> None:
    """Close a stream, whatever the state of its device."""
    with LOCK:
        try:
            stream.abort()  # stop() would wait for a device that no longer delivers
            stream.close()
        except Exception:  # a dead device may refuse to be closed in any way it likes
            return
