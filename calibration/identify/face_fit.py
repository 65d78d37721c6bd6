"""Data set -> self-model: visible actuators, usable poses, the fit, and the map of the neck."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien.calibration.capture.dataset import Dataset
from mien.calibration.capture.frame_filter import RESTLESS
from mien.calibration.identify.design_prior import fit_by_prior
from mien.models.errors import ModelError
from mien.models.self_model import model as self_model
from mien.models.self_model.model import SelfModel
from mien.models.self_model.neck import NECK, neck_features
from mien.models.train.self_model.fit import Examples, fit
from mien.models.train.self_model.fit_config import FitConfig
from mien.robot.face.config import FaceConfig, Floats

MODEL = "self_model.safetensors"
# An actuator is visible if its range moves its landmarks by so many standard errors, and mm.
_MIN_SIGMAS, _MIN_MOTION_MM = 6.0, 1.0
_LANDMARKS_PER_ACTUATOR = 8
_MIN_RANGE = 0.02  # of the commands of an actuator that moved


def examples(
    face: FaceConfig, data: Dataset, seen: NDArray[np.bool_], inputs: tuple[int, ...]
) -> Examples:
    """Examples of a data set.

    Args:
        face: the face.
        data: all records; those outside ``seen`` still count for the tendons' hysteresis.
        seen: (R,) records to learn from.
        inputs: indices of the actuators that are network inputs.
    """
    rows = np.flatnonzero(seen)
    return Examples(
        names=face.names,
        inputs=inputs,
        tendons=tuple(k for k, i in enumerate(inputs) if face.has_hysteresis[i]),
        commands=data.commands,
        observed=rows,
        landmarks=data.landmarks[rows],
    )


def usable(data: Dataset) -> NDArray[np.bool_]:
    """Records (R,) to learn from: observed, settled, and not held out."""
    settled = data.spread <= RESTLESS * np.nanmedian(data.spread[data.observed])
    return np.asarray(data.observed & ~data.of("held_out", "neck") & settled)


def noise_floor(data: Dataset) -> float:
    """RMS distance (mm) of a landmark from its mean over the observations of the neutral pose."""
    rest = data.landmarks[data.of("neutral")]
    if len(rest) < 3:
        return float("nan")
    error = np.square(rest - rest.mean(0)).sum(-1).sum(0) / (len(rest) - 1)
    return float(np.sqrt(error.mean()))


def motion_ranges(face: FaceConfig, data: Dataset) -> tuple[Floats, Floats]:
    """Motion of the skin over each actuator's range, and its standard error.

    The motion is that of a linear fit to all poses, as a mean over the ``_LANDMARKS_PER_ACTUATOR``
    landmarks that move most.

    Returns:
        motion (n,) mm, and its standard error (n,) mm; both 0 for an actuator that never moved.
    """
    learn = usable(data)
    u = data.commands[learn]
    moving = u.std(0) > 0.02
    a = np.concatenate([u[:, moving], np.ones((len(u), 1))], axis=1)
    inverse = np.linalg.pinv(a.T @ a)
    y = data.landmarks[learn].reshape(len(u), -1)
    slopes = inverse @ (a.T @ y)
    variance = np.square(y - a @ slopes).sum(0) / max(1, len(u) - a.shape[1])
    span = np.ptp(data.commands[learn], axis=0)[moving]
    size = np.linalg.norm(slopes[:-1].reshape(len(span), -1, 3), axis=-1) * span[:, None]
    largest = np.argsort(size, axis=1)[:, -_LANDMARKS_PER_ACTUATOR:]
    spread = np.sqrt(variance.reshape(-1, 3).sum(-1))
    errors = np.sqrt(np.diag(inverse)[:-1])[:, None] * spread[None] * span[:, None]
    move, error = np.zeros(len(face.names)), np.zeros(len(face.names))
    move[moving] = np.take_along_axis(size, largest, axis=1).mean(1)
    error[moving] = np.take_along_axis(errors, largest, axis=1).mean(1)
    return move, error


def visible_actuators(face: FaceConfig, data: Dataset) -> tuple[int, ...]:
    """Indices of the actuators whose motion the camera sees. The neck is never among them."""
    motion, error = motion_ranges(face, data)
    return tuple(
        i
        for i, a in enumerate(face.actuators.values())
        if a.region != "neck" and motion[i] > max(_MIN_MOTION_MM, _MIN_SIGMAS * error[i])
    )


def fit_face(
    face: FaceConfig,
    data: Dataset,
    config: FitConfig | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> SelfModel:
    """Fit the self-model of a data set. ``meta`` names the face, the camera and the data.

    Raises:
        ModelError: there are too few usable poses, or the camera sees no actuator move.
    """
    inputs = visible_actuators(face, data)
    if not inputs:
        raise ModelError(
            f"the camera sees none of the {len(face.names)} actuators move in "
            f"{int(usable(data).sum())} poses: check power, wiring and light"
        )
    learned = examples(face, data, usable(data), inputs)
    plain = config is None or config == FitConfig(seed=config.seed)
    model = fit_by_prior(face, data, learned, _moved(data)) if plain else None
    if model is None:
        model = fit(learned, config, progress)
    inputs = tuple(int(i) for i in model.inputs)
    meta = model.meta | {
        "face": face.name,
        "face_hash": face.hash,
        "mechanism_hash": data.setup.mechanism,
        "build": data.setup.build,
        "camera": data.setup.camera,
        "data_hash": data.hash,
        "records_hash": data.records_hash,
        "unseen_actuators": [
            n
            for i, n in enumerate(face.names)
            if i not in inputs and not face.absent[i] and face.actuators[n].region != "neck"
        ],
    }
    return replace(model, meta=meta, neck=_neck(face, data))


def _moved(data: Dataset) -> tuple[int, ...]:
    """Indices of the actuators that mixtures move. Faulty ones stay at their safe command."""
    mixed = data.of("combo", "active", "loop")
    moved = np.ptp(data.commands[mixed if mixed.any() else data.observed], axis=0) > _MIN_RANGE
    return tuple(int(i) for i in np.flatnonzero(moved))


def quick_fit(face: FaceConfig, data: Dataset) -> SelfModel:
    """A fast, less accurate fit for the choice of further poses."""
    return fit_face(face, data, FitConfig(steps=800, rounds=1))


def save(folder: Path, model: SelfModel) -> Path:
    """Write the model into a folder. Returns its path."""
    self_model.save(folder / MODEL, model)
    return folder / MODEL


def _neck(face: FaceConfig, data: Dataset) -> Floats:
    """Map (9, 6) of the neck: least squares of the head's motion on the neck's features.

    The motion is relative to the head at rest, so it does not depend on the camera's place. A neck
    with friction returns to rest within some tenths of a degree. The rest pose is therefore the
    mean over all observations at rest.
    """
    if not set(NECK) <= set(face.names):
        return np.zeros((0, 6))
    rest = data.of("neutral") & np.isfinite(data.head).all((1, 2))
    at = [face.names.index(n) for n in NECK]
    turned = data.observed & (np.abs(data.commands[:, at]) > 1e-3).any(1)
    turned &= np.isfinite(data.head).all((1, 2))
    if not rest.any() or turned.sum() < 9:
        return np.zeros((0, 6))
    rest_pose = np.eye(4)
    rest_pose[:3, :3] = Rotation.from_matrix(data.head[rest][:, :3, :3]).mean().as_matrix()
    rest_pose[:3, 3] = data.head[rest][:, :3, 3].mean(0)
    motion = np.linalg.inv(rest_pose) @ data.head[turned]
    target = np.concatenate(
        [Rotation.from_matrix(motion[:, :3, :3]).as_rotvec(), motion[:, :3, 3]], axis=1
    )
    features = neck_features(data.commands[turned][:, at])
    return np.asarray(np.linalg.lstsq(features, target, rcond=None)[0])
