"""Names the faulty actuators of a robot from the watched poses of a check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.spatial.transform import Rotation

from mien.calibration.capture.capture_rig import ObservedRun
from mien.calibration.capture.dataset import Dataset
from mien.calibration.verify.fault_search import (
    SLOW_SHARES,
    FaultKind,
    FoundFault,
    Inputs,
    search,
)
from mien.calibration.verify.watched_poses import RATE_HZ, WatchedPose
from mien.models.self_model.model import SelfModel
from mien.models.self_model.neck import NECK, neck_features
from mien.robot.face.config import FaceConfig, Floats

MODES = 15
"""Modes of the errors of model and camera that are told from their independent part."""
MOVING_WEIGHT = 0.5
"""Evidence of a frame of a moving face: the errors of frames some 30 ms apart are nearly equal."""
MIN_NOISE_SHARE = 0.02
"""Least variance of a repeated observation, as a share of that of the model's errors."""
DEAD_TIMES_S = np.arange(0.0, 0.13, 0.01)
Weight: TypeAlias = Callable[[Floats], Floats]
_MIN_DEGREES, _MIN_MM = 0.5, 1.0  # accuracy of a head pose


@dataclass(frozen=True)
class ActuatorFault:
    """A faulty actuator.

    Attributes:
        actuator: its name.
        kind: what is wrong.
        amount: see ``FoundFault``.
        tendon: whether it pulls a tendon.
    """

    actuator: str
    kind: FaultKind
    amount: float
    tendon: bool

    def __str__(self) -> str:
        if self.kind == "still":
            why = (
                "is stuck, dead (no power), or its tendon is torn"
                if self.tendon
                else ("is stuck or dead (no power)")
            )
            return f"{self.actuator} does not move: it {why}"
        return {
            "slow": f"{self.actuator} is slow: it reaches {100 * self.amount:.0f} % of the speed "
            "that the face's YAML allows",
            "slack": f"{self.actuator} has a slack tendon: it misses the first "
            f"{100 * self.amount:.0f} % of the pull",
            "slipped": f"{self.actuator} has slipped by {self.amount:+.2f} of a command",
        }[self.kind]


def diagnose(
    face: FaceConfig,
    model: SelfModel,
    data: Dataset,
    healthy: list[WatchedPose],
    poses: list[WatchedPose],
) -> list[ActuatorFault]:
    """The faulty actuators, the surest first.

    Args:
        face: the face.
        model: of its calibration. It says what each actuator does to the skin.
        data: observations of the calibration, without the camera's drift. They say how well the
            camera sees.
        healthy: the poses of the check as verification saw them.
        poses: the same poses now.
    """
    found = [
        (model.names[model.inputs[f.input]], f) for f in _skin(face, model, data, healthy, poses)
    ]
    if len(model.neck):
        found += [(NECK[f.input], f) for f in _neck(face, model, data, healthy, poses)]
    return [
        ActuatorFault(n, f.kind, f.amount, bool(face.can_go_slack[face.index(n)]))
        for n, f in sorted(found, key=lambda pair: -pair[1].score)
    ]


def _skin(
    face: FaceConfig,
    model: SelfModel,
    data: Dataset,
    healthy: list[WatchedPose],
    poses: list[WatchedPose],
) -> list[FoundFault]:
    before = _centred(_rows(healthy, lambda part: part.seen, poses))
    change = _centred(_rows(poses, lambda part: part.seen)) - before
    good = np.isfinite(change).all((1, 2))
    weight = _error_weight(model, data)

    def unexplained(inputs: Inputs) -> float:
        predicted = _centred(model.decode(model.latents(inputs.x)))
        off = (predicted - before)[good]
        return float(np.square(off - off.mean(0)).sum())

    inputs = min(
        (_inputs(face, model.inputs, poses, d, model) for d in DEAD_TIMES_S), key=unexplained
    )
    inputs.weight[~good] = 0.0
    decoder = _centred(model.decoder.reshape(-1, *change.shape[1:])).reshape(len(model.decoder), -1)
    whitened, start = weight(decoder), model.latents(inputs.x)
    seen = np.where(good[:, None, None], change, 0.0).reshape(len(change), -1)

    def residual(z: Floats) -> Floats:
        return np.asarray((seen - (z - start) @ decoder) @ whitened.T)

    return search(inputs, model.latents, model.latent_jacobian, whitened @ decoder.T, residual)


