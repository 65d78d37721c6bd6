"""Life: blinks, gaze, breath, brow and head motion besides speech.

Speech is the primary layer and life is added to it. Life never moves the mouth, so that closures
stay
closed. Everything is a function of time drawn from a seed. A clip is repeatable, and a longer clip
begins like a shorter one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import FPS, INDEX, indices
from mien.robot.expression import gaze
from mien.robot.expression.emotion.prosody import pauses, smooth
from mien.robot.expression.eyes import EYE_RANGE_DEG, LOOKS, look
from mien.robot.expression.gaze import Aim, Gaze, Style
from mien.robot.face.config import Floats
from mien.robot.face.solver import HEAD_RANGE_DEG

BLINK_CLOSE_S, BLINK_HOLD_S, BLINK_OPEN_S = 0.075, 0.03, 0.15
"""Down in about a third of the whole, up slower (Evinger et al. 1991, IOVS 32:387)."""
BLINK_EVERY_S: Final = (2.0, 6.0)
"""17 a minute at rest and 26 in talk (Bentivoglio et al. 1997, Mov. Disord. 12:1028)."""
BLINK_AT_PAUSE: Final = 0.5
"""Share of the pauses with a blink; speakers blink where they pause (Nakano & Kitazawa 2010)."""
DOUBLE: Final = 0.12
"""Share of blinks that a second one follows."""
DOUBLE_AFTER_S: Final = 0.36
SWAY: Final = (
    (0.031, 2.7, 2.1, 1.5), (0.057, 2.0, 1.6, 1.2), (0.103, 1.0, 0.8, 0.7), (0.19, 0.4, 0.3, 0.3),
    (0.34, 0.25, 0.22, 0.13), (0.61, 0.28, 0.3, 0.16), (1.1, 0.26, 0.37, 0.15),
    (1.9, 0.18, 0.28, 0.1),
)  # fmt: skip
"""Sway of the head: frequency in Hz, and amplitudes of yaw, pitch and roll in degrees. The spectrum
is that of a person who reads sentences aloud (speaker s1 of GRID, ``mien bench life``). He sat
still before a prompter; the amplitude within a sentence is up to twice his."""
NOD_DEG: Final = 1.6
"""Beat of the head in degrees on a full stress. Beats go down and up in turn, a little more up: the
pitch of GRID's speaker rises with loudness (r .2)."""
NOD_HZ: Final = 0.23
NOD_UP: Final = 0.35
BREATH_DEG: Final = 0.9
BREATH_S: Final = 3.8
"""Period of the breath at rest in s (about 16 per minute)."""
INHALE_S: Final = 0.5
"""Time in s in which a speaker inhales in a pause."""
LID_REST: Final = 0.1
"""How far living lids hang between blinks, eyeBlink. The drawn head at rest stares: its lids are as
far apart as those of somebody who is startled, and with an open mouth it is read as that. GRID's
speaker has medians of .13 and .09 (left, right) on MediaPipe's scale."""
BROW_REST: Final = 0.1
"""How far living brows hang where the voice has no stress, browDown (GRID: .18 and .16)."""
BROWS: Final = indices(("browInnerUp", "browOuterUpLeft", "browOuterUpRight"))
"""Brows that rise with the stress of a voice."""
APART_S: Final = 0.34
"""At most three blinks begin in any second, whatever the voice does: eyes never flicker."""
_MERGED_S = 0.7  # a spontaneous blink this close in s to one in a pause is dropped


@dataclass(frozen=True)
class Glance:
    """Gaze target from a time on.

    Attributes:
        t: time in s.
        yaw: ARKit eyeLook weight in -1..1, positive to the face's left.
        pitch: the same, positive up.
    """

    t: float
    yaw: float
    pitch: float

    @property
    def aim(self) -> Aim:
        """The point in degrees."""
        return Aim(EYE_RANGE_DEG[0] * self.yaw, EYE_RANGE_DEG[1] * self.pitch, kind="point")


