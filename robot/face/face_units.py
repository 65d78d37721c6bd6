"""What each of the 52 ARKit shapes looks like on a human head, at the 478 landmarks.

The shapes come from MakeHuman's CC0 face units on the rig's nominal head. They define what to aim
for; what a robot makes of it is its own mechanism's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from mien.models.face.blendshapes import ARKIT
from mien.models.reading.arrays import check_finite, check_shapes, read_npz
from mien.models.reading.bounded import FileError
from mien.robot.errors import ConfigError
from mien.robot.face.config import Floats

_LAYOUT: dict[str, tuple[int | str, ...]] = {
    "names": ("shapes",), "neutral": (478, 3), "delta": ("shapes", 478, 3),
}  # fmt: skip
FILE = Path(__file__).parents[1] / "faces" / "face_units.npz"


@dataclass(frozen=True, eq=False)
class FaceUnits:
    """Shapes as displacements.

    Attributes:
        neutral: (478, 3) mm, head frame.
        delta: (52, 478, 3) mm at weight 1, in the order of ``mien.models.face.blendshapes.ARKIT``.
    """

    neutral: Floats
    delta: Floats


@lru_cache(maxsize=4)
def load_units(path: Path = FILE) -> FaceUnits:
    """Read the basis.

    Raises:
        ConfigError: not there, not readable, or with other shapes than ARKit's 52.
    """
    try:
        stored = read_npz(path, own=path == FILE)
        check_shapes(path, stored, _LAYOUT)
        check_finite(path, stored, "neutral", "delta")
    except (OSError, FileError) as e:
        raise ConfigError(f"cannot read the face units at {path}: {e}", "mien doctor") from e
    names = tuple(str(n) for n in stored["names"])
    neutral = stored["neutral"].astype(np.float64)
    delta = stored["delta"].astype(np.float64)
    if set(names) != set(ARKIT):
        raise ConfigError(f"{path} holds {len(names)} shapes that are not ARKit's 52")
    return FaceUnits(neutral, delta[[names.index(n) for n in ARKIT]])
