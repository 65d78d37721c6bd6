"""Live manner: brows and head of a network, all else as without it."""

import numpy as np
import pytest

from mien.models.face.blendshapes import INDEX
from mien.robot.errors import InputError
from mien.robot.live.manner import MannerLayer, checked_manner, layer_of
from mien.robot.live.streaming_layers import LiveExpression


def _run(face: LiveExpression, frames: int = 240) -> tuple[np.ndarray, np.ndarray]:
    spoken = np.zeros(len(INDEX), np.float32)
    rows = [face.frame(spoken, -20.0 if k % 60 < 40 else -80.0, 1.0) for k in range(frames)]
    return np.array([w for w, _ in rows]), np.array([h for _, h in rows])


def test_brows_and_head_differ_between_seeds_and_lids_are_those_of_life() -> None:
    plain, _ = _run(LiveExpression(3))
    one, head = _run(LiveExpression(3, manner=MannerLayer("reader", 1)))
    again, _ = _run(LiveExpression(3, manner=MannerLayer("reader", 1)))
    other, _ = _run(LiveExpression(3, manner=MannerLayer("reader", 2)))
    brow, lid = INDEX["browDownLeft"], INDEX["eyeBlinkLeft"]
    assert np.array_equal(one, again)
    assert not np.array_equal(one[:, brow], other[:, brow])
    assert np.array_equal(one[:, lid], plain[:, lid])
    assert head.std(axis=0).min() > 0.0
    assert np.abs(head).max() <= 1.0


def test_a_run_without_a_seed_is_another_one_each_time() -> None:
    one, other = (_run(LiveExpression(0, manner=MannerLayer("reader")), 60)[1] for _ in range(2))
    assert not np.array_equal(one, other)


def test_a_head_gain_of_zero_keeps_the_head_still() -> None:
    _, head = _run(LiveExpression(0, head_gain=0.0, manner=MannerLayer("reader", 1)), 60)
    assert not head.any()


def test_no_manner_unless_it_is_named() -> None:
    assert layer_of("", 0, 1.0) is None
    assert checked_manner("") == ""
    with pytest.raises(InputError, match="no manner 'nobody'; there are reader"):
        checked_manner("nobody")
