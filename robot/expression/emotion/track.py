"""Where an emotion comes from: one interface, four kinds of source, one order between them.

    label and intensity  >  timeline file  >  tags in a text  >  an estimate from the voice

A source says at every time and for every region of the face what is felt there (``mix``) and
whether it has an opinion at all (``presence``). The first with an opinion is followed; where its
presence fades, the next one shows through, so that nothing jumps.
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
"""The parts of a face that can feel on their own, with their shapes."""

NAMED_REGIONS: Final[dict[str, tuple[str, ...]]] = {
    **{name: (name,) for name in REGIONS},
    "face": tuple(REGIONS),
    "upper": ("brows", "eyes"),
    "lower": ("cheeks", "nose", "mouth"),
}
"""What a cue may call a region."""


@dataclass(frozen=True)
class EmotionSamples:
    """What a source says over time.

    Attributes:
        mix: (T, R, 8) intensities by region and emotion.
        presence: (T, R) in 0..1, how much this source has an opinion.
    """

    mix: Floats
    presence: Floats

    @classmethod
    def nothing(cls, frames: int) -> EmotionSamples:
        """No opinion."""
        shape = (frames, len(REGIONS))
        return cls(np.zeros((*shape, len(EMOTIONS))), np.zeros(shape))


class EmotionSource(Protocol):
    """Anything that knows what is felt when."""

    @property
    def rank(self) -> int:
        """Lower is asked first."""

    def sample(self, t: Floats) -> EmotionSamples:
        """Opinion at times ``t`` (T,) s."""


@dataclass(frozen=True)
class Label:
    """One emotion, or a blend, from a time on: the command line, the panel, a program.

    Attributes:
        intensities: by name, 0..1.
        start: when it begins to show, s; ``-inf`` has always been there.
    """

    intensities: Mapping[str, float]
    start: float = 0.0
    rank: int = 0

    def sample(self, t: Floats) -> EmotionSamples:
        """The blend in every region; it comes with each emotion's own onset and stays."""
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
    """One feeling with a beginning and an end.

    Attributes:
        start, end: s; onset and offset are the emotion's own.
        emotion: a name of ``mien.models.face.emotion``.
        strength: 0..1.
        region: one of :data:`NAMED_REGIONS`.
    """

    start: float
    end: float
    emotion: str
    strength: float = 1.0
    region: str = "face"


@dataclass(frozen=True)
class Cues:
    """Feelings in time: a timeline file (rank 1) or tags in a text (rank 2)."""

    cues: tuple[Cue, ...]
    rank: int = 1

    def sample(self, t: Floats) -> EmotionSamples:
        """Where cues overlap, the stronger wins in each emotion."""
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
    """All sources together, and how they become shapes.

    Attributes:
        sources: in any order; their ``rank`` decides.
        variation: small seeded differences; none for the bare prototypes.
    """

    sources: Sequence[EmotionSource] = ()
    variation: Variation | None = field(default_factory=Variation)

    def sample(self, t: Floats) -> EmotionSamples:
        """What is felt, (T, R, 8), after priorities."""
        out = EmotionSamples.nothing(len(t))
        for source in sorted(self.sources, key=lambda s: s.rank):
            said = source.sample(t)
            share = (1.0 - out.presence) * said.presence
            # A cue's course already falls to 0 with its presence; only the rest is faded by it.
            out.mix[:] += (1.0 - out.presence)[..., None] * said.mix
            out.presence[:] += share
        np.clip(out.mix, 0.0, 1.0, out=out.mix)
        return out

    def shapes(self, t: Floats) -> Floats:
        """Expression (T, 52), before it meets speech."""
        sample = self.sample(t)
        out = np.zeros((len(t), len(INDEX)))
        for k, names in enumerate(REGIONS.values()):
            columns = indices(names)
            out[:, columns] = express(sample.mix[:, k], t, self.variation)[:, columns]
        return out

    def whole(self, t: Floats) -> Floats:
        """The mix (T, 8) of the face as a whole, for posture and records: its strongest region."""
        return np.asarray(self.sample(t).mix.max(axis=1))


def _window(t: Floats, cue: Cue) -> Floats:
    """Presence of a cue: as its course, but full all the time between onset and end."""
    timing = TIMINGS[named(cue.emotion)]
    rise = np.clip((t - cue.start) / timing.onset_s, 0.0, 1.0)
    fall = np.clip((t - cue.end) / timing.offset_s, 0.0, 1.0)
    return np.asarray(rise * rise * (3 - 2 * rise) * (1.0 - fall * fall * (3 - 2 * fall)))
