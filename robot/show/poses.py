"""Named poses of a keyframe, and what a held shape holds besides itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.models.errors import ModelError
from mien.models.face.blendshapes import ARKIT, INDEX
from mien.models.face.emotion import EMOTIONS, named, prototypes
from mien.robot.expression.posture import postures
from mien.robot.face.solver import HEAD_RANGE_DEG
from mien.robot.show.schema import Keyframe, PoseSpec


def _both(**shapes: float) -> dict[str, float]:
    return {f"{name}{side}": v for name, v in shapes.items() for side in ("Left", "Right")}


def _gaze(left: float = 0.0, up: float = 0.0) -> dict[str, float]:
    """Shapes of both eyes for a look in -1..1, positive to the face's left and up."""
    out = _both(eyeLookUp=max(up, 0.0), eyeLookDown=max(-up, 0.0))
    to_left, to_right = max(left, 0.0), max(-left, 0.0)
    return out | {
        "eyeLookOutLeft": to_left, "eyeLookInRight": to_left,
        "eyeLookInLeft": to_right, "eyeLookOutRight": to_right,
    }  # fmt: skip


POSES: Final[dict[str, tuple[Mapping[str, float], Mapping[int, float]]]] = {
    "look_up": (_gaze(up=0.7) | _both(browOuterUp=0.2) | {"browInnerUp": 0.2}, {1: 8.0}),
    "look_down": (_gaze(up=-0.7), {1: -8.0}),
    "look_left": (_gaze(left=0.6), {0: 10.0}),
    "look_right": (_gaze(left=-0.6), {0: -10.0}),
    "look_ahead": (_gaze(), {0: 0.0, 1: 0.0}),
    "brows_up": (_both(browOuterUp=0.8) | {"browInnerUp": 0.8}, {}),
    "brows_down": (_both(browDown=0.8), {}),
    "eyes_wide": (_both(eyeWide=0.8), {}),
    "eyes_shut": (_both(eyeBlink=1.0), {}),
    "squint": (_both(eyeSquint=0.7), {}),
    "wink_left": ({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 0.0, "cheekSquintLeft": 0.3}, {}),
    "wink_right": ({"eyeBlinkRight": 1.0, "eyeBlinkLeft": 0.0, "cheekSquintRight": 0.3}, {}),
    "smile": (_both(mouthSmile=0.8, cheekSquint=0.4), {}),
    "smirk_left": ({"mouthSmileLeft": 0.7, "mouthSmileRight": 0.1}, {}),
    "smirk_right": ({"mouthSmileRight": 0.7, "mouthSmileLeft": 0.1}, {}),
    "pout": ({"mouthPucker": 0.7, "mouthShrugLower": 0.3}, {}),
    "nod_down": ({}, {1: -12.0}),
    "chin_up": ({}, {1: 12.0}),
    "tilt_left": ({}, {2: 12.0}),
    "tilt_right": ({}, {2: -12.0}),
    "rest": (dict.fromkeys(ARKIT, 0.0), {0: 0.0, 1: 0.0, 2: 0.0}),
}
"""Pose -> shapes in 0..1, and degrees by axis of the head (0 yaw, 1 pitch, 2 roll)."""

_SIDES: Final = ("Left", "Right")
_LOOKS: Final = tuple(n for n in ARKIT if n.startswith("eyeLook"))
_GROUPS: Final[tuple[tuple[str, ...], ...]] = (
    *((f"browDown{s}", "browInnerUp", f"browOuterUp{s}") for s in _SIDES),
    *((f"eyeBlink{s}", f"eyeWide{s}", f"eyeSquint{s}") for s in _SIDES),
    *((f"mouthSmile{s}", f"mouthFrown{s}") for s in _SIDES),
    ("jawLeft", "jawRight"),
    ("mouthLeft", "mouthRight"),
    _LOOKS,
)
"""Shapes that pull against each other. Who holds one of a group holds the others at 0, so that a
blink does not close the lids of a keyframe with wide eyes."""


@dataclass(frozen=True)
class HeldPose:
    """What a keyframe holds.

    Attributes:
        values: value by index of ``CURVES``: shapes in 0..1, the head in rad.
        asked: the shapes among them that the user named, without their opponents.
    """

    values: Mapping[int, float]
    asked: tuple[str, ...]

    def moves(self, name: str) -> bool:
        """Whether it holds a shape away from rest."""
        return self.values.get(INDEX[name], 0.0) > 0.0


def held(frame: Keyframe, own: Mapping[str, PoseSpec]) -> HeldPose:
    """The curves that a keyframe holds, and their values.

    Args:
        frame: the keyframe.
        own: poses of the show.

    Raises:
        ModelError: no pose has this name.
    """
    shapes, turn = _named(frame.pose, own) if frame.pose is not None else ({}, {})
    shapes, turn = {**shapes, **frame.shapes}, {**turn, **frame.head.axes}
    named_shapes = tuple(name for name in ARKIT if name in shapes)
    moved = {n for n, v in shapes.items() if v * frame.strength > 0.0}
    for group in _GROUPS:
        if moved & set(group):
            shapes = {**dict.fromkeys(group, 0.0), **shapes}
    if moved & set(_LOOKS):  # lids that blink would hide where the eyes look
        shapes = {**_both(eyeBlink=0.0), **shapes}
    values = {INDEX[name]: frame.strength * value for name, value in shapes.items()}
    for axis, degrees in turn.items():
        values[len(ARKIT) + axis] = float(np.radians(frame.strength * degrees))
    return HeldPose(dict(sorted(values.items())), named_shapes)


def _named(name: str, own: Mapping[str, PoseSpec]) -> tuple[dict[str, float], dict[int, float]]:
    if name in own:
        return dict(own[name].shapes), own[name].head.axes
    if name in POSES:
        shapes, turn = POSES[name]
        return dict(shapes), dict(turn)
    try:
        k = EMOTIONS.index(named(name))
    except ModelError as e:
        known = ", ".join([*own, *POSES, *EMOTIONS[1:]])
        raise ModelError(f"no pose {name!r}; there are {known}") from e
    row = prototypes()[k]
    degrees = postures()[k] * HEAD_RANGE_DEG
    return (
        {n: float(v) for n, v in zip(ARKIT, row, strict=True) if v > 0.0},
        {axis: float(d) for axis, d in enumerate(degrees) if d},
    )
