"""Trials of the motion memory: what was planted in voices against what is found in their sound."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mien.models.data.labels.lips import GAP, GAP_REST
from mien.models.data.labels.phone_names import from_labels
from mien.models.data.lip_metrics import Contact, contact
from mien.models.data.planted_styles import TRAITS, factors
from mien.models.data.style_voices import Voices, viseme_of
from mien.models.face.blendshapes import FPS
from mien.models.face.emotion import EMOTIONS
from mien.models.song.listening import Ears
from mien.models.speech import runtime_numpy
from mien.models.speech.features import RATE
from mien.models.speech.metrics import pearson
from mien.models.speech.stream import speak
from mien.models.style.channels import applied, channels_of
from mien.models.style.emotion import EmotionStream
from mien.models.style.memory import Floats, Parameters, address, code, slots
from mien.models.style.visemes import VISEMES
from mien.models.train.style.lesson import smooth_phones, taught
from mien.robot.expression.voice_style import LiveStyle, StyledStream

_LEAST_FRAMES = 6
_USED = 0.02
_SHIFT = FPS // 2


@dataclass(frozen=True, eq=False)
class Trial:
    """Voices, with what was planted in them.

    Attributes:
        voices: all.
        styles: (V, 10) planted.
    """

    voices: Voices
    styles: Floats

    @cached_property
    def wanted(self) -> Floats:
        """Channels (N, 11) of the teacher."""
        return taught(self.voices, self.styles)

    @cached_property
    def phones(self) -> Floats:
        """Smoothed phones (N, 40)."""
        return smooth_phones(self.voices)

    @cached_property
    def silence(self) -> tuple[Floats, Floats]:
        """Channels (11,) and phones (40,) of the speech network in silence."""
        ears = Ears(runtime_numpy.load())
        shapes = speak(ears, np.zeros(2 * RATE, np.float32))
        return channels_of(shapes[-20:-19])[0], ears.taken()[-20].astype(np.float64)

    def pairs(self, chosen: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
        """(heard, spoken): another sentence of the voice, and the one that is spoken in its style.

        Args:
            chosen: (M,) sentences.
        """
        for k in np.flatnonzero(chosen):
            others = np.flatnonzero(chosen & (self.voices.voice == self.voices.voice[k]))
            others = others[others != k]
            if len(others):
                yield int(others[k % len(others)]), int(k)

    def mouth(self, p: Parameters, heard: int, spoken: int) -> Floats:
        """Channels (T, 11) of a sentence in the style of another one's sound."""
        at = self.voices.frames(spoken)
        table = slots(p, code(p, self.voices.sound[heard]))
        channels = self.voices.channels[at].astype(np.float64)
        return applied(channels, address(p, self.phones[at]) @ table)


def acted(voices: Voices) -> NDArray[np.bool_]:
    """(M,) sentences of acted voices."""
    return np.asarray(voices.actor[voices.voice] != "people")


def seen(voices: Voices) -> NDArray[np.bool_]:
    """(M,) sentences that no training heard, of voices that it did."""
    return voices.test & ~voices.held[voices.voice] & acted(voices)


def unseen(voices: Voices) -> NDArray[np.bool_]:
    """(M,) sentences of acted voices that are held out whole."""
    return voices.held[voices.voice] & acted(voices) & ~voices.more


def strangers(voices: Voices) -> NDArray[np.bool_]:
    """(M,) sentences of people who are held out whole."""
    return np.asarray(voices.held[voices.voice] & ~acted(voices))


def amplitude_r(
    trial: Trial, p: Parameters, chosen: NDArray[np.bool_], exchanged: bool = False
) -> float:
    """Correlation of planted and found amplitudes by viseme class, less the mean of each class.

    Args:
        trial: voices.
        p: network.
        chosen: (M,) sentences.
        exchanged: whether a sentence is spoken in the style of another voice's sound, with which
            it is compared.
    """
    rng, found, planted = np.random.default_rng(0), [], []
    every = np.flatnonzero(chosen)
    for heard, spoken in trial.pairs(chosen):
        by = int(rng.choice(every)) if exchanged else heard
        found.append(_amplitudes(trial, spoken, trial.mouth(p, by, spoken)))
        planted.append(factors(trial.styles[trial.voices.voice[by]]))
    x, y = np.array(found), np.array(planted)
    known = np.isfinite(x)
    for c in range(len(VISEMES)):
        x[:, c] -= x[known[:, c], c].mean()
        y[:, c] -= y[known[:, c], c].mean()
    return pearson(x[known], y[known])


def _amplitudes(trial: Trial, sentence: int, mouth: Floats) -> Floats:
    """Logarithm (4,) of the opening's size against the network's, NaN where a class is missing."""
    at = trial.voices.frames(sentence)
    own, classes = (
        trial.voices.channels[at, 0].astype(np.float64),
        viseme_of(trial.voices.labels[at]),
    )
    out = np.full(len(VISEMES), np.nan)
    for c in range(len(VISEMES)):
        of = classes == c
        power = float(own[of] @ own[of])
        if of.sum() >= _LEAST_FRAMES and power > 1e-4:
            out[c] = np.log(max(float(mouth[of, 0] @ own[of]) / power, 1e-3))
    return out


