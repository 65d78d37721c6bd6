"""Corpora -> training batches: random crops with augmentation, as features."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.models.data.augment import breathed, breathing, channel, noise, other_throat, unit
from mien.models.data.behind import babble, played
from mien.models.data.laughter import laughter
from mien.models.data.music import music
from mien.models.data.schema import Clip, Corpus
from mien.models.face.blendshapes import FPS, INDEX
from mien.models.speech.features import RATE, extract, samples_for, stack, start
from mien.models.speech.phones import NUMBER, SILENCE, UNKNOWN


@dataclass(frozen=True)
class Batch:
    """Tensors of B crops with T output frames each."""

    features: Tensor
    """(B, warm-up + T + look-ahead, 2 x 66); no warm-up at the start of a recording."""
    shapes: Tensor
    """(B, T, 52) targets."""
    given: Tensor
    """(B, T, 52) 1 where a target is supervised."""
    phones: Tensor
    """(B, T) int64 phone number, -1 if unknown."""
    silent: Tensor
    """(B, T) 1 where the lips must be at rest."""
    speaker: Tensor
    """(B,) int64 index of the speaker."""
    weight: Tensor
    """(B,) weight of a crop. Crops with rules have less weight than filmed ones."""
    tracked: Tensor
    """(B,) 1 for shapes of a real face, 0 for rules."""


@dataclass(frozen=True)
class Settings:
    """Length and augmentation of the crops."""

    size: int = 16
    """Crops per batch."""
    frames: int = 180
    """Frames of a crop (3 s)."""
    warmup: int = 30
    """Frames before the crop that only fill the network's state."""
    lookahead: int = 5
    speed: float = 1.18
    """Largest factor of a common change of tempo, pitch and formants, up or down."""
    augment: bool = True
    changed: float = 0.75
    """Probability of a change of speed, of channel and of vocal tract, independent of each
    other."""
    changed_tracked: float = 0.15
    """The same for crops of a real face, whose motion belongs to its real voice."""
    tract: float = 1.15
    """Largest factor of a shift of the bands, as from another length of the vocal tract."""
    masked: float = 0.4
    """Probability that neighbouring bands of a changed crop are masked."""
    vigour: float = 5.0
    """Standard deviation of a slow change of loudness in speech with rules, dB."""
    vigour_opening: float = 0.25
    """Relative change of the opening per 10 dB (louder speech opens further: Schulman, 1989)."""
    starts: float = 0.15
    """Probability that a batch holds the first frames of recordings, which follow no other."""
    breaths: float = 0.5
    """Probability of breaths in the pauses."""
    nothing: float = 0.3
    """Probability of a crop without speech."""
    music: float = 0.7
    """Probability of music in a crop without speech."""
    laughs: float = 0.12
    """Probability of laughter in a crop without speech."""
    behind: float = 0.25
    """Probability of other voices or music behind the voice of a crop."""
    behind_db: tuple[float, float] = (3.0, 25.0)
    """Level of the voice over what is behind it, dB."""
    rules_weight: float = 0.5
    mapped_weight: float = 0.3
    """Weight of mapped shapes. A cartoon-like rig moves further, so its squared errors are
    larger."""
    margin: int = 6
    """Frames next to speech that do not count as silence, since lips move before the sound."""


