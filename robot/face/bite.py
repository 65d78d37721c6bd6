"""The lower lip on the upper teeth, as for f and v: when it is meant, and what it takes."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.models.face.blendshapes import INDEX
from mien.robot.face.config import Floats

# A lower lip on the upper teeth (f, v): the difference of the rolls at which it begins and is
# whole; how much more it takes between shut lips (jawOpen opens them from 0 to BITE_OPEN).
BITE_ROLL, BITE_SHUT, BITE_OPEN = (0.06, 0.26), 0.15, 0.08
# Then: least roll of the lower and least lift of the upper lip, the share that the jaw loses and
# the least that it keeps, and how far beyond their shapes the lower lip rises to the teeth and the
# upper one makes room.
BITE_LOWER, BITE_UPPER, BITE_JAW, BITE_LEAST = 0.8, 0.8, 0.7, 0.08
BITE_RISE, BITE_ROOM = 0.5, 0.5
LIFTS: Final = ("mouthUpperUpLeft", "mouthUpperUpRight")
_LETS_GO = [INDEX[n] for n in ("mouthLowerDownLeft", "mouthLowerDownRight", "mouthFunnel",
                               "mouthPucker", "mouthShrugLower")]  # fmt: skip


def bite(weights: Floats) -> Floats:
    """How far the lower lip is to meet the upper teeth, as for f and v: (..., 52) -> (...) in 0..1.

    It is where the lower lip is rolled in and the upper one is not. Lips that are held together
    (p, b, m) must be rolled more unequally to count.
    """
    alone = weights[..., INDEX["mouthRollLower"]] - weights[..., INDEX["mouthRollUpper"]]
    shut = np.clip(1.0 - weights[..., INDEX["jawOpen"]] / BITE_OPEN, 0.0, 1.0)
    low, high = BITE_ROLL
    u = np.clip((alone - low - BITE_SHUT * shut) / (high - low), 0.0, 1.0)
    return np.asarray(u * u * (3.0 - 2.0 * u))


def bitten(weights: Floats) -> Floats:
    """Weights (T, 52) whose lower lip meets the upper teeth where it is meant to.

    The drawn lower lip rolls behind the upper one. Lips of silicone would meet instead, and an f
    would look like a p: so the upper lip makes room, and what draws the lower lip away from the
    teeth lets go.
    """
    share = bite(weights)[:, None]
    if not share.any():
        return weights
    weights[:, _LETS_GO] *= 1.0 - share
    weights[:, [INDEX["jawOpen"]]] *= 1.0 - BITE_JAW * share
    least_of = ((("jawOpen",), BITE_LEAST), (("mouthRollLower",), BITE_LOWER), (LIFTS, BITE_UPPER))
    for names, least in least_of:
        at = [INDEX[n] for n in names]
        weights[:, at] = np.maximum(weights[:, at], least * share)
    return weights
