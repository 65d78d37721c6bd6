"""Finds slack or torn tendons before a camera other than that of the reference model.

A camera in front sees how nose and cheeks move up and down, and not how they move in depth.
MediaPipe alone hardly sees their motion at all. The size of the observed motion therefore says
little about a tendon. But the observations must be correlated with its pulls if they are correlated
with the pulls of the tendon on the other side.

The statistic is the energy of the observations along the pulls, against the same pulls in random
order, over all poses of the tendon excitation. On the rendered rig (build 4) with one torn cheek
tendon, the healthy tendons have 112 to 142 standard deviations, and the torn one has -0.1. With
MediaPipe's landmarks alone and fewer poses, healthy tendons of the nose have 35 to 44, and those of
the cheeks -0.1 to 10 (builds 1, 2 and 3).
"""

from __future__ import annotations

import numpy as np

from mien.calibration.capture.dataset import Dataset
from mien.calibration.identify.wiring import Finding
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, Floats

TENDON_KINDS = ("loop", "tendon")
"""Kinds of poses that the check uses."""
MIN_SIGMAS_VISIBLE, MAX_SIGMAS_HIDDEN = 20.0, 8.0
"""Standard deviations above shuffled pulls: of a visible tendon, and of a hidden one."""
_MIN_POSES = 30
_SHUFFLES = 100
_MIN_RELATIVE_MOTION = 0.3  # of a landmark, against the largest that the tendon makes


def slack_tendons(face: FaceConfig, data: Dataset, known: SelfModel | None) -> list[Finding]:
    """Tendons that are not visible while the tendon on the other side is.

    Args:
        face: the face.
        data: observations so far.
        known: self-model of a robot of this design. If the same camera observed it, the result is
            empty, because the wiring check has judged the tendons already.
    """
    rows = data.of(*TENDON_KINDS)
    if known is None or rows.sum() < _MIN_POSES or _same_camera(known, data):
        return []
    tendons = [i for i in known.inputs if face.can_go_slack[i]]
    pulls, seen = data.commands[rows], data.landmarks[rows]
    visible = {
        i: _sigmas(known, i, pulls[:, [i, *(j for j in tendons if j != i)]], seen)
        for i in tendons
        if np.ptp(pulls[:, i]) > 0.5
    }
    found = []
    for i, sigmas in visible.items():
        twins = (j for j in visible if j != i and _same_region(face, i, j))
        twin = max(twins, key=visible.__getitem__, default=None)
        if sigmas < MAX_SIGMAS_HIDDEN and twin is not None and visible[twin] > MIN_SIGMAS_VISIBLE:
            found.append(Finding(face.names[i], "slack", 0.0, face.names[twin]))
    return found


def _same_region(face: FaceConfig, i: int, j: int) -> bool:
    return face.actuators[face.names[i]].region == face.actuators[face.names[j]].region


def _same_camera(known: SelfModel, data: Dataset) -> bool:
    return bool(known.meta.get("camera", data.setup.camera) == data.setup.camera)


def _sigmas(known: SelfModel, i: int, pulls: Floats, seen: Floats) -> float:
    """Standard deviations by which the observations (P, 478, 3) follow ``pulls[:, 0]`` (P, k).

    Only x and y are used, of the landmarks that tendon ``i`` of the known robot moves.
    """
    full = np.zeros(known.n)
    full[i] = 1.0
    motion = np.linalg.norm(known.landmarks(full) - known.landmarks(np.zeros(known.n)), axis=1)
    near = motion > _MIN_RELATIVE_MOTION * motion.max()
    moved = (seen - seen.mean(1, keepdims=True))[:, near, :2].reshape(len(seen), -1)
    others = np.concatenate([pulls[:, 1:], np.ones((len(pulls), 1))], axis=1)
    hat = others @ np.linalg.pinv(others)

    def energy(pull: Floats) -> float:
        own = pull - hat @ pull
        return float(np.square(own @ moved).sum() / np.square(own @ own))

    rng = np.random.default_rng(0)
    chance = [energy(rng.permutation(pulls[:, 0])) for _ in range(_SHUFFLES)]
    return float((energy(pulls[:, 0]) - np.mean(chance)) / max(float(np.std(chance)), 1e-12))
