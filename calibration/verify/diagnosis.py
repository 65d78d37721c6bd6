"""Names the faulty actuators of a robot from the watched poses of a check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.spatial.transform import Rotation

from mien.calibration.capture.dataset import Dataset
from mien.calibration.verify.check_rows import Lateness, rows_of
from mien.calibration.verify.fault_search import FaultKind, FoundFault, search
from mien.calibration.verify.watched_poses import WatchedPose
from mien.models.self_model.model import SelfModel
from mien.models.self_model.neck import NECK, neck_features
from mien.robot.face.config import FaceConfig, Floats

MODES = 15
"""Modes of the errors of model and camera that are told from their independent part."""
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
    before = _centred(rows_of(healthy, lambda part: part.seen, poses))
    change = _centred(rows_of(poses, lambda part: part.seen)) - before
    good = np.asarray(np.isfinite(change).all((1, 2)))
    weight = _error_weight(model, data)

    def unexplained(x: Floats) -> float:
        predicted = _centred(model.decode(model.latents(x)))
        off = (predicted - before)[good]
        return float(np.square(off - off.mean(0)).sum())

    late = Lateness(face, model.inputs, poses, model)
    inputs = late.all_inputs(min(DEAD_TIMES_S, key=lambda d: unexplained(late.commanded(d))))
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
    before = _motions(home, rows_of(healthy, lambda part: part.head, poses))
    change = _motions(home, rows_of(poses, lambda part: part.head)) - before
    good = np.asarray(np.isfinite(change).all(1))
    spread = _motions(home, data.head[rest]).std(0)
    least = np.repeat([np.radians(_MIN_DEGREES), _MIN_MM], 3)
    precision = np.diag(1.0 / (2.0 * np.square(spread) + np.square(least)))

    def predict(x: Floats) -> Floats:
        return np.asarray(neck_features(x) @ model.neck)

    def unexplained(x: Floats) -> float:
        off = (predict(x) - before)[good]
        return float((np.square(off - off.mean(0)) @ precision).sum())

    def slopes(x: Floats) -> Floats:
        step = 1e-4
        ends = [predict(x + step * unit) for unit in np.eye(len(NECK))]
        return np.asarray((np.stack(ends, axis=1) - predict(x)[:, None]) / step)

    late = Lateness(face, at, poses)
    inputs = late.all_inputs(min(DEAD_TIMES_S, key=lambda d: unexplained(late.commanded(d))))
    inputs.weight[~good] = 0.0
    start, seen = predict(inputs.x), np.where(good[:, None], change, 0.0)
    return search(inputs, predict, slopes, precision, lambda z: (seen - (z - start)) @ precision)


def _motions(home: Floats, heads: Floats) -> Floats:
    """Rotation vectors (rad) and translations (mm), (R, 6), of heads (R, 4, 4) since ``home``; NaN
    where the head is not known."""
    out = np.full((len(heads), 6), np.nan)
    good = np.isfinite(heads).all((1, 2))
    motion = np.linalg.inv(home) @ heads[good]
    out[good, :3] = Rotation.from_matrix(motion[:, :3, :3]).as_rotvec() if good.any() else 0.0
    out[good, 3:] = motion[:, :3, 3]
    return out


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
    at_rest, noise = _centred(data.landmarks[data.of("neutral")]), 1.0
    if len(at_rest) > 1:
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
