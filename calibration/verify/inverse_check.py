"""The round trip of the inverse: held-out faces -> commands of each method -> robot -> error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mien.calibration.capture.capture_rig import CaptureRig
from mien.calibration.capture.dataset import Dataset
from mien.calibration.identify.face_fit import noise_floor, usable
from mien.calibration.verify import baselines
from mien.calibration.verify.inverse_metrics import inverse_metrics
from mien.calibration.verify.observation_filter import observation_filter
from mien.calibration.verify.results import VerificationResults
from mien.models.self_model.inverse import Inverse
from mien.models.self_model.model import SelfModel
from mien.models.self_model.objective import ObjectiveWeights
from mien.robot.face.calibrated import FittedFace
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.retarget import limits_of

HELD_OUT_FACES = 80
"""Held-out faces that every method reproduces."""
_STEPS = 15

Solve = Callable[[Floats], Floats]
"""Target (478, 3) mm -> commands (n,)."""


def check_inverse(
    face: FaceConfig,
    data: Dataset,
    model: SelfModel,
    rig: CaptureRig,
    stabiliser: Callable[[Floats], Floats] = lambda landmarks: landmarks,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    compare: bool = True,
) -> VerificationResults:
    """Reproduce held-out faces with the commands of each method, and compare.

    First the held-out commands are sent. The noiseless landmarks of the face that results
    (``CaptureRig.noiseless_landmarks``) are the targets of all methods. Such targets are reachable
    and have the bias of the camera that the model learned from.

    Args:
        face: the face.
        data: observations.
        model: fitted to ``data``.
        rig: started.
        stabiliser: removes the drift from further observations.
        progress: called with (poses done, poses).
        compare: False: the self-model alone, for noiseless targets.

    Returns:
        the metrics

        ``inverse_*``: distance of the landmarks between the requested and the reproduced face, % of
            the mouth width, on the true landmarks where the rig knows them;
        ``inverse_seen_*``: the same on single observations of the camera, with their noise;
        ``vs_*``: the error over that of a baseline;
        ``noisy_*``: the same for targets that are single observations of the data set, behind the
            filter of ``observation_filter``; baselines learned from observations as they are;
        ``noisy_running_*``: of the inverse that will run, with its own weights and steps;
        ``command_l1``: distance of the commands, as a share of their range, over the identifiable
            actuators (``identifiability``); a tendon counts by its pull, because commands inside
            its play or slack make the same face;
        ``command_l1_all``: the same over all network inputs, by commands;
        ``wide_ridge_*``: of ridge regression with more modes.
    """
    at = np.flatnonzero(data.held_out)[:HELD_OUT_FACES]
    observed, requested = data.landmarks[at], data.commands[at]
    learn = usable(data)
    u, seen = data.commands[learn], data.landmarks[learn]
    trip = _RoundTrip(face, rig, stabiliser, progress, (10 if compare else 2) * len(at))
    targets = trip.play("asked", requested.__getitem__, len(at))
    trip.arrays |= {"targets": targets, "looked": observed}
    trip.reproduce("self_model", _solve_freely(face, data, model, noiseless=True), targets)
    if not compare:
        return VerificationResults(inverse_metrics(face, data, model, trip.arrays), trip.arrays)
    ridge, nearest = baselines.ridge(u, seen), baselines.nearest(u, seen)
    trip.play("ridge", ridge(targets).__getitem__, len(at))
    trip.play("nearest", nearest(targets).__getitem__, len(at))
    trip.play("direct", baselines.direct(u, seen)(targets).__getitem__, len(at))
    wide = baselines.ridge(u, seen, baselines.WIDE)
    trip.play("wide_ridge", wide(targets).__getitem__, len(at))
    noisy = _solve_freely(face, data, model, noiseless=False)
    filtered = observation_filter(face, data, model)(observed)
    trip.reproduce("noisy_self_model", noisy, filtered)
    running = FittedFace(face, model).inverse()
    trip.reproduce("noisy_running", lambda target: running.solve(target).commands, filtered)
    trip.play("noisy_ridge", ridge(observed).__getitem__, len(at))
    trip.play("noisy_nearest", nearest(observed).__getitem__, len(at))
    return VerificationResults(inverse_metrics(face, data, model, trip.arrays), trip.arrays)


class _RoundTrip:
    """Plays the commands of the methods, and keeps what was sent, observed and true.

    The names of the arrays are those of ``verify.npz``.
    """

    def __init__(
        self,
        face: FaceConfig,
        rig: CaptureRig,
        stabiliser: Callable[[Floats], Floats],
        progress: Callable[[int, int], None],
        poses: int,
    ) -> None:
        self._face, self._rig, self._stabiliser = face, rig, stabiliser
        self._progress, self._done, self._poses = progress, 0, poses
        self.arrays: dict[str, Floats] = {}

    def reproduce(self, name: str, solve: Solve, targets: Floats) -> None:
        """Play the commands that a method finds for targets (P, 478, 3) mm, one after the other."""
        self.play(name, lambda k: solve(targets[k]), len(targets))

    def play(self, name: str, commands: Callable[[int], Floats], count: int) -> Floats:
        """Play ``count`` commands, from the safe pose.

        Returns:
            noiseless landmarks (count, 478, 3) mm for the requested commands; NaN for methods.
        """
        rig = self._rig
        low, high = self._face.limits.T
        rig.move_to(self._face.safe)
        sent = np.empty((count, len(self._face.names)))
        shown, true, noiseless = (np.full((count, 478, 3), np.nan) for _ in range(3))
        for k in range(count):
            sent[k] = rig.move_to(np.clip(commands(k), low, high))
            shown[k] = self._stabiliser(rig.observe().landmarks)
            known = rig.true_landmarks()
            if known is not None:
                true[k] = known
            if name == "asked":
                noiseless[k] = rig.noiseless_landmarks()
            self._done += 1
            self._progress(self._done, self._poses)
        self.arrays |= {f"{name}_sent": sent, f"{name}_shown": shown, f"{name}_true": true}
        return noiseless


def _solve_freely(face: FaceConfig, data: Dataset, model: SelfModel, noiseless: bool) -> Solve:
    """The inverse for random held-out poses, which are not symmetric as those of a wish are.

    Their lips are no smooth strips either, so the terms ``mirror`` and ``strip`` are 0. The weight
    of ``neutral`` is the ratio of two variances: that of the target's error and that of the inputs.
    The target's error is the camera's noise, or for noiseless targets the model's own predictive
    variance.
    """
    learn = usable(data)
    x = data.commands[learn][:, model.inputs]
    neutral = noise_floor(data) ** 2 / 3 / float(x.var())
    if noiseless:
        inputs = model.network_inputs(data.commands[learn])
        neutral *= float(model.predictive_variance(inputs).mean())
    default = ObjectiveWeights().neutral
    neutral = neutral if np.isfinite(neutral) else default
    weights = ObjectiveWeights(mirror=0.0, strip=0.0, neutral=neutral)
    inverse = Inverse(model, limits_of(face), weights, steps=_STEPS)
    return lambda target: inverse.solve(target).commands
