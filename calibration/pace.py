"""How late and how fast each actuator is: a few strokes of each alone, watched while it moves.

The strokes run at the speed that the face's YAML allows, over the range that the first pass has
visited. Where the skin was on each picture is read off the fitted self-model: how far along the
actuator's own path the face was then. A servo that moves ``dead_s`` after its command, and never
faster than ``speed``, passes those places at certain times; the two numbers are those that fit
best, and the spread of others that fit nearly as well is their error.

What limits it: a PCA9685 takes a new pulse every 20 ms, so single strokes start up to that much
later than they should and the mean over the strokes is good for about 3 ms; the skin's own lag
counts as the servo's; a picture taken ``--camera-delay`` earlier or later than believed shifts all
dead times alike. A speed can be told from the YAML's only when it is lower: nothing is ever asked
to move faster.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from calibration.studio import Followed, Stage
from models.self_model import NECK, SelfModel, neck_features
from robot.config import FaceConfig, Floats
from robot.safety import Limiter

FOLDER = "pace"
RATE_HZ = 60.0
HOLD_TICKS = 13  # odd, so that a camera at half the rate meets each stroke at another moment
LEAD_TICKS = 6
NECK_SHARE = 0.5  # of the neck's range: no more than is babbled
SLOW = 0.9
"""Slower than this share of the YAML's speed, by twice the error: it is said."""
LATE_S = 0.03
"""Later than the middle of all actuators by more than this and twice the error: it is said."""
_STEP_S = 0.002
_DEAD_S = np.arange(0.0, 0.25, _STEP_S)
_SHARES = np.concatenate([np.geomspace(0.05, 0.5, 20), np.arange(0.525, 1.001, 0.025)])
_PLACES = 97  # along the path
_BEYOND = 0.15  # of the range, to either side: noise must not be cut off
_CLEAR = 6.0  # times a reading's noise that a whole stroke has to be
_SURE_S = 0.025
_BENT = np.array([0.2, 0.3, 0.2])  # offset, slope and curvature of a model's readings


@dataclass(frozen=True)
class Pace:
    """How one actuator moves.

    Attributes:
        actuator: its name.
        dead_s, dead_error_s: s from the command to the skin; NaN: not seen.
        speed, speed_error: commands/s; as fast as asked where it is that of the YAML. NaN: not
            seen.
        asked: commands/s, the YAML's.
        looks: pictures that were used.
    """

    actuator: str
    dead_s: float
    dead_error_s: float
    speed: float
    speed_error: float
    asked: float
    looks: int

    @property
    def seen(self) -> bool:
        """Whether the pictures say anything."""
        return bool(np.isfinite(self.dead_s))

    @property
    def slow(self) -> bool:
        """Surely slower than the YAML lets it be."""
        return self.speed + 2.0 * self.speed_error < SLOW * self.asked


def strokes(face: FaceConfig, i: int) -> Floats:
    """(T, n) commands at ``RATE_HZ``: actuator ``i`` there and back twice, as fast as it may."""
    low, high = face.limits[i]
    if face.actuators[face.names[i]].region == "neck":
        low, high = NECK_SHARE * low, NECK_SHARE * high
    ends = (high, low, high, 0.0)
    limit, at = Limiter(face), face.safe.copy()
    at[i] = 0.0
    rows = [at] * LEAD_TICKS
    for end in ends:
        goal = at.copy()
        goal[i] = end
        while True:
            before, at = at, limit(goal, at, 1.0 / RATE_HZ).commands
            if np.array_equal(at, before):
                break
            rows.append(at)
        rows += [at] * HOLD_TICKS
    return np.array(rows)


def watch_all(
    face: FaceConfig, stage: Stage, folder: Path, skip: NDArray[np.bool_]
) -> Iterator[tuple[str, Followed]]:
    """Move every actuator that is not in ``skip`` (n,) and was not watched before; keeps each."""
    (folder / FOLDER).mkdir(exist_ok=True)
    for i, name in enumerate(face.names):
        before = _trace(folder, name)
        if skip[i] or (before is not None and 2 * _seen(before).sum() >= len(before["seen"])):
            continue
        commands = strokes(face, i)
        stage.go(commands[0])
        run = stage.follow(commands, RATE_HZ, every=2)
        path = folder / FOLDER / f"{name}.npz"
        part = path.with_suffix(".part")
        with part.open("wb") as f:
            np.savez(
                f,
                sent_at=run.sent_at,
                sent=run.sent[:, i],
                seen_at=run.seen_at,
                seen=run.seen.astype(np.float32),
                head=run.head,
            )
        part.replace(path)
        yield name, run


