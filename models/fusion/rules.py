"""Fusion of speech and expression: which shapes yield where both move the mouth.

There are three fusions: ``plain`` adds; ``crossed`` adds with four cross terms;
``mien.models.fusion.learned`` is a learned sparse fusion. Each takes speech (T, 52), expression
(T, 52) and voice (T,) in 0..1. Without an expression the output is exactly the speech. In silence
it is exactly the expression.

``crossed`` and the learned fusion end in :func:`sealed`, which keeps lip closures by construction.
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
"""Lip opening (jawOpen - mouthClose) below which a closure is fully protected."""
APART: Final = 0.15
"""Lip opening above which nothing is protected."""
OPENING_WITHHELD: Final = 0.6
"""Share of the expression's mouth opening that is withheld during speech. Otherwise a dropped jaw
would add to the opening of every vowel."""
UPPER_WITHHELD: Final = 0.25
"""The same share of the raised upper lip: it bares teeth, and hardly adds to an opening that the
jaw makes."""
SMILED: Final = 0.25
"""Share of its opening that a speaking jaw gives up while the corners of the mouth are fully out.
Otherwise every open vowel turns a smile into the open mouth of surprise."""
OPENS: Final = indices(
    ["jawOpen", "jawForward", "mouthFunnel", "mouthShrugUpper"]
    + [f"mouth{n}{s}" for n in ("UpperUp", "LowerDown") for s in ("Left", "Right")]
)
"""Shapes that part the lips."""
LIFTS: Final = indices([f"mouthUpperUp{s}" for s in ("Left", "Right")])
"""Those of the upper lip."""
WIDENS: Final = indices(
    [f"mouth{n}{s}" for n in ("Smile", "Stretch", "Dimple") for s in ("Left", "Right")]
)
"""Shapes that pull the corners out."""
PARTS_A_LITTLE: Final = indices(
    [f"mouth{n}{s}" for n in ("Smile", "Stretch", "Frown", "Dimple") for s in ("Left", "Right")]
)
"""Shapes that also part the lips a little on the simulated face."""
SHUTS: Final = indices(
    ["mouthClose", "mouthRollUpper", "mouthRollLower", "mouthShrugLower"]
    + [f"mouthPress{s}" for s in ("Left", "Right")]
)
"""Shapes that press the lips together."""
ROUNDS: Final = indices(["mouthPucker", "mouthFunnel"])


def plain(speech: Floats, expression: Floats, _voice: Floats) -> Floats:
    """The sum of both, clipped to 0..1."""
    return np.clip(speech + expression, 0.0, 1.0)


def closure(speech: Floats, voice: Floats) -> Floats:
    """Degree (T,) in 0..1 of an intended lip closure: lips together during speech.

    In silence it is 0, so that a surprised face may drop its jaw.
    """
    u = np.clip((APART - lip_opening(speech)) / (APART - CLOSED), 0.0, 1.0)
    return np.asarray(u * u * (3.0 - 2.0 * u) * voice)


def sealed(speech: Floats, voice: Floats, blended: Floats) -> Floats:
    """The output ``blended`` (T, 52) of a fusion, with every closure of the speech kept.

    Where :func:`closure` is 1, shapes that part the lips are at most those of the speech, and
    shapes that press the lips are at least those of the speech. So the lips are no further apart
    than without the expression, on any face whose shapes do what their names say. Between closed
    and open the bound changes continuously.
    """
    meant = closure(speech, voice)[..., None]
    more = blended - speech
    out = blended.copy()
    out[..., OPENS] -= meant * np.maximum(more[..., OPENS], 0.0)
    out[..., SHUTS] -= meant * np.minimum(more[..., SHUTS], 0.0)
    return out


def rounding(speech: Floats) -> Floats:
    """Lip rounding of the speech, (T, 52) -> (T,) in 0..1."""
    return np.asarray(np.clip(speech[..., ROUNDS].max(axis=-1), 0.0, 1.0))


def crossed(speech: Floats, expression: Floats, voice: Floats) -> Floats:
    """The sum, with four cross terms.

    1. Closure: opening shapes of the expression are withheld as the lips close (``sealed``). Shapes
       that part the lips only a little are reduced.
    2. Rounding: while the lips are rounded, both the mouth corners and the pucker are reduced, the
       corners more.
    3. Arousal: the opening of the mouth grows with the arousal of eyes and brows. Shapes that press
       the lips are reduced in an open vowel.
    4. Corners: the jaw of the speech opens less while the expression pulls the corners out, so that
       a smile stays one.
    """
    meant = closure(speech, voice)[..., None]
    rounded = (rounding(speech) * voice)[..., None]
    wide = np.clip(expression[..., WIDENS].max(axis=-1, keepdims=True), 0.0, 1.0)
    opening = (np.minimum(lip_opening(speech), 1.0) * voice)[..., None]

    emotion = expression.copy()
    withheld = np.full(emotion.shape[-1], OPENING_WITHHELD)
    withheld[LIFTS] = UPPER_WITHHELD
    emotion[..., OPENS] *= 1.0 - withheld[OPENS] * voice[..., None]
    emotion[..., PARTS_A_LITTLE] *= 1.0 - 0.35 * meant
    emotion[..., WIDENS] *= 1.0 - 0.6 * rounded
    emotion[..., SHUTS] *= 1.0 - np.minimum(4.0 * opening, 1.0)

    spoken = speech.copy()
    spoken[..., ROUNDS] *= 1.0 - 0.25 * wide * rounded
    # Lids and brows measure the arousal of an expression, independent of the emotion.
    aroused = expression[..., [INDEX["eyeWideLeft"], INDEX["browDownLeft"]]].max(axis=-1)
    spoken[..., INDEX["jawOpen"]] *= 1.0 + 0.3 * aroused * np.minimum(3.0 * opening[..., 0], 1.0)
    spoken[..., INDEX["jawOpen"]] *= 1.0 - SMILED * wide[..., 0] * voice
    return sealed(speech, voice, np.clip(spoken + emotion, 0.0, 1.0))
