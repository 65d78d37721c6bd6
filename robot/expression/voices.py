"""Styles that a voice tells: of a sound file, of a learned name, and of whoever is heard.

A voiceprint is biometric. It is in a style file only because ``mien style learn`` was called, and
``mien style forget`` deletes it. What is heard here is not kept.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face.emotion import EMOTIONS, named
from mien.models.manner.config import STYLE
from mien.models.manner.style_file import PRINT, Learned, Style, load, of_voice
from mien.models.style.acquaintance import SENTENCE_S
from mien.models.style.memory import Floats, code, read
from mien.models.style.personal import Library, voiceprint
from mien.models.style.sound_style import statistics
from mien.models.user_folders import data_folder
from mien.robot.errors import InputError
from mien.robot.media import audio
from mien.robot.media.audio import RATE
from mien.robot.names import checked, is_name

SOUNDS: Final = (".wav", ".flac", ".ogg", ".mp3")
"""Endings of sound files."""
AUTO: Final = "auto"
"""Name that stands for the style of whoever speaks."""
NONE: Final = "none"
"""Name that stands for no style."""
MOST: Final = 200
"""Styles that are listed."""


def styles_folder() -> Path:
    """Where the styles of a user are."""
    return data_folder() / "styles"


def style_path(name: str) -> Path:
    """File of a style of the user.

    Raises:
        InputError: not a plain name, or one that means something else.
    """
    if name in (AUTO, NONE):
        raise InputError(f"{name} is no name of a style: it has a meaning of its own", "mien style")
    return styles_folder() / f"{checked(name, 'style')}.json"


def style_names() -> list[str]:
    """Names of the styles of the user, at most ``MOST``."""
    names = (path.stem for path in styles_folder().glob("*.json"))
    return sorted(n for n in names if is_name(n) and n not in (AUTO, NONE))[:MOST]


def style_named(name: str) -> Style:
    """A style of the user.

    Raises:
        InputError: there is no such style, or its file is none.
    """
    path = style_path(name)
    if not path.is_file():
        raise InputError(
            f"there is no style {name!r}",
            f"mien style learn {name} --voice A.wav, or mien style list",
        )
    try:
        return load(path)
    except ModelError as e:
        raise InputError(e.message, e.hint) from e


def codes_of(style: Style) -> Floats:
    """Styles (E, 64) of a voice in each emotion.

    Raises:
        InputError: it was learned without a voice.
    """
    if (codes := style.codes) is None:
        raise InputError(
            f"the style {style.name} was learned from a clip alone, which moves no lips",
            f"mien style learn {style.name} --voice A.wav",
        )
    return codes


def learned_styles() -> list[Style]:
    """The styles of the user that can be read."""
    out = []
    for name in style_names():
        with contextlib.suppress(InputError):
            out.append(style_named(name))
    return out


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


def in_emotion(name: str, emotion: str, path: Path, consent: str) -> Style:
    """A learned style, with what a sound file tells of its voice in an emotion.

    Raises:
        InputError: there is no such style of a voice, no such emotion, or the sound cannot be read.
        ModelError: the sound has too little voice.
    """
    style, which = style_named(name), _emotion(emotion)
    codes_of(style)
    entry = style_of_voice(path, name, consent).model_dump(include=set(Learned.model_fields))
    return style.model_copy(update={"emotions": {**style.emotions, which: Learned(**entry)}})


def without_emotion(name: str, emotion: str) -> Style:
    """A learned style without what it tells in an emotion.

    Raises:
        InputError: there is no such style, or it tells nothing in it.
    """
    style, which = style_named(name), _emotion(emotion)
    if which not in style.emotions:
        raise InputError(f"the style {name} was not learned in {which}", f"mien style show {name}")
    left = {e: entry for e, entry in style.emotions.items() if e != which}
    return style.model_copy(update={"emotions": left})


def _emotion(word: str) -> str:
    try:
        name = named(word)
    except ModelError as e:
        raise InputError(e.message, e.hint) from e
    if name == EMOTIONS[0]:
        raise InputError("without an emotion is without --emotion", "mien style learn --help")
    return name


def library_of(known: Sequence[Style]) -> Library:
    """The entries of people and emotions in styles that were learned; those without a print have
    none. A note names the styles with prints of an earlier version, by which nobody is known."""
    if old := [style.name for style in known if len(style.voiceprint) not in (0, PRINT)]:
        _note(", ".join(old))
    rows = [
        (style.voiceprint, entry.code, who, EMOTIONS.index(emotion))
        for who, style in enumerate(known) if len(style.voiceprint) == PRINT
        for emotion, entry in {EMOTIONS[0]: style, **style.emotions}.items()
    ]  # fmt: skip
    prints, styles, people, emotions = zip(*rows, strict=True) if rows else ((),) * 4
    return Library(
        np.reshape(prints, (-1, PRINT)), np.reshape(styles, (-1, STYLE)),
        np.array(people, int), np.array(emotions, int),
    )  # fmt: skip


@cache
def _note(names: str) -> None:
    print(
        f"note: an earlier Mien heard the voice of {names}: the style works, but the person is not"
        " known by voice; next: mien style learn NAME --voice A.wav --consent WHO",
        file=sys.stderr,
    )


def of_whoever_speaks(samples: NDArray[np.float32], known: Sequence[Style]) -> tuple[Floats, str]:
    """The styles (E, 64) in which a voice is shown, and the name of the person who is near, if any.

    Args:
        samples: (n,) at 16 kHz.
        known: styles that were learned.

    Raises:
        InputError: there is too little voice.
    """
    sound = _heard(samples, "the sound")
    own, heard = code(read(), sound), voiceprint(read(), sound)
    library = library_of(known)
    if not len(library.people):
        return np.repeat(own[None], len(EMOTIONS), axis=0), ""
    near = library.person(heard)
    found = library.shown(heard, own, len(samples) / RATE / SENTENCE_S, len(EMOTIONS))
    return found, known[near].name if near >= 0 else ""


def _heard(samples: NDArray[np.float32], name: str) -> Floats:
    try:
        return statistics(samples)
    except ModelError as e:
        raise InputError(f"{name} tells no style: {e.message}", e.hint) from e
