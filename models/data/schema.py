"""The schema of all corpora: sound, shapes at 60 Hz, supervised shapes, phones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face.blendshapes import ARKIT, FPS
from mien.models.files import whole
from mien.models.speech.features import RATE

MAX_SECONDS: Final = 4 * 3600
"""Longest recording of training data, s."""
KINDS: Final = ("tracked", "mapped", "rules")
"""Source of the shapes: a camera, the animation of another rig, or rules on phone times."""


@dataclass(frozen=True)
class Clip:
    """One recording."""

    name: str
    corpus: str
    speaker: str
    kind: str
    samples: NDArray[np.int16]
    """(n,) at 16 kHz."""
    shapes: NDArray[np.float16]
    """(T, 52) at 60 Hz, frame k at k / 60 s."""
    given: NDArray[np.bool_]
    """(52,) mask of the supervised shapes."""
    phones: NDArray[np.int8]
    """(T,) number in ``phones.PHONES``, or -1 where unknown."""


@dataclass(frozen=True)
class Corpus:
    """Clips of one source."""

    name: str
    clips: tuple[Clip, ...]
    source: str
    """Hash of the files and code parameters that made it."""

    def __len__(self) -> int:
        return len(self.clips)

    def __iter__(self) -> Iterator[Clip]:
        return iter(self.clips)

    @property
    def seconds(self) -> float:
        """Total length of all clips, s."""
        return sum(len(c.samples) for c in self.clips) / RATE


def frame_count(samples: int) -> int:
    """Number of frames k with k / 60 s inside a recording of ``samples`` samples."""
    return -(-samples * FPS // RATE)


def at_60(values: NDArray[np.floating], fps: float, frames: int) -> NDArray[np.float32]:
    """(t, d) at ``fps`` -> (frames, d) at 60 Hz, linear; the last value is repeated."""
    source = np.arange(len(values)) / fps
    target = np.arange(frames) / FPS
    out = np.empty((frames, values.shape[1]), np.float32)
    for d in range(values.shape[1]):
        out[:, d] = np.interp(target, source, values[:, d])
    return out


def read_audio(path: Path) -> NDArray[np.int16]:
    """Read a sound file of training data as int16 mono (n,) at 16 kHz.

    The length comes from the data; the header may be wrong.

    Raises:
        ModelError: more than ``MAX_SECONDS`` of sound.
    """
    parts = [np.zeros(0, np.float32)]
    with soundfile.SoundFile(str(path)) as sound:
        rate, most = int(sound.samplerate), int(sound.samplerate) * MAX_SECONDS
        while len(block := sound.read(1 << 18, dtype="float32", always_2d=True)):
            parts.append(block.mean(axis=1, dtype=np.float32))
            most -= len(block)
            if most < 0:
                raise ModelError(f"{path} has more than {MAX_SECONDS} s of sound")
    return to_int16(np.concatenate(parts), rate)


def to_int16(samples: NDArray[np.floating], rate: int) -> NDArray[np.int16]:
    """Float samples (n,) at ``rate`` Hz -> int16 at 16 kHz."""
    if rate != RATE:
        samples = soxr.resample(samples.astype(np.float32), rate, RATE)
    out: NDArray[np.int16] = np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16)
    return out


def save(path: Path, corpus: Corpus) -> None:
    """Write a prepared corpus as one npz."""
    starts = np.cumsum([0, *(len(c.samples) for c in corpus.clips)])
    frames = np.cumsum([0, *(len(c.shapes) for c in corpus.clips)])
    with whole(path) as part, part.open("wb") as file:
        np.savez(
            file,
            samples=np.concatenate([c.samples for c in corpus.clips]),
            shapes=np.concatenate([c.shapes for c in corpus.clips]),
            phones=np.concatenate([c.phones for c in corpus.clips]),
            given=np.stack([c.given for c in corpus.clips]),
            starts=starts,
            frames=frames,
            about=np.asarray([(c.name, c.corpus, c.speaker, c.kind) for c in corpus.clips]),
            source=np.asarray([corpus.name, corpus.source]),
        )


def load(path: Path) -> Corpus:
    """Read a prepared corpus."""
    with np.load(path) as f:
        data = {k: f[k] for k in f.files}
    clips = []
    for i, (name, corpus, speaker, kind) in enumerate(data["about"].tolist()):
        s = slice(data["starts"][i], data["starts"][i + 1])
        t = slice(data["frames"][i], data["frames"][i + 1])
        clips.append(
            Clip(
                *(name, corpus, speaker, kind, data["samples"][s], data["shapes"][t]),
                *(data["given"][i], data["phones"][t]),
            )
        )
    name, source = data["source"].tolist()
    return Corpus(name, tuple(clips), source)


def prepared(
    cache: Path, name: str, key: Sequence[object], make: Callable[[], Sequence[Clip]]
) -> Corpus:
    """The corpus ``name``, from the cache if it was made with the same ``key``.

    Raises:
        ModelError: the corpus has no clip.
    """
    source = hashlib.sha256(json.dumps([name, *map(str, key)]).encode()).hexdigest()[:16]
    path = cache / f"{name}-{source}.npz"
    if path.is_file():
        return load(path)
    clips = tuple(make())
    if not clips:
        raise ModelError(f"corpus {name} has no clip")
    for clip in clips:
        check(clip)
    corpus = Corpus(name, clips, source)
    save(path, corpus)
    return corpus


def check(clip: Clip) -> None:
    """Raise ModelError unless the shapes of a clip's arrays are consistent."""
    frames = frame_count(len(clip.samples))
    faults = []
    if clip.shapes.shape != (frames, len(ARKIT)):
        faults.append(f"shapes {clip.shapes.shape}, expected {(frames, len(ARKIT))}")
    if clip.phones.shape != (frames,):
        faults.append(f"phones {clip.phones.shape}, expected {(frames,)}")
    if clip.kind not in KINDS:
        faults.append(f"kind {clip.kind!r}, expected one of {KINDS}")
    if not np.isfinite(clip.shapes).all():
        faults.append("shapes that are not finite")
    if faults:
        raise ModelError(f"clip {clip.corpus}/{clip.name}: " + "; ".join(faults))


def files_hash(folder: Path, *names: str) -> str:
    """Hash of the contents of some files and the names and sizes of all others below a folder."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(folder)} {path.stat().st_size}".encode())
    for name in names:
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:16]
