"""Public API of Mien, offered by ``import mien``: speech to commands, connection, playback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.models.face.emotion import Variation
from mien.robot.control.connect import Opened, opened
from mien.robot.control.loop import RATE_HZ, Loop
from mien.robot.errors import InputError
from mien.robot.expression import speech
from mien.robot.expression.emotion.track import EmotionTrack, Label
from mien.robot.expression.performance import Performance, perform
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import FaceConfig, load_face
from mien.robot.media import audio

Sound: TypeAlias = str | PathLike[str] | NDArray[np.float32]
"""A sound file of any rate, or samples (n,) at 16 kHz."""
SPEECH_INTENSITY: Final = 0.8


def blendshapes(sound: Sound) -> NDArray[np.float32]:
    """ARKit weights (T, 52) of a voice at 60 frames a second, in the order of ``BLENDSHAPES``.

    Raises:
        InputError: the file cannot be read as sound.
    """
    return speech.speak(_samples(sound))


def speak(
    sound: Sound,
    face: Calibrated | FaceConfig | str = "morpheus33",
    emotion: Mapping[str, float] | str | None = None,
    seed: int = 0,
) -> Performance:
    """Everything that ``face`` does while it speaks ``sound``; ``Robot.play`` performs it.

    Args:
        sound: a voice.
        face: calibrated, or one for which a self-model ships.
        emotion: intensities in 0..1 by name; a name alone means 0.8; None is neutral.
        seed: of blinks, gaze, head and variation.

    Raises:
        InputError: the file cannot be read as sound.
        ModelError: no such emotion, or no self-model.
    """
    intensities = {emotion: SPEECH_INTENSITY} if isinstance(emotion, str) else dict(emotion or {})
    emotion_track = (
        EmotionTrack((Label(intensities),), Variation(seed=seed)) if intensities else None
    )
    return perform(_calibrated(face), _samples(sound), seed, emotion_track=emotion_track)


class Robot:
    """A connected face. Nothing moves before ``play`` or ``pose``."""

    def __init__(self, calibrated: Calibrated, at: Opened) -> None:
        self.calibrated, self._at = calibrated, at

    @property
    def face(self) -> FaceConfig:
        """What it is."""
        return self.calibrated.face

    def play(self, performance: Performance) -> None:
        """Perform a clip in real time. The face ramps to its start, ends at rest and is released.

        Raises:
            DeviceError: the board went away; it comes to rest by itself.
        """
        lead = self._at.board.lead_s + self.calibrated.lag_s
        seconds = len(performance.commands) / RATE_HZ
        Loop(self.face, self._at.board, self._at.clock).play(performance.at(lead), seconds, lead)

    def pose(self, commands: Mapping[str, float], seconds: float = 1.0) -> None:
        """Hold commands in -1..1 by actuator for ``seconds``; others stay neutral; then rest.

        Raises:
            ConfigError: no such actuator.
            InputError: a command outside -1..1.
        """
        pose = np.zeros(len(self.face.names))
        for name, value in commands.items():
            if not -1.0 <= value <= 1.0:
                raise InputError(f"command of {name} is {value:g}, allowed are -1 to 1")
            pose[self.face.index(name)] = value
        Loop(self.face, self._at.board, self._at.clock).play(lambda _t: pose, seconds)


@contextmanager
def connect(
    port: str = "sim",
    face: Calibrated | FaceConfig | str = "morpheus33",
    build: int = 0,
    faults: Sequence[str] = (),
) -> Iterator[Robot]:
    """Connect to a face; at the end the servos are released and the line is given back.

    Args:
        port: ``sim`` for the simulated robot, ``auto``, the path of a serial port, or
            ``file:PATH``, which writes down the bytes and moves nothing.
        face: calibrated, or one for which a self-model ships.
        build: seed of the simulated robot's tolerances; 0 has none.
        faults: of the simulated robot, such as ``stuck:jaw_open@1.5``.

    Raises:
        DeviceError: no board, or it does not fit the face.
    """
    calibrated = _calibrated(face)
    with opened(calibrated.face, port, build, faults) as at:
        yield Robot(calibrated, at)


def _calibrated(face: Calibrated | FaceConfig | str) -> Calibrated:
    if isinstance(face, Calibrated):
        return face
    return Calibrated(face if isinstance(face, FaceConfig) else load_face(face))


def _samples(sound: Sound) -> NDArray[np.float32]:
    if isinstance(sound, np.ndarray):
        return np.asarray(sound, np.float32)
    return audio.load(Path(sound))
