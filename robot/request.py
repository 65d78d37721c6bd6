"""What a command was asked to say, and with which feelings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.emotion import EMOTIONS, named
from models.errors import ModelError
from robot import audio
from robot.errors import InputError
from robot.expression import FPS
from robot.feeling import Feeling, Label, Source
from robot.mood import Estimated, estimate
from robot.tags import parse
from robot.timeline import load_timeline
from robot.tts import say, voice


def heard(
    wav: Path | None, text: str | None, speaker: str
) -> tuple[NDArray[np.float32], list[Source]]:
    """Samples (n,) at 16 kHz of a recording or a text, and the feelings that its tags ask for.

    Raises:
        InputError: both or none of them, an unusable file, tags that mean nothing.
        MienError: no voice is installed.
    """
    if (wav is None) == (text is None):
        given = "both --wav and --text" if wav else "neither --wav nor --text"
        raise InputError(f"{given} given", "mien speak --text 'Good morning!' --emotion happiness")
    if wav is not None:
        return audio.load(wav), []
    samples, cues = say(parse(text or ""), voice(speaker))
    return samples, [cues] if cues.cues else []


def asked(emotion: str | None, intensity: float, timeline: Path | None) -> list[Source]:
    """The feelings that the options ask for.

    Raises:
        InputError: no such emotion, an intensity outside 0..1, an unusable timeline.
    """
    out: list[Source] = []
    if not 0.0 <= intensity <= 1.0:
        raise InputError(f"intensity is {intensity:g}", "--intensity from 0 to 1")
    if emotion is not None:
        try:
            out.append(Label({named(emotion): intensity}))
        except ModelError as e:
            raise InputError(e.message, f"--emotion {' | '.join(EMOTIONS)}") from e
    if timeline is not None:
        out.append(load_timeline(timeline))
    return out


def guessed(samples: NDArray[np.float32]) -> Source:
    """The mood of a voice (n,) at 16 kHz: an estimate, the last source to be asked."""
    frames = -(-len(samples) * FPS // audio.RATE)
    return Estimated(estimate(samples, audio.RATE, frames))


def track(feeling: Feeling, frames: int, estimated: bool) -> dict[str, object]:
    """What was felt, for a file: (T, 8) at 60 a second, and whether some of it is an estimate."""
    mixed = feeling.whole(np.arange(frames) / FPS)
    return {
        "fps": FPS,
        "emotions": list(EMOTIONS),
        "intensities": mixed.round(3).tolist(),
        "contains_estimate": estimated,
    }
