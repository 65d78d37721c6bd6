"""The prior of a face's design, where one ships, and the fit that uses it.

A prior needs few observations and knows what a tracker cannot see. It cannot follow a robot as
closely as a thousand observations whose errors are independent: above ``MAX_POSES`` of these the
fit without a prior is used. A tracker's errors belong to the pose and do not average out.
"""

from __future__ import annotations

import numpy as np

from mien.calibration.capture.dataset import Dataset
from mien.calibration.capture.open_rig import CAMERAS, MARKERS, mechanism_hash
from mien.models.errors import ModelError
from mien.models.face.regions import REGIONS
from mien.models.self_model import prior as design_prior
from mien.models.self_model.model import SelfModel
from mien.models.self_model.prior import Prior
from mien.models.train.self_model.fit import Examples
from mien.models.train.self_model.observed_errors import (
    DOTS_WHITE_MM,
    TRACKED_WHITE_MM,
    ObservedErrors,
)
from mien.models.train.self_model.prior_inference import infer
from mien.models.vision import tracker_bias
from mien.robot.face.config import FaceConfig

MAX_POSES = 600
"""Observations of the projected camera up to which the prior is used."""
_PROJECTED_MM, _PROJECTED_DEGREES = (0.73, 0.86, 1.22), 60.0  # of the projected camera: x, y, z
_SHIFT_MM = 1.0  # error of the head's position on each axis: more than any session showed
_MARKED_MM, _MARKED_REGIONS_MM = 0.35, {"irises": 1.5, "lips": 0.8}  # measured on build 50
_MARKED_DEGREES = 60.0
_MARKED_REPEATED = 3.0  # observations that share one error, about
_DOTS_DEGREES, _DOTS_BY_POSE = 100.0, 0.5  # chosen on builds 50 and 51
_TRACKED_DEGREES, _TRACKED_BY_POSE = 1000.0, 0.8
_MIN_REST = 3


def prior_of(face: FaceConfig) -> Prior | None:
    """The prior that ships for the face's actuators and mechanism; None without one."""
    try:
        prior = design_prior.load(design_prior.shipped(face.name))
    except ModelError:
        return None
    drawn = prior.meta.get("mechanism") == mechanism_hash(face)
    known = prior.meta.get("face_hash") in face.hashes
    return prior if drawn and known and prior.names == face.names else None


def known_errors(data: Dataset, prior: Prior) -> ObservedErrors | None:
    """What is known of the errors of the data set's camera; None for an uncorrected tracker."""
    if data.setup.camera == CAMERAS[0]:
        count = data.landmarks.shape[1]
        factor = np.diag(np.tile(_PROJECTED_MM, count))
        shift = _SHIFT_MM * np.tile(np.eye(3), count)
        return ObservedErrors(np.concatenate([factor, shift]), _PROJECTED_DEGREES)
    if data.setup.camera.split(" ")[0] == MARKERS:
        if len(prior.dots):
            return ObservedErrors(
                prior.dots, _DOTS_DEGREES, _DOTS_BY_POSE, white=DOTS_WHITE_MM, seen=prior.seen_dots
            )
        errors = np.full(data.landmarks.shape[1:], _MARKED_MM)
        for region, error in _MARKED_REGIONS_MM.items():
            errors[list(REGIONS[region])] = error
        factor = np.diag(errors.ravel() / np.sqrt(3.0)) * np.sqrt(_MARKED_REPEATED)
        return ObservedErrors(factor, _MARKED_DEGREES)
    if data.setup.bias == tracker_bias.version():
        residual = tracker_bias.shipped().residual
        return ObservedErrors(
            residual, _TRACKED_DEGREES, _TRACKED_BY_POSE, white=TRACKED_WHITE_MM, seen=prior.seen
        )
    return None


def fit_by_prior(
    face: FaceConfig, data: Dataset, examples: Examples, moving: tuple[int, ...]
) -> SelfModel | None:
    """The self-model by the face's prior; None where there is no prior or too much is unknown.

    Args:
        face: the face.
        data: all records.
        examples: what to learn from.
        moving: indices of the actuators that are not known to stand still.
    """
    rest = data.landmarks[data.of("neutral")]
    many = data.setup.camera == CAMERAS[0] and len(examples.observed) > MAX_POSES
    if many or len(rest) < _MIN_REST:
        return None
    prior = prior_of(face)
    errors = known_errors(data, prior) if prior else None
    if prior is None or errors is None:
        return None
    return infer(prior, examples, rest.mean(0), errors, moving)
