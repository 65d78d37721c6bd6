"""Recorded prompts with their text, aligned: Debian's asterisk-core-sounds (CC BY-SA 3.0)."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import numpy as np

from mien.models.data.corpora.synthetic import rule_clip, with_pauses
from mien.models.data.corpora.voices import Spoken
from mien.models.data.labels.align import Aligner
from mien.models.data.schema import Clip
from mien.models.errors import ModelError

SOUNDS: Final = Path("/usr/share/asterisk/sounds/en")
TEXT: Final = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")


def texts(path: Path = TEXT) -> dict[str, str]:
    """File name without its ending -> text of the recording."""
    out = {}
    for line in gzip.decompress(path.read_bytes()).decode("utf-8", "replace").splitlines():
        name, colon, text = line.partition(":")
        if colon and not line.startswith(";") and "[" not in text and not re.search(r"\d", text):
            out[name.strip()] = text.strip()
    return out


def clips() -> list[Clip]:
    """Every prompt with a successful alignment.

    Raises:
        ModelError: the packages or ffmpeg are not installed.
    """
    if not SOUNDS.is_dir() or not TEXT.is_file():
        raise ModelError(
            "the recorded prompts are not installed",
            "apt-get install asterisk-core-sounds-en asterisk-core-sounds-en-g722",
        )
    aligner = Aligner()
    rng = np.random.default_rng(0)
    out = []
    for name, text in sorted(texts().items()):
        path = SOUNDS / f"{name}.g722"
        if not path.is_file() or len(text.split()) < 2:
            continue
        samples = _decode(path)
        phones = aligner.align(samples, text)
        if phones is None or len(phones) < 5:
            continue
        spoken = with_pauses(Spoken(samples, phones), rng)
        out.append(rule_clip(name, "asterisk", "asterisk-en", spoken))
    return out


def _decode(path: Path) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """G.722 -> (n,) at 16 kHz."""
    program = shutil.which("ffmpeg") or _packaged()
    command = [
        program,
        "-v",
        "error",
        "-f",
        "g722",
        "-i",
        str(path),
        "-f",
        "s16le",
        "-ar",
        "16000",
        "-",
    ]
    raw = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    return np.frombuffer(raw, np.int16).copy()


def _packaged() -> str:
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())
