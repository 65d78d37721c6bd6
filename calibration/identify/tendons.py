"""Strings before a camera that follows them its own way: judged by many pulls, not by three.

A camera in front sees how noses and cheeks move up and down, not how deep, and MediaPipe alone
hardly sees them at all, so that how far a string moves the skin says nothing of the string. Whether
the picture changes with its pulls at all does, where it does so on the other side of the face: over
the walk of the strings, on the rendered rig (build 4) with one cheek's string torn, the energy of
the healthy ones lies 112 to 142 standard deviations above that of the same pulls in another order,
that of the torn one -0.1. By MediaPipe's points alone, and a shorter walk, noses had 35 to 44,
cheeks -0.1 to 10 (healthy builds 1, 2 and 3).
"""

from __future__ import annotations

import numpy as np

from mien.calibration.capture.dataset import Dataset
from mien.calibration.identify.wiring import Finding
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, Floats

WALK = ("loop", "string")
"""The poses that are judged."""
SHOWS, HIDDEN = 20.0, 8.0
"""Standard deviations of shuffled pulls: a string that shows, and one that does not."""
_LEAST = 30  # poses
_SHUFFLES = 100
_NEAR = 0.3  # of the largest motion that the known robot makes with this string


def loose_strings(face: FaceConfig, data: Dataset, known: SelfModel | None) -> list[Finding]:
    """Strings that do not show while the same string of the other side does.

    Only where the camera is not the one that ``known``, a robot of this design, was seen by: else
    the first pass has judged them already.
    """
    rows = data.of(*WALK)
    if known is None or rows.sum() < _LEAST or _same_eyes(known, data):
        return []
    strings = [i for i in known.inputs if face.actuators[face.names[i]].kind == "tendon"]
    pulls, seen = data.commands[rows], data.landmarks[rows]
    shows = {
        i: _shows(known, i, pulls[:, [i, *(j for j in strings if j != i)]], seen)
        for i in strings
        if np.ptp(pulls[:, i]) > 0.5
    }
    found = []
    for i, sigmas in shows.items():
        twin = max(
            (j for j in shows if j != i and _alike(face, i, j)), key=shows.__getitem__, default=None
        )
        if sigmas < HIDDEN and twin is not None and shows[twin] > SHOWS:
            found.append(Finding(face.names[i], "loose", 0.0, face.names[twin]))
    return found


def _alike(face: FaceConfig, i: int, j: int) -> bool:
    return face.actuators[face.names[i]].region == face.actuators[face.names[j]].region


def _same_eyes(known: SelfModel, data: Dataset) -> bool:
    return bool(known.meta.get("camera", data.setup.camera) == data.setup.camera)


def _shows(known: SelfModel, i: int, pulls: Floats, seen: Floats) -> float:
    """By how many standard deviations the picture follows ``pulls[:, 0]`` (P, strings).

    Looks (P, 478, 3) in x and y only, where the known robot's string ``i`` moves the skin.
    """
    full = np.zeros(known.n)
    full[i] = 1.0
    reach = np.linalg.norm(known.landmarks(full) - known.landmarks(np.zeros(known.n)), axis=1)
    near = reach > _NEAR * reach.max()
    moved = (seen - seen.mean(1, keepdims=True))[:, near, :2].reshape(len(seen), -1)
    others = np.concatenate([pulls[:, 1:], np.ones((len(pulls), 1))], axis=1)
    hat = others @ np.linalg.pinv(others)

    def energy(pull: Floats) -> float:
        own = pull - hat @ pull
        return float(np.square(own @ moved).sum() / np.square(own @ own))

    rng = np.random.default_rng(0)
    chance = [energy(rng.permutation(pulls[:, 0])) for _ in range(_SHUFFLES)]
    return float((energy(pulls[:, 0]) - np.mean(chance)) / max(float(np.std(chance)), 1e-12))
