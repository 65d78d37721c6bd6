"""An excitation plan: the poses of a calibration, in order, and its file.

Kinds of poses:

neutral     the face at rest, at intervals: noise and drift
single      one actuator at a time, small amplitudes first: sign, range, stuck or swapped channels
loop        all tendons up and down, full and half way: slack and hysteresis
tendon      tendons excited as in the mixtures, the rest of the face at neutral
neck        the head turned; only for the head pose, not for the face
combo       low-discrepancy mixtures of growing amplitude with tendon excitation; half of them move
            few actuators, as expressions do
active      poses chosen by a first fit of the self-model (added by ``collect``)
held_out    never learned from; ``verify`` uses them
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.calibration.plan.stages import RECORDS, StageCommand
from mien.models.formats import read_arrays, write_arrays
from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig, Floats

KINDS = ("start", "neutral", "single", "loop", "neck", "combo", "active", "held_out", "tendon")
"""Kinds of poses; files hold the index. ``start`` is no pose: there a session started at rest."""

FIRST_PASS = ("neutral", "single")
"""Kinds that are visited before the wiring check."""
MIXED = ("combo", "active")
"""Kinds that a budget of minutes may shorten; all other poses are needed."""
VERSION = 1
"""Version of the file."""
POSE_S = 0.32
"""Time (s) that a pose takes on the simulated rig."""

_SAME_COMMAND, _MIN_SAME_SHARE = 0.02, 0.8


@dataclass(frozen=True, eq=False)
class Plan:
    """Poses in the order they are visited.

    Attributes:
        face: name of the face.
        face_hash: hash of its configuration.
        seed: of the mixtures.
        kind: (P,) index into ``KINDS``.
        goals: (P, n) commands, inside limits and interlocks.
        active: poses that ``collect`` still has to choose, before the held-out ones.
        minutes: budget of robot time; mixtures beyond it are left out.
    """

    face: str
    face_hash: str
    seed: int
    kind: NDArray[np.uint8]
    goals: Floats
    active: int
    minutes: float = np.inf

    def __len__(self) -> int:
        return len(self.goals)

    def save(self, path: Path) -> None:
        """Write the file whole or not at all."""
        content = {f.name: getattr(self, f.name) for f in fields(self)}
        write_arrays(path, VERSION, content)

    @classmethod
    def load(cls, path: Path, face: FaceConfig) -> Plan:
        """Read a plan.

        Raises:
            InputError: the file is missing, damaged or of a newer Mien, or the plan is for another
                face.
        """
        # Poses that were visited by a plan cannot be continued by another one.
        records = path.with_name(RECORDS)
        begun = records.exists() and records.stat().st_size > 0
        again = StageCommand.of("all" if begun else "plan", face, path.parent, elsewhere=begun)
        try:
            z = read_arrays(path, VERSION)
            minutes = float(z["minutes"]) if "minutes" in z else np.inf
            plan = cls(
                str(z["face"]),
                str(z["face_hash"]),
                int(z["seed"]),
                z["kind"],
                z["goals"],
                int(z["active"]),
                minutes,
            )
        except (OSError, KeyError, ValueError, TypeError, OverflowError) as e:
            raise InputError(f"cannot read the plan {path}: {e}", again) from e
        if plan.face != face.name or plan.face_hash not in face.hashes:
            raise InputError(
                f"{path} is a plan for {plan.face} ({plan.face_hash}), "
                f"this face is {face.name} ({face.hash})",
                again,
            )
        if fault := plan._fault(len(face.names)):
            raise InputError(f"cannot read the plan {path}: {fault}", again)
        return plan

    def _fault(self, actuators: int) -> str:
        """What is wrong with the arrays; empty if nothing is."""
        kind, goals = self.kind, self.goals
        if goals.dtype.kind != "f" or goals.ndim != 2 or goals.shape[1] != actuators:
            return f"its goals have the shape {goals.shape}, expected (poses, {actuators})"
        if kind.dtype.kind != "u" or kind.shape != goals.shape[:1] or not len(goals):
            return f"it has {len(goals)} poses and {kind.size} kinds of poses"
        if not np.isfinite(goals).all() or np.abs(goals).max() > 1.0:
            return "a goal is outside [-1, 1]"
        if kind.max() >= len(KINDS) or self.active < 0 or np.isnan(self.minutes):
            return "kinds of poses or counts are out of range"
        return ""

    @property
    def first_held_out(self) -> int:
        """Index of the first held-out pose. Neutral poses lie between the held-out ones."""
        return int(np.argmax(self.kind == KINDS.index("held_out")))

    def needs_more_poses(self, done: AbstractSet[int], short: bool = False) -> bool:
        """Whether poses must still be chosen.

        Args:
            done: indices of the visited poses. Once a held-out pose is visited, no pose can be
                inserted before it, because poses keep their indices.
            short: the budget of minutes is used up; no further mixtures.
        """
        return bool(self.active) and not short and max(done, default=-1) < self.first_held_out

    def made_these(self, pose: NDArray[np.int32], kind: NDArray[np.int32], sent: Floats) -> bool:
        """Whether visited poses (V,) of these kinds, with commands (V, n), are of this plan.

        Faulty actuators stay at their safe command, so not every command must agree.
        """
        if not len(pose):
            return True
        if pose.max() >= len(self) or (self.kind[pose] != kind).any():
            return False
        same = np.abs(self.goals[pose] - sent) < _SAME_COMMAND
        return bool(same.mean() > _MIN_SAME_SHARE)

    def remaining(self, done: AbstractSet[int], short: bool = False) -> list[int]:
        """Indices of the poses still to be visited, in order; no mixtures if time is ``short``."""
        end = self.first_held_out if self.needs_more_poses(done, short) else len(self)
        skipped = MIXED if short else ()
        return [i for i in range(end) if i not in done and KINDS[self.kind[i]] not in skipped]

    def with_active(self, goals: Floats) -> Plan:
        """The plan with chosen poses (P, n) inserted before the held-out ones."""
        kind = np.full(len(goals), KINDS.index("active"), dtype=np.uint8)
        return replace(
            self,
            kind=np.insert(self.kind, self.first_held_out, kind),
            goals=np.insert(self.goals, self.first_held_out, goals, axis=0),
            active=self.active - len(goals),
        )
