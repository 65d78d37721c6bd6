"""Emotion track: emotions over time from several sources, by priority.

    label and intensity  >  timeline file  >  tags in a text  >  feeling in words  >  estimate from
    the voice

A source gives, for every time and region of the face, intensities (``mix``) and its ``presence`` in
0..1. The source of the highest priority with presence 1 decides. Where its presence fades, the next
source fades in, so that nothing jumps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from mien.models.face.blendshapes import GROUPS, INDEX, indices
from mien.models.face.emotion import EMOTIONS, TIMINGS, Variation, envelope, express, mix, named
from mien.robot.face.config import Floats

REGIONS: Final[dict[str, tuple[str, ...]]] = {
    "brows": GROUPS["brows"],
    "eyes": GROUPS["eyes"],
    "cheeks": GROUPS["cheeks"],
    "nose": GROUPS["nose"],
    "mouth": GROUPS["mouth"] + GROUPS["jaw"] + GROUPS["tongue"],
}
"""Regions of the face with an emotion of their own, and their blendshapes."""

NAMED_REGIONS: Final[dict[str, tuple[str, ...]]] = {
    **{name: (name,) for name in REGIONS},
    "face": tuple(REGIONS),
    "upper": ("brows", "eyes"),
    "lower": ("cheeks", "nose", "mouth"),
}
"""Names of regions in a cue."""


@dataclass(frozen=True)
class EmotionSamples:
    """Samples of an emotion source.

    Attributes:
        mix: (T, R, 8) intensities by region and emotion.
        presence: (T, R) in 0..1, weight of this source.
    """

    mix: Floats
    presence: Floats

    @classmethod
    def nothing(cls, frames: int) -> EmotionSamples:
        """Samples of presence 0."""
        shape = (frames, len(REGIONS))
        return cls(np.zeros((*shape, len(EMOTIONS))), np.zeros(shape))


class EmotionSource(Protocol):
    """A source of emotions over time."""

    @property
    def rank(self) -> int:
        """Priority; the lowest rank comes first."""

    def sample(self, t: Floats) -> EmotionSamples:
        """Samples at times ``t`` (T,) s."""


@dataclass(frozen=True)
class Label:
    """One emotion or blend from a time on: from the command line, the panel or a program.

    Attributes:
        intensities: intensities in 0..1 by name.
        start: onset in s; ``-inf`` has no onset.
        rank: priority.
    """

    intensities: Mapping[str, float]
    start: float = 0.0
    rank: int = 0

    def sample(self, t: Floats) -> EmotionSamples:
        """The same blend in every region, with the onset of each emotion."""
        whole = mix(self.intensities)
        out = EmotionSamples.nothing(len(t))
        for name in EMOTIONS:
            value = whole[EMOTIONS.index(name)]
            if value:
                since = np.maximum(t - self.start, 0.0) if np.isfinite(self.start) else np.inf
                onset = np.minimum(since / TIMINGS[name].onset_s, 1.0)
                rise = onset * onset * (3.0 - 2.0 * onset)
                out.mix[:, :, EMOTIONS.index(name)] = (value * np.broadcast_to(rise, t.shape))[
                    :, None
                ]
        out.presence[:] = 1.0
        return out


@dataclass(frozen=True)
class Cue:
    """One emotion with a beginning and an end.

    Attributes:
        start, end: time in s. Onset and offset times are those of the emotion.
        emotion: name, see ``mien.models.face.emotion``.
        strength: intensity in 0..1.
        region: one of :data:`NAMED_REGIONS`.
    """

    start: float
    end: float
    emotion: str
    strength: float = 1.0
    region: str = "face"


@dataclass(frozen=True)
class Cues:
    """Emotions in time: a timeline file (rank 1) or tags in a text (rank 2)."""

    cues: tuple[Cue, ...]
    rank: int = 1

    def sample(self, t: Floats) -> EmotionSamples:
        """Samples of the cues. Where they overlap, the stronger wins for each emotion."""
        out = EmotionSamples.nothing(len(t))
        names = list(REGIONS)
        for cue in self.cues:
            column = EMOTIONS.index(named(cue.emotion))
            shape = envelope(cue.emotion, t, cue.start, cue.end)
            there = _window(t, cue)
            for region in NAMED_REGIONS[cue.region]:
                k = names.index(region)
                out.mix[:, k, column] = np.maximum(out.mix[:, k, column], cue.strength * shape)
                out.presence[:, k] = np.maximum(out.presence[:, k], there)
        return out


@dataclass(frozen=True)
class EmotionTrack:
    """All sources together, and their blendshapes.

    Attributes:
        sources: in any order; their ``rank`` decides.
        variation: small seeded variation; None gives the prototypes.
    """

    sources: Sequence[EmotionSource] = ()
    variation: Variation | None = field(default_factory=Variation)

    def sample(self, t: Floats) -> EmotionSamples:
        """Samples (T, R, 8) after priorities."""
        out = EmotionSamples.nothing(len(t))
        for source in sorted(self.sources, key=lambda s: s.rank):
            samples = source.sample(t)
            share = (1.0 - out.presence) * samples.presence
            # The intensity of a cue already falls with its presence, so it is not faded again.
            out.mix[:] += (1.0 - out.presence)[..., None] * samples.mix
            out.presence[:] += share
        np.clip(out.mix, 0.0, 1.0, out=out.mix)
        return out

    def shapes(self, t: Floats) -> Floats:
        """Blendshapes (T, 52) of the emotions, before the fusion with speech."""
        sample = self.sample(t)
        out = np.zeros((len(t), len(INDEX)))
        for k, names in enumerate(REGIONS.values()):
            columns = indices(names)
            out[:, columns] = express(sample.mix[:, k], t, self.variation)[:, columns]
        return out

    def whole(self, t: Floats) -> Floats:
        """Intensities (T, 8) of the whole face: those of its strongest region."""
        return np.asarray(self.sample(t).mix.max(axis=1))


def _window(t: Floats, cue: Cue) -> Floats:
    """Presence of a cue: full between onset and end, with the flanks of its course."""
    timing = TIMINGS[named(cue.emotion)]
    rise = np.clip((t - cue.start) / timing.onset_s, 0.0, 1.0)
    fall = np.clip((t - cue.end) / timing.offset_s, 0.0, 1.0)
    return np.asarray(rise * rise * (3 - 2 * rise) * (1.0 - fall * fall * (3 - 2 * fall)))
