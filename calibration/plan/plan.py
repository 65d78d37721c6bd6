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
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.models.files import whole
from mien.models.reading.arrays import check_finite, check_shapes, read_npz
from mien.models.reading.bounded import FileError
from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig, Floats

KINDS = ("start", "neutral", "single", "loop", "neck", "combo", "active", "held_out", "tendon")
"""Kinds of poses; files hold the index. ``start`` is no pose: there a session started at rest."""

FIRST_PASS = ("neutral", "single")
"""Kinds that are visited before the wiring check."""
MIXED = ("combo", "active")
"""Kinds that a budget of minutes may shorten; all other poses are needed."""
_LAYOUT: dict[str, tuple[int | str, ...]] = {
    "face": (), "face_hash": (), "seed": (), "kind": ("poses",), "goals": ("poses", "n"),
    "active": (),
}  # fmt: skip
POSE_S = 0.32
"""Time (s) that a pose takes on the simulated rig."""


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
        with whole(path) as part, part.open("wb") as f:
            np.savez(
                f,
                face=self.face,
                face_hash=self.face_hash,
                seed=self.seed,
                kind=self.kind,
                goals=self.goals,
                active=self.active,
                minutes=self.minutes,
            )

    @classmethod
    def load(cls, path: Path, face: FaceConfig) -> Plan:
        """Read a plan.

        Raises:
            InputError: the file is missing or damaged, or the plan is for another face.
        """
        again = f"mien calibrate plan --face {face.name} --out {path.parent}"
        try:
            z = read_npz(path)
            n = check_shapes(path, z, _LAYOUT)["n"]
            check_finite(path, z, "goals")
            plan = cls(
                str(z["face"]),
                str(z["face_hash"]),
                int(z["seed"]),
                z["kind"],
                z["goals"],
                int(z["active"]),
                float(z["minutes"]) if "minutes" in z else np.inf,
            )
        except FileError as e:
            raise InputError(f"cannot read the plan {path}: {e.reason}", again) from e
        except (OSError, ValueError, TypeError, OverflowError) as e:
            raise InputError(f"cannot read the plan {path}: {e}", again) from e
        if plan.face != face.name or plan.face_hash not in face.hashes:
            raise InputError(
                f"{path} is a plan for {plan.face} ({plan.face_hash}), "
                f"this face is {face.name} ({face.hash})",
                again,
            )
        if n != len(face.names):
            raise InputError(
                f"{path} has goals of {n} actuators, {face.name} has {len(face.names)}", again
            )
        if plan.kind.dtype != np.uint8 or (plan.kind >= len(KINDS)).any() or plan.active < 0:
            raise InputError(f"cannot read the plan {path}: a kind of pose is unknown", again)
        if (np.abs(plan.goals.astype(np.float64)) > 1.0 + 1e-6).any():
            raise InputError(f"cannot read the plan {path}: a goal is beyond -1 to 1", again)
        return plan

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
