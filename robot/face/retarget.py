"""52 human blendshape weights -> the landmarks that *this* face should show.

A robot's smile is narrower and its jaw opens less than a person's. If targets simply overshoot,
the inverse saturates in some places and not in others, and a smile becomes a grimace. So each
shape is first inverted alone, and what the face shows of it in each region is its reach g. A
weight w is then worth

    s(w) = w / (1 + (g^-2 - 1) w^2)^(1/2)          s'(0) = 1,  s(1) = g

small motions stay life-size and large ones bend toward what can be reached, together and without a
corner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import ARKIT, INDEX, LEFT_RIGHT
from mien.models.face.regions import (
    COUNT,
    LID_GAPS,
    LIDS_LEFT,
    LIDS_RIGHT,
    LIP_GAPS,
    REGIONS,
    gaps,
    landmark_weights,
    lips_apart,
    mouth_width,
)
from mien.models.self_model.inputs import least_openings
from mien.models.self_model.inverse import Inverse, Limits
from mien.models.self_model.model import SelfModel
from mien.models.self_model.objective import CONTACT_SHARE
from mien.models.threads import one_thread
from mien.robot.errors import InputError
from mien.robot.face.bite import BITE_RISE, BITE_ROOM, LIFTS, bite, bitten
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.face_units import FaceUnits, load_units

LEAST_REACH = 0.02
_VISIBLE_MM = 0.4  # a region whose landmarks move less (RMS) has no say in a shape's reach
_STEPS = 15
# Gaze is one pair of servos for both eyes: its reach is that of the eyes turning together.
_TOGETHER = (
    ("eyeLookOutLeft", "eyeLookInRight"),
    ("eyeLookInLeft", "eyeLookOutRight"),
    ("eyeLookUpLeft", "eyeLookUpRight"),
    ("eyeLookDownLeft", "eyeLookDownRight"),
)
# The tip of the chin, the axis of the jaw (mm, of the drawn head), the middle of the lower lip.
_CHIN, _CONDYLE = 152, np.array((0.0, -18.0, -56.0))
_LIPS = list(REGIONS).index("lips")
_LOWER_LIP = (14, 17, 87, 317, 84, 314)
_ROLLS = ("mouthRollLower", "mouthRollUpper")
_LOWER_LIDS = ((LIDS_LEFT, "eyeSquintLeft"), (LIDS_RIGHT, "eyeSquintRight"))
_DIRECT = {"tongueOut": "tongue_out"}
"""Shapes that no landmark shows, and the role of the actuator that is theirs."""


def limits_of(face: FaceConfig) -> Limits:
    """The face's own limits, for the inverse."""
    planes = np.array([[k.terms.get(n, 0.0) for n in face.names] for k in face.interlocks])
    return Limits(
        command=face.limits,
        speed=face.speed,
        planes=planes.reshape(-1, len(face.names)),
        offsets=np.array([k.max for k in face.interlocks]),
    )


@dataclass(frozen=True, eq=False)
class Reach:
    """How much of each shape a face can show.

    Attributes:
        overall: (52,) share of the displacement that is reached, 0 to 1, by the landmarks' weight.
        by_region: (52, R) the same in each of ``regions``; where the shape does not show,
        ``overall``.
        visible: (52, R) bool, the shape is visible in that region.
        regions: names of the R regions.
    """

    overall: Floats
    by_region: Floats
    visible: NDArray[np.bool_]
    regions: tuple[str, ...]

    def rows(self) -> list[tuple[str, float, dict[str, float]]]:
        """(shape, overall, by region where it shows), in ARKit's order, for a report."""
        return [
            (
                name,
                float(self.overall[i]),
                {
                    r: float(self.by_region[i, k])
                    for k, r in enumerate(self.regions)
                    if self.visible[i, k]
                },
            )
            for i, name in enumerate(ARKIT)
        ]