class Batches:
    """An endless, reproducible stream of batches.

    Args:
        corpora: the sources with their odds.
        speakers: name -> index, for the gains of each speaker.
        bands: recorded music, int16 (n,) at 16 kHz each; beside the synthetic one.
    """

    def __init__(
        self,
        corpora: Sequence[tuple[Corpus, float]],
        speakers: dict[str, int],
        settings: Settings,
        seed: int,
        bands: Sequence[NDArray[np.int16]] = (),
    ) -> None:
        self._bands = bands
        self._settings, self._speakers = settings, speakers
        self._rng = np.random.default_rng(seed)
        self._corpora = [c for c, _ in corpora]
        share = np.asarray([w for _, w in corpora], np.float64)
        self._share = share / share.sum()
        lengths = [
            np.asarray([len(c.shapes) for c in corpus], np.float64) for corpus in self._corpora
        ]
        self._odds = [x / x.sum() for x in lengths]

    def next(self) -> Batch:
        """The next batch of random crops."""
        starts = bool(self._rng.random() < self._settings.starts)
        crops = [self._crop(starts) for _ in range(self._settings.size)]
        columns = [np.stack(column) for column in zip(*crops, strict=True)]
        return Batch(*(torch.from_numpy(c) for c in columns))

    def state(self) -> str:
        """Random state of the stream, for :meth:`go_on`."""
        return json.dumps(self._rng.bit_generator.state)

    def go_on(self, state: str) -> None:
        """Continue the stream at ``state``, which :meth:`state` returned."""
        self._rng.bit_generator.state = json.loads(state)

    def _crop(self, starts: bool) -> tuple[Any, ...]:
        s, rng = self._settings, self._rng
        warmup = 0 if starts else s.warmup
        which = int(rng.choice(len(self._corpora), p=self._share))
        corpus = self._corpora[which]
        clip = corpus.clips[int(rng.choice(len(corpus), p=self._odds[which]))]
        total = warmup + s.frames + s.lookahead
        odds = s.changed_tracked if clip.kind == "tracked" else s.changed
        odds *= s.augment
        changed = rng.random() < odds
        rate = float(s.speed ** rng.uniform(-1, 1)) if changed else 1.0
        # A crop may begin before the clip and end after it. Silence is added there.
        slack = len(clip.shapes) / rate - total
        first = rng.uniform(min(slack, 0) - 15, max(slack, 0) + 15)
        first = rng.uniform(-6, 2) if starts else first
        if rng.random() < s.nothing:
            return self._nothing(clip, total, starts)
        audio = _slice(clip, first * rate, rate, samples_for(total - 1))
        louder = np.zeros(total)
        if clip.kind == "rules":
            if s.augment and rng.random() < s.breaths:
                audio = breathed(clip, audio, (first + np.arange(total)) * rate, rng)
            if rng.random() < odds:
                louder = self._louder(total)
                at = np.linspace(0, total - 1, len(audio))
                gain = 10 ** (np.interp(at, np.arange(total), louder) / 20)
                audio = (audio * gain).astype(np.float32)
        if rng.random() < s.behind * s.augment:
            audio = self._before_others(audio)
        if rng.random() < odds:
            audio = channel(audio, rng)
        elif rng.random() < 0.5:
            audio = audio * np.float32(10 ** (rng.uniform(-12, 6) / 20))
        times = np.asarray((first + warmup + np.arange(s.frames)) * rate, np.float64)
        out = list(self._finish(clip, audio, times, starts))
        if rng.random() < odds:
            out[0] = other_throat(out[0], s.tract, s.masked, rng)
        further = 1 + s.vigour_opening / 10 * louder[warmup : warmup + s.frames]
        lips = [INDEX["jawOpen"], INDEX["mouthClose"]]
        out[1][:, lips] *= np.clip(further, 0.3, 2.0)[:, None].astype(np.float32)
        return tuple(out)

    def _before_others(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """A voice before other voices or music. The lips are those of the voice alone."""
        rng, n = self._rng, len(audio)
        other = babble(n, self._corpora, rng) if rng.random() < 0.6 else self._music(n)
        below = 10 ** (-rng.uniform(*self._settings.behind_db) / 20)
        level = float(np.sqrt(np.mean(audio**2))) * below
        return np.asarray(audio + other * level, np.float32)

    def _music(self, n: int) -> NDArray[np.float64]:
        """(n,) of unit power: mostly recorded music where there is some."""
        rng = self._rng
        if not self._bands or rng.random() < 0.2:
            return music(n, rng)
        return played(self._bands[int(rng.integers(len(self._bands)))], n, rng)

    def _louder(self, frames: int) -> NDArray[np.float64]:
        """(frames,) slow random change of vocal effort, dB."""
        knots = max(2, round(frames / FPS * self._rng.uniform(0.5, 2.5)))
        decibels = self._rng.normal(0, self._settings.vigour, knots)
        return np.interp(np.linspace(0, knots - 1, frames), np.arange(knots), decibels)

    def _finish(
        self, clip: Clip, audio: NDArray[np.float32], times: NDArray[np.float64], starts: bool
    ) -> tuple[Any, ...]:
        s = self._settings
        peak = 10 * np.log10(np.mean(audio**2) + 1e-9) + 4
        level = float(np.clip(peak + self._rng.uniform(-15, 8), -50, -3))
        adapted = self._rng.random() < 0.7 and not starts
        hops, _ = extract(audio, start(level) if adapted else start())
        inside = (times >= 0) & (times <= len(clip.shapes) - 1)
        low = np.clip(np.floor(times), 0, len(clip.shapes) - 1).astype(int)
        high = np.minimum(low + 1, len(clip.shapes) - 1)
        part = np.clip(times - low, 0, 1).astype(np.float32)[:, None]
        shapes = clip.shapes[low] * (1 - part) + clip.shapes[high] * part
        nearest = np.clip(np.rint(times), 0, len(clip.shapes) - 1).astype(int)
        phones = np.where(inside, clip.phones[nearest], NUMBER[SILENCE]).astype(np.int64)
        given = np.where(inside[:, None], clip.given[None], False).astype(np.float32)
        return (
            stack(hops),
            shapes.astype(np.float32),
            given,
            phones,
            # Tracked clips have measured lips in silence, so they need no rest target.
            quiet(phones, s.margin) * np.float32(clip.kind != "tracked"),
            np.int64(self._speakers.get(clip.speaker, 0)),
            np.float32({"rules": s.rules_weight, "mapped": s.mapped_weight}.get(clip.kind, 1.0)),
            np.float32(clip.kind != "rules"),
        )

    def _nothing(self, clip: Clip, total: int, starts: bool) -> tuple[Any, ...]:
        """A crop of noise, hum, clicks, breathing, music or digital silence, with a shut mouth."""
        s, rng = self._settings, self._rng
        n = samples_for(total - 1)
        if rng.random() < s.laughs:
            return self._laughing(clip, total, starts)
        plays = rng.random() < s.music
        levels = (-45, -6) if plays else (-75, -15)  # music is often loud, rooms are not
        loud = 0.0 if rng.random() < 0.15 else 10 ** (rng.uniform(*levels) / 20)
        sound = self._music(n) if plays else noise(n, rng)
        if plays and rng.random() < s.changed * s.augment:
            sound = unit(channel(sound.astype(np.float32), rng).astype(np.float64))
        sound *= loud
        if rng.random() < 0.5:
            sound *= 10 ** (rng.uniform(-60, -10) / 20)
            sound += breathing(n, rng) * 10 ** (rng.uniform(-50, -12) / 20)
        out = list(self._finish(clip, sound.astype(np.float32), np.full(s.frames, -1.0), starts))
        given = np.zeros((s.frames, 52), np.float32)
        given[:, [INDEX["jawOpen"], INDEX["mouthClose"]]] = 1
        out[1], out[2] = np.zeros((s.frames, 52), np.float32), given
        out[4] = np.ones(s.frames, np.float32)
        return tuple(out)

    def _laughing(self, clip: Clip, total: int, starts: bool) -> tuple[Any, ...]:
        """A crop of laughter over some noise. The lips rest between two bursts and after them."""
        s, rng = self._settings, self._rng
        sound, opening = laughter(samples_for(total - 1), total, rng)
        sound *= 10 ** (rng.uniform(-35, -12) / 20)
        sound += noise(len(sound), rng) * 10 ** (rng.uniform(-80, -45) / 20)
        heard = sound.astype(np.float32)
        if rng.random() < s.changed * s.augment:
            heard = channel(heard, rng)
        out = list(self._finish(clip, heard, np.full(s.frames, -1.0), starts))
        lips = opening[total - s.frames - s.lookahead :][: s.frames]
        out[1], out[2] = np.zeros((s.frames, 52), np.float32), np.zeros((s.frames, 52), np.float32)
        out[1][:, INDEX["jawOpen"]] = lips
        out[2][:, [INDEX["jawOpen"], INDEX["mouthClose"]]] = 1
        out[3] = np.full(s.frames, UNKNOWN, np.int64)
        out[4] = (lips < 0.01).astype(np.float32)
        out[5], out[6], out[7] = np.int64(0), np.float32(s.rules_weight), np.float32(0)
        return tuple(out)


def _slice(clip: Clip, first: float, rate: float, count: int) -> NDArray[np.float32]:
    """Samples (count,) from source frame ``first`` on, at ``rate`` times the speed."""
    begin = round(first * RATE / FPS)
    end = begin + int(count * rate) + 64
    inside = clip.samples[max(begin, 0) : max(end, 0)].astype(np.float32) / 32768
    before = max(-begin, 0)
    raw = np.zeros(end - begin, np.float32)
    raw[before : before + len(inside)] = inside
    if abs(rate - 1) > 1e-6:
        raw = soxr.resample(raw, RATE * rate, RATE, quality="LQ")
    out = np.zeros(count, np.float32)
    out[: min(count, len(raw))] = raw[:count]
    return out


def quiet(phones: NDArray[np.int64], margin: int) -> NDArray[np.float32]:
    """(T,) phone numbers -> 1 in silence at least ``margin`` frames from any other phone."""
    other = (phones != NUMBER[SILENCE]) | (phones == UNKNOWN)
    near = np.convolve(other.astype(np.float32), np.ones(2 * margin + 1), mode="same") > 0.5
    return (~near).astype(np.float32)