@dataclass(frozen=True)
class Habits:
    """Somebody's way beside the lips: factors of brows and of the head, numbers or (T,), and of the
    rate of blinks."""

    brows: Floats | float = 1.0
    head: Floats | float = 1.0
    blinks: float = 1.0


@dataclass(frozen=True)
class Life:
    """Blinks, saccades, breath, slow head sway, and brows that follow the stress of the voice.

    Args:
        seed: the same seed gives the same life.
        amount: 0 none, 1 as in human conversation.
        head_gain: factor of all motion of the head, 0 to 2, that of emotions included, or one each
            for yaw, pitch and roll. At 0 the head is still and the eyes live on.
        gaze_spread: standard deviation of fixations with nobody there, eyeLook weight.
        glances: gaze targets in order of time. Before the first one the face looks at a partner
            ahead while it speaks, and around while it does not.
        habits: of the style of a voice.
    """

    seed: int = 0
    amount: float = 1.0
    head_gain: float | tuple[float, float, float] = 1.0
    gaze_spread: float = 0.45
    glances: tuple[Glance, ...] = ()
    habits: Habits = Habits()

    def weights(
        self, t: Floats, stress: Floats, voice: Floats | None = None
    ) -> NDArray[np.float32]:
        """Additive ARKit weights (T, 52), for a head that is still (``layers.compose``).

        Args:
            t: (T,) s, at 60 fps if ``voice`` is given.
            stress: (T,) 0..1, see ``mien.robot.expression.emotion.prosody``.
            voice: (T,) voice activity 0..1 for blinks in pauses and for the gaze; None blinks and
                looks as at rest.
        """
        out = self.lids_and_brows(t, stress, voice)
        at = np.array([g.at for g in self.gaze(t, voice)]).reshape(-1, 2)
        out[:, LOOKS] = look(at[:, 0], at[:, 1])
        return out

    def lids_and_brows(
        self, t: Floats, stress: Floats, voice: Floats | None = None
    ) -> NDArray[np.float32]:
        """The ``weights`` without the gaze, (T, 52); linear in the stress."""
        out = np.zeros((len(t), len(INDEX)), dtype=np.float32)
        until = float(t[-1]) + 1.0 if len(t) else 1.0
        stops = pauses(voice) if voice is not None else np.zeros(0)
        lid = _blink(t, self.blinks(until, stops))
        lid = (LID_REST + (1.0 - LID_REST) * lid) * min(1.0, self.amount * 2.0)
        out[:, INDEX["eyeBlinkLeft"]] = out[:, INDEX["eyeBlinkRight"]] = lid
        brow = (0.35 * self.amount * self.habits.brows * stress).astype(np.float32)
        out[:, BROWS] = np.outer(brow, (1.0, 0.7, 0.7))
        hung = (BROW_REST * min(1.0, self.amount) * (1.0 - stress)).astype(np.float32)
        out[:, INDEX["browDownLeft"]] = out[:, INDEX["browDownRight"]] = hung
        return out

    @property
    def style(self) -> Style:
        """Seed and amount of the gaze."""
        return Style(self.seed, self.amount, self.gaze_spread * EYE_RANGE_DEG[0])

    def gaze(self, t: Floats, voice: Floats | None = None) -> list[Gaze]:
        """The gaze at every one of ``t`` (T,) s: the steps of a stream, one after the other."""
        aims = sorted(self.glances, key=lambda g: g.t)
        speaks = np.zeros(len(t)) if voice is None else voice
        now = np.searchsorted([g.t for g in aims], t, side="right").tolist()
        state, style, out = Gaze(), self.style, []
        for k, (at, gate) in enumerate(zip(t.tolist(), speaks.tolist(), strict=True)):
            aim = aims[now[k] - 1].aim if now[k] else None
            state = gaze.step(state, at, gate, aim, style)
            out.append(state)
        return out

    def head(
        self,
        t: Floats,
        stress: Floats,
        voice: Floats | None = None,
        energy: Floats | float = 1.0,
    ) -> Floats:
        """Neck commands (T, 3) yaw, pitch, roll in -1..1: sway, breath, and a beat on each stress.

        Args:
            t, stress, voice: as in :meth:`weights`.
            energy: factor of sway and nods, (T,) or a number.
        """
        phase = np.random.default_rng([self.seed, 2]).uniform(0, 2 * np.pi, (3, len(SWAY)))
        hz, *degrees = np.array(SWAY).T
        turns = np.sin(2 * np.pi * t[:, None, None] * hz + phase)
        waves = np.einsum("tkf,kf->tk", turns, degrees)
        rest = 1.0 - np.exp(-t / 0.5)  # starts from the neutral head
        scale = np.broadcast_to(np.asarray(energy, dtype=np.float64), t.shape)
        out = waves * (rest * scale)[:, None]
        beat = NOD_UP + np.sin(2 * np.pi * NOD_HZ * t + phase[0, 0])
        out[:, 1] += NOD_DEG * scale * stress * beat
        out[:, 1] += BREATH_DEG * rest * self.breath(t, voice)
        habit = np.reshape(self.habits.head, (-1, 1))
        return np.asarray(self.amount * habit * out / HEAD_RANGE_DEG)

    def breath(self, t: Floats, voice: Floats | None = None) -> Floats:
        """Breath (T,) in -1..1: slow at rest, quick in the pauses of a speaker."""
        phase = np.random.default_rng([self.seed, 5]).uniform(0, 2 * np.pi)
        idle = np.sin(2 * np.pi * t / BREATH_S + phase)
        if voice is None:
            return np.asarray(idle)
        since = t[:, None] - pauses(voice)[None, :]
        drawn = _ease(np.clip(since / INHALE_S, 0, 1)) * np.exp(-np.maximum(since, 0) / 1.5)
        speaks = smooth(voice, 0.5)
        return np.asarray((1.0 - speaks) * idle + np.where(since > 0, drawn, 0.0).max(1, initial=0))

    def blinks(self, until: float, stops: Floats) -> Floats:
        """Times in s at which the lids begin to fall (P,): spontaneous, double, and in pauses."""
        every, twice, stop = (np.random.default_rng([self.seed, k]) for k in (1, 6, 7))
        rate = self.habits.blinks
        count = int(until * rate / BLINK_EVERY_S[0]) + 4
        free = np.cumsum(every.uniform(*BLINK_EVERY_S, count) / rate) - 1.0
        doubled = twice.random(count) < DOUBLE
        chosen = stops[stop.random(len(stops)) < BLINK_AT_PAUSE]
        if len(chosen):
            near = np.abs(free[:, None] - chosen[None, :]).min(axis=1) < _MERGED_S
            free, doubled = free[~near], doubled[~near]
        return _apart(np.sort(np.concatenate([free, free[doubled] + DOUBLE_AFTER_S, chosen])))


def _apart(starts: Floats) -> Floats:
    """The ``starts``, rising, that lie at least ``APART_S`` after the last one taken."""
    kept: list[float] = []
    for start in starts.tolist():
        if not kept or start - kept[-1] >= APART_S:
            kept.append(start)
    return np.array(kept)


def _blink(t: Floats, starts: Floats) -> NDArray[np.float32]:
    d = t[:, None] - starts[None, :]
    down = np.clip(d / BLINK_CLOSE_S, 0, 1)
    up = np.clip((d - BLINK_CLOSE_S - BLINK_HOLD_S) / BLINK_OPEN_S, 0, 1)
    shut = _ease(down) - _ease(up)
    return np.asarray(shut.max(axis=1, initial=0.0), dtype=np.float32)


def _ease(u: Floats) -> Floats:
    return np.asarray(u * u * (3.0 - 2.0 * u))


__all__ = ["FPS", "Glance", "Habits", "Life"]