def _neck(
    face: FaceConfig,
    model: SelfModel,
    data: Dataset,
    healthy: list[WatchedPose],
    poses: list[WatchedPose],
) -> list[FoundFault]:
    rest = data.of("neutral") & np.isfinite(data.head).all((1, 2))
    if rest.sum() < 2:
        return []
    home = data.head[rest][0]
    at = np.array([face.names.index(n) for n in NECK])
    before = _motions(home, _rows(healthy, lambda part: part.head, poses))
    change = _motions(home, _rows(poses, lambda part: part.head)) - before
    good = np.isfinite(change).all(1)
    spread = _motions(home, data.head[rest]).std(0)
    least = np.repeat([np.radians(_MIN_DEGREES), _MIN_MM], 3)
    precision = np.diag(1.0 / (2.0 * np.square(spread) + np.square(least)))

    def predict(x: Floats) -> Floats:
        return np.asarray(neck_features(x) @ model.neck)

    def unexplained(inputs: Inputs) -> float:
        off = (predict(inputs.x) - before)[good]
        return float((np.square(off - off.mean(0)) @ precision).sum())

    def slopes(x: Floats) -> Floats:
        step = 1e-4
        ends = [predict(x + step * unit) for unit in np.eye(len(NECK))]
        return np.asarray((np.stack(ends, axis=1) - predict(x)[:, None]) / step)

    inputs = min((_inputs(face, at, poses, d) for d in DEAD_TIMES_S), key=unexplained)
    inputs.weight[~good] = 0.0
    start, seen = predict(inputs.x), np.where(good[:, None], change, 0.0)
    return search(inputs, predict, slopes, precision, lambda z: (seen - (z - start)) @ precision)


def _motions(home: Floats, heads: Floats) -> Floats:
    """Rotation vectors (rad) and translations (mm), (R, 6), of heads (R, 4, 4) since ``home``."""
    motion = np.linalg.inv(home) @ heads
    turns = Rotation.from_matrix(motion[:, :3, :3]).as_rotvec()
    return np.concatenate([turns, motion[:, :3, 3]], axis=1)


def _inputs(
    face: FaceConfig,
    at: Floats,
    poses: list[WatchedPose],
    dead_s: float,
    model: SelfModel | None = None,
) -> Inputs:
    """Inputs of the actuators ``at`` (m,) in all rows, for a dead time of all."""
    x, rate, slow, weight = list[Floats](), list[Floats](), list[Floats](), list[float]()
    limit = face.speed[at]
    for pose in poses:
        if pose.run is not None:
            run, sent = pose.run, pose.run.sent[:, at]
            ways = [sent, *_followed(sent, limit)]
            when = run.seen_at - dead_s
            now = [
                np.stack([np.interp(when, run.sent_at, column) for column in way.T], axis=1)
                for way in ways
            ]
            soon = [np.interp(when + 0.01, run.sent_at, column) for column in sent.T]
            x.append(now[0])
            rate.append((np.stack(soon, axis=1) - now[0]) / 0.01)
            slow.append(np.stack(now[1:]))
            weight += [MOVING_WEIGHT] * len(when)
        x.append(pose.sent[None, at])
        rate.append(np.zeros((1, len(at))))
        slow.append(np.broadcast_to(pose.sent[at], (len(SLOW_SHARES), 1, len(at))))
        weight.append(1.0)
    healthy, lagged = np.concatenate(x), np.concatenate(slow, axis=1)
    tendons = np.array(face.can_go_slack[at])
    if model is not None and len(model.tendons):
        for series in (healthy, *lagged):
            series[:, model.tendons] = model.play.scan(series[:, model.tendons])
    return Inputs(healthy, np.concatenate(rate), lagged, tendons, np.array(weight))


def _followed(sent: Floats, limit: Floats) -> list[Floats]:
    """Positions (T, m) that servos with a share of the speed limit reach, for each share."""
    out = []
    for share in SLOW_SHARES:
        most, now, way = share * limit / RATE_HZ, sent[0], list[Floats]()
        for goal in sent:
            now = now + np.clip(goal - now, -most, most)
            way.append(now)
        out.append(np.array(way))
    return out


