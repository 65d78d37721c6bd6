"""Makes an excitation plan: safe poses first, informative poses later."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from mien.calibration.plan.plan import KINDS, POSE_S, Plan
from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.safety import Limiter

_SINGLE_AMPLITUDES, _KNOWN_AMPLITUDES = (0.3, 0.65, 1.0), (0.8,)
_LOOP_LEVELS = (0.2, 0.4, 0.6, 0.8, 1.0, 0.8, 0.6, 0.4, 0.2, 0.0, 0.5, 0.25, 0.5, 0.0)
_MIN_TENDON_POSES, _TENDON_SHARE = 60, 0.08
_NEUTRAL_AT_START = 4
_NEUTRAL_EVERY = 100
_GROWING_SHARE = 0.25  # of the combos: their amplitude still grows
_ACTIVE_SHARE = 0.35
_MAX_HELD_OUT = 150
_NECK_SHARE, _NECK_POSES, _KNOWN_NECK_POSES = 0.9, 20, 10  # share of the neck's range
_PHASE_STD_RAD = 1.0  # successive pulls have a correlation of about -0.6
_PULL_EXPONENT = 0.6  # 1: the arcsine density; 0: pulls of 0 and 1 only
_SPARSE_PROBABILITY = 0.2  # that an actuator moves in a sparse mixture
_STEP_RESPONSE_S = 1.7  # time of one actuator's step responses


def make_plan(
    face: FaceConfig,
    poses: int,
    seed: int = 0,
    again: str = "",
    minutes: float = np.inf,
    known: bool = False,
) -> Plan:
    """Make a plan.

    Args:
        face: the face.
        poses: number of poses, about.
        seed: of the mixtures.
        again: command that makes a plan; errors name it.
        minutes: budget of robot time.
        known: robots of this design are known (``mien.models.self_model.prior``). A small plan then
            moves each actuator alone only as far as the wiring check needs.

    Raises:
        InputError: no actuator moves skin, or ``poses`` or ``minutes`` are too few to excite every
            actuator, fit and verify.
    """
    tendons = _tendons_alone(face, max(_MIN_TENDON_POSES, round(_TENDON_SHARE * poses)), seed)
    fixed = [*_singles(face), *_loops(face), *tendons, *_necks(face, seed)]
    skin = int(_moves_skin(face).sum())
    minimum = len(fixed) + 2 * skin + _held_out_count(poses)
    short = known and poses < minimum
    if short:
        singles = _singles(face, _KNOWN_AMPLITUDES)
        fixed = [*singles, *_loops(face), *_necks(face, seed, _KNOWN_NECK_POSES)]
        minimum = len(fixed) + skin + _held_out_count(poses)
    again = again or f"mien calibrate plan --face {shlex.quote(face.given)}"
    if not skin:
        raise InputError(
            f"nothing in {face.name} but the neck moves; no skin can be calibrated",
            "mien face new NAME --part jaw",
        )
    if poses < minimum:
        raise InputError(
            f"{poses} poses are too few for {face.name}: at least {minimum}",
            f"{again} --poses {minimum}",
        )
    needed = np.ceil((minimum * POSE_S + len(face.names) * _STEP_RESPONSE_S) / 6.0) / 10.0
    if not minutes >= needed:
        raise InputError(
            f"{minutes:g} minutes are too few for {face.name}: at least {needed:g}",
            f"{again} --poses {poses} --minutes {needed:g}",
        )
    free = poses - len(fixed) - _held_out_count(poses) - poses // _NEUTRAL_EVERY - _NEUTRAL_AT_START
    active = 0 if short else int(_ACTIVE_SHARE * free)
    grow = np.minimum(
        1.0, 0.35 + 0.65 * np.arange(free - active) / (_GROWING_SHARE * (free - active))
    )
    combos = with_tendon_excitation(face, mixtures(face, free - active, seed), seed) * grow[:, None]
    held_out = mixtures(face, _held_out_count(poses), seed + 7919)
    rows = [
        *fixed,
        *(("combo", g) for g in combos),
        *(("held_out", g) for g in held_out),
    ]
    rows = list(_with_neutrals(face, rows))
    goals = limited(face, np.array([g for _, g in rows]))
    kind = np.array([KINDS.index(k) for k, _ in rows], dtype=np.uint8)
    return Plan(face.name, face.hash, seed, kind, goals, active, minutes)


def mixtures(face: FaceConfig, count: int, seed: int) -> Floats:
    """Mixtures (count, n) over the whole range; every second one moves few actuators."""
    low, high = face.limits.T
    sobol = qmc.Sobol(len(face.names), scramble=True, rng=np.random.default_rng(seed))
    unit = sobol.random(1 << max(count - 1, 1).bit_length())[:count]
    goals = low + unit * (high - low)
    rng = np.random.default_rng([seed, 1])
    moving = rng.uniform(size=goals.shape) < _SPARSE_PROBABILITY
    moving[1::2] = True
    return np.where(moving & _moves_skin(face), goals, 0.0)


def with_tendon_excitation(face: FaceConfig, goals: Floats, seed: int) -> Floats:
    """Poses (P, n) with a pull of every tendon in every pose: the tendon excitation.

    Tendons hardly interact with the rest of a face, so every pose can excite all of them. Most
    pulls are near 0 or near 1. The density is somewhat more extreme than the arcsine density, which
    is D-optimal for a cubic (Pukelsheim, "Optimal Design of Experiments", 1993, section 9.5),
    because the slope matters most. A large pull is usually followed by a small one, because the
    camera's error drifts more slowly than that. Compared with uniform random pulls, the error of a
    slope is smaller by a third. Pulls are reached from both sides, as identification of the play
    operators needs.
    """
    tendons = face.has_hysteresis
    rng = np.random.default_rng([seed, 4])
    phase = np.empty((len(goals), len(tendons)))
    now = rng.uniform(high=np.pi, size=len(tendons))
    for row in phase:
        turn = np.pi - now + _PHASE_STD_RAD * rng.standard_normal(len(tendons))
        row[:] = now = np.arccos(np.cos(turn))  # folded into [0, pi]: stays uniform there
    side = np.cos(phase)
    pulls = 0.5 * (1.0 + np.sign(side) * np.abs(side) ** _PULL_EXPONENT)
    return np.where(tendons, pulls * face.limits[:, 1], goals)


def limited(face: FaceConfig, goals: Floats) -> Floats:
    """Poses (P, n) after limits and interlocks, as the limiter will send them."""
    limiter = Limiter(face)
    return np.array([limiter(g, face.safe, 1e3).commands for g in goals]).reshape(goals.shape)


def _moves_skin(face: FaceConfig) -> NDArray[np.bool_]:
    """Actuators (n,) that move skin: all but the neck, which turns the head, and absent ones."""
    return ~_is_neck(face) & ~face.absent


def _is_neck(face: FaceConfig) -> NDArray[np.bool_]:
    return np.array([a.region == "neck" for a in face.actuators.values()])


def _held_out_count(poses: int) -> int:
    return min(_MAX_HELD_OUT, max(20, poses // 6))


def _singles(
    face: FaceConfig, amplitudes: tuple[float, ...] = _SINGLE_AMPLITUDES
) -> Iterator[tuple[str, Floats]]:
    """Each actuator alone; small amplitudes of all actuators before larger ones of any."""
    for amplitude in amplitudes:
        for i in np.flatnonzero(_moves_skin(face)):
            low, high = face.limits[i]
            for end in (high, low):
                if abs(end) * amplitude >= 0.05:
                    goal = np.zeros(len(face.names))
                    goal[i] = end * amplitude
                    yield "single", goal


def _loops(face: FaceConfig) -> Iterator[tuple[str, Floats]]:
    """All tendons at once: those of the two sides do not interact."""
    tendons = face.has_hysteresis & ~face.absent
    if tendons.any():
        for level in _LOOP_LEVELS:
            yield "loop", np.where(tendons, level * face.limits[:, 1], 0.0)


def _tendons_alone(face: FaceConfig, count: int, seed: int) -> Iterator[tuple[str, Floats]]:
    """Tendons excited, all else at neutral: such faces differ only by the tendons' hysteresis."""
    if (face.has_hysteresis & ~face.absent).any():
        rest = np.zeros((count, len(face.names)))
        yield from (("tendon", goal) for goal in with_tendon_excitation(face, rest, seed + 1))


def _necks(face: FaceConfig, seed: int, count: int = _NECK_POSES) -> Iterator[tuple[str, Floats]]:
    """Low-discrepancy turns about all axes at once, of growing amplitude."""
    at = np.flatnonzero(_is_neck(face) & ~face.absent)
    if len(at):
        low, high = _NECK_SHARE * face.limits[at].T
        sobol = qmc.Sobol(len(at), scramble=True, rng=np.random.default_rng([seed, 3]))
        turns = low + sobol.random(1 << (count - 1).bit_length())[:count] * (high - low)
        for turn in turns[np.argsort(np.abs(turns).max(1))]:
            goal = np.zeros(len(face.names))
            goal[at] = turn
            yield "neck", goal


def _with_neutrals(
    face: FaceConfig, rows: list[tuple[str, Floats]]
) -> Iterator[tuple[str, Floats]]:
    rest = np.zeros(len(face.names))
    yield from (("neutral", rest) for _ in range(_NEUTRAL_AT_START))
    for k, row in enumerate(rows):
        if k and k % _NEUTRAL_EVERY == 0:
            yield "neutral", rest
        yield row
