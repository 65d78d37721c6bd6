"""The source of sound that the user named."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from robot import audio
from robot.errors import InputError
from robot.live.ears.block import Inbox
from robot.live.voice_setup import Setup


class Ear(Protocol):
    """A source of sound."""

    name: str

    def start(self) -> None:
        """Begin to put blocks into its inbox."""

    def close(self) -> None:
        """Stop."""


def open_ear(setup: Setup, inbox: Inbox) -> Ear:
    """The source that ``setup`` names, not started.

    Raises:
        InputError: an unknown source, or a file that cannot be read.
    """
    from robot.live.ears.microphone import Microphone
    from robot.live.ears.recorded import Pcm, Recorded

    makers: dict[str, Callable[[], Ear]] = {
        "mic": lambda: Microphone(inbox, setup.device),
        "wav": lambda: Recorded(audio.load(setup.path or Path()), inbox, setup.repeat),
        "pcm": lambda: Pcm(os.fdopen(0, "rb", buffering=0), setup.rate, inbox),
        "text": lambda: Recorded(_said(setup.text), inbox),
        "quiet": Quiet,
    }
    if setup.source not in makers:
        raise InputError(f"source {setup.source!r}: allowed are {', '.join(makers)}")
    return makers[setup.source]()


class Quiet:
    """Nobody speaks: the face only lives."""

    name = "quiet"

    def start(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close."""


def _said(text: str) -> NDArray[np.float32]:
    from robot.tts import voice

    return voice()(text)
