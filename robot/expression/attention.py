"""Attention: whom the face looks at, of the people that somebody reports.

One pure policy: (state, time, observation) -> state. It needs no camera. Places are given in the
frame of the head at neutral: yaw in degrees, positive to the face's left; pitch in degrees,
positive up; distance in m from the eyes.

The nearest and most central person wins, a newcomer for a moment, the one who was looked at long
less and less (habituation). Who is followed has an advantage and is kept for a shortest time. A
person who is lost is searched for briefly where he was, and then let go.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

import numpy as np

from mien.robot.expression.gaze import Aim

MOST_PEOPLE: Final = 8
"""People of one observation; more are not looked at."""
YAW_DEG: Final = 90.0
PITCH_DEG: Final = 60.0
DISTANCE_M: Final = (0.2, 10.0)
"""Range of a person's place. Beyond it the place is refused."""
NEW_S: Final = 2.5
"""Time in s for which a newcomer draws the gaze."""
LOST_S: Final = 0.7
"""Time in s without a sight of the followed person after which he is searched for."""
SEARCH_S: Final = 2.0
"""Time in s of the search. Then he is let go."""
FORGOTTEN_S: Final = 20.0
"""Time in s after which somebody who was lost is a newcomer again."""
STAY_S: Final = (1.5, 6.0, 12.0)
"""Dwell on one person in s: shortest, mean and longest. In conversations of several people looks
at one person last 1 to 10 s (Vertegaal et al. 2001, CHI:301)."""
TIRING_S: Final = 8.0
RESTING_S: Final = 12.0
"""Time constants of habituation to who is followed and of its recovery, s."""
KEEP: Final = 0.25
"""Advantage of the followed person within the dwell."""
SMOOTH_S: Final = 0.12
"""Time constant of the filter on a followed place, s: detections jitter by a degree."""
JUMP_DEG: Final = 6.0
"""Change of a place that is no jitter and is not smoothed."""


@dataclass(frozen=True)
class Person:
    """Where one person's face is; see the module for the frame.

    Attributes:
        name: the same number is the same person, as long as he is seen.
        yaw, pitch: direction in degrees.
        distance: in m.
    """

    name: int
    yaw: float
    pitch: float
    distance: float = 1.0

    @property
    def valid(self) -> bool:
        """Whether the place consists of numbers within the ranges."""
        return (
            abs(self.yaw) <= YAW_DEG
            and abs(self.pitch) <= PITCH_DEG
            and DISTANCE_M[0] <= self.distance <= DISTANCE_M[1]
        )  # a comparison with NaN is False


@dataclass(frozen=True)
class Known:
    """What the policy remembers of a person.

    Attributes:
        person: the last place.
        first, last: time of the first and the last sight, s.
        tired: habituation, 0 to 1.
    """

    person: Person
    first: float
    last: float
    tired: float = 0.0


@dataclass(frozen=True)
class Attention:
    """State of the attention.

    Attributes:
        t: time in s.
        known: people by name, with those who were lost a short time ago.
        followed: name of the person who is looked at; None looks at nobody.
        since: time in s at which that began.
        stay: time in s for which he keeps his advantage.
        changes: how often the followed person changed.
    """

    t: float = 0.0
    known: Mapping[int, Known] = field(default_factory=lambda: MappingProxyType({}))
    followed: int | None = None
    since: float = 0.0
    stay: float = 0.0
    changes: int = 0


def attend(
    state: Attention, t: float, seen: tuple[Person, ...] | None = None, seed: int = 0
) -> Attention:
    """The attention at ``t`` s.

    Args:
        state: that of an earlier time.
        t: time in s.
        seen: all people of a new observation; an empty one sees nobody, None is no observation.
        seed: equal seeds and observations give equal choices.
    """
    dt = max(t - state.t, 0.0)
    known = {
        name: replace(k, tired=_tired(k.tired, name == state.followed, dt))
        for name, k in state.known.items()
        if t - k.last < FORGOTTEN_S
    }
    for person in (seen or ())[:MOST_PEOPLE]:
        if person.valid:
            known[person.name] = _sighted(known.get(person.name), person, t)
    if len(known) > 4 * MOST_PEOPLE:  # a source that renames everybody at every sight
        latest = sorted(known, key=lambda name: known[name].last)[-4 * MOST_PEOPLE :]
        known = {name: known[name] for name in latest}
    state = replace(state, t=t, known=MappingProxyType(known))
    followed = known.get(-1 if state.followed is None else state.followed)
    if followed is not None and t - followed.last < LOST_S and t - state.since < STAY_S[0]:
        return state
    here = {name: k for name, k in known.items() if t - k.last < LOST_S}
    if here:
        best = max(here, key=lambda name: (_score(here[name], state), -name))
        return state if best == state.followed else _follow(state, best, seed)
    if followed is not None and t - followed.last < LOST_S + SEARCH_S:
        return state
    return replace(state, followed=None)


def aim(state: Attention) -> Aim | None:
    """What the gaze is to be directed at; None for nobody."""
    if state.followed is None or state.followed not in state.known:
        return None
    at = state.known[state.followed]
    searching = state.t - at.last >= LOST_S
    person = at.person
    return Aim(
        person.yaw, person.pitch, person.distance, "search" if searching else "partner", turns=True
    )


def _tired(tired: float, followed: bool, dt: float) -> float:
    goal, rate = (1.0, TIRING_S) if followed else (0.0, RESTING_S)
    return goal + (tired - goal) * math.exp(-dt / rate)


def _sighted(before: Known | None, person: Person, t: float) -> Known:
    if before is None:
        return Known(person, t, t)
    old, dt = before.person, t - before.last
    share = 1.0 - math.exp(-max(dt, 0.0) / SMOOTH_S)
    if dt > LOST_S or math.hypot(person.yaw - old.yaw, person.pitch - old.pitch) > JUMP_DEG:
        share = 1.0
    place = Person(
        person.name,
        old.yaw + share * (person.yaw - old.yaw),
        old.pitch + share * (person.pitch - old.pitch),
        old.distance + share * (person.distance - old.distance),
    )
    return replace(before, person=place, last=t)


def _score(known: Known, state: Attention) -> float:
    """How much a person draws the gaze: near 1, central 0.5, new 1, tiring -1."""
    person = known.person
    near = 1.0 / (1.0 + person.distance)
    central = 0.5 * math.cos(math.radians(min(math.hypot(person.yaw, person.pitch), 90.0)))
    new = max(0.0, 1.0 - (state.t - known.first) / NEW_S)
    kept = state.followed == person.name and state.t - state.since < state.stay
    return near + central + new - known.tired + KEEP * kept


def _follow(state: Attention, name: int, seed: int) -> Attention:
    rng = np.random.default_rng([seed, 10, state.changes])
    stay = float(np.clip(rng.gamma(4.0, STAY_S[1] / 4.0), STAY_S[0], STAY_S[2]))
    return replace(state, followed=name, since=state.t, stay=stay, changes=state.changes + 1)
