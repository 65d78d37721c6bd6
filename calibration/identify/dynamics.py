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

from mien.calibration.capture.rig import Followed, Stage
from mien.calibration.identify.step_response import Found, fit_stroke
from mien.models.self_model.model import SelfModel
from mien.models.self_model.neck import NECK, neck_features
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.safety import Limiter

FOLDER = "pace"
RATE_HZ = 60.0
HOLD_TICKS = 13  # odd, so that a camera at half the rate meets each stroke at another moment
LEAD_TICKS = 6
NECK_SHARE = 0.5  # of the neck's range: no more than is babbled
SLOW = 0.9
"""Slower than this share of the YAML's speed, by twice the error: it is said."""
LATE_S = 0.03
"""Later than the middle of all actuators by more than this and twice the error: it is said."""
_PLACES = 97  # along the path
_BEYOND = 0.15  # of the range, to either side: noise must not be cut off


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
        width, growth = float(play.half_width[string[0]]), float(play.growth[string[0]])

        def moves(u: Floats) -> Floats:
            """The string's pull at commands (T, ...) one after the other."""
            pull, out = np.zeros(u.shape[1:]), np.empty_like(u)
            for t, now in enumerate(u):
                r = width + growth * now
                pull = out[t] = np.minimum(np.maximum(pull, now - r), now + r)
            return out

    return fit_stroke(trace, good, places, path, seen, moves)


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
    return fit_stroke(trace, good, places, path, seen, np.asarray)


def _places(sent: Floats) -> Floats:
    """(_PLACES,) commands along the path, a little farther than was sent."""
    low, high = sent.min(), sent.max()
    more = _BEYOND * (high - low)
    return np.linspace(low - more, high + more, _PLACES)


def _level(landmarks: Floats) -> Floats:
    """Without the camera's sway."""
    return np.asarray(landmarks - landmarks.mean(1, keepdims=True))
