"""Imitation: generated curves that move around the mean pose and along the poses of a style."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls

from mien.models.errors import ModelError
from mien.models.face.blendshapes import ARKIT, FPS
from mien.models.face.regions import landmark_weights
from mien.models.fusion.rules import sealed
from mien.models.manner.style_file import (
    POSES,
    STYLED,
    Style,
    analysed,
    learned,
    load,
)
from mien.robot.errors import InputError
from mien.robot.expression.emotion.prosody import voice
from mien.robot.expression.voices import (
    AUTO,
    SOUNDS,
    codes_of,
    learned_styles,
    of_whoever_speaks,
    style_named,
    style_of_voice,
)
from mien.robot.face.calibrated import FittedFace
from mien.robot.face.config import Floats
from mien.robot.face.solver import FaceSolver
from mien.robot.media.audio import RATE
from mien.robot.media.livelink_takes import ROTATIONS, read_csv
from mien.robot.show.generator import Curves, Generator
from mien.robot.show.scene import Scene

RIDGE: Final = 0.02
"""Share of the mean diagonal added to the normal equations: shapes that look alike share."""
_SPREAD: Final = 2.0
"""A principal pose is brought within reach at this many standard deviations."""


class Reader:
    """Reads the blendshapes that explain landmarks best, within what a face can reach.

    Args:
        face: the face.
        rest: its landmarks (478, 3) mm at neutral; None takes those of its self-model.
    """

    def __init__(self, face: FittedFace, rest: Floats | None = None) -> None:
        self._face = face
        self._rest = face.retarget.neutral if rest is None else rest

    @cached_property
    def _basis(self) -> tuple[Floats, Floats, Floats]:
        retarget = self._face.retarget
        shapes = np.eye(len(ARKIT))[:-1]  # no landmark shows the tongue
        weight = np.sqrt(landmark_weights())[:, None]
        table = ((retarget.targets(shapes) - retarget.neutral) * weight).reshape(len(shapes), -1)
        gram = table @ table.T
        gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
        return cholesky(gram), table, weight

    def __call__(self, landmarks: Floats) -> Floats:
        """Landmarks (T, 478, 3) mm -> shapes (T, 52), none below 0."""
        upper, table, weight = self._basis
        moved = ((landmarks - self._rest) * weight).reshape(len(landmarks), -1)
        sides = solve_triangular(upper, table @ moved.T, trans="T")
        out = np.zeros((len(moved), len(ARKIT)))
        for k, side in enumerate(sides.T):
            out[k, :-1] = nnls(upper, side)[0]
        return out


def found(style: str, folder: Path) -> Style:
    """A style by name, or of a file: a style, or a clip or sound that is not kept.

    Args:
        style: what the user wrote.
        folder: where paths begin.

    Raises:
        InputError: there is no such style or file.
        ModelError: the file is none.
    """
    path = folder / Path(style).expanduser()
    if path.suffix == ".csv":
        return style_of_clip(path, "clip", "self")
    if path.suffix == ".json":
        return load(path)
    if path.suffix.lower() in SOUNDS:
        return style_of_voice(path, "voice", "self")
    return style_named(style)


def voice_of(style: str, samples: NDArray[np.float32] | None = None) -> Floats | None:
    """The styles (E, 64) of a voice by ``found``; None for an empty name.

    Args:
        style: what the user wrote. ``AUTO`` takes whoever speaks in ``samples``.
        samples: (n,) at 16 kHz that are spoken; None while they are not known yet.

    Raises:
        InputError: there is no such style, it cannot be used, or it was learned without a voice.
    """
    if style == AUTO:
        return None if samples is None else of_whoever_speaks(samples, learned_styles())[0]
    chosen = checked_style(style or None, Path())
    return None if chosen is None else codes_of(chosen)


def style_of_clip(path: Path, name: str, consent: str) -> Style:
    """The style of a Live Link Face CSV.

    Raises:
        InputError, ModelError: it cannot be read, or shows no style.
    """
    take = read_csv(path, None)
    order = np.argsort(take.times, kind="stable")
    t = np.arange(0.0, take.times.max() + 1e-9, 1.0 / FPS)
    at = [ROTATIONS.index(f"Head{axis}") for axis in ("Yaw", "Pitch", "Roll")]
    rows = np.concatenate([take.weights, take.rotations[:, at]], axis=1)[order]
    curves = np.stack([np.interp(t, take.times[order], column) for column in rows.T], axis=1)
    return learned(curves, FPS, name, path, consent)


def within_reach(face: FittedFace, style: Style) -> Style:
    """A style whose poses are those that this face shows of them, found by its inverse.

    So the few poses that a face can show are used whole, and none is spent on what it lacks.
    """
    shapes = [i for i, k in enumerate(STYLED) if k < len(ARKIT)]
    columns = [STYLED[i] for i in shapes]
    asked = np.zeros((POSES + 1, len(ARKIT)))
    asked[:, columns] = style.means[shapes]
    asked[1:, columns] += _SPREAD * style.axes[:, shapes]
    asked = np.clip(asked, 0.0, 1.0)
    shown = Reader(face)(face.model.landmarks(FaceSolver(face).still(asked)))
    mean, poses = style.means.copy(), style.axes.copy()
    mean[shapes] = shown[0, columns]
    poses[:, shapes] = (shown[1:, columns] - shown[0, columns]) / _SPREAD
    return style.model_copy(
        update={"mean": tuple(mean.tolist()), "poses": tuple(map(tuple, poses.tolist()))}
    )


def imitated(curves: Curves, style: Style, scene: Scene) -> Curves:
    """Curves (T, 55) with the mean and the principal poses of a style, and their own course.

    What is said stays: lips that close are kept closed (``sealed``), and jaw, rounding and gaze
    have no style.
    """
    _, _, course, left = analysed(curves, FPS)
    own = float(np.square(left).sum())
    spread = float(np.square(course @ style.axes).sum())
    ratio = style.rest / max(np.sqrt(1.0 - style.rest**2), 1e-3)
    scale = min(1.0, ratio * np.sqrt(spread / own)) if own else 0.0
    moved = curves.astype(np.float64)
    gain = np.ones(len(STYLED))
    gain[[i for i, k in enumerate(STYLED) if k >= len(ARKIT)]] = scene.head_gain
    moved[:, list(STYLED)] = gain * (style.means + course @ style.axes) + scale * left
    shapes = slice(0, len(ARKIT))
    moved[:, shapes] = np.clip(moved[:, shapes], 0.0, 1.0)
    gate = voice(scene.padded, RATE, len(curves))
    moved[:, shapes] = sealed(curves[:, shapes].astype(np.float64), gate, moved[:, shapes])
    return moved.astype(np.float32)


def styled(by: Generator, style: Style) -> Generator:
    """A generator in a style. Emotions of the scene are added to it, as without one."""

    def generator(scene: Scene, seed: int) -> Curves:
        whole = by(scene, seed)
        plain = by(scene.without_emotions(), seed) if scene.sources else whole
        out = imitated(plain, style, scene) + (whole - plain)
        out[:, : len(ARKIT)] = np.clip(out[:, : len(ARKIT)], 0.0, 1.0)
        return out

    return generator


def checked_style(style: str | None, folder: Path) -> Style | None:
    """``found``, with the errors of its file as those of an input.

    Raises:
        InputError: there is no such style, or it cannot be used.
    """
    if style is None:
        return None
    try:
        return found(style, folder)
    except ModelError as e:
        raise InputError(e.message, e.hint) from e
