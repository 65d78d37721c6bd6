"""Whether a mechanism drives the actuators of a face: every misfit, by its key."""

from __future__ import annotations

from collections.abc import Iterator

from mien.robot.face.config import FaceConfig
from mien.robot.sim.description import Mechanism


def misfits(face: FaceConfig, plan: Mechanism) -> list[str]:
    """What keeps the mechanism from driving the face, one line each, beginning with its key.

    Keys of actuators are those of the face's file, others those of the mechanism's.
    """
    return [*_undriven(face, plan), *_unknown(face, plan), *_servos(face, plan)]


def _undriven(face: FaceConfig, plan: Mechanism) -> Iterator[str]:
    drives = {
        "linkages": {k.actuator for k in plan.linkages.values()},
        "tendons": {k.actuator for k in plan.tendons.values()},
    }
    for name, actuator in face.actuators.items():
        own = actuator.kind.drive
        other = next(section for section in drives if section != own)
        if name in drives[own]:
            if name in drives[other]:
                yield f"actuators.{name}: the mechanism drives it by {own} and by {other}"
        elif name in drives[other]:
            yield (
                f"actuators.{name}: {name} is of the kind {actuator.kind.name}, and the "
                f"mechanism's {own} do not drive it, but its {other} do"
            )
        else:
            yield f"actuators.{name}: {name} has no drive in the mechanism's {own}"


def _unknown(face: FaceConfig, plan: Mechanism) -> Iterator[str]:
    for section, drives in (("linkages", plan.linkages), ("tendons", plan.tendons)):
        for name, drive in drives.items():
            if drive.actuator not in face.actuators:
                yield f"{section}.{name}: drives {drive.actuator}, which the face does not have"


def _servos(face: FaceConfig, plan: Mechanism) -> Iterator[str]:
    for name, actuator in face.actuators.items():
        if actuator.servo not in plan.servos:
            yield (
                f"actuators.{name}: the mechanism has no servo kind {actuator.servo!r}; "
                f"it has {', '.join(plan.servos)}"
            )
