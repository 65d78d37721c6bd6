"""Formats in which a sound device is opened: rates and channel counts, until one is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, TypeVar

from mien.robot.errors import DeviceError
from mien.robot.media.audio import RATE

Format: TypeAlias = tuple[float, int]
"""Rate in Hz and channels."""
_RATES_HZ: Final = (48000.0, 44100.0, 32000.0, 96000.0, 22050.0, 8000.0)
_CHANNELS: Final = (2, 1, 4, 6, 8)
T = TypeVar("T")


def formats(info: Mapping[str, Any], direction: str) -> list[Format]:
    """Formats to try on a device, best first.

    The first one is ours, which needs no conversion. Then come the device's default rate with its
    highest channel count, and all others.

    Args:
        info: the device, as PortAudio describes it.
        direction: "input" or "output".
    """
    most = max(1, int(info.get(f"max_{direction}_channels", 1)))
    default = float(info.get("default_samplerate") or RATE)
    counts = list(dict.fromkeys([most, *(n for n in _CHANNELS if n <= most)]))
    rates = list(dict.fromkeys([default, *_RATES_HZ, float(RATE)]))
    return list(dict.fromkeys([(float(RATE), 1), *((r, n) for r in rates for n in counts)]))


def open_first(sd: Any, info: Mapping[str, Any], direction: str, start: Callable[[Format], T]) -> T:
    """What ``start`` makes of the first format in which the device opens.

    Raises:
        DeviceError: no format; the message lists what was tried.
    """
    tried: list[Format] = []
    last: Exception | None = None
    for one in formats(info, direction):
        tried.append(one)
        try:
            return start(one)
        except (sd.PortAudioError, ValueError) as e:
            last = e
    rates: dict[float, list[str]] = {}
    for rate, channels in tried:
        rates.setdefault(rate, []).append(str(channels))
    listed = "; ".join(f"{rate:g} Hz with {', '.join(n)}" for rate, n in rates.items())
    raise DeviceError(
        f"cannot open {info['name']}: {last}; tried {listed} channels", "mien devices"
    )
