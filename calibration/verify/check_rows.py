"""The rows of a check: settled poses and frames of the ways between them, in the order of time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mien.calibration.capture.capture_rig import ObservedRun
from mien.calibration.verify.fault_search import SLOW_SHARES, Inputs
from mien.calibration.verify.watched_poses import RATE_HZ, WatchedPose
from mien.models.self_model.model import SelfModel
from mien.robot.face.config import FaceConfig, Floats

MOVING_WEIGHT = 0.5
"""Evidence of a frame of a moving face: the errors of frames some 30 ms apart are alike."""
_RATE_STEP_S = 0.01


class Lateness:
    """Inputs of a check's rows, for any dead time of the actuators.

    Args:
        face: the face.
        at: (m,) indices of the actuators.
        poses: of the check.
        model: with the play operators of its tendons; None: there are none.
    """

    def __init__(
        self,
        face: FaceConfig,
        at: NDArray[np.intp],
        poses: list[WatchedPose],
        model: SelfModel | None = None,
    ) -> None:
        self._at, self._poses, self._model = at, poses, model
        self._limit, self._tendons = face.speed[at], np.array(face.can_go_slack[at])

    def commanded(self, dead_s: float) -> Floats:
        """Inputs (R, m) of actuators that follow their commands ``dead_s`` later."""
        return self._pulled(self._rows(dead_s, lambda sent: sent))

    def all_inputs(self, dead_s: float) -> Inputs:
        """Inputs of healthy and of slow actuators, with their rates and weights."""
        x = self._rows(dead_s, lambda sent: sent)
        soon = self._rows(dead_s - _RATE_STEP_S, lambda sent: sent)
        slow = [self._pulled(self._rows(dead_s, self._follower(s))) for s in SLOW_SHARES]
        weight = [
            np.append(np.full(0 if p.run is None else len(p.run.seen_at), MOVING_WEIGHT), 1.0)
            for p in self._poses
        ]
        return Inputs(
            self._pulled(x),
            (soon - x) / _RATE_STEP_S,
            np.stack(slow),
            self._tendons,
            np.concatenate(weight),
        )

    def _rows(self, dead_s: float, way: Callable[[Floats], Floats]) -> Floats:
        """Commands (R, m), of the way (T, m) that ``way`` makes of those sent."""
        rows = list[Floats]()
        for pose in self._poses:
            if (run := pose.run) is not None:
                when, path = run.seen_at - dead_s, way(run.sent[:, self._at])
                columns = [np.interp(when, run.sent_at, column) for column in path.T]
                rows.append(np.stack(columns, axis=1))
            rows.append(pose.sent[None, self._at])
        return np.concatenate(rows)

    def _pulled(self, commands: Floats) -> Floats:
        """Commands (R, m) with the pulls of the tendons."""
        if self._model is None or not len(self._model.tendons):
            return commands
        out, at = commands.copy(), self._model.tendons
        out[:, at] = self._model.play.scan(commands[:, at])
        return out

    def _follower(self, share: float) -> Callable[[Floats], Floats]:
        """Commands (T, m) -> positions of servos that reach a share of the speed limit."""
        most = share * self._limit / RATE_HZ

        def followed(sent: Floats) -> Floats:
            now, way = sent[0], list[Floats]()
            for goal in sent:
                now = now + np.clip(goal - now, -most, most)
                way.append(now)
            return np.array(way)

        return followed


def rows_of(
    poses: list[WatchedPose],
    what: Callable[[WatchedPose | ObservedRun], Floats],
    others: list[WatchedPose] | None = None,
) -> Floats:
    """Landmarks or heads of all rows.

    Args:
        poses: of one check.
        what: landmarks or heads of a run (S, ...) or of a pose (...).
        others: of another check with the same commands; frames are interpolated to its times.
    """
    parts = []
    for k, pose in enumerate(poses):
        if (run := pose.run) is not None:
            frames, other = what(run), run if others is None else others[k].run
            if other is not None and other is not run:
                since = run.seen_at - run.sent_at[0]
                frames = _between(frames, since, other.seen_at - other.sent_at[0])
            parts.append(frames)
        parts.append(what(pose)[None])
    return np.concatenate(parts)


def _between(frames: Floats, when: Floats, at: Floats) -> Floats:
    """Frames (S, ...) of times ``when`` (S,), interpolated linearly at times (T,)."""
    if len(frames) < 2:
        return np.full((len(at), *frames.shape[1:]), np.nan)
    low = np.clip(np.searchsorted(when, at) - 1, 0, len(when) - 2)
    part = np.clip((at - when[low]) / np.maximum(when[low + 1] - when[low], 1e-6), 0.0, 1.0)
    part = np.where(part < 1e-3, 0.0, np.where(part > 1.0 - 1e-3, 1.0, part))
    part = part.reshape(-1, *[1] * (frames.ndim - 1))
    between = frames[low] * (1.0 - part) + frames[low + 1] * part
    # An unusable frame (NaN) must not spoil its neighbour.
    whole = np.where(part < 0.5, frames[low], frames[low + 1])
    return np.asarray(np.where((part == 0.0) | (part == 1.0), whole, between))