class Retarget:
    """Maps weights to targets for one fitted face.

    Args:
        model: the face's self-model.
        limits: what its actuators may do.
        units: the human basis; default is the one that ships.
        roles: actuator by role (``FaceConfig.roles``); by default its name is its role.
    """

    def __init__(
        self,
        model: SelfModel,
        limits: Limits,
        units: FaceUnits | None = None,
        roles: Mapping[str, str] | None = None,
    ) -> None:
        basis = units or load_units()
        self._model, self._limits = model, limits
        named = {name: name for name in model.names} if roles is None else roles
        self._direct = {shape: named[role] for shape, role in _DIRECT.items() if role in named}
        self.neutral = model.landmarks(np.zeros(model.n))
        scale = mouth_width(self.neutral) / mouth_width(basis.neutral)
        delta = basis.delta * scale
        # mouthClose is drawn to be added to jawOpen; alone it has no meaning. As one unit, "jaw
        # down, lips shut", it can be scaled without ever opening the lips.
        delta[INDEX["mouthClose"]] += delta[INDEX["jawOpen"]]
        opening = _lips_on_jaw(basis.neutral, basis.delta[INDEX["jawOpen"]])
        delta[INDEX["jawOpen"]] = scale * opening
        # Lips of silicone do not turn inward. All that is seen of a rolled lip is a thinner red.
        delta[[INDEX[name] for name in _ROLLS], :, 2] = 0.0
        self.delta = delta
        self._lifts = [INDEX[n] for n in LIFTS]
        self._bite = BITE_ROOM * delta[self._lifts].sum(axis=0)
        self._bite += BITE_RISE * delta[INDEX["mouthRollLower"]]
        self._region = _nearest_region(basis.neutral)
        self._bite[self._region != _LIPS] = 0.0
        self._floor = CONTACT_SHARE * gaps(self.neutral, LIP_GAPS)
        self._lids = gaps(basis.delta, LID_GAPS) / gaps(basis.neutral, LID_GAPS)
        self._by_upper, self._by_both = least_openings(model), least_openings(model, 2)
        self._lower_lids = np.zeros((2, COUNT, 3))
        for eye, (lids, shape) in enumerate(_LOWER_LIDS):
            self._lower_lids[eye, list(lids)] = delta[INDEX[shape], list(lids)]
        closed = -gaps(self._lower_lids, LID_GAPS).reshape(2, 2, -1).mean(-1)
        self._lower_lids /= np.maximum(np.diagonal(closed), 1e-9)[:, None, None]

    @one_thread
    def targets(self, weights: NDArray[np.floating]) -> Floats:
        """Weights (T, 52) in [0, 1] -> targets (T, 478, 3) mm in the head frame.

        Raises:
            InputError: a wrong shape or a value that is not a number.
        """
        w = self._checked(weights)
        drawn = w.copy()  # a lip that makes room for a bite wrinkles no nose
        drawn[:, self._lifts] = np.clip(np.asarray(weights)[:, self._lifts], 0.0, 1.0)
        out = np.broadcast_to(self.neutral, (len(w), *self.neutral.shape)).copy()
        for k in range(len(self.reach.regions)):
            at = self._region == k
            share = soft(w if k == _LIPS else drawn, self.reach.by_region[:, k])
            move = share @ self.delta[:, at].reshape(len(ARKIT), -1)
            out[:, at] += move.reshape(len(w), int(at.sum()), 3)
        out += bite(w)[:, None, None] * self._bite
        self._shut_eyes(out, w)
        return lips_apart(out, self._floor)

    def _shut_eyes(self, targets: Floats, weights: Floats) -> None:
        """Open the eyes of the targets (T, 478, 3) no further than a person's by (T, 52) weights.

        A blink that bends toward what is reached would leave the eyes half open. Shut is shut. The
        upper lids go as far as they do on this face. What they leave open, the lower ones close as
        in a squint: the sides of a robot differ, and one eye's upper lid may end high.
        """
        person = np.maximum(1.0 + weights @ self._lids, 0.0) * gaps(self.neutral, LID_GAPS)
        beyond = gaps(targets, LID_GAPS) - np.maximum(person, self._by_upper)
        targets[:, [upper for upper, _ in LID_GAPS], 1] -= np.maximum(beyond, 0.0)
        left = gaps(targets, LID_GAPS) - np.maximum(person, self._by_both)
        rise = np.maximum(left.reshape(-1, 2, len(LID_GAPS) // 2).mean(-1), 0.0)
        if rise.any():  # in few frames
            targets += np.tensordot(rise, self._lower_lids, 1)
        lowers = [lower for _, lower in LID_GAPS]
        targets[:, lowers, 1] += np.minimum(gaps(targets, LID_GAPS), 0.0)

    @property
    def direct_actuators(self) -> tuple[str, ...]:
        """Names of the actuators that follow a shape of their own and belong to no inverse."""
        return tuple(self._direct.values())

    def direct(self, weights: NDArray[np.floating]) -> dict[str, Floats]:
        """Commands (T,) by name of the actuators that no landmark shows (the tongue)."""
        w = self._checked(weights)
        return {actuator: w[:, INDEX[shape]] for shape, actuator in self._direct.items()}

    @cached_property
    def reach(self) -> Reach:
        """Measured by inverting every shape with the self-model; takes tens of milliseconds."""
        target = self.delta.copy()
        for a, b in _TOGETHER:
            target[INDEX[a]] = target[INDEX[b]] = self.delta[INDEX[a]] + self.delta[INDEX[b]]
        inverse = Inverse(self._model, self._limits, steps=_STEPS, direct=self.direct_actuators)
        # Lips are asked not to pass each other. Drawing and model have no contact: shares compare
        # the one with the other as they are.
        commands = inverse.solve_each(lips_apart(self.neutral + target, self._floor))
        got = self._model.landmarks(commands) - self.neutral
        names = tuple(REGIONS)
        terms = inverse.objective.weights
        axes = np.sqrt([1.0, 1.0, terms.depth])
        got, target = got * axes, target * axes
        weight = np.sqrt(landmark_weights(terms.regions))[None, :, None]
        overall = _share(got * weight, target * weight)
        by_region = np.repeat(overall[:, None], len(names), axis=1)
        visible = np.zeros_like(by_region, dtype=bool)
        for k, name in enumerate(names):
            at = list(REGIONS[name])
            visible[:, k] = np.sqrt(np.square(target[:, at]).sum(2).mean(1)) > _VISIBLE_MM
            share = _share(got[:, at], target[:, at])
            by_region[:, k] = np.where(visible[:, k], share, overall)
        # A face whose sides differ a little must not smile crookedly.
        for left, right in LEFT_RIGHT:
            pair = [INDEX[left], INDEX[right]]
            overall[pair] = overall[pair].mean()
            by_region[pair] = by_region[pair].mean(0)
        for shape in _DIRECT:
            overall[INDEX[shape]] = float(shape in self._direct)
        return Reach(overall, by_region, visible, names)

    def _checked(self, weights: NDArray[np.floating]) -> Floats:
        w = np.asarray(weights, dtype=np.float64)
        if w.ndim != 2 or w.shape[1] != len(ARKIT):
            raise InputError(f"blendshape weights have shape {w.shape}, expected (T, {len(ARKIT)})")
        if not np.isfinite(w).all():
            raise InputError("blendshape weights hold NaN or infinity")
        w = np.clip(w, 0.0, 1.0)
        jaw, shut = INDEX["jawOpen"], INDEX["mouthClose"]
        closed = np.minimum(w[:, shut], w[:, jaw])
        w[:, shut] = closed
        w[:, jaw] -= closed
        return bitten(w)


def soft(weight: Floats, reach: Floats) -> Floats:
    """Weight (..., S) in [0, 1] -> share of the full shape; slope 1 at 0, ``reach`` (S,) at 1."""
    g = np.clip(reach, LEAST_REACH, 1.0)
    return np.asarray(weight / np.sqrt(1.0 + (g**-2 - 1.0) * weight**2))


def _share(got: Floats, target: Floats) -> Floats:
    """Part of each displacement (S, L, 3) that was reached, (S,) in [0, 1]."""
    along = (got * target).sum((1, 2))
    whole = np.square(target).sum((1, 2))
    return np.asarray(np.clip(along / np.maximum(whole, 1e-9), 0.0, 1.0))


def _lips_on_jaw(neutral: Floats, opening: Floats) -> Floats:
    """A jaw's opening (478, 3) mm whose lips go no further than the jaw carries them.

    The drawn jawOpen pulls the lower lip 11 mm below where its jaw takes it. A face that follows it
    opens half with the jaw and half with the lip, and bares the lower teeth to their roots. The
    lip has a shape of its own for that, mouthLowerDown. The jaw turns about the condyles.
    """
    arm = neutral[_CHIN] - _CONDYLE
    turn = 2.0 * np.arcsin(0.5 * np.linalg.norm(opening[_CHIN, 1:]) / np.linalg.norm(arm[1:]))
    y, z = (neutral[list(_LOWER_LIP)] - _CONDYLE)[:, 1:].T
    carried = np.mean(z * np.sin(turn) + y * (1.0 - np.cos(turn)))
    share = carried / -np.mean(opening[list(_LOWER_LIP), 1])
    out = opening.copy()
    out[_nearest_region(neutral) == _LIPS] *= min(share, 1.0)
    return out


def _nearest_region(points: Floats) -> NDArray[np.intp]:
    """(478,) region of each landmark: its own, or that of the nearest landmark that has one."""
    region = np.full(len(points), -1)
    for k, indices in enumerate(REGIONS.values()):
        region[list(indices)] = k
    known = np.flatnonzero(region >= 0)
    far = np.linalg.norm(points[:, None] - points[known], axis=-1)
    return np.asarray(region[known[far.argmin(1)]], dtype=np.intp)
