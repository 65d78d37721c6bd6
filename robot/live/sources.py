"""Sources of sound for a live run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mien.robot.errors import InputError
from mien.robot.live.capture.block import Inbox
from mien.robot.live.voice_setup import VoiceSetup
from mien.robot.media import audio


class AudioSource(Protocol):
    """A source of sound that puts blocks into an inbox."""

    name: str

    def start(self) -> None:
        """Begin to put blocks into the inbox."""

    def close(self) -> None:
        """Stop."""


def open_source(setup: VoiceSetup, inbox: Inbox) -> AudioSource:
    """The source that ``setup`` names. It is not started yet.

    Raises:
        InputError: an unknown source, or a file that cannot be read.
    """
    from mien.robot.live.capture.microphone import Microphone
    from mien.robot.live.capture.recorded import Pcm, Recorded

    makers: dict[str, Callable[[], AudioSource]] = {
        "mic": lambda: Microphone(inbox, setup.device),
        "wav": lambda: Recorded(audio.load(setup.path or Path()), inbox, setup.repeat),
        "pcm": lambda: Pcm(os.fdopen(0, "rb", buffering=0), setup.rate, inbox),
        "text": lambda: Recorded(_synthesised(setup.text), inbox),
        "quiet": Quiet,
    }
    if setup.source not in makers:
        raise InputError(f"source {setup.source!r}: allowed are {', '.join(makers)}")
    return makers[setup.source]()


class Quiet:
    """A source without sound: the face shows life only."""

    name = "quiet"

    def start(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close."""


def _synthesised(text: str) -> NDArray[np.float32]:
    from mien.robot.expression.tts import voice

    return voice()(text)