def _rows(
    poses: list[WatchedPose],
    what: Callable[[WatchedPose | ObservedRun], Floats],
    others: list[WatchedPose] | None = None,
) -> Floats:
    """Landmarks or heads of all rows, in the order of time.

    Args:
        poses: of one check.
        what: landmarks or heads of a run (S, ...) or of a pose (...).
        others: of another check with the same commands; frames are interpolated to its times.
    """
    parts = []
    for k, pose in enumerate(poses):
        if pose.run is not None:
            frames, when = what(pose.run), pose.run.seen_at - pose.run.sent_at[0]
            other = pose.run if others is None else others[k].run
            if other is not None:
                frames = _between(frames, when, other.seen_at - other.sent_at[0])
            parts.append(frames)
        parts.append(what(pose)[None])
    return np.concatenate(parts)


def _between(frames: Floats, when: Floats, at: Floats) -> Floats:
    """Frames (S, ...) of times ``when`` (S,), interpolated linearly at times (T,)."""
    if len(frames) < 2:
        return (
            np.repeat(frames, len(at), axis=0)
            if len(frames)
            else np.full((len(at), *frames.shape[1:]), np.nan)
        )
    low = np.clip(np.searchsorted(when, at) - 1, 0, len(when) - 2)
    part = np.clip((at - when[low]) / np.maximum(when[low + 1] - when[low], 1e-6), 0.0, 1.0)
    part = part.reshape(-1, *[1] * (frames.ndim - 1))
    out = frames[low] * (1.0 - part) + frames[low + 1] * part
    exact = np.where(part < 0.5, frames[low], frames[low + 1])
    return np.asarray(np.where((part < 1e-3) | (part > 1.0 - 1e-3), exact, out))


def _calibrated(model: SelfModel, data: Dataset) -> tuple[Floats, Floats]:
    """Inputs (R, m) of the calibration's settled poses, and the model's errors (R, 478, 3) mm."""
    commands = data.commands[:, model.inputs].copy()
    if len(model.tendons):
        commands[:, model.tendons] = model.play.scan(commands[:, model.tendons])
    rows = data.of("single", "combo", "active", "held_out", "loop", "tendon", "neutral")
    x = commands[rows]
    return x, _centred(data.landmarks[rows]) - _centred(model.decode(model.latents(x)))


def _error_weight(model: SelfModel, data: Dataset) -> Weight:
    """Weights vectors (..., 1434) mm by the inverse covariance of a difference of two observations.

    Errors that belong to a pose cancel. What is left has the size of the camera's noise at rest,
    and the shape of the calibration's residuals.
    """
    _, errors = _calibrated(model, data)
    flat = errors.reshape(len(errors), -1)
    flat = flat - flat.mean(0)
    variance = 0.5 * (flat.var(0) + flat.var(0).mean())
    at_rest = _centred(data.landmarks[data.of("neutral")])
    noise = float(at_rest.var(0, ddof=1).mean()) / float(flat.var(0).mean())
    variance *= 2.0 * min(max(noise, MIN_NOISE_SHARE), 1.0)
    scaled = flat / np.sqrt(variance)
    _, singular, modes = np.linalg.svd(scaled, full_matrices=False)
    size = float(np.square(scaled).mean())
    power = np.square(singular[:MODES]) / len(flat) / size
    rest = max(float(np.square(singular[MODES:]).sum()) / len(flat) / flat.shape[1] / size, 1e-3)
    excess = np.maximum(power - rest, 0.0)
    keep = modes[:MODES]

    def weigh(vectors: Floats) -> Floats:
        """Vectors (..., 1434) times the inverse covariance."""
        y = vectors / np.sqrt(variance)
        inner = y @ keep.T * (excess / (rest + excess))
        return np.asarray((y - inner @ keep) / rest / np.sqrt(variance))

    return weigh


def _centred(landmarks: Floats) -> Floats:
    """Landmarks (..., 478, 3) without their common motion, the camera's drift."""
    return np.asarray(landmarks - landmarks.mean(-2, keepdims=True))
