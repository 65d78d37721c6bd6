"""Songs for the bench: the project's own five, held vowels, a sentence sung, instruments."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models.data import sung
from mien.models.data.corpora import hts
from mien.models.data.corpora.voices import Spoken
from mien.models.data.held import cut_after, stretch, vowels, world
from mien.models.data.labels import textgrid
from mien.models.data.labels.phone_names import merge_silence
from mien.models.data.schema import read_audio
from mien.models.errors import ModelError
from mien.models.song.lyrics import latin
from mien.models.song.score import ScoreNote, read_score
from mien.models.speech.phones import SILENCE, Phone
from mien.robot.media import audio
from tests.paths import ROOT

RATE: Final = audio.RATE
CONSONANT_S: Final = 0.1
"""Length of a sung consonant, which begins with its note, s."""
PITCHES_HZ: Final = (110.0, 160.0, 220.0, 320.0, 450.0)
HELD_S: Final = 2.0
MUSIC: Final = Path("/usr/share/games/wesnoth/1.16/data/core/music")


@dataclass(frozen=True)
class Labelled:
    """A sound with the times of its phones."""

    name: str
    samples: NDArray[np.float32]
    phones: tuple[Phone, ...]
    score: tuple[ScoreNote, ...] = ()


def scores() -> dict[str, Path]:
    """The five songs by name."""
    paths = [
        *(ROOT / "tests" / "songs").glob("*.musicxml"),
        audio.SONG_DEMO.with_suffix(".musicxml"),
    ]
    return {p.stem: p for p in sorted(paths)}


def songs(count: int) -> list[Labelled]:
    """The project's songs; only the one that ships where ``pysinsy`` is not installed."""
    out = []
    for name, path in sorted(scores().items(), key=lambda item: item[0] != "forest_road"):
        samples = audio.load(audio.SONG_DEMO) if name == "forest_road" else _sung(path)
        if samples is not None:
            score = read_score(path)
            out.append(Labelled(name, samples, phones(score, len(samples) / RATE), score))
    return out[:count]


def _sung(path: Path) -> NDArray[np.float32] | None:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it reads its version through pkg_resources
            import pysinsy
    except ImportError:
        return None
    wave, rate = pysinsy.synthesize(str(path))
    sound: Any = np.asarray(wave, np.float32)
    return audio.to_mono_16k(0.6 * sound / np.abs(sound).max(), int(rate), path.stem)


def phones(score: tuple[ScoreNote, ...], seconds: float) -> tuple[Phone, ...]:
    """Phones of a score in kana, as ``pysinsy`` sings it."""
    out, now = [], 0.0
    for note in score:
        if note.start > now + 1e-6:
            out.append(Phone(SILENCE, now, note.start))
        spelled = latin(note.text).replace(" ", "")
        consonant = spelled.rstrip("aiueo") if spelled != "n" else ""
        vowel = spelled[len(consonant) :] or spelled
        cut = (
            min(note.start + CONSONANT_S, 0.5 * (note.start + note.end))
            if consonant
            else note.start
        )
        for names, a, b in ((consonant, note.start, cut), (vowel.replace("n", "N"), cut, note.end)):
            found = [
                p for n in ([names] if names in hts.ENGLISH else names) for p in hts.ENGLISH[n]
            ]
            edges = np.linspace(a, b, len(found) + 1)
            out += [Phone(p, edges[k], edges[k + 1]) for k, p in enumerate(found)]
        now = note.end
    return tuple(merge_silence([*out, Phone(SILENCE, now, seconds)]))


def read(count: int) -> list[Spoken]:
    """Sentences of LJ Speech with their phones, none of which trained the song's network.

    Raises:
        ModelError: there is no $MIEN_DATA.
    """
    folder = Path(os.environ.get("MIEN_DATA", "")) / "lj_phones"
    paths = sorted(folder.glob("*.TextGrid"))[24:]
    if not paths:
        raise ModelError(f"no sentences in {folder}", "set MIEN_DATA")
    return [Spoken(read_audio(p.with_suffix(".flac")), textgrid.phones(p)) for p in paths[:count]]


def held_vowels(said: list[Spoken], each: int) -> list[tuple[float, Labelled]]:
    """(pitch in Hz, a vowel held for two seconds with speech before it and silence after it)."""
    out = []
    for k, hertz in enumerate(PITCHES_HZ):
        for m in range(each):
            phones_of = merge_silence(said[(k + m) % len(said)].phones)
            found = [i for i in vowels(phones_of) if 0.6 < phones_of[i].start < 3.0]
            found = _voiced(said[(k + m) % len(said)], phones_of, found)
            at = found[(3 * m + k) % len(found)]
            first = phones_of[max(0, at - 6)].start
            kept = [
                Phone(p.name, p.start - first, p.end - first)
                for p in phones_of[max(0, at - 6) : at + 1]
            ]
            sound = said[(k + m) % len(said)].samples[
                int(first * RATE) : int(phones_of[at].end * RATE)
            ]
            last = len(kept) - 1
            notes = dict.fromkeys(vowels(kept), hertz)
            long = stretch(Spoken(sound, kept), {last: HELD_S}, 1.0, 0.01, notes | {last: hertz})
            whole = cut_after(long, len(long.phones) - 1, 1.0)
            out.append((hertz, _labelled(f"held {hertz:.0f} Hz {m}", whole)))
    return out


def _voiced(spoken: Spoken, of: list[Phone], found: list[int]) -> list[int]:
    """Vowels that are voiced throughout: a devoiced one cannot be sung."""
    sound = spoken.samples.astype(np.float64) / 32768
    hertz, at = world().dio(sound, RATE)
    return [i for i in found if (hertz[(at >= of[i].start) & (at < of[i].end)] > 0).mean() > 0.98]


def same_text(said: list[Spoken]) -> list[tuple[Labelled, Labelled]]:
    """Sentences of about three seconds, spoken and sung."""
    out = []
    for k, one in enumerate(said):
        kept = [p for p in merge_silence(one.phones) if p.end < 3.2]
        part = Spoken(one.samples[: int(kept[-1].end * RATE)], kept)
        song = sung.melody(part, np.random.default_rng([11, k]))
        out.append((_labelled(f"spoken {k}", part), _labelled(f"sung {k}", song)))
    return out


def _labelled(name: str, spoken: Spoken) -> Labelled:
    return Labelled(name, np.asarray(spoken.samples / 32768, np.float32), tuple(spoken.phones))


def instruments(count: int, seconds: float) -> list[Labelled]:
    """Music without a voice: recorded pieces where they are installed, else a synthetic band."""
    paths = [p for p in sorted(MUSIC.glob("*.ogg")) if p.stem != "silence"]
    if paths:
        step = max(1, len(paths) // count)
        pieces = [(p.stem, audio.load(p)) for p in paths[::step][:count]]
    else:
        n = int(seconds * RATE)
        pieces = [
            (f"band {k}", (0.1 * sung.band(n, np.random.default_rng([99, k]))).astype(np.float32))
            for k in range(count)
        ]
    size = int(seconds * RATE)
    return [Labelled(name, x[max(0, (len(x) - size) // 2) :][:size], ()) for name, x in pieces]
