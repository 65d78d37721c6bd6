"""What to babble, in which order: safe before anything is known, informative later.

neutral     the face at rest, now and again: noise and drift
single      one actuator at a time, small before large: sign, range, stuck or swapped channels
loop        each string up and down, whole and half way: slack point and hysteresis
combo       low-discrepancy mixtures, growing; half of them move few actuators, as expressions do,
            but all pull strings
neck        the head turned: only for the pose of the head, not for the face
active      mixtures chosen where the first model knows least (added by ``collect``)
held        never learned from: what ``verify`` asks
string      strings pulled as in mixtures, the rest of the face still
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.safety import Limiter

KINDS = ("start", "neutral", "single", "loop", "neck", "combo", "active", "held", "string")
"""``start`` is no pose: it marks that the face was (re)started at its safe pose."""

FIRST_PASS = ("neutral", "single")
"""What is done before anything is known to be wired right."""
MIXED = ("combo", "active")
"""What a budget of minutes is saved on: all else is needed, however few of these there are."""

_AMPLITUDES = (0.3, 0.65, 1.0)
_LOOP = (0.2, 0.4, 0.6, 0.8, 1.0, 0.8, 0.6, 0.4, 0.2, 0.0, 0.5, 0.25, 0.5, 0.0)
_STRINGS, _STRINGS_SHARE = 60, 0.08  # poses of the strings alone: at least, and of all
_REST = 4  # neutral poses at the start
_NEUTRAL_EVERY = 100
_GROWING = 0.25  # share of the combos whose amplitude still grows
_ACTIVE_SHARE = 0.35
_HELD = 150
_NECK, _TURNS = 0.9, 20  # share of the range that the neck is turned over, and how often
_SWING = 1.0  # rad; pulls that follow one another have a correlation of about -0.6
_FAR = 0.6  # 1: the arcsine's density; 0: all or nothing
_FEW = 0.2  # chance that an actuator moves in a sparse mixture
POSE_S = 0.32
"""Seconds that a pose takes on the rig."""
_PACE_S = 1.7  # that watching the pace of one actuator takes


@dataclass(frozen=True, eq=False)
class Plan:
    """Poses in order.

    Attributes:
        face, face_hash: whom it is for.
        seed: of the mixtures.
        kind: (P,) index into ``KINDS``.
        goals: (P, n) commands, inside limits and interlocks.
        active: poses that ``collect`` is still to choose itself, before the held ones.
        minutes: of robot time; what would take longer is left out of the mixtures.
    """

    face: str
    face_hash: str
    seed: int
    kind: NDArray[np.uint8]
    goals: Floats
    active: int
    minutes: float = np.inf

    def __len__(self) -> int:
        return len(self.goals)

    def save(self, path: Path) -> None:
        """Write it whole or not at all."""
        part = path.with_suffix(".part")
        with part.open("wb") as f:
            np.savez(
                f,
                face=self.face,
                face_hash=self.face_hash,
                seed=self.seed,
                kind=self.kind,
                goals=self.goals,
                active=self.active,
                minutes=self.minutes,
            )
        part.replace(path)

    @classmethod
    def load(cls, path: Path, face: FaceConfig) -> Plan:
        """Read it.

        Raises:
            InputError: missing, damaged, or a plan for another face.
        """
        again = f"mien calibrate plan --face {face.name} --out {path.parent}"
        try:
            with path.open("rb") as f, np.load(f) as z:
                plan = cls(
                    str(z["face"]),
                    str(z["face_hash"]),
                    int(z["seed"]),
                    z["kind"],
                    z["goals"],
                    int(z["active"]),
                    float(z["minutes"]) if "minutes" in z else np.inf,
                )
        except (OSError, KeyError, ValueError, EOFError) as e:
            raise InputError(f"cannot read the plan {path}: {e}", again) from e
        if (plan.face, plan.face_hash) != (face.name, face.hash):
            raise InputError(
                f"{path} is a plan for {plan.face} ({plan.face_hash}), "
                f"this face is {face.name} ({face.hash})",
                again,
            )
        return plan

    @property
    def asking(self) -> int:
        """Where the held poses begin; neutral ones lie between them."""
        return int(np.argmax(self.kind == KINDS.index("held")))

    def choosing(self, done: AbstractSet[int], short: bool = False) -> bool:
        """Whether poses are still to be chosen: not with time ``short``, and not once one of those
        that come after them is ``done``, for poses keep their numbers."""
        return bool(self.active) and not short and max(done, default=-1) < self.asking

    def left(self, done: AbstractSet[int], short: bool = False) -> list[int]:
        """Poses that are still to be visited, in order; no mixtures with time ``short``."""
        end = self.asking if self.choosing(done, short) else len(self)
        without = MIXED if short else ()
        return [i for i in range(end) if i not in done and KINDS[self.kind[i]] not in without]

    def with_active(self, goals: Floats) -> Plan:
        """The chosen poses put in before the held ones."""
        kind = np.full(len(goals), KINDS.index("active"), dtype=np.uint8)
        return replace(
            self,
            kind=np.insert(self.kind, self.asking, kind),
            goals=np.insert(self.goals, self.asking, goals, axis=0),
            active=self.active - len(goals),
        )


def make_plan(
    face: FaceConfig, poses: int, seed: int = 0, again: str = "", minutes: float = np.inf
) -> Plan:
    """A plan of about ``poses`` poses; ``again`` is the command that makes one, for errors.

    Raises:
        InputError: too few poses or ``minutes`` to visit every actuator and still learn and verify.
    """
    strings = _strings_alone(face, max(_STRINGS, round(_STRINGS_SHARE * poses)), seed)
    fixed = [*_singles(face), *_loops(face), *strings, *_necks(face, seed)]
    least = int(len(fixed) + 2 * _moving(face).sum() + _held(poses))
    again = again or f"mien calibrate plan --face {face.name}"
    if poses < least:
        raise InputError(
            f"{poses} poses are too few for {face.name}: at least {least}",
            f"{again} --poses {least}",
        )
    needed = np.ceil((least * POSE_S + len(face.names) * _PACE_S) / 6.0) / 10.0
    if not minutes >= needed:
        raise InputError(
            f"{minutes:g} minutes are too few for {face.name}: at least {needed:g}",
            f"{again} --poses {poses} --minutes {needed:g}",
        )
    free = poses - len(fixed) - _held(poses) - poses // _NEUTRAL_EVERY - _REST
    active = int(_ACTIVE_SHARE * free)
    grow = np.minimum(1.0, 0.35 + 0.65 * np.arange(free - active) / (_GROWING * (free - active)))
    combos = pulled(face, mixtures(face, free - active, seed), seed) * grow[:, None]
    held = mixtures(face, _held(poses), seed + 7919)
    rows = [
        *fixed,
        *(("combo", g) for g in combos),
        *(("held", g) for g in held),
    ]
    rows = list(_with_neutrals(face, rows))
    goals = allowed(face, np.array([g for _, g in rows]))
    kind = np.array([KINDS.index(k) for k, _ in rows], dtype=np.uint8)
    return Plan(face.name, face.hash, seed, kind, goals, active, minutes)


def mixtures(face: FaceConfig, count: int, seed: int) -> Floats:
    """(count, n) commands over the whole range, every second one with few actuators moving."""
    low, high = face.limits.T
    sobol = qmc.Sobol(len(face.names), scramble=True, rng=np.random.default_rng(seed))
    unit = sobol.random(1 << max(count - 1, 1).bit_length())[:count]
    goals = low + unit * (high - low)
    rng = np.random.default_rng([seed, 1])
    few = rng.uniform(size=goals.shape) < _FEW
    few[1::2] = True
    return np.where(few & _moving(face), goals, 0.0)


def pulled(face: FaceConfig, goals: Floats, seed: int) -> Floats:
    """Goals (P, n) with every string pulled in every pose.

    Strings have little to do with the rest of a face, so a pose that moves few other actuators can
    tell of all strings as well. Pulls are mostly far or small, somewhat more so than the arcsine's
    density at which a cubic is known best (Pukelsheim, "Optimal Design of Experiments", 1993,
    section 9.5), for its slope matters most; and after a far pull rather comes a small one, for a
    camera's error wanders more slowly than that. Against even pulls at random that takes a third
    off the error of a slope; often enough a pull is reached from both sides, which tells the
    strings' memory.
    """
    strings = strings_of(face)
    rng = np.random.default_rng([seed, 4])
    phase = np.empty((len(goals), len(strings)))
    now = rng.uniform(high=np.pi, size=len(strings))
    for row in phase:
        turn = np.pi - now + _SWING * rng.standard_normal(len(strings))
        row[:] = now = np.arccos(np.cos(turn))  # folded into [0, pi]: stays uniform there
    side = np.cos(phase)
    pulls = 0.5 * (1.0 + np.sign(side) * np.abs(side) ** _FAR)
    return np.where(strings, pulls * face.limits[:, 1], goals)


def allowed(face: FaceConfig, goals: Floats) -> Floats:
    """Goals (P, n) after limits and interlocks, as the limiter will let them through."""
    limiter = Limiter(face)
    return np.array([limiter(g, face.safe, 1e3).commands for g in goals]).reshape(goals.shape)


def _moving(face: FaceConfig) -> NDArray[np.bool_]:
    """(n,) actuators that are babbled: the neck only turns the head in front of the camera."""
    return np.array([a.region != "neck" for a in face.actuators.values()])


def strings_of(face: FaceConfig) -> NDArray[np.bool_]:
    """(n,) actuators that pull strings."""
    return np.array([a.kind == "tendon" for a in face.actuators.values()])


def _held(poses: int) -> int:
    return min(_HELD, max(20, poses // 6))


def _singles(face: FaceConfig) -> Iterator[tuple[str, Floats]]:
    """Small amplitudes of all actuators come before large ones of any."""
    for amplitude in _AMPLITUDES:
        for i in np.flatnonzero(_moving(face)):
            low, high = face.limits[i]
            for end in (high, low):
                if abs(end) * amplitude >= 0.05:
                    goal = np.zeros(len(face.names))
                    goal[i] = end * amplitude
                    yield "single", goal


def _loops(face: FaceConfig) -> Iterator[tuple[str, Floats]]:
    """Strings of both sides at once: they do not touch each other."""
    strings = strings_of(face)
    if strings.any():
        for level in _LOOP:
            yield "loop", np.where(strings, level * face.limits[:, 1], 0.0)


def _strings_alone(face: FaceConfig, count: int, seed: int) -> Iterator[tuple[str, Floats]]:
    """The rest at neutral: only their past tells such faces apart."""
    if strings_of(face).any():
        rest = np.zeros((count, len(face.names)))
        yield from (("string", goal) for goal in pulled(face, rest, seed + 1))


def _necks(face: FaceConfig, seed: int) -> Iterator[tuple[str, Floats]]:
    """Low-discrepancy turns about all axes at once, growing."""
    at = np.flatnonzero(~_moving(face))
    if len(at):
        low, high = _NECK * face.limits[at].T
        sobol = qmc.Sobol(len(at), scramble=True, rng=np.random.default_rng([seed, 3]))
        turns = low + sobol.random(1 << (_TURNS - 1).bit_length())[:_TURNS] * (high - low)
        for turn in turns[np.argsort(np.abs(turns).max(1))]:
            goal = np.zeros(len(face.names))
            goal[at] = turn
            yield "neck", goal


def _with_neutrals(
    face: FaceConfig, rows: list[tuple[str, Floats]]
) -> Iterator[tuple[str, Floats]]:
    rest = np.zeros(len(face.names))
    yield from (("neutral", rest) for _ in range(_REST))
    for k, row in enumerate(rows):
        if k and k % _NEUTRAL_EVERY == 0:
            yield "neutral", rest
        yield row
