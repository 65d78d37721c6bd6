"""A song as it comes: lips of a stream of sound that hold a vowel for its whole note."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import FPS, GROUPS, INDEX, indices
from mien.models.song.listening import Ears, evidence, voice_of
from mien.models.song.sound import DELAY_S, SoundFrames, SoundStream
from mien.models.song.voice_net import DELAY_FRAMES, VoiceStream
from mien.models.speech.stream import Stream
from mien.robot.expression.speech import WEIGHTS, engine, lookahead_s

LIPS: Final = indices(GROUPS["jaw"] + GROUPS["mouth"])
FALLEN_DB: Final = 16.0
"""A note has ended where its voice has fallen so far below its own level."""
SILENT_DB: Final = -58.0
CONSONANT_DB: Final = 6.0
"""A dip of the vowel's band so deep is a consonant, whose lips are the network's."""
VOICED: Final = 0.45
"""Periodicity of a held vowel."""
LEAST_OPENING: Final = 0.12
"""Least opening of a held vowel that the network opens at all."""
OPEN_FRAMES, SHUT_FRAMES = 5.0, 3.0
"""Frames in which a mouth opens fully to 0.4, and shuts from it."""
ONSET_FRAMES: Final = 9
"""Frames of a vowel in which its opening is still found."""
_VOICE_SHARE: Final = 0.12
_SINGS, _ENDS = 0.5, 0.3
DOUBT: Final = 0.5
"""Evidence in nats that a voice needs."""
_NOTHING: Final = np.array([0.0, -120.0, -120.0])
_UNHEARD: Final = np.array([0.5])


@dataclass
class Hold:
    """State of the mouth that holds a vowel. One step is a frame of 1/60 s.

    Attributes:
        opening: lip opening now.
    """

    opening: float = 0.0
    target: float = 0.0
    frames: int = 0
    note_db: float = -120.0
    band_db: float = -120.0
    voice: float = 0.0
    sings: bool = False
    lips: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(LIPS)))

    def step(
        self, spoken: NDArray[np.float32], sound: NDArray[np.float64], voice: float
    ) -> NDArray[np.float32]:
        """Lips (52,) of a frame.

        Args:
            spoken: (52,) lips of the speech network.
            sound: clarity, level in dB, level of the vowel's band in dB.
            voice: probability of a voice.
        """
        clarity, level, band = sound.tolist()
        self.voice += _VOICE_SHARE * (voice - self.voice)
        self.sings = self.voice > (_ENDS if self.sings else _SINGS)
        self.note_db = max(level, self.note_db - 12.0 / FPS)
        self.band_db = max(band, self.band_db - 30.0 / FPS)
        sounding = self.sings and level > max(self.note_db - FALLEN_DB, SILENT_DB)
        own = float(spoken[INDEX["jawOpen"]] - spoken[INDEX["mouthClose"]])
        lips = spoken[LIPS].astype(np.float64)
        if sounding and clarity > VOICED and self.band_db - band < CONSONANT_DB:
            self.frames += 1
            if self.frames <= ONSET_FRAMES:
                self.target = max(self.target, own)
                self.lips += 0.3 * (lips - self.lips)
            else:
                self.target += 0.02 * max(own - self.target, 0.0)
                self.lips += 0.04 * (lips - self.lips)
            goal = max(self.target, LEAST_OPENING)
        else:
            self.frames, self.target = 0, 0.0
            self.lips += 0.5 * (lips - self.lips)
            goal = own if sounding else 0.0
        change = goal - self.opening
        self.opening += float(np.clip(change, -0.4 / SHUT_FRAMES, 0.4 / OPEN_FRAMES))
        out = spoken.copy()
        out[LIPS] = self.lips if sounding else self.lips * min(1.0, 4.0 * self.opening)
        out[INDEX["jawOpen"]] = min(1.0, out[INDEX["mouthClose"]] + self.opening)
        return out


class SongStream:
    """Song blendshapes of a stream of sound; frames and times are those of ``SpeechStream``.

    Args:
        path: weights of the speech network, whose look-ahead it has.
    """

    def __init__(self, path: Path = WEIGHTS) -> None:
        self._ears = Ears(engine(path))
        self._speech, self._sound = Stream(self._ears), SoundStream()
        self._lookahead_s = lookahead_s(path)
        self._hold = Hold()
        # Frames by which the sound is ahead of the speech frame that is complete at a sample.
        self._ahead = int(np.floor((self._lookahead_s - DELAY_S) * FPS))
        self._voice_ahead = int(np.floor(self._lookahead_s * FPS)) - DELAY_FRAMES
        self._voice = VoiceStream()
        self._rows, self._songs = np.zeros((0, 3)), np.zeros(0)
        self._frame = self._row = self._song = 0

    @property
    def lookahead_s(self) -> float:
        """Look-ahead of the network in s."""
        return self._lookahead_s

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Samples (n,) at 16 kHz, any n -> the frames (m, 52) that they complete."""
        samples = np.nan_to_num(np.asarray(samples, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        spoken = self._speech.push(samples)
        voice = voice_of(self._ears.taken())
        self._rows = np.concatenate([self._rows, _rows(self._sound.push(samples))])
        self._songs = np.concatenate([self._songs, self._voice.push(samples)])
        out = np.zeros_like(spoken)
        for k, lips in enumerate(spoken):
            row = self._frame + self._ahead
            sound = self._rows[row - self._row] if row >= 0 else _NOTHING
            at = self._frame + self._voice_ahead
            song = self._songs[at - self._song : at - self._song + 1] if at >= 0 else _UNHEARD
            nats = float(evidence(voice[k : k + 1], song)[0]) - DOUBT
            out[k] = self._hold.step(lips, sound, 1.0 / (1.0 + float(np.exp(-nats))))
            self._frame += 1
        done = min(max(0, self._frame + self._ahead - self._row), len(self._rows))
        self._rows, self._row = self._rows[done:], self._row + done
        done = min(max(0, self._frame + self._voice_ahead - self._song), len(self._songs))
        self._songs, self._song = self._songs[done:], self._song + done
        return out


def _rows(frames: SoundFrames) -> NDArray[np.float64]:
    return np.stack([frames.clarity, frames.level_db, frames.vowel_db], axis=1)
