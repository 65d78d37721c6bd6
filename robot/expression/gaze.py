"""Gaze: fixations on a partner's eyes and mouth, saccades, looks away, and the head that follows.

One pure step serves clip and stream: (state, time, voice, aim) -> state. Directions are degrees in
the frame of the head at neutral, yaw positive to the face's left, pitch positive up. What a saccade
leaves to the head the head turns slowly, and the composer turns the eyes back by as much (the
vestibulo-ocular reflex, ``mien.robot.expression.layers``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np

Pair: TypeAlias = tuple[float, float]
Kind: TypeAlias = Literal["idle", "point", "partner", "search"]

FACE_MM: Final = ((31.0, 22.0), (-31.0, 22.0), (0.0, -42.0))
"""Left eye, right eye and mouth of a partner, mm left and up of the face's middle."""
EYES_SHARE: Final = {True: 0.8, False: 0.65}
"""Share of fixations on the eyes while speaking and while listening. A listener looks at the mouth
more (Vatikiotis-Bateson et al. 1998, Percept. Psychophys. 60:926)."""
FIXATION_S: Final[dict[Kind, tuple[float, float, float, float]]] = {
    "partner": (0.55, 0.4, 0.25, 1.5),
    "point": (0.9, 0.4, 0.4, 1.8),
    "idle": (0.8, 0.45, 0.3, 1.8),
    "search": (0.4, 0.2, 0.25, 0.7),
}
"""Median in s, spread of the logarithm, least and longest fixation. On faces 0.3 to 0.6 s
(Henderson et al. 2005, Mem. Cogn. 33:98); the longest keeps the eyes from staring."""
SACCADE_S: Final = (0.021, 0.0022)
"""Duration of a saccade: constant in s and s per degree (Carpenter 1988, Movements of the Eyes)."""
REFRACTORY_S: Final = 0.15
"""Shortest time in s between two saccades."""
CATCH_UP_DEG: Final = 3.0
"""Distance at which a moving aim is caught by a saccade; below it the eyes pursue."""
PURSUIT_S: Final = 0.12
"""Time constant of the pursuit in s."""
AVERT_AT_ONSET: Final = 0.7
"""Share of turns that begin with a look away (Kendon 1967, Acta Psychol. 26:22)."""
AVERT_S: Final = {"onset": (1.27, 0.5), "speaking": (1.96, 0.32), "listening": (1.14, 0.27)}
"""Length of a look away, mean and deviation in s (Andrist et al. 2013, IVA:249; 2014, HRI:25)."""
BETWEEN_S: Final = {True: (4.75, 1.39), False: (7.21, 1.88)}
"""Time in s from one look away to the next, speaking and listening (Andrist et al. 2013)."""
AVERT_TO: Final = ((11.0, 2.0), (4.0, -9.0), (5.0, 8.0))
"""Looks away in degrees of yaw and pitch: to a side, down, up."""
AVERT_SHARES: Final = (0.575, 0.288, 0.137)
"""Shares of these directions while speaking (Andrist et al. 2013)."""
TURN_END_S: Final = 0.4
"""Silence in s that ends a turn. The gaze then returns to the partner."""
PARTNER_S: Final = 3.0
"""Time in s after its voice for which the face takes somebody to be in front of it."""
SEARCH_DEG: Final = (9.0, 3.0)
HEAD_SHARE: Final = (0.7, 0.5)
"""Share of the way to a person that the head turns, yaw and pitch. Eyes keep the rest, which stays
within their customary range (Stahl 1999, Exp. Brain Res. 126:41)."""
HEAD_RATE: Final = {True: 4.5, False: 1.8}
"""Rate in 1/s of the turning head, toward a person and back. A turn of 30 degrees peaks at 50
degrees/s."""
_STEP_DEG: Final = 10.0
_LEAST_STEP_DEG: Final = 2.5


@dataclass(frozen=True)
class Aim:
    """What the gaze is directed at.

    Attributes:
        yaw, pitch: direction in degrees, see the module.
        distance: distance in m, which sets how far apart a partner's eyes and mouth are.
        kind: a partner's face, a point, or the place where somebody was lost.
        turns: whether the head follows.
    """

    yaw: float
    pitch: float
    distance: float = 1.0
    kind: Kind = "partner"
    turns: bool = False


AHEAD: Final = Aim(0.0, 0.0)
"""The partner whom a speaker has when nobody says where one is."""