def measure(face: FaceConfig, model: SelfModel, folder: Path) -> list[Pace]:
    """What the folder's strokes say, in the face's order; empty where there are none."""
    out = []
    for i, name in enumerate(face.names):
        trace = _trace(folder, name)
        if trace is None:
            continue
        found = None
        if name in NECK:
            found = _of_neck(model, i, trace)
        elif i in model.inputs:
            found = _of_skin(model, i, trace)
        nan = float("nan")
        dead, dead_error, share, share_error = found or (nan, nan, nan, nan)
        asked = float(face.speed[i])
        looks = int(_seen(trace).sum())
        out.append(Pace(name, dead, dead_error, share * asked, share_error * asked, asked, looks))
    return out


def late(paces: list[Pace]) -> list[Pace]:
    """Those that start surely later than most."""
    usual = _usual(paces)
    return [p for p in paces if p.dead_s - 2.0 * p.dead_error_s > usual + LATE_S]


def rows(paces: list[Pace]) -> dict[str, dict[str, float | bool | None]]:
    """By actuator, for JSON: ms and commands/s; None where nothing was seen."""

    def known(value: float) -> float | None:
        return round(value, 4) if np.isfinite(value) else None

    behind = late(paces)
    return {
        p.actuator: {
            "dead_ms": known(1e3 * p.dead_s),
            "dead_error_ms": known(1e3 * p.dead_error_s),
            "speed": known(p.speed),
            "speed_error": known(p.speed_error),
            "speed_allowed": p.asked,
            "looks": p.looks,
            "slow": p.slow,
            "late": p in behind,
        }
        for p in paces
    }


def warnings(paces: list[Pace]) -> list[str]:
    """A sentence for each actuator that is slow or late, with what to do."""
    usual = _usual(paces)
    slow = [
        f"{p.actuator} is slow: it follows at {p.speed:.1f} +- {p.speed_error:.1f} commands/s, "
        f"its YAML lets it move at {p.asked:g}: set its speed to {p.speed:.1f}, or mend it"
        for p in paces
        if p.slow
    ]
    return slow + [
        f"{p.actuator} is late: it starts {1e3 * p.dead_s:.0f} +- {1e3 * p.dead_error_s:.0f} ms "
        f"after its command, the others {1e3 * usual:.0f} ms: look for play in its linkage"
        for p in late(paces)
    ]


def _usual(paces: list[Pace]) -> float:
    """Dead time (s) of the middle actuator."""
    return float(np.median([p.dead_s for p in paces if p.seen] or [np.nan]))


