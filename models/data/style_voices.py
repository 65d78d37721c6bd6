"""Many voices with the mouth that the teacher gives them, to train and test the motion memory.

The 14 acted voices of ``hts_voices``, each also with other throats, pitches and tempos, and the
people of voices200. Of each sentence there is what the speech network makes of it (channels and
phones), what the rules make of its true phone times, and the statistics of its sound.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.data.corpora import voices200
from mien.models.data.corpora.emotional import Derived, say, sentences
from mien.models.data.corpora.synthetic import rule_clip, with_rules
from mien.models.data.corpora.voices import Spoken
from mien.models.data.labels.coarticulation import Rules, blend, default_rules
from mien.models.data.labels.level import with_level
from mien.models.data.labels.phone_names import from_labels
from mien.models.data.planted_styles import planted
from mien.models.errors import ModelError
from mien.models.face.blendshapes import FPS
from mien.models.files import whole
from mien.models.song.listening import Ears
from mien.models.speech import runtime_numpy
from mien.models.speech.phones import Phone
from mien.models.speech.stream import speak
from mien.models.style.channels import channels_of
from mien.models.style.sound_style import statistics
from mien.models.style.visemes import MEMBERS, VISEMES

Floats = NDArray[np.float64]
SPEAKERS: Final = 6
"""Speakers of each actor, himself the first; the others are derived. The last is held out whole."""
EACH, TEST_EACH, MORE = 7, 3, 9
"""Sentences of a voice that train, others that test, and more that only the print learns from."""
_EMOTIONS: Final = ("angry", "bashful", "happy", "sad")
_RATE: Final = 16000


@dataclass(frozen=True)
class Voices:
    """Sentences of voices, one after the other.

    Attributes:
        channels: (N, 11) of the speech network. phones: (N, 40) its probabilities of phones.
        neutral: (N, 11) channels of the rules without a style. shares: (N, 4) of viseme classes.
        labels: (N,) phone numbers, -1 where unknown.
        ends: (M,) end of each sentence in frames. voice: (M,) its voice. test: (M,) whether no
            training hears it. more: (M,) whether only the print learns from it, and no style is
            planted by it or tested on it. sound: (M, S) statistics of its sound.
        actor, speaker, emotion: (V,) names of each voice.
    """

    channels: NDArray[np.float16]
    phones: NDArray[np.float16]
    neutral: NDArray[np.float16]
    shares: NDArray[np.float16]
    labels: NDArray[np.int8]
    ends: NDArray[np.int64]
    voice: NDArray[np.int64]
    test: NDArray[np.bool_]
    more: NDArray[np.bool_]
    sound: Floats
    actor: NDArray[np.str_]
    speaker: NDArray[np.str_]
    emotion: NDArray[np.str_]

    def frames(self, sentence: int) -> slice:
        """Frames of a sentence."""
        return slice(int(self.ends[sentence - 1]) if sentence else 0, int(self.ends[sentence]))

    def styles(self, traits: Floats, seed: int = 0) -> Floats:
        """What the teacher plants in each voice, (V, 10), of traits (V, 6)."""
        return planted(traits, self.speaker.tolist(), self.emotion.tolist(), seed)

    def means(self, columns: tuple[int, ...]) -> Floats:
        """Mean (V, columns) of statistics of each voice over its sentences, but for ``more``."""
        of = [(self.voice == v) & ~self.more for v in range(len(self.actor))]
        rows = [self.sound[k][:, columns] for k in of]
        return np.stack([r.mean(axis=0) for r in rows])

    @property
    def held(self) -> NDArray[np.bool_]:
        """(V,) voices that are held out whole: one derived speaker of each actor, 40 people."""
        return np.array([s.endswith(("-out", f"-{SPEAKERS - 1}")) for s in self.speaker])


@dataclass(frozen=True)
class Sentence:
    """One sentence of a voice: who, whether it tests or is one ``more``, and what was said."""

    actor: str
    speaker: str
    emotion: str
    test: bool
    said: Spoken
    more: bool = False


def prepared(data: Path, cache: Path) -> Voices:
    """All voices. The first call speaks them (15 minutes).

    Raises:
        ModelError: a corpus, open_jtalk or pocketsphinx is missing.
    """
    path = cache / "style-voices-2.npz"
    if not path.is_file():
        store(path, _made([*acted(data), *people(data)]))
    with np.load(path) as file:
        return Voices(**{n: file[n] for n in Voices.__dataclass_fields__})


def store(path: Path, voices: Voices) -> None:
    """Write voices to the file of ``prepared``."""
    with whole(path) as part, part.open("wb") as file:
        np.savez(file, **{n: getattr(voices, n) for n in Voices.__dataclass_fields__})


def acted(data: Path) -> Iterator[Sentence]:
    """Sentences of the acted voices and of the speakers derived from them.

    Raises:
        ModelError: there are no voices, or open_jtalk is missing.
    """
    models = sorted((data / "hts_voices").rglob("*.htsvoice"))
    if not models:
        raise ModelError(f"no hts_voices in {data}", "mien bench style --data FOLDER")
    texts = [sentences(data, held_out=False), sentences(data, held_out=True)]
    for model in models:
        actor = model.stem.replace("-", "_").split("_")[0]
        emotion = next((e for e in _EMOTIONS if model.stem.endswith(e)), "neutral")
        for speaker in range(SPEAKERS):
            rng = np.random.default_rng([zlib.crc32(model.stem.encode()), speaker])
            train, tests = (rng.permutation(len(t)) for t in texts)
            chosen = [(t, False) for t in train[: EACH + MORE]]
            chosen += [(t, True) for t in tests[:TEST_EACH]]
            change = derived(actor, speaker)
            for k, (t, test) in enumerate(chosen):
                said = Spoken(*_listed(say(model, texts[test][t], change)))
                more = EACH <= k < EACH + MORE
                yield Sentence(actor, f"{actor}-{speaker}", emotion, test, said, more)


def derived(actor: str, speaker: int) -> Derived:
    """What is changed in the voices of an actor for a derived speaker; 0 is the actor."""
    if speaker == 0:
        return Derived()
    rng = np.random.default_rng([zlib.crc32(actor.encode()), speaker])
    return Derived(rng.uniform(-0.045, 0.045), rng.uniform(-5, 5), rng.uniform(0.8, 1.25))


def people(data: Path) -> Iterator[Sentence]:
    """Sentences of real people, who read; the last of each tests."""
    for held_out in (False, True):
        found: dict[str, list[Spoken]] = {}
        for _, name, said in voices200.spoken(data / "voices200", held_out):
            found.setdefault(name, []).append(said)
        for name, several in found.items():
            who = f"person{name}{'-out' if held_out else ''}"
            for k, said in enumerate(several):
                yield Sentence("people", who, "neutral", k == len(several) - 1, said)


def _listed(
    said: tuple[NDArray[np.int16], tuple[Phone, ...]],
) -> tuple[NDArray[np.int16], list[Phone]]:
    return said[0], list(said[1])


def class_shares(phones: list[Phone], frames: int) -> Floats:
    """How much each viseme class forms the mouth (T, 4), by the dominance of the rules."""
    rules = default_rules()
    target = np.zeros_like(rules.target)
    target[:, : len(VISEMES)] = MEMBERS
    strength, before, after = (
        np.repeat(getattr(rules, n)[:, :1], target.shape[1], axis=1)
        for n in ("strength", "before", "after")
    )
    opening = Rules(target, strength, before, after, 0.0)
    return blend(opening, phones, np.zeros(len(phones)), frames)[:, : len(VISEMES)]


def viseme_of(phones: NDArray[np.integer]) -> NDArray[np.int8]:
    """Phone numbers (T,), -1 where unknown -> class numbers (T,), -1 for none."""
    known = np.where(MEMBERS.any(axis=1), MEMBERS.argmax(axis=1), -1)
    return np.where(phones >= 0, known[phones], -1).astype(np.int8)


def _made(found: list[Sentence]) -> Voices:
    engine = runtime_numpy.load()
    rows: dict[str, list[NDArray[np.generic]]] = {
        n: [] for n in ("channels", "phones", "neutral", "shares", "labels", "sound")
    }
    names: dict[tuple[str, str, str], int] = {}
    lengths, voice, test, more = [], [], [], []
    for one in found:
        clip = with_rules(rule_clip("a", "style", one.speaker, one.said), default_rules())
        heard = levelled(clip.samples)
        try:
            sound = statistics(heard)
        except ModelError:
            continue  # too short to tell a style
        ears = Ears(engine)  # it skips the look-ahead once
        shapes = speak(ears, heard)
        phones = ears.taken()[: len(shapes)]
        lengths.append(len(shapes))
        voice.append(names.setdefault((one.actor, one.speaker, one.emotion), len(names)))
        test.append(one.test)
        more.append(one.more)
        shares = class_shares(from_labels(clip.phones, FPS), len(shapes))
        neutral = channels_of(with_level(clip).shapes.astype(np.float32))
        for name, row in (
            ("channels", channels_of(shapes).astype(np.float16)),
            ("phones", phones.astype(np.float16)), ("neutral", neutral.astype(np.float16)),
            ("shares", shares.astype(np.float16)), ("labels", clip.phones), ("sound", sound[None]),
        ):  # fmt: skip
            rows[name].append(row)
    actor, speaker, emotion = (np.array(c) for c in zip(*names, strict=True))
    joined = {n: np.concatenate(r) for n, r in rows.items()}
    return Voices(
        **joined, ends=np.cumsum(lengths), voice=np.array(voice), test=np.array(test),
        more=np.array(more), actor=actor, speaker=speaker, emotion=emotion,
    )  # fmt: skip


def levelled(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Samples (n,) as numbers, at the same level as all others."""
    x = samples.astype(np.float32) / 32768.0
    return np.asarray(x * (0.06 / np.sqrt(np.mean(x**2) + 1e-9)), np.float32)
