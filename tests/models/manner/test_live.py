"""The live manner: another performance for another seed, smooth, and without look-ahead."""

import numpy as np

from mien.models.manner.live import CHANNELS, HEARD, Hearing, LiveManner


def _run(seed: int, levels: np.ndarray) -> np.ndarray:
    live = LiveManner(seed=seed)
    return np.array([live.frame(float(v), float(v > -50)) for v in levels])


LEVELS = np.where(np.arange(240) % 60 < 40, -20.0, -80.0)


def test_a_seed_repeats_and_another_differs() -> None:
    one, again, other = _run(1, LEVELS), _run(1, LEVELS), _run(2, LEVELS)
    assert one.shape == (len(LEVELS), CHANNELS)
    assert np.array_equal(one, again)
    assert np.abs(one - other).max() > 1e-3


def test_what_comes_later_changes_nothing_before() -> None:
    changed = LEVELS.copy()
    changed[120:] = -30.0
    assert np.array_equal(_run(1, LEVELS)[:120], _run(1, changed)[:120])


def test_it_moves_smoothly() -> None:
    made = _run(3, LEVELS)
    step = np.abs(np.diff(made, axis=0)).max(axis=0)
    assert (step < 0.5 * (made.max(axis=0) - made.min(axis=0))).all()


def test_the_gain_of_a_microphone_tells_nothing() -> None:
    loud, soft = Hearing(), Hearing()
    for level in LEVELS:
        a = loud.push(level + 10.0 if level > -50 else -90.0, float(level > -50))
        b = soft.push(level if level > -50 else -90.0, float(level > -50))
    assert a.shape == (HEARD,)
    assert np.allclose(a, b)
