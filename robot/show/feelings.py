"""Feelings in words of a show: of all of it, and of its cues."""

from __future__ import annotations

from dataclasses import replace

from mien.models.feeling.space import space
from mien.models.feeling.words import words_of
from mien.robot.errors import InputError
from mien.robot.expression.emotion.feel import Feel, feel, told, understood
from mien.robot.expression.emotion.track import Cue
from mien.robot.show.schema import EmotionCue, Show
from mien.robot.show.show_file import ShowFile


def cues_of(cue: EmotionCue) -> tuple[Cue, ...]:
    """A cue of a show as cues of single emotions; those of a feeling in words are several."""
    if cue.emotion is not None:
        return (Cue(cue.start, cue.end, cue.emotion, cue.strength, cue.region),)
    found = understood(space().of_text(cue.feel or ""))
    return tuple(
        Cue(cue.start, cue.end, name, cue.strength * value, cue.region)
        for name, value in found.items()
    )


def source(show: Show) -> Feel | None:
    """The feeling of a whole show, if it has one."""
    return feel(show.feel) if show.feel is not None else None


def felt(file: ShowFile, text: str) -> ShowFile:
    """A show with another feeling.

    Raises:
        InputError: the text has no English word.
    """
    if not words_of(text).words:
        raise InputError(f"--feel: {text[:60]!r} has no English word", "--feel 'she laughs'")
    return replace(file, show=file.show.model_copy(update={"feel": text}))


def lines(show: Show) -> tuple[str, ...]:
    """What is understood of the feelings in words of a show, for a person."""
    words = [show.feel, *(cue.feel for cue in show.emotions)]
    return tuple(told(text, space().of_text(text)) for text in words if text is not None)
