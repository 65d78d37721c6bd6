"""Key frames first: a small network proposes when a face and a head reach a pose, and which one.

Two paths see the sound at different speeds. What changes within 0.2 s drives the face (brows and
lids), the course over 2 s the head. The network is autoregressive: what it placed before, and how
long ago, is an input, so that keys are neither crowded nor repeated. It looks at the whole sound.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from mien.models import checkpoint
from mien.models.manner.config import FPS
from mien.models.manner.features import FEATURES, NAMES

Floats = NDArray[np.float32]
Track = Literal["face", "head"]
TRACKS: Final[tuple[Track, ...]] = ("face", "head")
KIND: Final = "keyframes"
WEIGHTS: Final = checkpoint.WEIGHTS / "keyframes.safetensors"
VALUES: Final[dict[Track, tuple[str, ...]]] = {
    "face": ("brow", "lid"), "head": ("HeadYaw", "HeadPitch", "HeadRoll"),
}  # fmt: skip
"""Numbers of a key: mean deviation of the brows (+1 down), of the lids, and turns in rad."""
SLOW_S: Final = 2.0
"""Length in s of the course that the head follows; its window has half of it as deviation."""
FAST_S: Final = 0.2
SINCE_S: Final = (0.2, 0.5, 1.5)
"""Time constants in s of what was placed before."""
WIDTH: Final = 32
TAPS: Final = 5
GAP: Final = 3
"""Frames at 30 Hz from one key of a track to the next, at least."""
PAST: Final = 2 * len(SINCE_S) + 2
"""Numbers of the past: how long ago each track had a key, and the first value of each."""
INPUTS: Final = FEATURES + 2
_DILATIONS: Final[dict[Track, tuple[int, ...]]] = {"face": (1, 2, 4), "head": (2, 4, 8)}


class Key(NamedTuple):
    """One key frame.

    Attributes:
        frame: at 30 Hz.
        track: face or head.
        values: of ``VALUES``.
    """

    frame: int
    track: Track
    values: tuple[float, ...]


def inputs(sound: Floats) -> dict[Track, Floats]:
    """Features (T, 13) -> what each path sees, (T, INPUTS): fast and slow parts, and the place in
    the utterance."""
    x = np.asarray(sound, np.float64)
    slow = gaussian_filter1d(x, SLOW_S / 4 * FPS, axis=0, mode="nearest")
    fast = x - gaussian_filter1d(x, FAST_S * FPS, axis=0, mode="nearest")
    level = x[:, [NAMES.index("energy"), NAMES.index("voice")]]
    fast[:, :2] = level  # a pause is fast, but its level would be taken off
    voiced = np.flatnonzero(x[:, NAMES.index("voice")] > 0.5)
    first, last = (voiced[0], voiced[-1]) if len(voiced) else (0, len(x) - 1)
    t = np.arange(len(x))
    place = np.stack([np.tanh((t - first) / FPS), np.tanh((last - t) / FPS)], axis=1)
    return {
        "face": np.concatenate([fast, place], axis=1).astype(np.float32),
        "head": np.concatenate([slow, place], axis=1).astype(np.float32),
    }


def past(frame: int, last: dict[Track, Key | None]) -> Floats:
    """Inputs (PAST,) from the last key of each track before ``frame``."""
    out = []
    for track in TRACKS:
        key = last[track]
        since = np.inf if key is None else (frame - key.frame) / FPS
        out += [float(np.exp(-since / s)) for s in SINCE_S]
    for track in TRACKS:
        key = last[track]
        out.append(0.0 if key is None else float(np.tanh(key.values[0 if track == "face" else 1])))
    return np.array(out, np.float32)


def layout() -> dict[str, tuple[int, ...]]:
    """Shape of each tensor."""
    out: dict[str, tuple[int, ...]] = {}
    for track in TRACKS:
        n = len(VALUES[track])
        out |= {f"{track}.mean": (INPUTS,), f"{track}.scale": (INPUTS,), f"{track}.value": (n,)}
        before = INPUTS
        for k in range(len(_DILATIONS[track])):
            out |= {
                f"{track}.conv{k}": (WIDTH, before, TAPS), f"{track}.conv{k}_bias": (WIDTH,),
            }  # fmt: skip
            before = WIDTH
        out |= {
            f"{track}.join": (WIDTH, WIDTH + PAST), f"{track}.join_bias": (WIDTH,),
            f"{track}.out": (1 + n, WIDTH), f"{track}.out_bias": (1 + n,), f"{track}.least": (1,),
        }  # fmt: skip
    return out


class Proposer:
    """The network of a weights file, or of tensors.

    Args:
        source: path of the weights, or tensors as in ``layout``.

    Raises:
        ModelError: no such weights, or of another network.
    """

    def __init__(self, source: Path | dict[str, Floats] = WEIGHTS) -> None:
        if isinstance(source, Path):
            tensors, _ = checkpoint.load_shaped(source, KIND, layout())
        else:
            tensors = source
        self._w = {k: np.asarray(v, np.float32) for k, v in tensors.items()}

    def propose(self, sound: Floats) -> list[Key]:
        """Key frames of features (T, 13), in order of time."""
        seen = {track: self._path(track, x) for track, x in inputs(sound).items()}
        last: dict[Track, Key | None] = dict.fromkeys(TRACKS)
        pending: list[Key] = []
        out: list[Key] = []
        for k in range(len(sound)):
            for key in [p for p in pending if p.frame + GAP <= k]:
                last[key.track] = key
                pending.remove(key)
            state = past(k, last)
            for track in TRACKS:
                if any(p.track == track for p in pending):
                    continue
                ahead = self._joined(track, seen[track][k : k + GAP], state)
                likely = ahead[:, 0]
                if likely[0] > self._w[f"{track}.least"][0] and likely[0] >= likely.max():
                    values = ahead[0, 1:] * self._w[f"{track}.value"]
                    pending.append(Key(k, track, tuple(float(v) for v in values)))
                    out.append(pending[-1])
        return sorted(out)

    def _path(self, track: Track, x: Floats) -> Floats:
        w = self._w
        h = (x - w[f"{track}.mean"]) * w[f"{track}.scale"]
        for k, dilation in enumerate(_DILATIONS[track]):
            reach = dilation * (TAPS // 2)
            edged = np.pad(h, ((reach, reach), (0, 0)), mode="edge")
            parts = [edged[i * dilation : i * dilation + len(h)] for i in range(TAPS)]
            made = sum(p @ w[f"{track}.conv{k}"][:, :, i].T for i, p in enumerate(parts))
            h = np.maximum(np.asarray(made) + w[f"{track}.conv{k}_bias"], 0.0)
        return np.asarray(h, np.float32)

    def _joined(self, track: Track, seen: Floats, state: Floats) -> Floats:
        w = self._w
        x = np.concatenate([seen, np.broadcast_to(state, (len(seen), PAST))], axis=1)
        h = np.maximum(x @ w[f"{track}.join"].T + w[f"{track}.join_bias"], 0.0)
        out = h @ w[f"{track}.out"].T + w[f"{track}.out_bias"]
        out[:, 0] = 1.0 / (1.0 + np.exp(-np.clip(out[:, 0], -30.0, 30.0)))
        return np.asarray(out, np.float32)