@dataclass(frozen=True)
class Style:
    """Seed and amount of the gaze.

    Attributes:
        seed: equal seeds give equal draws.
        amount: 0 looks at the aim alone, 1 as people do.
        spread: standard deviation of idle fixations in degrees of yaw; half of it in pitch.
    """

    seed: int = 0
    amount: float = 1.0
    spread: float = 6.5


@dataclass(frozen=True)
class Gaze:
    """State of the gaze at one time.

    Attributes:
        at: direction of the eyes in degrees, in the frame of the head at neutral.
        turn: turn of the head toward a person, degrees; ``rate`` its speed in degrees/s.
        averted: whether the eyes look away from a partner.
        kind: what is looked at.
    """

    at: Pair = (0.0, 0.0)
    turn: Pair = (0.0, 0.0)
    rate: Pair = (0.0, 0.0)
    averted: bool = False
    kind: Kind = "idle"
    t: float = 0.0
    anchor: Pair = (0.0, 0.0)
    offset: Pair = (0.0, 0.0)
    origin: Pair = (0.0, 0.0)
    began: float = -1.0
    lasts: float = 0.0
    until: float = 0.0
    away: float = math.inf
    talking: bool = False
    voiced: float = -math.inf
    events: int = 0


def step(s: Gaze, t: float, gate: float, aim: Aim | None, style: Style) -> Gaze:
    """The gaze at ``t`` s from that of an earlier time.

    Args:
        s: state before.
        t: time in s, not before ``s.t``.
        gate: voice activity of the face, 0 to 1.
        aim: what to look at; None looks at a partner ahead while it speaks, else around.
        style: seed and amount.
    """
    voiced = t if gate > 0.5 else s.voiced
    onset = gate > 0.5 and not s.talking
    ended = s.talking and t - voiced > TURN_END_S
    if aim is None and t - voiced < PARTNER_S:
        aim = AHEAD
    kind: Kind = aim.kind if aim else "idle"
    to = (aim.yaw, aim.pitch) if aim else (0.0, 0.0)
    dt, anchor = t - s.t, s.anchor
    if aim is not None and kind == s.kind:
        anchor = _toward(anchor, to, dt / PURSUIT_S, CATCH_UP_DEG)
    turn, rate = _turned(s, anchor, aim is not None and aim.turns, dt)
    s = replace(
        s, t=t, at=_position(s, anchor, t), anchor=anchor, turn=turn, rate=rate, voiced=voiced,
        talking=(s.talking or onset) and not ended,
    )  # fmt: skip
    begins = onset and kind == "partner" and not s.averted and _avoids(s, style)
    free = t >= s.began + s.lasts + REFRACTORY_S
    lost = kind != s.kind or (aim is not None and math.dist(to, anchor) > CATCH_UP_DEG and free)
    if begins:
        return _avert(replace(s, anchor=to if lost else anchor, kind=kind), "onset", style)
    if lost:
        return _met(replace(s, anchor=to), kind, aim, style)
    if (onset or ended) and kind == "partner":
        return _met(s, kind, aim, style)
    if t < s.until:
        return s
    if s.averted:
        return _met(s, kind, aim, style)
    if kind == "partner" and t >= s.away and style.amount > 0.0:
        return _avert(s, "speaking" if s.talking else "listening", style)
    return _fixate(s, kind, aim, style)


def saccade_s(degrees: float) -> float:
    """Duration in s of a saccade of so many degrees: the main sequence."""
    return SACCADE_S[0] + SACCADE_S[1] * degrees


def _position(s: Gaze, anchor: Pair, t: float) -> Pair:
    u = 1.0 if s.lasts <= 0.0 else min(max((t - s.began) / s.lasts, 0.0), 1.0)
    share = u * u * (3.0 - 2.0 * u)  # peak speed 1.5 times the mean; saccades have 1.6
    return (
        s.origin[0] + share * (anchor[0] + s.offset[0] - s.origin[0]),
        s.origin[1] + share * (anchor[1] + s.offset[1] - s.origin[1]),
    )


def _toward(now: Pair, to: Pair, share: float, reach: float) -> Pair:
    """``now``, a share of the way on to ``to``, if that is within ``reach`` degrees."""
    if math.dist(now, to) > reach:
        return now
    share = min(share, 1.0)
    return now[0] + share * (to[0] - now[0]), now[1] + share * (to[1] - now[1])


