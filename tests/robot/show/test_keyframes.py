"""Keyframes hold their curves, and nothing blinks while they do."""

import numpy as np
import pytest

from mien.models.face.blendshapes import INDEX
from mien.models.face.curves import CURVES
from mien.robot.show.keyframes import LIDS, MAX_STILL_S, holds, overlay
from mien.robot.show.poses import held
from mien.robot.show.schema import Keyframe

T = np.arange(300) / 60
BLINK = INDEX["eyeBlinkLeft"]


def _blinking() -> np.ndarray:
    """Five seconds with lids at 0.1 and a blink in the middle of each second."""
    curves = np.zeros((len(T), len(CURVES)), np.float32)
    curves[:, LIDS] = 0.1
    curves[np.abs(T % 1.0 - 0.5) < 0.1] += np.eye(len(CURVES))[list(LIDS)].sum(0) * 0.9
    return curves.astype(np.float32)


def _overlaid(*frames: Keyframe) -> np.ndarray:
    return overlay(_blinking(), T, holds(frames, [held(f, {}) for f in frames]))


@pytest.mark.parametrize("pose", ["brows_up", "smile", "nod_down", "look_left", "squint"])
def test_nothing_blinks_in_a_hold(pose: str) -> None:
    out = _overlaid(Keyframe(at=1.4, pose=pose, hold=0.4))
    inside = (T >= 1.4) & (T <= 1.8)
    assert out[inside][:, LIDS].max() <= 0.1 + 1e-6
    outside = (T <= 1.15) | (T >= 2.05)
    assert np.array_equal(out[outside], _blinking()[outside])


def test_a_keyframe_that_shuts_the_eyes_shuts_them_in_the_hold_of_another_one() -> None:
    out = _overlaid(
        Keyframe(at=1.0, pose="eyes_shut", hold=1.0), Keyframe(at=1.4, pose="brows_up", hold=0.4)
    )
    assert np.allclose(out[(T >= 1.0) & (T <= 2.0), BLINK], 1.0)


def test_a_wink_shuts_one_eye() -> None:
    out = _overlaid(Keyframe(at=1.4, pose="wink_left", hold=0.3))
    at = (T >= 1.4) & (T <= 1.7)
    assert np.allclose(out[at, BLINK], 1.0)
    assert out[at, INDEX["eyeBlinkRight"]].max() <= 0.1 + 1e-6


def test_a_long_hold_blinks_in_the_end() -> None:
    out = _overlaid(Keyframe(at=0.3, pose="smile", hold=4.6))
    assert out[(T >= 0.3) & (T <= 0.3 + MAX_STILL_S), BLINK].max() <= 0.1 + 1e-6
    assert out[T > 4.0, BLINK].max() > 0.9


def test_brows_and_gaze_keep_still_while_lids_are_held() -> None:
    curves = _blinking()
    for name in ("browDownLeft", "eyeLookUpLeft", "mouthSmileLeft"):
        curves[:, INDEX[name]] = (0.5 + 0.5 * np.sin(7 * T)).astype(np.float32)
    frame = Keyframe(at=1.4, pose="squint", hold=0.4)
    out = overlay(curves, T, holds([frame], [held(frame, {})]))
    inside = (T >= 1.4) & (T <= 1.8)
    assert np.ptp(out[inside, INDEX["browDownLeft"]]) < 1e-6
    assert np.ptp(out[inside, INDEX["eyeLookUpLeft"]]) < 1e-6
    assert np.array_equal(out[:, INDEX["mouthSmileLeft"]], curves[:, INDEX["mouthSmileLeft"]])
