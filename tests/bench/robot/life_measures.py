"""Measures of life: what heads, brows, lids and eyes do, of a filmed person and of this face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien.models.data.corpora.grid import stored
from mien.models.data.schema import read_audio
from mien.models.face.blendshapes import FPS, INDEX
from mien.robot.expression.emotion.prosody import loudness, smooth, voice
from mien.robot.expression.gaze import Gaze
from mien.robot.expression.layers import act
from mien.robot.expression.life import Life
from mien.robot.face.config import Floats
from mien.robot.face.solver import HEAD_RANGE_DEG
from mien.robot.media.audio import RATE

BANDS_HZ: Final = ((0.3, 0.7), (0.7, 1.4), (1.4, 2.7), (2.7, 5.0))
AXES: Final = ("yaw", "pitch", "roll")
BLINK: Final = 0.4
LONGEST_BLINK_S: Final = 0.5
"""A closure that lasts longer is a look down or a rest."""
_LOUD_S: Final = 0.08


@dataclass(frozen=True, eq=False)
class Talk:
    """One sentence of one face.

    Attributes:
        head: (T, 3) degrees of yaw, pitch, roll.
        brow: (T,) how far the brows are up, in units of its own.
        lid: (T,) how far the lids are closed, 0 to 1.
        sound: (n,) at 16 kHz.
        fps: frames per second.
    """

    head: Floats
    brow: Floats
    lid: Floats
    sound: NDArray[np.float32]
    fps: float


def filmed(folder: Path, half: int) -> list[Talk]:
    """Every second sentence of a corpus in GRID's layout, in name order, from ``half`` 0 or 1.

    Raises:
        ModelError: the folder has another layout.
    """
    data = stored(folder)
    names = [str(n) for n in data["blendshape_names"]]
    yaw, x, z = Rotation.from_matrix(data["head_matrix"][:, :3, :3]).as_euler("YXZ", True).T
    head = np.stack([yaw, -x, -z], axis=1)  # x turns the nose down
    column = {n: data["blendshapes"][:, i].astype(np.float64) for i, n in enumerate(names)}
    brow = column["browInnerUp"] - 0.5 * (column["browDownLeft"] + column["browDownRight"])
    lid = 0.5 * (column["eyeBlinkLeft"] + column["eyeBlinkRight"])
    clips = [str(c) for c in data["clip"]]
    out = []
    for i in sorted(range(len(clips)), key=clips.__getitem__)[half::2]:
        at = slice(int(data["start"][i]), int(data["start"][i + 1]))
        if data["tracked"][at].all():
            sound = (read_audio(folder / "audio" / f"{clips[i]}.flac") / 32768).astype(np.float32)
            out.append(Talk(head[at], brow[at], lid[at], sound, float(data["fps"])))
    return out


def played(talks: Sequence[Talk], life: Life) -> list[Talk]:
    """This face with the voices of ``talks`` in a row, at the frame rate of the film."""
    whole = [np.resize(t.sound, round(len(t.head) / t.fps * RATE)) for t in talks]
    sound = np.concatenate(whole)
    frames = len(sound) * FPS // RATE
    acted = act(np.zeros((frames, len(INDEX)), np.float32), sound, RATE, life)
    head = acted.head * HEAD_RANGE_DEG
    brow, lid = (acted.weights[:, INDEX[n]] for n in ("browInnerUp", "eyeBlinkLeft"))
    t, out, start = np.arange(frames) / FPS, [], 0.0
    for talk in talks:
        at = start + np.arange(len(talk.head)) / talk.fps
        columns = np.stack([np.interp(at, t, head[:, k]) for k in range(3)], axis=1)
        out.append(
            Talk(columns, np.interp(at, t, brow), np.interp(at, t, lid), talk.sound, talk.fps)
        )
        start += len(talk.head) / talk.fps
    return out


def measures(talks: Sequence[Talk]) -> dict[str, float]:
    """Amplitudes, speeds and spectra of head and brows, and blinks, over sentences."""
    out: dict[str, float] = {}
    fps = talks[0].fps
    inner = np.mean([t.head.std(axis=0) for t in talks], axis=0)
    speed = np.mean([np.diff(t.head, axis=0).std(axis=0) * fps for t in talks], axis=0)
    between = np.std([t.head.mean(axis=0) for t in talks], axis=0)
    for k, axis in enumerate(AXES):
        out[f"{axis}_deg"] = float(inner[k])
        out[f"{axis}_wander_deg"] = float(between[k])
        out[f"{axis}_deg_s"] = float(speed[k])
    for k, axis in enumerate((*AXES, "brow")):
        rows = [t.brow if axis == "brow" else t.head[:, k] for t in talks]
        for (low, high), share in zip(BANDS_HZ, spectrum(rows, fps), strict=True):
            out[f"{axis}_share_{low:g}_{high:g}_hz"] = share
    out["brow_r_loudness"] = _mean_r([(t.brow, t) for t in talks])
    out["pitch_r_loudness"] = _mean_r([(t.head[:, 1], t) for t in talks])
    lengths = blink_lengths([t.lid for t in talks], fps)
    seconds = sum(len(t.lid) for t in talks) / fps
    out["blinks_per_min"] = 60.0 * len(lengths) / seconds
    out["blink_s"] = float(np.mean(lengths)) if lengths else 0.0
    return out


def spectrum(rows: Sequence[Floats], fps: float) -> list[float]:
    """Share of the power of ``rows`` (T,) in each of BANDS_HZ; a Hann window, the mean removed."""
    size = min(map(len, rows))
    power = np.mean(
        [
            np.abs(np.fft.rfft((r[:size] - r[:size].mean()) * np.hanning(size))) ** 2
            for r in map(np.asarray, rows)
        ],
        axis=0,
    )
    hz = np.fft.rfftfreq(size, 1 / fps)
    return [float(power[(hz >= a) & (hz < b)].sum() / max(power.sum(), 1e-12)) for a, b in BANDS_HZ]


def blink_lengths(lids: Sequence[Floats], fps: float) -> list[float]:
    """Duration in s of every blink: lids beyond BLINK for at most LONGEST_BLINK_S."""
    out = []
    for lid in lids:
        shut = np.concatenate([[False], lid > BLINK, [False]]).astype(int)
        begins, ends = np.flatnonzero(np.diff(shut) == 1), np.flatnonzero(np.diff(shut) == -1)
        out += [float(n) / fps for n in ends - begins if n <= LONGEST_BLINK_S * fps]
    return out


def of_gaze(gazes: Sequence[Gaze], gate: Floats) -> dict[str, float]:
    """Saccades, fixations and looks away of a gaze (T,) at 60 fps beside its voice (T,)."""
    at = np.array([g.at for g in gazes])
    events = (np.flatnonzero(np.diff([g.events for g in gazes])) + 1).tolist()
    sizes = [float(np.hypot(*(at[min(k + 8, len(at) - 1)] - at[k]))) for k in events]
    away = np.array([g.averted for g in gazes])
    edges = np.flatnonzero(np.diff(away.astype(int))) + 1
    spells = [float(b - a) / FPS for a, b in pairwise(edges.tolist()) if away[a]]
    speaks = gate > 0.5
    return {
        "saccades_per_min": 60.0 * len(events) * FPS / len(at),
        "saccade_deg": float(np.mean(sizes)),
        "fixation_s": float(np.median(np.diff(events))) / FPS,
        "away_s": float(np.mean(spells)) if spells else 0.0,
        "away_share_speaking": float(away[speaks].mean()) if speaks.any() else 0.0,
        "away_share_listening": float(away[~speaks].mean()),
    }


def _mean_r(pairs: Sequence[tuple[Floats, Talk]]) -> float:
    """Mean r of a course with the loudness of its sentence, while somebody speaks."""
    found = []
    for course, talk in pairs:
        frames = len(talk.sound) * FPS // RATE
        at = np.arange(len(course)) / talk.fps
        t = np.arange(frames) / FPS
        level = np.interp(at, t, smooth(loudness(talk.sound, RATE, frames), _LOUD_S))
        speaks = np.interp(at, t, voice(talk.sound, RATE, frames)) > 0.5
        if speaks.sum() > 5 and course[speaks].std() > 1e-9:
            found.append(float(np.corrcoef(course[speaks], level[speaks])[0, 1]))
    return float(np.mean(found)) if found else 0.0
