"""What lives in a face besides speech: blinks, gaze, brows and head, as functions of time.

One primary layer (speech) and additive secondary ones. A layer never touches the mouth, so that
closures stay closed. Everything is drawn from a seed, so a clip can be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.blendshapes import INDEX
from robot.config import Floats

BLINK_CLOSE_S, BLINK_HOLD_S, BLINK_OPEN_S = 0.075, 0.03, 0.15
"""Down in about a third of the whole, up slower (Evinger et al. 1991, IOVS 32:387)."""
BLINK_EVERY_S = (2.0, 6.0)
"""17 a minute at rest and 26 in talk (Bentivoglio et al. 1997, Mov. Disord. 12:1028)."""
FIXATION_S = (0.6, 2.2)
SACCADE_S = 0.06
HEAD_HZ = (0.11, 0.17, 0.23)
FPS = 60


@dataclass(frozen=True)
class Life:
    """Blinks, small saccades, slow head sway and brows that follow the voice's stress.

    Args:
        seed: the same seed gives the same life.
        amount: 0 a statue, 1 as people do in conversation.
    """

    seed: int = 0
    amount: float = 1.0
    gaze_spread: float = 0.18

    def weights(self, t: Floats, stress: Floats) -> NDArray[np.float32]:
        """Additive ARKit weights (T, 52) at times ``t`` (T,) s; ``stress`` (T,) is 0..1."""
        out = np.zeros((len(t), len(INDEX)), dtype=np.float32)
        blinks, changes, targets = self._schedule(float(t[-1]) + 1.0 if len(t) else 1.0)
        lid = _blink(t, blinks) * min(1.0, self.amount * 2.0)
        out[:, INDEX["eyeBlinkLeft"]] = out[:, INDEX["eyeBlinkRight"]] = lid
        yaw, pitch = (_saccades(t, changes, targets[:, k]) * self.amount for k in (0, 1))
        for side, sign in (("Left", 1.0), ("Right", -1.0)):  # + yaw is to the face's left
            out[:, INDEX[f"eyeLookOut{side}"]] = np.maximum(sign * yaw, 0.0)
            out[:, INDEX[f"eyeLookIn{side}"]] = np.maximum(-sign * yaw, 0.0)
            out[:, INDEX[f"eyeLookUp{side}"]] = np.maximum(pitch, 0.0)
            out[:, INDEX[f"eyeLookDown{side}"]] = np.maximum(-pitch, 0.0)
        brow = (0.35 * self.amount * stress).astype(np.float32)
        out[:, INDEX["browInnerUp"]] = brow
        out[:, INDEX["browOuterUpLeft"]] = out[:, INDEX["browOuterUpRight"]] = 0.7 * brow
        return out

    def head(self, t: Floats, stress: Floats) -> Floats:
        """Yaw, pitch, roll (T, 3) as neck commands in [-1, 1]: a sway and a nod on each stress."""
        phase = np.random.default_rng([self.seed, 2]).uniform(0, 2 * np.pi, (3, len(HEAD_HZ)))
        sway = np.stack(
            [
                sum(np.sin(2 * np.pi * f * t + phase[k, i]) for i, f in enumerate(HEAD_HZ))
                for k in range(3)
            ],
            axis=1,
        ) / len(HEAD_HZ)
        rest = 1.0 - np.exp(-t / 0.5)  # starts from the neutral head
        out = sway * rest[:, None] * np.array([0.22, 0.14, 0.14])
        out[:, 1] -= 0.12 * stress
        return np.asarray(self.amount * out)

    def _schedule(self, until: float) -> tuple[Floats, Floats, Floats]:
        # A generator each: drawing more for a longer clip never changes what came before.
        blink, fixate, look = (np.random.default_rng([self.seed, k]) for k in (1, 3, 4))
        count = int(until / FIXATION_S[0]) + 4
        blinks = np.cumsum(blink.uniform(*BLINK_EVERY_S, count)) - 1.0
        changes = np.cumsum(fixate.uniform(*FIXATION_S, count))
        targets = look.normal(0.0, (self.gaze_spread, 0.5 * self.gaze_spread), (count, 2))
        return blinks, changes, np.clip(targets, -0.5, 0.5)


def stress(samples: NDArray[np.float32], rate: int, frames: int) -> Floats:
    """How much the voice presses, (frames,) in 0..1 at 60 fps: energy above its own slow mean.

    It looks at the whole clip and rises a little before the syllable, as brows do.
    """
    edges = np.minimum(np.arange(frames + 1) * rate // FPS, len(samples))
    power = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    energy = (power[edges[1:]] - power[edges[:-1]]) / np.maximum(np.diff(edges), 1)
    level = 10 * np.log10(energy + 1e-7)
    fast, slow = _smooth(level, 0.08), _smooth(level, 0.9)
    voiced = 1 / (1 + np.exp(-(level - (level.max(initial=-70) - 30)) / 3))
    return np.asarray(np.clip((fast - slow) / 10.0, 0.0, 1.0) * _smooth(voiced, 0.1))


def combine(speech: NDArray[np.float32], *layers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Speech plus additive layers, (T, 52) each, kept in 0..1."""
    return np.asarray(np.clip(speech + sum(layers), 0.0, 1.0), dtype=np.float32)


def _blink(t: Floats, starts: Floats) -> NDArray[np.float32]:
    d = t[:, None] - starts[None, :]
    down = np.clip(d / BLINK_CLOSE_S, 0, 1)
    up = np.clip((d - BLINK_CLOSE_S - BLINK_HOLD_S) / BLINK_OPEN_S, 0, 1)
    shut = _ease(down) - _ease(up)
    return np.asarray(shut.max(axis=1, initial=0.0), dtype=np.float32)


def _saccades(t: Floats, changes: Floats, targets: Floats) -> NDArray[np.float32]:
    now = np.searchsorted(changes, t)
    before = np.where(now > 0, targets[np.maximum(now - 1, 0)], 0.0)
    previous = np.where(now > 1, targets[np.maximum(now - 2, 0)], 0.0)
    since = t - np.where(now > 0, changes[np.maximum(now - 1, 0)], -1.0)
    return np.asarray(
        previous + (before - previous) * _ease(np.clip(since / SACCADE_S, 0, 1)), np.float32
    )


def _ease(u: Floats) -> Floats:
    return np.asarray(u * u * (3.0 - 2.0 * u))


def _smooth(x: Floats, seconds: float) -> Floats:
    from scipy.ndimage import gaussian_filter1d

    return np.asarray(gaussian_filter1d(x, seconds * FPS, mode="nearest"))
