"""Sentences of acted Japanese voices in four emotions, and of speakers derived from them.

Three people of the folder ``hts_voices`` (mei, takumi, tohoku) speak neutral, happy, angry and sad.
Each also becomes speakers who do not exist: throat length (the all-pass constant of the voice),
pitch and tempo are moved alike in all emotions. The same sentences are said in each emotion, so
that no emotion can be told by its text. ITA's recitation trains, ITA's emotion sentences test.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from mien.models.data.corpora.hts import DICTIONARY, phones
from mien.models.data.schema import to_int16
from mien.models.errors import ModelError
from mien.models.speech.phones import Phone

ACTORS: Final = ("mei", "takumi", "tohoku")
EMOTIONS: Final = ("neutral", "happiness", "anger", "sadness")
"""Emotions that all three acted, in the order of the network's classes."""
_WORDS: Final = ("neutral", "happy", "angry", "sad")
_ALLPASS: Final = 0.55
"""All-pass constant of a voice at 48 kHz; more makes a shorter throat."""


@dataclass(frozen=True)
class Derived:
    """What is changed in a voice: all-pass constant, semitones, and factor of the tempo."""

    throat: float = 0.0
    semitones: float = 0.0
    tempo: float = 1.0


@dataclass(frozen=True)
class Said:
    """One sentence.

    Attributes:
        actor: one of ``ACTORS``. speaker: number of the derived speaker; 0 is the actor.
        emotion: number in ``EMOTIONS``. text: number of the sentence.
        samples: (n,) at 16 kHz. phones: from 0 s to the end.
    """

    actor: str
    speaker: int
    emotion: int
    text: int
    samples: NDArray[np.int16]
    phones: tuple[Phone, ...]


def model(folder: Path, actor: str, emotion: int) -> Path:
    """File of a voice below ``folder / hts_voices``.

    Raises:
        ModelError: it is not there.
    """
    words = (_WORDS[emotion], "normal") if emotion == 0 else (_WORDS[emotion],)
    for path in sorted((folder / "hts_voices").rglob("*.htsvoice")):
        if path.stem.startswith(actor) and path.stem.endswith(words):
            return path
    raise ModelError(
        f"no voice of {actor} in {folder}/hts_voices",
        "python -m mien.models.train.style.emotion --data",
    )


def say(
    voice: Path, text: str, change: Derived = Derived()
) -> tuple[NDArray[np.int16], tuple[Phone, ...]]:
    """A sentence of a voice of open_jtalk: samples (n,) at 16 kHz and phones.

    Raises:
        ModelError: open_jtalk is not installed.
    """
    program = shutil.which("open_jtalk")
    if program is None or not DICTIONARY.is_dir():
        raise ModelError(
            "open_jtalk is not installed",
            "apt-get install open-jtalk open-jtalk-mecab-naist-jdic",
        )
    with tempfile.TemporaryDirectory() as folder:
        words, wav, trace = (Path(folder) / n for n in ("text", "a.wav", "trace"))
        words.write_text(text + "\n")
        command = [program, "-x", str(DICTIONARY), "-m", str(voice), "-ow", str(wav)]
        command += [
            "-ot",
            str(trace),
            "-r",
            f"{change.tempo:.3f}",
            "-fm",
            f"{change.semitones:.3f}",
        ]
        command += ["-a", f"{_ALLPASS + change.throat:.4f}"] if change.throat else []
        subprocess.run([*command, str(words)], capture_output=True, timeout=60, check=True)
        samples, rate = soundfile.read(str(wav), dtype="float32")
        labels = trace.read_text().rpartition("[Output label]")[2]
    return to_int16(samples, rate), tuple(phones(labels, len(samples) / rate))


def derived(actor: str, speaker: int) -> Derived:
    """The change of a derived speaker; 0 is none."""
    if speaker == 0:
        return Derived()
    rng = np.random.default_rng([ACTORS.index(actor), speaker])
    return Derived(rng.uniform(-0.045, 0.045), rng.uniform(-5, 5), rng.uniform(0.85, 1.2))


def sentences(folder: Path, held_out: bool) -> list[str]:
    """Sentences of the ITA corpus that test (its emotion part) or train (its recitation)."""
    part = "emotion" if held_out else "recitation"
    lines = (folder / "japanese_text" / f"ita_{part}_transcript_utf8.txt").read_text().splitlines()
    return [s for line in lines if (s := line.partition(":")[2].partition(",")[0].strip())]


def spoken(folder: Path, speakers: int, each: int, held_out: bool) -> Iterator[Said]:
    """``each`` sentences of each actor, derived speaker and emotion.

    Args:
        folder: with ``hts_voices`` and ``japanese_text``.
        speakers: of each actor, the actor among them.
        each: sentences of a speaker in each emotion.
        held_out: whether to say the sentences that test.
    """
    text = sentences(folder, held_out)
    for a, actor in enumerate(ACTORS):
        for speaker in range(speakers):
            order = np.random.default_rng([a, speaker, held_out]).permutation(len(text))[:each]
            for emotion in range(len(EMOTIONS)):
                voice, change = model(folder, actor, emotion), derived(actor, speaker)
                for t in order:
                    yield Said(actor, speaker, emotion, int(t), *say(voice, text[t], change))