def errors(
    trial: Trial, one: Parameters, two: Parameters, chosen: NDArray[np.bool_]
) -> dict[str, float]:
    """RMS distance from the teacher's channels: speech network, with stage 1, with stage 2."""
    found: dict[str, list[float]] = {"none": [], "memory": [], "style": []}
    for heard, spoken in trial.pairs(chosen):
        at = trial.voices.frames(spoken)
        for name, mouth in (
            ("none", trial.voices.channels[at].astype(np.float64)),
            ("memory", trial.mouth(one, heard, spoken)),
            ("style", trial.mouth(two, heard, spoken)),
        ):
            found[name].append(_rms(mouth - trial.wanted[at]))
    return {name: float(np.mean(values)) for name, values in found.items()}


def listens(trial: Trial, p: Parameters, chosen: NDArray[np.bool_]) -> dict[str, float]:
    """Error with the wrong sound over that with the right one, mean of the sentences."""
    out: dict[str, list[float]] = {"shifted": [], "silent": [], "exchanged": []}
    right, every, v = [], np.flatnonzero(chosen), trial.voices
    for number, (heard, spoken) in enumerate(trial.pairs(chosen)):
        at = v.frames(spoken)
        count, table = at.stop - at.start, slots(p, code(p, v.sound[heard]))
        other = v.frames(int(every[(number + len(every) // 2) % len(every)]))
        index = other.start + np.arange(count) % (other.stop - other.start)
        sounds = {
            "shifted": tuple(np.roll(x[at], _SHIFT, axis=0) for x in (v.channels, trial.phones)),
            "silent": tuple(np.repeat(x[None], count, axis=0) for x in trial.silence),
            "exchanged": (v.channels[index], trial.phones[index]),
        }
        right.append(_rms(trial.mouth(p, heard, spoken) - trial.wanted[at]))
        for name, (channels, phones) in sounds.items():
            mouth = applied(channels.astype(np.float64), address(p, phones) @ table)
            out[name].append(_rms(mouth - trial.wanted[at]))
    return {name: float(np.mean(values) / np.mean(right)) for name, values in out.items()}


def timing_r(trial: Trial, p: Parameters, chosen: NDArray[np.bool_]) -> float:
    """Correlation of the opening in its own style and in another voice's, mean of sentences."""
    every, out = np.flatnonzero(chosen), []
    for number, (heard, spoken) in enumerate(trial.pairs(chosen)):
        other = int(every[(number + len(every) // 2) % len(every)])
        mouths = [trial.mouth(p, by, spoken)[:, 0] for by in (heard, other)]
        out.append(pearson(*mouths))
    return float(np.mean(out))


def closure_change(trial: Trial, p: Parameters, chosen: NDArray[np.bool_]) -> float:
    """Change of the share of p, b and m that close, in percentage points."""
    before, after = Contact(), Contact()
    for heard, spoken in trial.pairs(chosen):
        at = trial.voices.frames(spoken)
        labels = trial.voices.labels[at]
        if (labels < 0).any():
            continue
        phones = from_labels(labels, FPS)
        own = trial.voices.channels[at, 0].astype(np.float64)
        before += contact(GAP_REST + GAP * own, phones, FPS)
        after += contact(GAP_REST + GAP * trial.mouth(p, heard, spoken)[:, 0], phones, FPS)
    return 100.0 * (after.closure_recall - before.closure_recall)


def slot_shares(trial: Trial, p: Parameters, chosen: NDArray[np.bool_]) -> tuple[float, float]:
    """Specificity: share of what goes with a slot that is in its first viseme class, mean of the
    slots that are used. And entropy of the use of slots, relative to an even one."""
    of = np.concatenate([np.arange(*trial.voices.frames(int(k)).indices(10**9))
                         for k in np.flatnonzero(chosen)])  # fmt: skip
    shares, classes = address(p, trial.phones[of]), viseme_of(trial.voices.labels[of])
    use = shares[classes >= 0].mean(axis=0)
    by_class = np.stack([shares[classes == c].mean(axis=0) for c in range(len(VISEMES))])
    specific = []
    for k in np.flatnonzero(use > _USED):
        gone = np.zeros(len(VISEMES))
        for heard, _ in trial.pairs(chosen):
            table = slots(p, code(p, trial.voices.sound[heard]))
            gone += by_class[:, k] * np.abs(table[k]).sum()
        specific.append(gone.max() / gone.sum())
    return float(np.mean(specific)), float(-(use * np.log(use + 1e-12)).sum() / np.log(len(use)))


def frame_ms() -> tuple[float, float]:
    """Median and 99th percentile of a frame's time in ms: lips in a style, and the emotion."""
    style = LiveStyle(np.linspace(-1, 1, 64 * len(EMOTIONS)).reshape(-1, 64))
    styled, emotion = StyledStream(style), EmotionStream()
    rng, spent = np.random.default_rng(0), []
    for _ in range(500):
        block = rng.normal(0, 0.05, RATE // 50).astype(np.float32)
        began = time.perf_counter()
        frames = len(styled.push(block))
        emotion.push(block)
        spent += [1e3 * (time.perf_counter() - began) / frames] if frames else []
    return float(np.median(spent)), float(np.percentile(spent, 99))


def trial_of(voices: Voices) -> Trial:
    """The trial of voices with what the teacher plants in them."""
    return Trial(voices, voices.styles(voices.means(TRAITS)))


def _rms(x: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(x))))
