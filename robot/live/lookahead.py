"""Choice of the speech network by its look-ahead, which delays the lips behind the voice.

A monitor that plays the voice can wait for the lips, so the network with the longest useful
look-ahead is chosen. Sound that goes straight to the room cannot wait, so the network without
look-ahead is chosen.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mien.models.checkpoint import WEIGHTS
from mien.robot.errors import ConfigError, InputError

FILES: Final = {
    0: WEIGHTS / "speech_lookahead0.safetensors",
    100: WEIGHTS / "speech.safetensors",
    200: WEIGHTS / "speech_lookahead200.safetensors",
}
"""Weights by nominal look-ahead in ms. The file has the exact look-ahead."""
DIRECT: Final = 0
MONITORED: Final = 100


def weights(lookahead: int) -> Path:
    """Weights file of a nominal look-ahead in ms.

    Raises:
        InputError: no such variant.
        ConfigError: the variant is not installed.
    """
    if lookahead not in FILES:
        allowed = ", ".join(map(str, FILES))
        raise InputError(f"look-ahead {lookahead} ms: allowed are {allowed}", "--lookahead 100")
    path = FILES[lookahead]
    if not path.is_file():
        raise ConfigError(
            f"there is no speech network with look-ahead {lookahead}: {path.name} is missing",
            f"--lookahead {MONITORED}, or mien train speech --help",
        )
    return path


def chosen(requested: int | None, monitored: bool) -> Path:
    """Weights file of a run.

    Args:
        requested: nominal look-ahead in ms; None chooses by ``monitored``.
        monitored: whether a monitor plays the voice.

    A run without a monitor takes the variant that ships when the one without look-ahead is missing.

    Raises:
        InputError: no such variant.
        ConfigError: the variant is not installed.
    """
    if requested is not None:
        return weights(requested)
    nominal = MONITORED if monitored else DIRECT
    return FILES[nominal] if FILES[nominal].is_file() else weights(MONITORED)
