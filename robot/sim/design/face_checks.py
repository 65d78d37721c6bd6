"""What the schema of a face does not refuse and what its owner should know, by key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, get_args

from mien.robot.face.config import FaceConfig
from mien.robot.face.entries import Region
from mien.robot.face.supply import draws_of, feeds

_WITHOUT: Final = {
    "neck_yaw": "the head does not turn",
    "neck_pitch": "the head does not nod",
    "neck_roll": "the head does not tilt",
    "tongue_out": "the tongue does not show",
}
"""What a face without a role lacks."""


def face_faults(face: FaceConfig) -> list[str]:
    """What must be mended although the face loads, one line each, beginning with its key."""
    return list(_roles(face))


def face_notes(face: FaceConfig) -> list[str]:
    """What is missing or worth knowing, one line each, beginning with its key."""
    return [*_absent(face), *_missing(face), *_unseen(face), *_supplies(face)]


def _roles(face: FaceConfig) -> Iterator[str]:
    free = [role for role in face.vacant if role.startswith("neck")]
    for name in face.idle:
        roles = f"role: {' or '.join(free)}" if free else "another region; all neck roles are taken"
        yield (
            f"actuators.{name}.region: is neck, and {name} has no role: nothing would ever move "
            f"it; give it {roles}"
        )
    for role, name in face.roles.items():
        region = face.actuators[name].region
        if role.startswith("neck") and region != "neck":
            yield f"actuators.{name}.region: is {region}, its role {role} needs neck"
        if not role.startswith("neck") and region == "neck":
            yield f"actuators.{name}.region: is neck, its role {role} needs mouth"


def _absent(face: FaceConfig) -> Iterator[str]:
    for name, actuator in face.actuators.items():
        if actuator.absent:
            yield (
                f"actuators.{name}.absent: true, so nothing moves it; without it once the servo is "
                "built in"
            )


def _missing(face: FaceConfig) -> Iterator[str]:
    for role in face.vacant:
        yield f"actuators: nobody has the role {role}: {_WITHOUT[role]}"
    present = {a.region for a in face.actuators.values() if not a.absent}
    for region in get_args(Region):
        if region != "neck" and region not in present:
            yield f"actuators: nothing moves the region {region}"


def _unseen(face: FaceConfig) -> Iterator[str]:
    for name, actuator in face.actuators.items():
        if "tongue" in name.lower() and name not in face.roles.values():
            yield (
                f"actuators.{name}: no camera sees a tongue; with role: tongue_out it follows "
                "speech"
            )
        elif "neck" in name.lower() and actuator.region != "neck":
            yield (
                f"actuators.{name}.region: is {actuator.region}; a servo that turns the head has "
                "the region neck and a role"
            )


def _supplies(face: FaceConfig) -> Iterator[str]:
    draws = draws_of(face)
    if not face.supplies:
        yield (
            f"supplies: none is named; {len(draws)} servos take {sum(d.run_a for d in draws):.3g} "
            f"A when all move and {sum(d.stall_a for d in draws):.3g} A when all start at once"
        )
    for k, feed in enumerate(feeds(face)):
        last = max(feed.start_s)
        stall, run = (sum(getattr(d, a) for d in feed.draws) for a in ("stall_a", "run_a"))
        if last > 0.0:
            yield (
                f"supplies.{k}.amps: {feed.amps:g} A carry {len(feed.draws)} servos, which take "
                f"{run:.3g} A when all move; {stall:.3g} A let all start at once, so that the "
                f"last one starts {last:.3g} s after ARM"
            )
