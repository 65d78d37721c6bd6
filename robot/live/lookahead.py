"""Which speech network listens: how far it hears ahead is how long the lips are behind the voice.

Where a monitor plays the voice, it waits for the lips, and the network that hears furthest is
the best. Where the sound goes straight to the room nothing can wait, and it answers at once.
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
"""Weights by nominal look-ahead in ms; the exact one stands in the file."""
DIRECT: Final = 0
MONITORED: Final = 100


def weights(lookahead: int) -> Path:
    """The weights file of a nominal look-ahead in ms.

    Raises:
        InputError: no such variant. ConfigError: it is not installed.
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


def chosen(said: int | None, monitored: bool) -> Path:
    """The weights for a run: those that the user said, or those that suit how the voice is heard.

    Where the sound goes straight to the room and the network without look-ahead is not installed,
    the one that ships is taken; the run says how late the lips then are.

    Raises:
        InputError, ConfigError: as ``weights``, for a look-ahead that the user said.
    """
    if said is not None:
        return weights(said)
    nominal = MONITORED if monitored else DIRECT
    return FILES[nominal] if FILES[nominal].is_file() else weights(MONITORED)
