"""Speech meets expression: which shapes give way where both want the mouth.

Three ways, so that they can be measured side by side: ``plain`` adding; ``crossed``, adding with
three written cross terms; and a learned sparse fusion (``mien.models.fusion.learned``). All take
speech
(T, 52), expression (T, 52) and voice (T,) in 0..1, and all return the speech itself, exactly, where
there is no expression, and the expression itself where nobody speaks.

All but plain adding end in :func:`sealed`, which keeps closures by construction, whatever the rest
does and whatever speech network it is fed by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import INDEX, indices, lip_opening

Floats = NDArray[np.float64]
Fusion = Callable[[Floats, Floats, Floats], Floats]
"""(speech (T, 52), expression (T, 52), voice (T,)) -> (T, 52) in 0..1."""

CLOSED: Final = 0.05
"""Lip opening (jawOpen - mouthClose) up to which a closure is fully protected."""
APART: Final = 0.15
"""Lip opening from which on nothing is."""
OPENING_WITHHELD: Final = 0.6
"""How much of an expression's own mouth opening speech takes away: a dropped jaw is a place to
speak from, not so much more on top of every vowel."""
OPENS: Final = indices(
    ["jawOpen", "jawForward", "mouthFunnel", "mouthShrugUpper"]
    + [f"mouth{n}{s}" for n in ("UpperUp", "LowerDown") for s in ("Left", "Right")]
)
"""Shapes that part the lips."""
WIDENS: Final = indices(
    [f"mouth{n}{s}" for n in ("Smile", "Stretch", "Dimple") for s in ("Left", "Right")]
)
"""Shapes that pull the corners out."""
PARTS_A_LITTLE: Final = indices(
    [f"mouth{n}{s}" for n in ("Smile", "Stretch", "Frown", "Dimple") for s in ("Left", "Right")]
)
"""Shapes that part the lips of this kind of face a little, beside what they are for."""
SHUTS: Final = indices(
    ["mouthClose", "mouthRollUpper", "mouthRollLower", "mouthShrugLower"]
    + [f"mouthPress{s}" for s in ("Left", "Right")]
)
"""Shapes that press the lips together."""
ROUNDS: Final = indices(["mouthPucker", "mouthFunnel"])


def plain(speech: Floats, expression: Floats, _voice: Floats) -> Floats:
    """The sum."""
    return np.clip(speech + expression, 0.0, 1.0)


def closure(speech: Floats, voice: Floats) -> Floats:
    """How much a closure of the lips is meant, (T,) in 0..1: lips together while speaking.

    Closed lips of a silent face mean nothing, and a surprised one may drop its jaw.
    """
    u = np.clip((APART - lip_opening(speech)) / (APART - CLOSED), 0.0, 1.0)
    return np.asarray(u * u * (3.0 - 2.0 * u) * voice)


def sealed(speech: Floats, voice: Floats, blended: Floats) -> Floats:
    """A fusion's answer ``met`` (T, 52), with every closure that speech means kept.

    Where speech closes the lips (:func:`closure` is 1), no shape that parts them is above speech's
    own and none that presses them is below it: shape by shape, so that on any face on which these
    shapes do what their names say the lips are no further apart than without the expression.
    Between closed and open the bound loosens with the closure, so nothing jumps.
    """
    meant = closure(speech, voice)[..., None]
    more = blended - speech
    out = blended.copy()
    out[..., OPENS] -= meant * np.maximum(more[..., OPENS], 0.0)
    out[..., SHUTS] -= meant * np.minimum(more[..., SHUTS], 0.0)
    return out


def rounding(speech: Floats) -> Floats:
    """How far speech rounds the lips, (T,) in 0..1."""
    return np.asarray(np.clip(speech[..., ROUNDS].max(axis=-1), 0.0, 1.0))


def crossed(speech: Floats, expression: Floats, voice: Floats) -> Floats:
    """The sum, with three cross terms.

    1. Closures stay closed: what an expression opens is withheld as the lips meet (``sealed``),
       and what parts them only a little gives way a little.
    2. A smile narrows less while rounding: corners and pucker both give way, the corners more.
    3. A shout opens more: an open mouth opens further with the arousal of eyes and brows, and
       expressions that press the lips yield to an open vowel.
    """
    meant = closure(speech, voice)[..., None]
    rounded = (rounding(speech) * voice)[..., None]
    wide = np.clip(expression[..., WIDENS].max(axis=-1, keepdims=True), 0.0, 1.0)
    opening = (np.minimum(lip_opening(speech), 1.0) * voice)[..., None]

    emotion = expression.copy()
    emotion[..., OPENS] *= 1.0 - OPENING_WITHHELD * voice[..., None]
    emotion[..., PARTS_A_LITTLE] *= 1.0 - 0.35 * meant
    emotion[..., WIDENS] *= 1.0 - 0.6 * rounded
    emotion[..., SHUTS] *= 1.0 - np.minimum(4.0 * opening, 1.0)

    spoken = speech.copy()
    spoken[..., ROUNDS] *= 1.0 - 0.25 * wide * rounded
    # Lids and brows tell how aroused an expression is, whatever emotion it came from.
    aroused = expression[..., [INDEX["eyeWideLeft"], INDEX["browDownLeft"]]].max(axis=-1)
    spoken[..., INDEX["jawOpen"]] *= 1.0 + 0.3 * aroused * np.minimum(3.0 * opening[..., 0], 1.0)
    return sealed(speech, voice, np.clip(spoken + emotion, 0.0, 1.0))
