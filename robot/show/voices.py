"""Styles that a voice tells: of a sound file, and of whoever is heard among those learned.

A voiceprint is biometric. It is in a style file only because ``mien style learn`` was called, and
``mien style forget`` deletes it. What is heard here is not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.manner.style_file import Style, of_voice
from mien.models.style.memory import Floats, code, read
from mien.models.style.personal import Library, voiceprint
from mien.models.style.sound_style import statistics
from mien.robot.errors import InputError
from mien.robot.media import audio
from mien.robot.media.audio import RATE

SOUNDS: Final = (".wav", ".flac", ".ogg", ".mp3")
"""Endings of sound files."""
SENTENCE_S: Final = 5.0
"""Sound in s that counts as one sentence of a stranger."""


def style_of_voice(
    path: Path, name: str, consent: str, clip: tuple[Style, Path] | None = None
) -> Style:
    """The style of a sound file, with the poses of a clip if one is given.

    Raises:
        InputError, ModelError: it cannot be read, or has too little voice.
    """
    samples = audio.load(path)
    sound = _heard(samples, str(path))
    style, own_print = code(read(), sound), voiceprint(read(), sound)
    return of_voice(style, own_print, len(samples) / RATE, name, path, consent, clip)


def of_whoever_speaks(
    samples: NDArray[np.float32], known: Sequence[Style]
) -> tuple[tuple[float, ...], str]:
    """The style (64) in which a voice is shown, and the name of the person who is near, if any.

    Args:
        samples: (n,) at 16 kHz.
        known: styles that were learned. Those without a print take no part.

    Raises:
        InputError: there is too little voice.
    """
    sound = _heard(samples, "the sound")
    own, heard = code(read(), sound), voiceprint(read(), sound)
    people = [s for s in known if s.voiceprint]
    if not people:
        return tuple(own.tolist()), ""
    numbers = np.arange(len(people))
    prints, styles = (np.array([getattr(s, n) for s in people]) for n in ("voiceprint", "code"))
    library = Library(prints, styles, numbers, np.zeros_like(numbers))
    found = library.style(heard, 0, own, len(samples) / RATE / SENTENCE_S)
    near = library.person(heard)
    return tuple(found.tolist()), people[near].name if near >= 0 else ""


def _heard(samples: NDArray[np.float32], name: str) -> Floats:
    try:
        return statistics(samples)
    except ModelError as e:
        raise InputError(f"{name} tells no style: {e.message}", e.hint) from e
