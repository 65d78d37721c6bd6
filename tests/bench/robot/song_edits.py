"""What an edited cue of a song changes in other regions of the face."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from scipy.optimize import lsq_linear

from mien.models.face.blendshapes import ARKIT, FPS
from mien.models.face.regions import BROW_LEFT, BROW_RIGHT, LIPS, landmark_weights
from mien.models.song.hearing import Heard
from mien.models.song.subtitles import cue
from mien.robot.expression.song.perform import sing
from mien.robot.expression.song.shapes import COLUMNS
from mien.robot.expression.song.writer import written
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import Floats
from mien.robot.face.solver import FaceSolver
from tests.bench.robot.song_sounds import Labelled
from tests.bench.robot.song_trials import SongRig

EDITS: Final = (
    ("mouth", "smile", ("cheeks", "nose", "jaw")),
    ("brows", "raise", ()),
    ("eyes", "up", ()),
)
"""Region and motion of a cue, and the regions that it pulls along: a smile pulls at the skin of
cheeks and nose."""
FAR: Final = {"mouth": BROW_LEFT + BROW_RIGHT, "brows": LIPS, "eyes": LIPS}
"""Landmarks of another region than the cue's, at which ``mm`` is measured."""
RIDGE: Final = 0.3


def leak(rig: SongRig, calibrated: Calibrated, one: Labelled, heard: Heard) -> dict[str, float]:
    """Changes in other regions by an edited cue of 0.8.

    Returns:
        by the cue's region, the largest mean change of a curve (0 to 1), read back from the
        landmarks after the servos; ``held``: the largest of the same where the actuators of other
        regions do what they did before the edit, so that only skin and reading are left; ``mm``:
        the largest mean distance that landmarks of ``FAR`` moved; ``asked``: the largest change of
        the curves that were asked for.
    """
    reader = CurveReader(calibrated)
    cues = written(heard)
    before = sing(calibrated, one.samples, heard, cues)
    start = heard.notes[0].start
    frames = np.arange(round((start + 0.5) * FPS), round((start + 1.5) * FPS), 6)
    still = rig.play(before, one.samples).landmarks[frames]
    read = np.array([reader(face) for face in still])
    out = {"asked": 0.0, "mm": 0.0, "held": 0.0}
    for region, motion, pulled in EDITS:
        mine = cue(start, start + 2.0, region, motion, 0.8)
        after = sing(calibrated, one.samples, heard, [*cues, mine])
        others = [n for n in COLUMNS if n not in (region, *pulled)]
        columns = np.concatenate([COLUMNS[n] for n in others])

        def changed(landmarks: Floats, columns: Floats = columns) -> float:
            change = np.array([reader(face) for face in landmarks]) - read
            return float(np.abs(change[:, columns]).mean(axis=0).max())

        played = rig.play(after, one.samples).landmarks[frames]
        out[region] = changed(played)
        far = np.linalg.norm((played - still)[:, list(FAR[region])], axis=-1)
        out["mm"] = max(out["mm"], float(far.mean(axis=0).max()))
        commands = after.commands.copy()
        for k, actuator in enumerate(calibrated.face.actuators.values()):
            if actuator.region not in (region, *pulled):
                commands[:, k] = before.commands[:, k]
        held = rig.play(replace(after, commands=commands), one.samples).landmarks[frames]
        out["held"] = max(out["held"], changed(held))
        every = np.concatenate([c for n, c in COLUMNS.items() if n != region])
        asked = np.abs(after.weights - before.weights)[:, every].max()
        out["asked"] = max(out["asked"], float(asked))
    return out


class CurveReader:
    """Landmarks (478, 3) mm -> the blendshapes (52,) that explain them best on this face.

    Least squares with a small ridge, each shape from 0 to 1.

    Args:
        calibrated: the face, whose shapes are those that it can reach.
    """

    def __init__(self, calibrated: Calibrated) -> None:
        solver = FaceSolver(calibrated)
        self._rest = solver.targets(np.zeros((1, len(ARKIT))))[0]
        shapes = (solver.targets(0.5 * np.eye(len(ARKIT))) - self._rest) / 0.5
        self._weights = np.sqrt(landmark_weights())[:, None]
        rows = (shapes * self._weights).reshape(len(ARKIT), -1).T
        self._rows = np.vstack([rows, RIDGE * np.eye(len(ARKIT))])

    def __call__(self, landmarks: Floats) -> Floats:
        """The shapes (52,) of a face."""
        away = ((landmarks - self._rest) * self._weights).reshape(-1)
        found = lsq_linear(self._rows, np.concatenate([away, np.zeros(len(ARKIT))]), bounds=(0, 1))
        return np.asarray(found.x)
