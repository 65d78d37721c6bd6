"""PortAudio, which is one for the whole process, and what it means to start it anew.

It lists devices once, when it starts: a device that was plugged in later is seen only after it was
ended and started again. That ends every stream, the others' too, so they are told before.
"""

from __future__ import annotations

from contextlib import suppress
from threading import RLock
from typing import Any, Final, Protocol
from weakref import WeakSet

from mien.robot.errors import DeviceError

LOCK: Final = RLock()
"""Held while streams are opened and closed: PortAudio itself is not safe against two threads."""


class Owner(Protocol):
    """Somebody who has a stream open and opens it again by itself."""

    def drop(self) -> None:
        """Give the stream back now."""


_owners: WeakSet[Owner] = WeakSet()


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


def enter(owner: Owner) -> None:
    """From now on ``owner`` is told before its stream is ended."""
    with LOCK:
        _owners.add(owner)


def anew() -> None:
    """Look again which devices there are. All streams are dropped."""
    sd = portaudio()
    with LOCK:
        for owner in list(_owners):
            owner.drop()
        for again in (sd._terminate, sd._initialize):
            with suppress(sd.PortAudioError):
                again()


def end(stream: Any) -> None:
    """Give a stream back, whatever state its device is in."""
    with LOCK:
        try:
            stream.abort()  # stop() would wait for a device that no longer delivers
            stream.close()
        except Exception:  # a dead device may refuse to be closed in any way it likes
            return
