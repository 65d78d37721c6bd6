"""Key frames are met, no servo is asked for more than its speed, and all else shares the loss."""

import numpy as np
import pytest

from mien.models.face.blendshapes import INDEX
from mien.models.face.curves import CURVES
from mien.robot.show.arrival import ARRIVE_S, entered, key_frames, planned
from mien.robot.show.keyframes import Hold

STEP = np.array([0.05])


def _pulse() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    rows = np.zeros((100, 1))
    rows[50:60] = 1.0
    return rows


def test_what_servos_can_do_stays_as_it_is() -> None:
    rows = _pulse()
    assert np.array_equal(planned(rows, np.array([1.0]), [3, 55]), rows)


def test_a_key_frame_is_met_by_beginning_early() -> None:
    out = planned(_pulse(), STEP, [50])
    assert out[50, 0] == pytest.approx(1.0)
    assert out[32, 0] > 0.05
    assert np.abs(np.diff(out, axis=0)).max() <= STEP[0] + 1e-12


def test_without_a_key_the_loss_is_shared_before_and_after() -> None:
    rows = _pulse()
    out = planned(rows, STEP, [])
    late = np.zeros_like(rows)
    for k in range(1, 100):
        late[k] = late[k - 1] + np.clip(rows[k] - late[k - 1], -STEP, STEP)
    assert np.abs(out - rows).max() < np.abs(late - rows).max()
    assert np.abs(np.diff(out, axis=0)).max() <= STEP[0] + 1e-12


def test_two_keys_that_are_too_near_meet_in_the_middle() -> None:
    rows = np.zeros((40, 1))
    rows[20] = 1.0
    out = planned(rows, STEP, [18, 20])
    assert np.abs(np.diff(out, axis=0)).max() <= STEP[0] + 1e-12
    assert 1.0 - out[20, 0] == pytest.approx(out[18, 0])


def test_a_shape_stands_before_its_time_and_a_turn_does_not() -> None:
    column, yaw = INDEX["browInnerUp"], CURVES.index("HeadYaw")
    curves = np.zeros((60, len(CURVES)), np.float32)
    curves[:, column] = curves[:, yaw] = np.clip((np.arange(60) - 18) / 12, 0.0, 1.0)
    held = [Hold(c, 1.0, 0.5, 0.6, 0.2, 0.2) for c in (column, yaw)]
    out = entered(curves, held)
    assert out[30 - round(60 * ARRIVE_S), column] == pytest.approx(1.0)
    assert out[19, column] == pytest.approx(0.1, abs=0.01)
    assert np.array_equal(out[:, yaw], curves[:, yaw])
    assert np.array_equal(out[30:], curves[30:])


def test_key_frames_are_where_a_hold_begins_and_ends() -> None:
    held = [Hold(0, 1.0, 0.5, 0.6, 0.2, 0.2), Hold(1, None, 0.1, 0.2, 0.1, 0.1)]
    assert key_frames(held, 36) == [30]
    assert key_frames(held, 60) == [30, 36]
