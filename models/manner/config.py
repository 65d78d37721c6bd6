"""Configuration of the manner network, and the frame rate that it works at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import indices
from mien.models.face.curves import CURVES
from mien.models.manner.features import FEATURES

FPS: Final = 30
"""Frames a second of the network. Servos are slower; the curves are upsampled at the end."""
STYLE: Final = 64
"""Numbers of a style. All zeros mean no style."""
STEPS: Final = 8
"""Steps of the sampler."""
GENERATED: Final = (
    "browDownLeft", "browDownRight", "eyeBlinkLeft", "eyeBlinkRight",
    "HeadYaw", "HeadPitch", "HeadRoll",
)  # fmt: skip
"""Curves that a filmed face teaches. They are deviations from the rest of a clip: of a brow, +1 is
a whole browDown, and below 0 it rises. A tracker's gaze drops with every blink and its squint, nose
and cheeks are dead, so they teach nothing; gaze stays with the rules of life."""
COLUMNS: Final = tuple(CURVES.index(name) for name in GENERATED)
LIPS: Final = indices([n for n in CURVES if n.startswith(("jaw", "mouth"))])
"""Curves of the speech network: known when a face speaks, and free between keyframes of a mouth."""
LID_FULL: Final = 0.6
"""How far the tracked lids of the filmed speaker go, beyond their rest, when they are shut."""
LID_OPEN: Final = 0.15
"""Tracked lids below this are open: the tracker's lids also follow the gaze, and a face whose lids
did would look tired."""
DIVISOR: Final = 4
"""Lengths inside the network are multiples of this."""


def shut(lids: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tracked lids, from their rest -> how far they are shut, 0 to 1."""
    return np.clip((lids - LID_OPEN) / (LID_FULL - LID_OPEN), 0.0, 1.0)


@dataclass(frozen=True)
class Config:
    """Sizes of the network.

    Attributes:
        widths: channels at 30, 15 and 7.5 frames a second.
        curves: channels of input and output.
        features: sound features of a frame.
        style: numbers of a style.
        hidden: size of what noise level and style become.
    """

    widths: tuple[int, int, int] = (96, 128, 144)
    curves: int = len(CURVES)
    features: int = FEATURES
    style: int = STYLE
    hidden: int = 48
