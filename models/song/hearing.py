"""Hears a song: whether and when somebody sings, the notes, phrases and shut lips, and the beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter1d, maximum_filter1d

from mien.models.face.blendshapes import FPS, lip_opening
from mien.models.song.beat import Beat, beat
from mien.models.song.listening import LABIAL_NUMBERS, VOWEL_NUMBERS, Ears, evidence, voice_of
from mien.models.song.notes import Note, Phrase, phrases, segmented
from mien.models.song.sound import Floats, SoundFrames, sound_of
from mien.models.song.voice_net import voice_of as song_voice_of
from mien.models.speech.runtime_numpy import LightSpeech
from mien.models.speech.stream import frame_count, speak

SWITCH_COST: Final = 6.0
"""Cost in nats of a change between voice and no voice; frames count a quarter of their evidence."""
EVIDENCE_SHARE: Final = 0.25
MOST_EVIDENCE: Final = 3.5
NEARBY_S: Final = 2.0
"""Time in s (standard deviation) whose evidence counts as much as that of the frame itself."""
DOUBT: Final = 1.0
"""Evidence in nats that a voice needs: most music has none."""
CLEAR_STRETCH, CLEAR_SONG = 0.7, 1.6
"""Mean evidence in nats that each stretch of a voice needs, and the clearest long one of a song."""
LONG_S: Final = 1.0
QUIET_DB: Final = 28.0
"""A voice alone is silent so far below its own level nearby."""
SILENT_DB: Final = -58.0
"""Level in dB re full scale below which nothing is a voice."""
ALONE_DB: Final = 24.0
"""Levels of a voice without a band fall so far between its phrases."""
STEADY: Final = 0.9
"""Periodicity of a tone that goes on."""
STEP_SEMITONES, STEP_DB = 1.0, 6.0
"""Most change from one frame to the next of a tone that goes on."""
LEAST_S: Final = 0.4
"""A sound with less singing in s has no voice."""


@dataclass(frozen=True)
class Heard:
    """What was heard in a song. Frames are at 60 fps.

    Attributes:
        frames: pitch and levels (T).
        voice: (T,) evidence for a voice in nats.
        sings: (T,) whether somebody sings.
        alone: whether the voice is without a band.
        notes, phrases, closures: in order of time.
        beat: the pulse.
        lips: (T, 52) shapes of the speech network.
    """

    frames: SoundFrames
    voice: Floats
    sings: NDArray[np.bool_]
    alone: bool
    notes: tuple[Note, ...]
    phrases: tuple[Phrase, ...]
    closures: tuple[tuple[float, float], ...]
    beat: Beat
    lips: NDArray[np.float32]

    @property
    def seconds(self) -> float:
        """Time in s in which somebody sings."""
        return float(self.sings.sum()) / FPS

    @property
    def has_voice(self) -> bool:
        """Whether there is a voice at all."""
        return self.seconds >= LEAST_S and bool(self.notes)


def hear(samples: NDArray[np.float32], engine: LightSpeech) -> Heard:
    """Hear a whole song.

    Args:
        samples: (n,) at 16 kHz, of any level.
        engine: the speech network; it is reset.
    """
    samples = normal(samples)
    count = frame_count(len(samples))
    ears = Ears(engine)
    lips = speak(ears, samples)
    share = ears.taken()[:count]
    share = np.concatenate([share, np.repeat(share[-1:], max(count - len(share), 0), axis=0)])
    frames = sound_of(samples, count)
    voice = whole_evidence(voice_of(share), song_voice_of(samples, count).astype(np.float64))
    sings, alone = singing(frames, voice)
    smooth = gaussian_filter1d(np.log(share[:, VOWEL_NUMBERS] + 1e-6), 3.0, axis=0, mode="nearest")
    labial = share[:, LABIAL_NUMBERS].sum(axis=1, dtype=np.float64)
    segments = segmented(frames, sings, lip_opening(lips), smooth.argmax(axis=1), labial)
    return Heard(
        frames, voice, sings, alone, segments.notes, phrases(segments.notes), segments.closures,
        beat(segments.notes), lips,
    )  # fmt: skip


def normal(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same sound with the level of its louder parts at -20 dB; silence stays silent."""
    x = np.asarray(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0), np.float32)
    hops = x[: len(x) // 400 * 400].reshape(-1, 400).astype(np.float64)
    if not len(hops):
        return x
    loud = float(np.percentile(np.sqrt(np.mean(hops**2, axis=1)), 90))
    return x if loud < 1e-5 else np.asarray(x * (0.1 / loud), np.float32)


def singing(frames: SoundFrames, voice: Floats) -> tuple[NDArray[np.bool_], bool]:
    """Where somebody sings (T,), and whether the voice is alone.

    Args:
        frames: measured frames.
        voice: (T,) evidence for a voice in nats.
    """
    present = carried(believed(voice), frames)
    level = gaussian_filter1d(frames.level_db, 1.0, mode="nearest")
    if not present.any():
        return present, False
    near = maximum_filter1d(np.where(present, level, -120.0), 4 * FPS + 1)
    sounding = (level > near - QUIET_DB) & (level > SILENT_DB)
    top = float(np.percentile(level[present], 75))
    alone = bool(np.mean(~present & (level > top - ALONE_DB)) < 0.3 * np.mean(~present) + 0.02)
    wide = binary_dilation(present, iterations=round((0.12 if alone else 0.02) * FPS))
    return np.asarray(wide & sounding), alone


def carried(present: NDArray[np.bool_], frames: SoundFrames) -> NDArray[np.bool_]:
    """Voices (T,) that also last as long as their last tone does.

    A vowel that is held for seconds resembles an instrument, and no voice turns into one within a
    tone.
    """
    out = present.copy()
    tone = (frames.clarity >= STEADY) & (frames.hertz > 0)
    step = 12 * np.abs(np.diff(np.log2(np.maximum(frames.hertz, 1.0)), prepend=0.0))
    fall = -np.diff(frames.level_db, prepend=0.0)
    on = tone & (step < STEP_SEMITONES) & (fall < STEP_DB)
    for k in range(1, len(out)):
        out[k] |= out[k - 1] and on[k] and tone[k - 1]
    return out


def whole_evidence(speech: Floats, song: Floats) -> Floats:
    """Evidence (T,) for a voice in each frame of a whole sound, from it and from what is nearby.

    Args:
        speech, song: (T,) probabilities, see ``evidence``.
    """
    now = evidence(speech, song)
    nearby = gaussian_filter1d(now, NEARBY_S * FPS, mode="nearest")
    return np.asarray(now + nearby - DOUBT)


def believed(voice: Floats) -> NDArray[np.bool_]:
    """Where a voice is believed (T,) for evidence (T,) in nats.

    An instrument is taken for a voice here and there, and seldom for a clear one. So each stretch
    needs some evidence on average, and the clearest of a song needs more.
    """
    out = likely(voice)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], out.astype(int), [0]]))).reshape(-1, 2)
    means = [float(voice[a:b].mean()) for a, b in edges]
    long = [m for m, (a, b) in zip(means, edges, strict=True) if b - a >= LONG_S * FPS]
    clear = max(long or means, default=0.0) >= CLEAR_SONG
    for mean, (a, b) in zip(means, edges, strict=True):
        if not clear or mean < CLEAR_STRETCH:
            out[a:b] = False
    return out


def likely(voice: Floats) -> NDArray[np.bool_]:
    """The most likely course of voice and no voice (T,) for evidence (T,) in nats, by Viterbi's
    algorithm."""
    gain = EVIDENCE_SHARE * np.clip(voice, -MOST_EVIDENCE, MOST_EVIDENCE)
    if not len(gain):
        return np.zeros(0, np.bool_)
    came = np.zeros((len(gain), 2), np.bool_)
    scores = [0.0, 0.0]
    for k, g in enumerate(gain.tolist()):
        off, on = scores
        came[k] = (on - SWITCH_COST > off, on > off - SWITCH_COST)
        scores = [max(off, on - SWITCH_COST), max(on, off - SWITCH_COST) + g]
    out = np.zeros(len(gain), np.bool_)
    state = scores[1] > scores[0]
    for k in range(len(gain) - 1, -1, -1):
        out[k] = state
        state = bool(came[k, int(state)])
    return out
