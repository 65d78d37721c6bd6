"""Data set -> self-model: which actuators show, which poses count, how the neck turns the head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien.calibration.capture.dataset import Dataset
from mien.calibration.capture.frame_filter import RESTLESS
from mien.models.self_model import model as self_model
from mien.models.self_model.model import SelfModel
from mien.models.self_model.neck import NECK, neck_features
from mien.models.train.self_model.config import FitConfig
from mien.models.train.self_model.fit import Examples, fit
from mien.robot.face.config import FaceConfig, Floats

MODEL = "self_model.safetensors"
# An actuator shows when its full range moves some landmarks by so many standard errors, and mm.
_SHOWS, _SHOWS_MM = 6.0, 1.0
_MOST = 8


def examples(
    face: FaceConfig, data: Dataset, seen: NDArray[np.bool_], inputs: tuple[int, ...]
) -> Examples:
    """The records ``seen`` (R,) as examples; the others still count for the strings' memory."""
    kinds = [face.actuators[face.names[i]].kind for i in inputs]
    rows = np.flatnonzero(seen)
    return Examples(
        names=face.names,
        inputs=inputs,
        tendons=tuple(k for k, kind in enumerate(kinds) if kind == "tendon"),
        commands=data.commands,
        seen=rows,
        landmarks=data.landmarks[rows],
    )


def usable(data: Dataset) -> NDArray[np.bool_]:
    """(R,) poses to learn from: seen, settled, not held out."""
    settled = data.spread <= RESTLESS * np.nanmedian(data.spread[data.seen])
    return np.asarray(data.seen & ~data.of("held", "neck") & settled)


def noise_floor(data: Dataset) -> float:
    """RMS distance (mm) of a landmark from its mean over the repeats of the neutral pose."""
    rest = data.landmarks[data.of("neutral")]
    if len(rest) < 3:
        return float("nan")
    error = np.square(rest - rest.mean(0)).sum(-1).sum(0) / (len(rest) - 1)
    return float(np.sqrt(error.mean()))


def strokes(face: FaceConfig, data: Dataset) -> tuple[Floats, Floats]:
    """How far each actuator's full range moves the landmarks it moves most, and how sure that is.

    Returns:
        (n,) mm: mean over the ``_MOST`` landmarks with the largest slope of a linear fit to all
        poses, and (n,) mm: the standard error of the same. Both 0 for what never moved.
    """
    learn = usable(data)
    u = data.commands[learn]
    moving = u.std(0) > 0.02
    a = np.concatenate([u[:, moving], np.ones((len(u), 1))], axis=1)
    inverse = np.linalg.pinv(a.T @ a)
    y = data.landmarks[learn].reshape(len(u), -1)
    slopes = inverse @ (a.T @ y)
    left = np.square(y - a @ slopes).sum(0) / max(1, len(u) - a.shape[1])
    span = np.ptp(data.commands[learn], axis=0)[moving]
    size = np.linalg.norm(slopes[:-1].reshape(len(span), -1, 3), axis=-1) * span[:, None]
    most = np.argsort(size, axis=1)[:, -_MOST:]
    spread = np.sqrt(left.reshape(-1, 3).sum(-1))
    sure = np.sqrt(np.diag(inverse)[:-1])[:, None] * spread[None] * span[:, None]
    move, error = np.zeros(len(face.names)), np.zeros(len(face.names))
    move[moving] = np.take_along_axis(size, most, axis=1).mean(1)
    error[moving] = np.take_along_axis(sure, most, axis=1).mean(1)
    return move, error


def inputs_of(face: FaceConfig, data: Dataset) -> tuple[int, ...]:
    """Actuators whose own motion the landmarks show; never the neck."""
    moved, error = strokes(face, data)
    return tuple(
        i
        for i, a in enumerate(face.actuators.values())
        if a.region != "neck" and moved[i] > max(_SHOWS_MM, _SHOWS * error[i])
    )


def fit_face(
    face: FaceConfig,
    data: Dataset,
    config: FitConfig | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> SelfModel:
    """The self-model of a data set, with what it was made from in ``meta``.

    Raises:
        ModelError: too few usable poses.
    """
    inputs = inputs_of(face, data)
    model = fit(examples(face, data, usable(data), inputs), config, progress)
    meta = model.meta | {
        "face": face.name,
        "face_hash": face.hash,
        "mechanism_hash": data.setup.mechanism,
        "build": data.setup.build,
        "camera": data.setup.camera,
        "data_hash": data.hash,
        "unseen_actuators": [
            n
            for i, n in enumerate(face.names)
            if i not in inputs and face.actuators[n].region != "neck"
        ],
    }
    return replace(model, meta=meta, neck=_neck(face, data))


def quick_fit(face: FaceConfig, data: Dataset) -> SelfModel:
    """A rough model for choosing the next poses."""
    return fit_face(face, data, FitConfig(steps=800, rounds=1))


def save(folder: Path, model: SelfModel) -> Path:
    """Write the folder's model."""
    self_model.save(folder / MODEL, model)
    return folder / MODEL


def _neck(face: FaceConfig, data: Dataset) -> Floats:
    """Least squares of the head's motion since neutral on the neck's commands.

    In the resting head's own frame, wherever the camera stands; its friction lets a neck come back
    to rest within some tenths of a degree, so rest is the mean of all looks at it.
    """
    if not set(NECK) <= set(face.names):
        return np.zeros((0, 6))
    rest = data.of("neutral") & np.isfinite(data.head).all((1, 2))
    at = [face.names.index(n) for n in NECK]
    turned = data.seen & (np.abs(data.commands[:, at]) > 1e-3).any(1)
    turned &= np.isfinite(data.head).all((1, 2))
    if not rest.any() or turned.sum() < 9:
        return np.zeros((0, 6))
    home = np.eye(4)
    home[:3, :3] = Rotation.from_matrix(data.head[rest][:, :3, :3]).mean().as_matrix()
    home[:3, 3] = data.head[rest][:, :3, 3].mean(0)
    motion = np.linalg.inv(home) @ data.head[turned]
    wanted = np.concatenate(
        [Rotation.from_matrix(motion[:, :3, :3]).as_rotvec(), motion[:, :3, 3]], axis=1
    )
    features = neck_features(data.commands[turned][:, at])
    return np.asarray(np.linalg.lstsq(features, wanted, rcond=None)[0])
