"""What a show is performed to: its sound, what speech makes of it, and its emotions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import FPS
from mien.robot.errors import InputError
from mien.robot.expression import speech, voice_style
from mien.robot.expression.emotion.track import Cues, EmotionSource, EmotionTrack
from mien.robot.expression.life import Habits
from mien.robot.expression.performance import TAIL_S
from mien.robot.expression.utterance_source import utterance
from mien.robot.media.audio import RATE
from mien.robot.show.feelings import cues_of, lines, source
from mien.robot.show.schema import MAX_S
from mien.robot.show.show_file import ShowFile


@dataclass(frozen=True)
class Scene:
    """Sound and emotions of a show.

    Attributes:
        samples: (n,) at 16 kHz.
        sources: emotions of the show and of its text.
        head_gain: factor of the head's motion for yaw, pitch and roll.
        style: of a voice in each emotion, in which lips, brows and head move.
        understood: what its feelings in words mean, for a person.
    """

    samples: NDArray[np.float32]
    sources: tuple[EmotionSource, ...] = ()
    head_gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    style: voice_style.Styles = None
    understood: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Duration of the sound."""
        return len(self.samples) / RATE

    @property
    def frames(self) -> int:
        """Frames of the take at 60 fps: the sound, and the time in which the mouth closes."""
        return len(self.spoken)

    @cached_property
    def padded(self) -> NDArray[np.float32]:
        """The sound, and the silence in which the mouth closes."""
        return np.concatenate([self.samples, np.zeros(int(TAIL_S * RATE), np.float32)])

    @cached_property
    def said(self) -> NDArray[np.float32]:
        """Output (T, 52) of the speech network."""
        return speech.speak(self.padded)

    @cached_property
    def spoken(self) -> NDArray[np.float32]:
        """Lips (T, 52) in the style of the voice."""
        if self.style is None:
            return self.said
        return voice_style.speak(self.padded, self.style, EmotionTrack(self.sources).whole)

    def habits(self, mixed: NDArray[np.float64]) -> Habits:
        """How the style moves brows and head while emotions (T, E) last."""
        return voice_style.habits(self.style, mixed)

    def without_emotions(self) -> Scene:
        """The same sound and lips without any emotion."""
        out = replace(self, sources=())
        out.__dict__.update(said=self.said, spoken=self.spoken)
        return out

    @property
    def times(self) -> NDArray[np.float64]:
        """(T,) s."""
        return np.arange(self.frames) / FPS

    @property
    def hash(self) -> str:
        """First 16 hex digits of the sound's SHA-256."""
        return hashlib.sha256(np.ascontiguousarray(self.samples).tobytes()).hexdigest()[:16]


def scene_of(file: ShowFile, head_gain: tuple[float, float, float]) -> Scene:
    """Sound and emotions of a show.

    Raises:
        InputError: the sound cannot be read, is longer than ``MAX_S``, or ends before something of
            the show begins.
        MienError: no speech synthesiser is installed.
    """
    show = file.show
    wav = None if show.sound is None else file.path.parent / Path(show.sound).expanduser()
    try:
        said = utterance(wav, show.text, show.voice)
    except InputError as e:
        raise file.refusal([("sound" if wav else "text", e.message)]) from e
    seconds = len(said.samples) / RATE
    if seconds > MAX_S:
        raise file.refusal([("sound", f"it lasts {seconds:.0f} s, at most {MAX_S:.0f} s")])
    file.check_times(seconds)
    cues = tuple(cue for given in show.emotions for cue in cues_of(given))
    whole = source(show)
    sources = (*said.sources, *([Cues(cues)] if cues else []), *([whole] if whole else []))
    return Scene(said.samples, tuple(sources), head_gain, understood=lines(show))
