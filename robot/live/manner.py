"""Brows and head of a live face by the small manner network, in place of those of life."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import INDEX, indices
from mien.models.face.curves import AXES
from mien.models.manner.config import GENERATED
from mien.models.manner.live import WEIGHTS, LiveManner
from mien.robot.errors import InputError
from mien.robot.expression.life import BROW_REST
from mien.robot.face.config import Floats
from mien.robot.face.solver import HEAD_RANGE_RAD
from mien.robot.show.manner import BROW_GAIN, TURN_GAIN

NAMES: Final[dict[str, Path]] = {"reader": WEIGHTS}
"""Manners that ship, by name: a filmed man who reads sentences."""
_DOWN: Final = indices(("browDownLeft", "browDownRight"))
_OUTER: Final = indices(("browOuterUpLeft", "browOuterUpRight"))
_INNER: Final = INDEX["browInnerUp"]
_BROWS: Final = [GENERATED.index(n) for n in ("browDownLeft", "browDownRight")]
_HEAD: Final = [GENERATED.index(n) for n in AXES]


class MannerLayer:
    """The network of one run.

    Args:
        name: one of ``NAMES``, or path of a weights file.
        seed: of its noise; 0 gives another performance each time.
        amount: factor of its motion, 0 to 1.

    Raises:
        InputError: no manner has this name.
        ModelError: the weights cannot be used.
    """

    def __init__(self, name: str, seed: int = 0, amount: float = 1.0) -> None:
        self._network = LiveManner(path_of(name), seed or secrets.randbits(31))
        self._amount = amount

    def frame(
        self, level_db: float, gate: float, living: NDArray[np.floating], lively: Floats | float = 1
    ) -> Floats:
        """Write the brows of the next 1/60 s into ``living`` (52,).

        Args:
            level_db: sound level in dB re full scale.
            gate: voice activity, 0 to 1.
            living: weights of life.
            lively: factor of the motion of the brows.

        Returns:
            Neck commands (3,) yaw, pitch, roll in -1..1.
        """
        made = self._amount * self._network.frame(level_db, gate)
        low = BROW_REST * min(1.0, self._amount) + BROW_GAIN * lively * made[_BROWS]
        living[_DOWN] = np.clip(low, 0.0, 1.0)
        living[_OUTER] = np.clip(-0.7 * low, 0.0, 1.0)
        living[_INNER] = max(-float(low.mean()), 0.0)
        return np.asarray(TURN_GAIN * made[_HEAD] / HEAD_RANGE_RAD)


def path_of(name: str) -> Path:
    """Weights of a manner.

    Raises:
        InputError: no manner and no file has this name.
    """
    if name in NAMES:
        return NAMES[name]
    if not Path(name).is_file():
        known = ", ".join(NAMES)
        raise InputError(
            f"no manner {name!r}; there are {known}, or give a weights file", "--manner reader"
        )
    return Path(name)


def layer_of(name: str, seed: int, amount: float) -> MannerLayer | None:
    """The network of a name; None for ""."""
    return MannerLayer(name, seed, amount) if name else None


def checked_manner(name: str) -> str:
    """The name of a manner, checked before anything starts; "" stays.

    Raises:
        InputError: no manner has this name.
        ModelError: its weights cannot be used.
    """
    if name:
        LiveManner(path_of(name))
    return name