def _trace(folder: Path, name: str) -> dict[str, Floats] | None:
    """What was written of an actuator; None: nothing, or not readable."""
    try:
        with (folder / FOLDER / f"{name}.npz").open("rb") as f, np.load(f) as z:
            return {k: z[k].astype(np.float64) for k in z.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def _seen(trace: dict[str, Floats]) -> NDArray[np.bool_]:
    """(S,) pictures with a face."""
    return np.asarray(np.isfinite(trace["seen"]).all((1, 2)))


Found = tuple[float, float, float, float]


def _of_skin(model: SelfModel, i: int, trace: dict[str, Floats]) -> Found | None:
    good = _seen(trace)
    if 2 * good.sum() < len(good):
        return None
    at = int(np.flatnonzero(model.inputs == i)[0])
    x = np.zeros((_PLACES, len(model.inputs)))
    x[:, at] = places = _places(trace["sent"])
    path = _level(model.decode(model.latents(x))).reshape(_PLACES, -1)
    seen = _level(trace["seen"][good]).reshape(int(good.sum()), -1)
    string = np.flatnonzero(model.tendons == at)
    moves: Callable[[Floats], Floats] = np.asarray
    if len(string):
        play = model.play
        width, growth = float(play.width[string[0]]), float(play.growth[string[0]])

        def moves(u: Floats) -> Floats:
            """The string's pull at commands (T, ...) one after the other."""
            pull, out = np.zeros(u.shape[1:]), np.empty_like(u)
            for t, now in enumerate(u):
                r = width + growth * now
                pull = out[t] = np.minimum(np.maximum(pull, now - r), now + r)
            return out

    return _fit(trace, good, places, path, seen, moves)


def _of_neck(model: SelfModel, i: int, trace: dict[str, Floats]) -> Found | None:
    good = np.asarray(np.isfinite(trace["head"]).all((1, 2)))
    if not len(model.neck) or 2 * good.sum() < len(good):
        return None
    three = np.zeros((_PLACES, len(NECK)))
    three[:, NECK.index(model.names[i])] = places = _places(trace["sent"])
    path = np.degrees(neck_features(three) @ model.neck[:, :3])
    turn = trace["head"][good][:, :3, :3]
    early = trace["seen_at"][good] <= trace["sent_at"][LEAD_TICKS]
    if not early.any():
        return None
    home = Rotation.from_matrix(turn[early]).mean().inv()
    seen = np.degrees((home * Rotation.from_matrix(turn)).as_rotvec())
    return _fit(trace, good, places, path, seen, np.asarray)


def _places(sent: Floats) -> Floats:
    """(_PLACES,) commands along the path, a little farther than was sent."""
    low, high = sent.min(), sent.max()
    more = _BEYOND * (high - low)
    return np.linspace(low - more, high + more, _PLACES)


def _level(landmarks: Floats) -> Floats:
    """Without the camera's sway."""
    return np.asarray(landmarks - landmarks.mean(1, keepdims=True))


def _fit(
    trace: dict[str, Floats],
    good: NDArray[np.bool_],
    places: Floats,
    path: Floats,
    seen: Floats,
    moves: Callable[[Floats], Floats],
) -> Found | None:
    """Dead time (s) and share of the speed, each with its error; None where little is seen.

    The model may read the ends of a path wrong; so readings are a parabola of where the face was,
    believed to be a straight line within ``_BENT``.

    Args:
        trace: times and commands.
        good: (S,) pictures that count.
        places: (P,) inputs, and path (P, D): what should be seen there.
        seen: (S', D) what was.
        moves: the servo's way (T, ...) -> inputs.
    """
    half, middle = np.ptp(trace["sent"]) / 2, (trace["sent"].max() + trace["sent"].min()) / 2
    read, weight = _readings(places, path, seen)
    read = (read - middle) / half
    ways, t = _ways(trace, moves)
    when = np.clip((trace["seen_at"][good] - t[0]) / _STEP_S, 0, len(t) - 1.001)
    low, part = when.astype(int), (when % 1.0)[:, None, None]
    q = (ways[low] * (1 - part) + ways[low + 1] * part - middle) / half  # (S', dead times, speeds)
    off = read[:, None, None] - q
    powers = np.stack([np.einsum("s,sdv->dv", weight, q**k) for k in range(5)])
    given = np.stack([np.einsum("s,sdv->dv", weight, off * q**k) for k in range(3)], axis=-1)
    gram = np.stack([powers[k : k + 3] for k in range(3)]).transpose(2, 3, 0, 1)
    whole = np.einsum("s,sdv->dv", weight, off**2)
    noise = 1e-4
    for _ in range(2):  # how far a bend is believed depends on the noise, and that on the bend
        bend = np.linalg.solve(gram + noise / np.square(_BENT) * np.eye(3), given[..., None])
        cost = whole - np.einsum("dvk,dvk->dv", given, bend[..., 0])
        noise = float(cost.min()) / max(len(seen) - 5, 1) + 1e-9
    best = np.unravel_index(cost.argmin(), cost.shape)
    if 2.0 * (1.0 + float(bend[best][1, 0])) < _CLEAR * np.sqrt(noise):
        return None
    likely = np.exp(-0.5 * (cost - cost.min()) / noise)
    dead, dead_error = _moments(likely.sum(1), _DEAD_S)
    share, share_error = _moments(likely.sum(0), _SHARES)
    return None if dead_error > _SURE_S else (dead, dead_error, share, share_error)


def _readings(places: Floats, path: Floats, seen: Floats) -> tuple[Floats, Floats]:
    """Where on the path (P, D) each look (S, D) was, and (S,) how sharply it says so, mean 1."""
    off = np.square(seen).sum(1)[:, None] - 2.0 * seen @ path.T + np.square(path).sum(1)
    k = np.clip(off.argmin(1), 1, len(places) - 2)
    row = np.arange(len(seen))
    before, here, after = off[row, k - 1], off[row, k], off[row, k + 1]
    bend = np.maximum(after + before - 2.0 * here, 1e-12)
    read = places[k] + np.clip(0.5 * (before - after) / bend, -1.0, 1.0) * (places[1] - places[0])
    sharp = np.square(np.gradient(path, axis=0)).sum(1)[k]
    return read, sharp / max(float(sharp.mean()), 1e-12)


def _ways(trace: dict[str, Floats], moves: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
    """(T, dead times, speeds) inputs of servos that are so late and so fast, and (T,) s."""
    sent_at, sent = trace["sent_at"], trace["sent"]
    end = max(sent_at[-1], trace["seen_at"][-1]) + _STEP_S
    t = np.arange(sent_at[0] - _DEAD_S[-1], end, _STEP_S)
    told = np.interp(t, sent_at, sent)
    fastest = float((np.abs(np.diff(sent)) / np.diff(sent_at)).max())
    most = _SHARES * fastest * _STEP_S * (1.0 + 1e-6)
    back = np.round(_DEAD_S / _STEP_S).astype(int)
    way = np.empty((len(t), len(_DEAD_S), len(_SHARES)))
    now = np.full(way.shape[1:], told[0])
    for k in range(len(t)):
        goal = told[np.maximum(k - back, 0)][:, None]
        now = way[k] = now + np.clip(goal - now, -most, most)
    return moves(way), t


def _moments(weight: Floats, at: Floats) -> tuple[float, float]:
    weight = weight / weight.sum()
    mean = float(weight @ at)
    grid = float(np.interp(mean, at[1:], np.diff(at))) / np.sqrt(12.0)
    return mean, float(np.hypot(np.sqrt(weight @ np.square(at - mean)), grid))
