"""Speech synthesis, offline: hibari-tts from PyPI, or the program flite if it is installed."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from mien.models.speech.features import RATE
from mien.robot.errors import InputError, MienError
from mien.robot.expression.emotion.tags import Span
from mien.robot.expression.emotion.track import Cue, Cues

Samples = NDArray[np.float32]
ENGINES: Final = ("hibari", "flite")
GAP_S: Final = 0.18
"""Silence in s between two spans, because emotions change between sentences."""
TEXT_RANK: Final = 2
_INSTALL: Final = "pip install hibari-tts   (or: apt-get install flite)"


class Voice(Protocol):
    """A speech synthesiser."""

    def __call__(self, text: str) -> Samples:
        """Text -> mono samples (n,) at 16 kHz."""


def voice(engine: str = "auto") -> Voice:
    """A speech synthesiser by name; ``auto`` takes the first that is installed.

    Raises:
        InputError: no such synthesiser.
        MienError: it is not installed; the hint installs it.
    """
    if engine not in ("auto", *ENGINES):
        raise InputError(f"no voice {engine!r}", f"--voice auto, {' or '.join(ENGINES)}")
    for name in ENGINES if engine == "auto" else (engine,):
        if name == "hibari" and importlib.util.find_spec("hibari"):
            return _hibari()
        program = shutil.which("flite")
        if name == "flite" and program:
            return _Flite(program)
    missing = "no offline voice is" if engine == "auto" else f"the voice {engine} is not"
    raise MienError(f"{missing} installed", _INSTALL)


def synthesise(spans: Sequence[Span], speaker: Voice) -> tuple[Samples, Cues]:
    """Speak spans one after another -> samples (n,) at 16 kHz, and their emotions in time.

    Each span is spoken on its own, so that its times are exact. A tag within a sentence therefore
    starts
    a new intonation.

    Raises:
        InputError: a span has no letter that the English voices can speak.
    """
    for span in spans:
        if not any(c.isascii() and c.isalnum() for c in span.text):
            raise InputError(f"the voices speak English, not {span.text!r}", "--wav FILE")
    sound: list[Samples] = []
    cues: list[Cue] = []
    now = 0.0
    for k, span in enumerate(spans):
        if k:
            sound.append(np.zeros(int(GAP_S * RATE), np.float32))
            now += len(sound[-1]) / RATE
        spoken = speaker(span.text)
        end = now + len(spoken) / RATE
        # An emotion shows a little before the words.
        cues += [Cue(max(now - 0.15, 0.0), end, n, s) for n, s in span.emotions.items()]
        sound.append(spoken)
        now = end
    return np.concatenate(sound), Cues(tuple(cues), rank=TEXT_RANK)


def _hibari() -> Voice:
    hibari: Any = importlib.import_module("hibari")
    engine = hibari.Hibari(threads=1)

    def speak(text: str) -> Samples:
        return _at_16k(np.asarray(engine(text, seed=0), np.float32), hibari.SAMPLE_RATE)

    return speak


class _Flite:
    def __init__(self, program: str) -> None:
        self._program = program

    def __call__(self, text: str) -> Samples:
        with tempfile.TemporaryDirectory() as folder:
            wav = Path(folder) / "speech.wav"
            command = [self._program, "-voice", "slt", "-t", text, "-o", str(wav)]
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=120)
                samples, rate = soundfile.read(wav, dtype="float32")
            except (OSError, subprocess.SubprocessError, RuntimeError) as e:
                raise MienError(f"flite failed: {e}", "--voice hibari") from e
        return _at_16k(samples, rate)


def _at_16k(samples: Samples, rate: int) -> Samples:
    return np.asarray(soxr.resample(samples, rate, RATE), np.float32)
