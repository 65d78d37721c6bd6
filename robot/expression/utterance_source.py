"""Utterance source: sound and emotions that the options of ``mien speak`` name."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face.blendshapes import FPS
from mien.models.face.emotion import EMOTIONS, named
from mien.robot.errors import InputError
from mien.robot.expression.emotion import text_estimate
from mien.robot.expression.emotion.feel import feel, told
from mien.robot.expression.emotion.tags import Span, parse
from mien.robot.expression.emotion.text_estimate import TextEstimate
from mien.robot.expression.emotion.timeline import load_timeline
from mien.robot.expression.emotion.track import Cues, EmotionSource, EmotionTrack, Label
from mien.robot.expression.emotion.voice_estimate import VoiceEstimate, estimate
from mien.robot.expression.tts import synthesise, voice
from mien.robot.media import audio

ESTIMATES: Final = {"text": ("text",), "voice": ("voice",), "both": ("text", "voice")}
"""Values of ``--estimate``, each with its inputs."""


@dataclass(frozen=True)
class Utterance:
    """Sound of an utterance, with the emotions that its text carries.

    Attributes:
        samples: (n,) at 16 kHz.
        sources: emotions from tags in the text, or from its estimate.
        text_estimates: the estimate, sentence by sentence; empty without one.
    """

    samples: NDArray[np.float32]
    sources: list[EmotionSource]
    text_estimates: list[TextEstimate]


def utterance(
    wav: Path | None, text: str | None, speaker: str, estimated: bool = False
) -> Utterance:
    """Read a recording, or synthesise a text.

    Args:
        wav: sound file.
        text: text with tags.
        speaker: speech synthesiser.
        estimated: estimate the emotions of a text without tags.

    Raises:
        InputError: both or neither of ``wav`` and ``text``, an unusable file, invalid tags, or an
            estimate from the text of a recording.
        MienError: no speech synthesiser, or no package for the estimate, is installed.
    """
    if (wav is None) == (text is None):
        given = "both --wav and --text" if wav else "neither --wav nor --text"
        raise InputError(f"{given} given", "mien speak --text 'Good morning!' --emotion happiness")
    if wav is not None:
        if estimated:
            raise InputError("a recording has no text to estimate from", "--estimate voice")
        return Utterance(audio.load(wav), [], [])
    spans, text_estimates = parse(text or ""), list[TextEstimate]()
    if estimated:
        spans, text_estimates = _with_estimates(spans)
    samples, cues = synthesise(spans, voice(speaker))
    return Utterance(samples, [cues] if cues.cues else [], text_estimates)


def _with_estimates(spans: list[Span]) -> tuple[list[Span], list[TextEstimate]]:
    """Spans of the sentences with estimated emotions. A text with tags stays as it is."""
    if len(spans) > 1 or spans[0].emotions:
        return spans, []
    text_estimates = text_estimate.estimate(spans[0].text)
    return (
        [g.span() for g in text_estimates] if any(g.emotions for g in text_estimates) else spans
    ), text_estimates


def estimate_inputs(requested_inputs: str | None) -> tuple[str, ...]:
    """Inputs of ``--estimate``: text, voice or both.

    Raises:
        InputError: any other value.
    """
    if requested_inputs is not None and requested_inputs not in ESTIMATES:
        raise InputError(
            f"cannot estimate {requested_inputs!r}", f"--estimate {' | '.join(ESTIMATES)}"
        )
    return ESTIMATES[requested_inputs] if requested_inputs else ()


INTENSITY: Final = 0.8
"""Default of ``--intensity``."""


def requested(
    emotion: str | None, intensity: float | None, timeline: Path | None
) -> list[EmotionSource]:
    """Emotion sources that the options request.

    Raises:
        InputError: no such emotion, an intensity outside 0..1 or without emotion, or an unusable
            timeline.
    """
    out: list[EmotionSource] = []
    if intensity is not None and emotion is None:
        raise InputError("--intensity without --emotion", f"--emotion {' | '.join(EMOTIONS)}")
    intensity = INTENSITY if intensity is None else intensity
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


def voice_estimate(samples: NDArray[np.float32]) -> EmotionSource:
    """Emotion estimate of a voice (n,) at 16 kHz, the source of the lowest priority."""
    frames = -(-len(samples) * FPS // audio.RATE)
    return VoiceEstimate(estimate(samples, frames))


def unlabelled(
    words: str | None, samples: NDArray[np.float32], by_voice: bool
) -> list[EmotionSource]:
    """Sources of the lowest priorities: a feeling in words, and the estimate of the voice.

    What is understood is told on standard error.

    Raises:
        InputError: words without an English word.
    """
    if words is None:
        return [voice_estimate(samples)] if by_voice else []
    frames = -(-len(samples) * FPS // audio.RATE)
    try:
        found = feel(words, estimate(samples, frames) if by_voice else None)
    except ModelError as e:
        raise InputError(f"--feel: {e.message}", "--feel 'she laughs about it'") from e
    print(f"understood: {told(words, found.point)}", file=sys.stderr)
    return [found]


def unplayed_cues(sources: list[EmotionSource], seconds: float) -> list[str]:
    """Notes on cues that begin after the end of the sound, which lasts ``seconds``."""
    cues = [c for s in sources if isinstance(s, Cues) for c in s.cues]
    return [
        f"{c.emotion} from {c.start:g} s is not shown: the sound ends at {seconds:.1f} s"
        for c in cues
        if c.start >= seconds
    ]


def track_record(
    emotion_track: EmotionTrack,
    frames: int,
    estimated: tuple[str, ...],
    text_estimates: list[TextEstimate],
) -> dict[str, object]:
    """Emotion track for a file: (T, 8) at 60 fps, and which inputs were estimated."""
    mixed = emotion_track.whole(np.arange(frames) / FPS)
    return {
        "fps": FPS,
        "emotions": list(EMOTIONS),
        "intensities": mixed.round(3).tolist(),
        "estimated_from": list(estimated),
        "guesses": [_recorded(e) for e in text_estimates],
    }


def _recorded(estimate: TextEstimate) -> dict[str, object]:
    """An estimate under the keys that files have for it."""
    return {
        "text": estimate.text,
        "valence": estimate.valence,
        "words": estimate.words,
        "feeling": estimate.emotions,
    }
