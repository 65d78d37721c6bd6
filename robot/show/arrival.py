"""Key frames first: how a whole take is performed so that its key frames are met on time.

A take knows its future. The skin follows its servos late, so a pose of the face is entered a little
faster and stands before its time. A servo that is too slow for a move begins it early; all frames
but the key frames share what is lost evenly, before and after.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from mien.models.face.blendshapes import ARKIT, FPS
from mien.robot.face.config import Floats
from mien.robot.show.generator import Curves
from mien.robot.show.keyframes import Hold

EARLY: Final = 3.0
"""How much faster than its servos the inverse may move: what is too fast is planned here."""
ARRIVE_S: Final = 2.0 / FPS
"""Time in s by which a face stands before a key frame. A head has no skin to wait for."""


def key_frames(held: Sequence[Hold], count: int) -> list[int]:
    """Frames below ``count`` at which a curve begins or ends to be held."""
    at = {round(t * FPS) for h in held if h.value is not None for t in (h.start, h.end)}
    return sorted(k for k in at if 0 <= k < count)


def entered(curves: Curves, held: Sequence[Hold]) -> Curves:
    """Curves (T, 55) whose held shapes are reached ``ARRIVE_S`` early; they begin as before."""
    out, t = curves.copy(), np.arange(len(curves)) / FPS
    for hold in held:
        if hold.value is None or hold.column >= len(ARKIT) or hold.rise <= 2.0 * ARRIVE_S:
            continue
        first = hold.start - hold.rise
        at = np.flatnonzero((t > first) & (t < hold.start))
        now = first + (t[at] - first) * hold.rise / (hold.rise - ARRIVE_S)
        out[at, hold.column] = np.interp(np.minimum(now, hold.start), t, curves[:, hold.column])
    return out


def planned(commands: Floats, step: Floats, keys: Sequence[int]) -> Floats:
    """The commands of a take that change by no more than ``step`` from frame to frame.

    Key frames keep their commands wherever they can be reached from each other. Elsewhere the
    largest change is as small as it can be (the middle of the two Lipschitz extensions, McShane
    1934, Bull. Amer. Math. Soc. 40).

    Args:
        commands: (T, n) as wanted.
        step: (n,) largest change in a frame.
        keys: indices of key frames.
    """
    low, high = _cone(commands, step)
    out = 0.5 * (low + high)
    if keys:
        least, most = np.full_like(out, np.inf), np.full_like(out, -np.inf)
        least[list(keys)] = most[list(keys)] = commands[list(keys)]
        above, below = _cone(least, step)[0], _cone(most, step)[1]
        middle = 0.5 * (above + below)  # where two keys are too near for the speed
        out = np.clip(out, np.minimum(below, middle), np.maximum(above, middle))
    return out


def _cone(rows: Floats, step: Floats) -> tuple[Floats, Floats]:
    """The highest rows below, and the lowest above (T, n), that change by ``step`` at most."""
    low, high = rows.copy(), rows.copy()
    for order in (range(1, len(rows)), range(len(rows) - 2, -1, -1)):
        by = -1 if order.step == 1 else 1
        for k in order:
            low[k] = np.minimum(low[k], low[k + by] + step)
            high[k] = np.maximum(high[k], high[k + by] - step)
    return low, high
