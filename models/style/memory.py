"""Motion memory: a style, as 64 numbers, changes how far a mouth moves in each kind of sound.

    phones (40) -> address of 12 slots -> (emphasis by the style) -> values (24), weighted and added
    -> (style) -> changes (13) of the speech network's channels

The decoder sees only what the memory returned, and the style. It has no bias: a slot without
emphasis changes nothing. For one style everything after the address is one matrix, so a frame
costs a few microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.models.manner.config import STYLE
from mien.models.manner.style_file import PRINT
from mien.models.speech.phones import NUMBER, PHONES, SILENCE
from mien.models.style.channels import CHANGES, applied, channels_of, with_channels
from mien.models.style.sound_style import OF_PRINT, OF_STYLE
from mien.models.threads import one_thread

Floats = NDArray[np.float64]
KIND: Final = "style_memory"
WEIGHTS: Final = checkpoint.WEIGHTS / "style_memory.safetensors"
SLOTS, VALUE, HIDDEN = 12, 24, 48
"""Slots of the memory, numbers of a value, units of the style encoder."""
HABITS: Final = ("brows", "head", "blinks")
"""What a style also tells: logarithms of the factors of brows, head and rate of blinks."""
SMOOTHED: Final = 3
"""Frames over which the phones are averaged, so that a doubt of one frame moves nothing."""
MOST_EMPHASIS: Final = 2.0
_FAR: Final = 4.0


@dataclass(frozen=True)
class Parameters:
    """Tensors of a weights file, see ``layout``."""

    mean: Floats
    scale: Floats
    first: Floats
    first_bias: Floats
    second: Floats
    second_bias: Floats
    keys: Floats
    values: Floats
    emphasis: Floats
    film: Floats
    decoder: Floats
    habits: Floats
    habits_bias: Floats
    print_mean: Floats
    print_scale: Floats
    voiceprint: Floats


def layout() -> dict[str, tuple[int, ...]]:
    """Shape of each tensor: the style encoder, the memory, what decodes it, and the print."""
    heard, known = len(OF_STYLE), OF_PRINT.stop
    return {
        "mean": (heard,), "scale": (heard,), "first": (HIDDEN, heard), "first_bias": (HIDDEN,),
        "second": (STYLE, HIDDEN), "second_bias": (STYLE,),
        "keys": (SLOTS, len(PHONES)), "values": (SLOTS, VALUE),
        "emphasis": (SLOTS, STYLE), "film": (VALUE, STYLE), "decoder": (VALUE, len(CHANGES)),
        "habits": (len(HABITS), STYLE), "habits_bias": (len(HABITS),),
        "print_mean": (known,), "print_scale": (known,), "voiceprint": (PRINT, known),
    }  # fmt: skip


@cache
def read(path: Path = WEIGHTS) -> Parameters:
    """The parameters of a weights file.

    Raises:
        ModelError: missing, or no weights of this network.
    """
    tensors, _ = checkpoint.load_shaped(path, KIND, layout())
    return Parameters(**{k: np.asarray(tensors[k], np.float64) for k in layout()})


def code(p: Parameters, sound: Floats) -> Floats:
    """Statistics (..., 150) of a sound -> style (..., 64) in -1..1."""
    x = np.clip((sound[..., OF_STYLE] - p.mean) * p.scale, -_FAR, _FAR)
    hidden = np.tanh(x @ p.first.T + p.first_bias)
    return np.asarray(np.tanh(hidden @ p.second.T + p.second_bias))


def address(p: Parameters, phones: Floats) -> Floats:
    """Smoothed probabilities of phones (T, 40) -> shares of the slots (T, 12)."""
    raised = phones @ p.keys.T
    raised = np.exp(raised - raised.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def slots(p: Parameters, style: Floats) -> Floats:
    """What each slot changes in a style (..., 64): (..., 12, 13)."""
    emphasis = np.exp(np.clip(style @ p.emphasis.T, -MOST_EMPHASIS, MOST_EMPHASIS))
    values = emphasis[..., None] * p.values * (1.0 + style @ p.film.T)[..., None, :]
    return np.asarray(values @ p.decoder)


def habits(p: Parameters, style: Floats) -> Floats:
    """Logarithms (..., 3) of the factors of ``HABITS`` in a style (..., 64)."""
    return np.asarray(np.clip(style @ p.habits.T + p.habits_bias, -1.1, 1.1))


class MotionMemory:
    """The mouth of one voice in a style, for whole clips and for streams.

    Args:
        styles: (64,) of a voice, or (S, 64) between which the face moves.
        path: of the weights.

    Attributes:
        slots: (S, 12, 13) what each slot changes.
        habits: (S, 3) logarithms of the factors of ``HABITS``.

    Raises:
        ModelError: no such weights.
    """

    def __init__(self, styles: Floats, path: Path = WEIGHTS) -> None:
        self._parameters = read(path)
        self.slots = slots(self._parameters, np.atleast_2d(styles))
        self.habits = habits(self._parameters, np.atleast_2d(styles))
        self.reset()

    def reset(self) -> None:
        """Return to the state before the first frame."""
        self._past = np.zeros((SMOOTHED - 1, len(PHONES)))
        self._past[:, NUMBER[SILENCE]] = 1.0

    @one_thread
    def forward(
        self, shapes: NDArray[np.float32], phones: NDArray[np.float32], shares: Floats | None = None
    ) -> NDArray[np.float32]:
        """Shapes (T, 52) and phones (T, 40) of the speech network -> shapes (T, 52), any T.

        Args:
            shares: (T, S) of each style, with a sum of 1; None takes the first.
        """
        both = np.concatenate([self._past, phones])
        self._past = both[len(phones) :]
        at = address(self._parameters, smoothed(both))
        changes = at @ self.slots[0]
        if shares is not None and shares[:, 1:].any():
            each = at @ (self.slots - self.slots[0])
            changes += np.einsum("ts,stc->tc", shares, each)
        return with_channels(shapes, applied(channels_of(shapes), changes))


def smoothed(phones: Floats) -> Floats:
    """Phones (T + 2, 40), two frames earlier than the first that counts -> means (T, 40)."""
    count = len(phones) - SMOOTHED + 1
    return np.asarray(sum(phones[k : k + count] for k in range(SMOOTHED)) / SMOOTHED)
