"""Acted Japanese voices for open_jtalk (Debian), with the exact times of their phones.

14 voices of the folder ``hts_voices``: four people, most of them also happy, angry, sad and shy.
Texts are sentences of the folder ``japanese_text``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from mien.models.data.corpora.synthetic import clips as make
from mien.models.data.corpora.voices import Spoken, Voice
from mien.models.data.labels.phone_names import merge_silence
from mien.models.data.schema import Clip, to_int16
from mien.models.errors import ModelError
from mien.models.speech.phones import SILENCE, Phone

DICTIONARY: Final = Path("/var/lib/mecab/dic/open-jtalk/naist-jdic")
SECOND: Final = 1e7
"""Label units of HTS in a second."""
MINUTES: Final = 2.5
"""Sound of a voice, minutes."""
ENGLISH: Final[dict[str, tuple[str, ...]]] = {
    "pau": (SILENCE,), "sil": (SILENCE,), "cl": ("T",), "N": ("N",),
    "a": ("AA",), "i": ("IY",), "u": ("UH",), "e": ("EH",), "o": ("AO",),
    "A": ("AA",), "I": ("IY",), "U": ("UH",), "E": ("EH",), "O": ("AO",),
    "k": ("K",), "ky": ("K", "Y"), "g": ("G",), "gy": ("G", "Y"), "s": ("S",), "sh": ("SH",),
    "z": ("Z",), "j": ("JH",), "t": ("T",), "ty": ("T", "Y"), "ts": ("T", "S"), "ch": ("CH",),
    "d": ("D",), "dy": ("D", "Y"), "n": ("N",), "ny": ("N", "Y"), "h": ("HH",), "hy": ("HH", "Y"),
    "f": ("HH",), "b": ("B",), "by": ("B", "Y"), "p": ("P",), "py": ("P", "Y"), "m": ("M",),
    "my": ("M", "Y"), "y": ("Y",), "r": ("D",), "ry": ("D", "Y"), "w": ("W",), "v": ("B",),
}  # fmt: skip
"""Phone of open_jtalk -> phones of the project. Japanese u is not rounded and f is no labiodental.
"""
_LABEL: Final = re.compile(r"^(\d+) (\d+) [^-]+-([A-Za-z]+)\+", re.MULTILINE)


def voice(model: Path) -> Voice:
    """A voice of open_jtalk, whose pitch and tempo vary with the sentence.

    Raises:
        ModelError: the program or its dictionary is not installed.
    """
    program = shutil.which("open_jtalk")
    if program is None or not DICTIONARY.is_dir():
        raise ModelError(
            "open_jtalk is not installed",
            "apt-get install open-jtalk open-jtalk-mecab-naist-jdic",
        )

    def speak(text: str, rng: np.random.Generator) -> Spoken:
        with tempfile.TemporaryDirectory() as folder:
            words, wav, trace = (Path(folder) / n for n in ("text", "a.wav", "trace"))
            words.write_text(text + "\n")
            options = {"-r": rng.uniform(0.8, 1.25), "-fm": rng.uniform(-4, 4)}
            settings = [a for k, v in options.items() for a in (k, f"{v:.3f}")]
            command = [program, "-x", str(DICTIONARY), "-m", str(model), *settings]
            command += ["-ow", str(wav), "-ot", str(trace), str(words)]
            subprocess.run(command, capture_output=True, timeout=60, check=True)
            samples, rate = soundfile.read(str(wav), dtype="float32")
            labels = trace.read_text().rpartition("[Output label]")[2]
        return Spoken(to_int16(samples, rate), phones(labels, len(samples) / rate))

    return speak


def phones(labels: str, length: float) -> list[Phone]:
    """HTS labels of an utterance of ``length`` s -> phones from 0 s to its end."""
    out: list[Phone] = []
    for begin, end, name in _LABEL.findall(labels):
        names = ENGLISH.get(name, ("AH",))
        edges = np.linspace(float(begin) / SECOND, float(end) / SECOND, len(names) + 1)
        out += [
            Phone(n, float(a), min(float(b), length))
            for n, a, b in zip(names, edges[:-1], edges[1:], strict=True)
            if a < length
        ]
    last = out[-1].end if out else 0.0
    return merge_silence([*out, Phone(SILENCE, last, length)])


def clips(folder: Path) -> list[Clip]:
    """``MINUTES`` of each voice below ``folder / hts_voices``."""
    text = texts(folder / "japanese_text")
    models = sorted((folder / "hts_voices").rglob("*.htsvoice"))
    if not models or not text:
        raise ModelError(f"no hts_voices or japanese_text in {folder}", "mien train speech --data")
    out: list[Clip] = []
    for model in models:
        name = f"hts-{model.stem}"
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        order = [text[i] for i in rng.permutation(len(text))]
        out += make("hts", name, voice(model), order, MINUTES)
    return out


def texts(folder: Path) -> Sequence[str]:
    """Sentences of the ITA corpus: lines ``NAME:sentence,reading``."""
    out = []
    for path in sorted(folder.glob("ita_*transcript*.txt")):
        for line in path.read_text().splitlines():
            sentence = line.partition(":")[2].partition(",")[0].strip()
            if sentence:
                out.append(sentence)
    return out
