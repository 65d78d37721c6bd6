"""Speech in the style of a voice: the speech network's mouth, moved as far as the style moves it.

A voice has a style for each emotion, and the face moves between them as the emotions come and go.
One memory serves whole clips and streams. Habits of the rest of the face are in ``Life``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face.blendshapes import FPS
from mien.models.face.emotion import EMOTIONS
from mien.models.song.listening import Ears
from mien.models.speech.stream import Stream
from mien.models.speech.stream import speak as speak_whole
from mien.models.style.acquaintance import Acquaintance
from mien.models.style.memory import MotionMemory
from mien.robot.errors import ConfigError
from mien.robot.expression import speech
from mien.robot.expression.life import Habits
from mien.robot.expression.speech import WEIGHTS, engine, lookahead_s
from mien.robot.expression.voices import (
    AUTO,
    NONE,
    codes_of,
    learned_styles,
    library_of,
    style_named,
)
from mien.robot.face.config import Floats

Styles: TypeAlias = Floats | None
"""Styles (E, 64) of a voice in each of ``EMOTIONS``; None for none."""
_NOTHING: Final[tuple[Floats, Floats]] = np.zeros(1), np.zeros(1)
FOLLOW_S: Final = 0.5
"""Time constant in s with which a live face goes over to another style."""


def memory(styles: Floats) -> MotionMemory:
    """The motion memory of styles.

    Raises:
        ConfigError: its weights are missing.
    """
    try:
        return MotionMemory(styles)
    except ModelError as e:
        raise ConfigError(e.message, e.hint or "mien doctor") from e


def shares(mixed: Floats) -> Floats:
    """Intensities (T, E) of the emotions -> share of the style of each, with a sum of 1."""
    out = mixed / np.maximum(mixed[:, 1:].sum(axis=1, keepdims=True), 1.0)
    out[:, 0] = 1.0 - out[:, 1:].sum(axis=1)
    return np.asarray(out)


def habits(styles: Styles, mixed: Floats) -> Habits:
    """How styles move brows, head and lids while emotions (T, E) last; as usual without any."""
    return Habits() if styles is None else _habits(shares(mixed) @ memory(styles).habits)


def _habits(log: Floats) -> Habits:
    """Of logarithms (T, 3). Lids have one rate in a clip."""
    brows, head = np.exp(log[:, :2]).T
    return Habits(brows, head, float(np.exp(log[:, 2].mean())))


def speak(
    samples: NDArray[np.float32],
    styles: Styles,
    mixed: Callable[[Floats], Floats],
    path: Path = WEIGHTS,
) -> NDArray[np.float32]:
    """A whole recording (n,) at 16 kHz -> weights (T, 52) in its styles, as ``speech.speak``.

    Args:
        mixed: times (T,) in s -> intensities (T, E) of the emotions.
    """
    if styles is None:
        return speech.speak(samples, path)
    ears = Ears(engine(path))
    shapes = speak_whole(ears, samples)
    emotions = mixed(np.arange(len(shapes)) / FPS)
    return memory(styles).forward(shapes, ears.taken()[: len(shapes)], shares(emotions))


class LiveStyle:
    """The style of a voice that is running. Lips and habits follow when another one is chosen.

    Args:
        styles: (E, 64) at the start.
    """

    def __init__(self, styles: Styles = None) -> None:
        self._memory: MotionMemory | None = None
        self._who: Acquaintance | None = None
        self._share = shares(np.zeros((1, len(EMOTIONS))))
        self.wear(styles)
        if self._memory is not None:
            self._memory.slots, self._memory.habits = self._goal

    def choose(self, name: str) -> None:
        """Go over to a learned style; ``AUTO`` to that of whoever speaks, ``NONE`` to none.

        Raises:
            InputError: there is no such style, or it was learned without a voice.
            ConfigError: the weights are missing.
        """
        if name == AUTO:
            self._meet()
        else:
            self.wear(None if name == NONE else codes_of(style_named(name)))

    def _meet(self) -> None:
        try:
            who = Acquaintance(library_of(learned_styles()))
        except ModelError as e:
            raise ConfigError(e.message, e.hint or "mien doctor") from e
        self.wear(who.pooled)
        self._who = who

    def wear(self, styles: Styles) -> None:
        """Go over to styles (E, 64).

        Raises:
            ConfigError: the weights are missing.
        """
        self._who = None
        self._goal = _NOTHING
        if styles is not None:
            found = memory(styles)
            self._goal = found.slots, found.habits
            if self._memory is None:  # it begins with no change
                found.slots, found.habits = (0.0 * goal for goal in self._goal)
                self._memory = found

    def hear(self, samples: NDArray[np.float32]) -> None:
        """Hear who speaks, if that decides."""
        if (who := self._who) is not None and (found := who.push(samples)) is not None:
            self.wear(found)
            self._who = who

    def step(self, mixed: Floats) -> Habits:
        """1/60 s later, while the emotions have intensities (E,): the habits of now."""
        self._share = shares(mixed[None])
        if self._memory is None:
            return Habits()
        part = 1.0 - np.exp(-1.0 / (FOLLOW_S * FPS))
        slots, log = self._goal
        self._memory.slots = self._memory.slots + part * (slots - self._memory.slots)
        self._memory.habits = self._memory.habits + part * (log - self._memory.habits)
        return _habits(self._share @ self._memory.habits)

    def lips(self, shapes: NDArray[np.float32], phones: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shapes (T, 52) and phones (T, 40) of the speech network -> shapes (T, 52), any T."""
        if self._memory is None:
            return shapes
        return self._memory.forward(shapes, phones, np.repeat(self._share, len(shapes), axis=0))


class StyledStream:
    """Speech blendshapes of a stream in a style; frames and times are those of ``SpeechStream``.

    Args:
        style: of the voice.
        path: weights of the speech network, whose look-ahead it has.
    """

    def __init__(self, style: LiveStyle, path: Path = WEIGHTS) -> None:
        self._ears, self._style = Ears(engine(path)), style
        self._stream = Stream(self._ears)
        self._lookahead_s = lookahead_s(path)

    @property
    def lookahead_s(self) -> float:
        """Look-ahead of the network in s."""
        return self._lookahead_s

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Samples (n,) at 16 kHz, any n -> the frames (m, 52) that they complete."""
        samples = np.nan_to_num(np.asarray(samples, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        self._style.hear(samples)
        shapes = self._stream.push(samples)
        return self._style.lips(shapes, self._ears.taken())
