"""Motions of the subtitles as ARKit weights."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.models.face.blendshapes import ARKIT, GROUPS, INDEX, indices
from mien.robot.face.config import Floats
from mien.robot.face.solver import HEAD_RANGE_DEG

MOUTH: Final = indices(GROUPS["jaw"] + GROUPS["mouth"] + GROUPS["tongue"])
"""Columns of the region mouth."""
COLUMNS: Final = {
    "mouth": MOUTH,
    "brows": indices(GROUPS["brows"]),
    "eyes": indices(GROUPS["eyes"]),
    "cheeks": indices(GROUPS["cheeks"]),
    "nose": indices(GROUPS["nose"]),
}
"""Columns of the weights that each region moves."""
_BOTH: Final = ("Left", "Right")


def _row(**shapes: float) -> Floats:
    """(52,) weights by name; a name without its side means both sides."""
    out = np.zeros(len(ARKIT))
    for name, value in shapes.items():
        for column in [name] if name in INDEX else [name + side for side in _BOTH]:
            out[INDEX[column]] = value
    return out


VOWELS: Final[dict[str, Floats]] = {
    "ah": _row(mouthLowerDown=0.10),
    "ae": _row(mouthStretch=0.15, mouthLowerDown=0.12, mouthUpperUp=0.08),
    "eh": _row(mouthStretch=0.15, mouthLowerDown=0.10, mouthSmile=0.05),
    "ee": _row(mouthStretch=0.25, mouthSmile=0.12, mouthLowerDown=0.10, mouthUpperUp=0.06),
    "er": _row(mouthPucker=0.20, mouthFunnel=0.12),
    "oh": _row(mouthPucker=0.35, mouthFunnel=0.25),
    "oo": _row(mouthPucker=0.65, mouthFunnel=0.30),
    "hum": _row(),
}
"""Lips of a held vowel besides their opening, at ``FULL_OPENING``; a narrow one shapes less."""
FULL_OPENING: Final = 0.25
PHONES: Final[dict[str, str]] = {
    "AA": "ah", "AE": "ae", "AH": "ah", "AO": "oh", "AW": "ah", "AY": "ah", "EH": "eh",
    "ER": "er", "EY": "eh", "IH": "ee", "IY": "ee", "OW": "oh", "OY": "oh", "UH": "oo", "UW": "oo",
}  # fmt: skip
"""Vowel of the phone set -> its motion."""
USUAL_OPENING: Final = {
    "ah": 0.36, "ae": 0.34, "eh": 0.28, "ee": 0.20, "er": 0.22, "oh": 0.27, "oo": 0.18, "hum": 0.0,
}  # fmt: skip
"""Lip opening of a sung vowel of usual loudness."""

ADDED: Final[dict[tuple[str, str], Floats]] = {
    ("mouth", "smile"): _row(mouthSmile=0.8, mouthDimple=0.15),
    ("mouth", "frown"): _row(mouthFrown=0.8),
    ("mouth", "round"): _row(mouthPucker=0.8, mouthFunnel=0.3),
    ("mouth", "wide"): _row(mouthStretch=0.8),
    ("brows", "raise"): _row(browInnerUp=0.8, browOuterUp=0.8),
    ("brows", "lower"): _row(browDown=0.8),
    ("brows", "worry"): _row(browInnerUp=0.9),
    ("brows", "raise left"): _row(browOuterUpLeft=0.9, browInnerUp=0.3),
    ("brows", "raise right"): _row(browOuterUpRight=0.9, browInnerUp=0.3),
    ("eyes", "wide"): _row(eyeWide=0.9),
    ("eyes", "squint"): _row(eyeSquint=0.9),
    ("eyes", "close"): _row(eyeBlink=1.0),
    ("cheeks", "raise"): _row(cheekSquint=0.9),
    ("cheeks", "puff"): _row(cheekPuff=0.9),
    ("nose", "wrinkle"): _row(noseSneer=0.9),
}
"""(region, motion) -> weights (52,) that a cue of intensity 1 adds."""
LOOKS: Final[dict[str, tuple[float, float]]] = {
    "left": (1.0, 0.0), "right": (-1.0, 0.0), "up": (0.0, 1.0), "down": (0.0, -1.0),
}  # fmt: skip
"""Motion of the eyes -> yaw and pitch of the look, in shares of the eyes' range."""
LIDS_UP: Final = _row(eyeWide=0.6)
"""Weights (52,) of lids that follow eyes that look up."""
HEAD: Final[dict[str, Floats]] = {
    "lift": np.array([0.0, 9.0, 0.0]) / HEAD_RANGE_DEG,
    "lower": np.array([0.0, -9.0, 0.0]) / HEAD_RANGE_DEG,
    "turn left": np.array([18.0, 0.0, 0.0]) / HEAD_RANGE_DEG,
    "turn right": np.array([-18.0, 0.0, 0.0]) / HEAD_RANGE_DEG,
    "tilt left": np.array([0.0, 0.0, 10.0]) / HEAD_RANGE_DEG,
    "tilt right": np.array([0.0, 0.0, -10.0]) / HEAD_RANGE_DEG,
}
"""Motion of the head -> neck commands yaw, pitch, roll at intensity 1."""
SWAY_DEG: Final = (2.2, 1.2, 4.0)
"""Amplitude of the sway with the beat at intensity 1, yaw, pitch and roll in degrees. The head
goes to one side on a beat and to the other on the next; it dips a little on each."""
