"""Correlation and lag of two signals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.floating]


def pearson(x: Signal, y: Signal) -> float:
    """Pearson correlation of two signals (n,); 0 if one of them is constant."""
    a, b = np.asarray(x, np.float64), np.asarray(y, np.float64)
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 1e-12 else 0.0


def lag_ms(predicted: Signal, measured: Signal, fps: float, max_lag_ms: float = 250.0) -> float:
    """Delay of the prediction, ms; negative if it is early.

    The shift within +-``max_lag_ms`` at which the first differences correlate best, refined by a
    parabola through the best and its neighbours. Differences are used because slow drift blurs the
    peak of the signals themselves.
    """
    p, m = np.diff(predicted), np.diff(measured)
    reach = min(round(max_lag_ms * fps / 1000), len(p) - 3)
    shifts = range(-reach, reach + 1)
    r = np.asarray(
        [
            pearson(p[max(s, 0) : len(p) + min(s, 0)], m[max(-s, 0) : len(m) - max(s, 0)])
            for s in shifts
        ]
    )
    best = int(r.argmax())
    offset = 0.0
    if 0 < best < len(r) - 1:
        before, mid, after = (float(x) for x in r[best - 1 : best + 2])
        bend = before - 2 * mid + after
        offset = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float((shifts[best] + offset) * 1000 / fps)