def _jump(s: Gaze, offset: Pair, seconds: float, averted: bool) -> Gaze:
    """Begin a saccade from where the eyes are."""
    to = (s.anchor[0] + offset[0], s.anchor[1] + offset[1])
    return replace(
        s, offset=offset, origin=s.at, began=s.t, lasts=saccade_s(math.dist(s.at, to)),
        until=s.t + seconds, averted=averted, events=s.events + 1,
    )  # fmt: skip


def _met(s: Gaze, kind: Kind, aim: Aim | None, style: Style) -> Gaze:
    """A new fixation, after which the next look away is drawn anew."""
    s = _fixate(s, kind, aim, style)
    return replace(s, away=s.t + _draw(style, s.events, 1, BETWEEN_S[s.talking]))


def _fixate(s: Gaze, kind: Kind, aim: Aim | None, style: Style) -> Gaze:
    rng = np.random.default_rng([style.seed, 3, s.events])
    median, spread, least, longest = FIXATION_S[kind]
    seconds = float(np.clip(median * math.exp(spread * rng.normal()), least, longest))
    s = replace(s, kind=kind)
    if kind == "partner" and aim is not None:
        away = 1e3 * min(max(aim.distance, 0.3), 10.0)
        eyes = EYES_SHARE[s.talking]
        spot = FACE_MM[int(rng.choice(3, p=(eyes / 2, eyes / 2, 1.0 - eyes)))]
        x, y = (math.degrees(math.atan2(mm, away)) for mm in spot)
    elif kind == "idle":
        x, y = _wander(s.at, style.spread, rng)
        return _jump(replace(s, anchor=(0.0, 0.0)), _scaled((x, y), style.amount), seconds, False)
    else:
        wide = SEARCH_DEG if kind == "search" else (1.2, 0.8)
        x, y = (float(np.clip(w * rng.normal(), -2 * w, 2 * w)) for w in wide)
    return _jump(s, _scaled((x, y), style.amount), seconds, False)


def _wander(at: Pair, spread: float, rng: np.random.Generator) -> Pair:
    """The next place to look at with nobody there: some degrees on, and never far out."""
    x, y = spread * rng.normal(), 0.5 * spread * rng.normal()
    way = math.dist(at, (x, y))
    share = min(max(way, _LEAST_STEP_DEG), _STEP_DEG) / max(way, 1e-9)
    return (
        float(np.clip(at[0] + share * (x - at[0]), -1.7 * spread, 1.7 * spread)),
        float(np.clip(at[1] + share * (y - at[1]), -0.9 * spread, 0.9 * spread)),
    )


def _avoids(s: Gaze, style: Style) -> bool:
    return _uniform(style, s.events) < AVERT_AT_ONSET * style.amount


def _avert(s: Gaze, why: str, style: Style) -> Gaze:
    rng = np.random.default_rng([style.seed, 4, s.events])
    x, y = AVERT_TO[int(rng.choice(len(AVERT_TO), p=AVERT_SHARES))]
    side = 1.0 if rng.random() < 0.5 else -1.0
    scale = float(np.clip(1.0 + 0.2 * rng.normal(), 0.7, 1.3))
    seconds = _draw(style, s.events, 2, AVERT_S[why])
    return _jump(s, _scaled((side * scale * x, scale * y), style.amount), seconds, True)


def _uniform(style: Style, event: int) -> float:
    return float(np.random.default_rng([style.seed, 8, event]).random())


def _draw(style: Style, event: int, stream: int, of: Pair) -> float:
    """A normal draw of mean and deviation ``of``, within two deviations."""
    z = float(np.random.default_rng([style.seed, 9, stream, event]).normal())
    return of[0] + of[1] * min(max(z, -2.0), 2.0)


def _scaled(pair: Pair, amount: float) -> Pair:
    return pair[0] * min(amount, 1.0), pair[1] * min(amount, 1.0)


def _turned(s: Gaze, anchor: Pair, there: bool, dt: float) -> tuple[Pair, Pair]:
    """The head on its way, place and speed: a critically damped turn, slower back than there."""
    w, turn, rate = HEAD_RATE[there], [], []
    fading = math.exp(-w * dt)  # exact for any step
    for k in range(2):
        goal = HEAD_SHARE[k] * anchor[k] if there else 0.0
        x, v = s.turn[k] - goal, s.rate[k]
        turn.append(goal + (x + (v + w * x) * dt) * fading)
        rate.append((v - w * (v + w * x) * dt) * fading)
    return (turn[0], turn[1]), (rate[0], rate[1])
