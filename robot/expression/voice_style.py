"""Speech in the style of a voice: the speech network's mouth, moved as far as the style moves it.

One memory serves whole clips and streams. Habits of the rest of the face are in ``Life``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.song.listening import Ears
from mien.models.speech.stream import Stream
from mien.models.speech.stream import speak as speak_whole
from mien.models.style.memory import MotionMemory
from mien.robot.errors import ConfigError
from mien.robot.expression.life import Habits
from mien.robot.expression.speech import WEIGHTS, engine, lookahead_s

Code = tuple[float, ...]
"""Style (64) of a voice; empty for none."""


def memory(code: Code) -> MotionMemory:
    """The motion memory of a style.

    Raises:
        ConfigError: its weights are missing.
    """
    try:
        return MotionMemory(np.array(code))
    except ModelError as e:
        raise ConfigError(e.message, e.hint or "mien doctor") from e


def habits(code: Code) -> Habits:
    """How a style moves brows, head and lids; as usual without one."""
    return Habits(**memory(code).habits) if code else Habits()


def speak(samples: NDArray[np.float32], code: Code, path: Path = WEIGHTS) -> NDArray[np.float32]:
    """A whole recording (n,) at 16 kHz -> weights (T, 52) in a style, as ``speech.speak``."""
    ears = Ears(engine(path))
    shapes = speak_whole(ears, samples)
    return memory(code).forward(shapes, ears.taken()[: len(shapes)])


class StyledStream:
    """Speech blendshapes of a stream in a style; frames and times are those of ``SpeechStream``.

    Args:
        code: the style.
        path: weights of the speech network, whose look-ahead it has.
    """

    def __init__(self, code: Code, path: Path = WEIGHTS) -> None:
        self._ears = Ears(engine(path))
        self._stream, self._memory = Stream(self._ears), memory(code)
        self._lookahead_s = lookahead_s(path)

    @property
    def lookahead_s(self) -> float:
        """Look-ahead of the network in s."""
        return self._lookahead_s

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Samples (n,) at 16 kHz, any n -> the frames (m, 52) that they complete."""
        samples = np.nan_to_num(np.asarray(samples, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        shapes = self._stream.push(samples)
        return self._memory.forward(shapes, self._ears.taken())
