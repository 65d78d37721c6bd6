"""Training clips of the manner network: curves at 30 fps and the sound that they belong to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien.models.data.corpora import facegood
from mien.models.data.corpora.grid import HELD_OUT, stored
from mien.models.data.schema import read_audio
from mien.models.errors import ModelError
from mien.models.face.blendshapes import by_name
from mien.models.face.curves import CURVES
from mien.models.files import whole
from mien.models.manner.config import COLUMNS, FPS, LIPS
from mien.models.manner.features import features, frames_for
from mien.models.speech.weights import read as read_speech

Speech = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Samples (n,) at 16 kHz -> speech shapes (T, 52) at 60 fps."""
_SHAPES: Final = ("browDownLeft", "browDownRight", "eyeBlinkLeft", "eyeBlinkRight")
_VERSION: Final = 1


@dataclass(frozen=True, eq=False)
class MannerClip:
    """One clip.

    Attributes:
        name: of the clip.
        curves: (T, 55) at 30 fps; 0 where nothing is given.
        given: (55,) bool, curves that were filmed or come from the speech network.
        sound: (T, 13) features.
    """

    name: str
    curves: NDArray[np.float32]
    given: NDArray[np.bool_]
    sound: NDArray[np.float32]


def filmed(folder: Path, speech: Speech, held_out: bool = False) -> list[MannerClip]:
    """Clips in GRID's layout: brows, lids and head as filmed, lips of the speech network.

    Brows and head are deviations from their median in the clip, lids from their least: where a
    speaker sat on another day is no motion.

    Raises:
        ModelError: the folder has another layout.
    """
    data = stored(folder)
    names = [str(n) for n in data["blendshape_names"]]
    shapes, _ = by_name(names, data["blendshapes"])
    yaw, x, z = Rotation.from_matrix(data["head_matrix"][:, :3, :3]).as_euler("YXZ").T
    head = np.unwrap(np.stack([yaw, -x, -z], axis=1), axis=0)  # x turns the nose down
    raw = np.concatenate([shapes[:, list(COLUMNS[:4])], head], axis=1).astype(np.float64)
    clips = [str(c) for c in data["clip"]]
    order = sorted(range(len(clips)), key=clips.__getitem__)
    cut = max(len(order) - HELD_OUT, 0)
    out = []
    for i in order[cut:] if held_out else order[:cut]:
        at = slice(int(data["start"][i]), int(data["start"][i + 1]))
        if not data["tracked"][at].all():
            continue
        sound = read_audio(folder / "audio" / f"{clips[i]}.flac").astype(np.float32) / 32768.0
        frames = min(frames_for(len(sound)), int((at.stop - at.start - 1) / data["fps"] * FPS) + 1)
        rest = np.median(raw[at], axis=0)
        rest[2:4] = np.percentile(raw[at, 2:4], 10, axis=0)
        t, film = np.arange(frames) / FPS, np.arange(at.stop - at.start) / float(data["fps"])
        curves = np.zeros((frames, len(CURVES)), np.float32)
        for k, column in enumerate(COLUMNS):
            curves[:, column] = np.interp(t, film, raw[at, k] - rest[k])
        curves[:, LIPS] = _at_30(speech(sound), frames)[:, LIPS]
        given = np.zeros(len(CURVES), np.bool_)
        given[[*COLUMNS, *LIPS]] = True
        out.append(MannerClip(clips[i], curves, given, features(sound, frames)))
    return out


def animated(folder: Path, seconds: float = 3.0) -> list[MannerClip]:
    """Clips in facegood's layout, cut to ``seconds``: lips only, by an animator.

    Raises:
        ModelError: the folder has another layout.
    """
    names, start, fps, shape_names, values = facegood.read(folder)
    shapes, given = facegood.mapped(shape_names, values)
    mask = np.zeros(len(CURVES), np.bool_)
    mask[: len(given)] = given
    out, length = [], round(seconds * FPS)
    for i, name in enumerate(names):
        sound = read_audio(folder / "audio" / f"{name}.flac").astype(np.float32) / 32768.0
        film = np.arange(start[i + 1] - start[i]) / fps
        heard = features(sound)
        t = np.arange(len(heard)) / FPS
        curves = np.zeros((len(t), len(CURVES)), np.float32)
        for k in np.flatnonzero(given):
            curves[:, k] = np.interp(t, film, shapes[start[i] : start[i + 1], k])
        for first in range(0, len(t) - length + 1, length):
            part = slice(first, first + length)
            out.append(MannerClip(f"{name}-{first}", curves[part], mask, heard[part]))
    return out


def prepared(data: Path, speech: Speech, weights: Path, cache: Path) -> list[MannerClip]:
    """Training clips of all corpora under ``data``, prepared once and stored in ``cache``.

    Args:
        data: folder with grid_s1, and facegood if there.
        speech: the speech network.
        weights: its file; other weights are prepared anew.
        cache: folder.

    Raises:
        ModelError: there is no such corpus.
    """
    read_speech(weights)  # refuses what is none
    if not (data / "grid_s1").is_dir():
        raise ModelError(f"{data} has no folder grid_s1", "--data FOLDER with grid_s1")
    key = hashlib.sha256(weights.read_bytes() + bytes([_VERSION])).hexdigest()[:12]
    path = cache / f"manner-{key}.npz"
    if path.is_file():
        return _load(path)
    clips = filmed(data / "grid_s1", speech)
    if (data / "facegood").is_dir():
        clips += animated(data / "facegood")
    with whole(path) as part, part.open("wb") as file:
        np.savez_compressed(
            file,
            name=np.array([c.name for c in clips]),
            length=np.array([len(c.curves) for c in clips]),
            curves=np.concatenate([c.curves for c in clips]),
            given=np.stack([c.given for c in clips]),
            sound=np.concatenate([c.sound for c in clips]),
        )
    return clips


def _load(path: Path) -> list[MannerClip]:
    with np.load(path) as f:
        ends = np.cumsum(f["length"])[:-1]
        parts = zip(
            f["name"], np.split(f["curves"], ends), f["given"], np.split(f["sound"], ends),
            strict=True,
        )  # fmt: skip
        return [MannerClip(str(n), c, g, s) for n, c, g, s in parts]


def _at_30(shapes: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    half = shapes[::2]
    return half[np.minimum(np.arange(frames), len(half) - 1)]
