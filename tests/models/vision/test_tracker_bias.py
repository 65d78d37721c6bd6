"""What a tracker errs by on many robots is taken off on another one, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.face.regions import COUNT, landmark_weights
from mien.models.train.prior.tracker_bias_fit import dot_errors, fit_tracker_bias, tracker_response
from mien.models.vision import tracker_bias
from mien.models.vision.tracker_bias import TrackerBias

MOTIONS = 6
REFERENCE = np.zeros((COUNT, 3))


def robots(count: int, poses: int = 60) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(seen, true) of robots with the same motions, and a tracker that drags them alike."""
    rng = np.random.default_rng(0)
    motions = rng.normal(size=(MOTIONS, 3 * COUNT))
    drag = 0.2 * rng.normal(size=(MOTIONS, 3 * COUNT))
    seen, true = [], []
    for _ in range(count):
        codes = rng.normal(size=(poses, MOTIONS)) * rng.uniform(0.8, 1.2, MOTIONS)
        own = 0.02 * rng.normal(size=(MOTIONS, 3 * COUNT))
        error = codes @ (drag + own) + 0.05 * rng.normal(size=(poses, 3 * COUNT))
        true.append((codes @ motions).reshape(poses, COUNT, 3))
        seen.append(true[-1] + error.reshape(poses, COUNT, 3))
    return seen, true


@pytest.fixture(scope="module")
def bias() -> TrackerBias:
    seen, true = robots(5)
    return fit_tracker_bias(seen[:4], true[:4])


def rms(error: np.ndarray) -> float:
    return float(np.sqrt(np.square(error).mean()))


def test_the_error_of_another_robot_is_taken_off(bias: TrackerBias) -> None:
    seen, true = robots(5)
    before, after = rms(seen[4] - true[4]), rms(bias.corrected(seen[4], REFERENCE) - true[4])
    assert after < 0.3 * before
    assert bias.meta["left_mm"] < 0.7 * bias.meta["raw_mm"]
    assert not bias.outside(seen[4], REFERENCE).mean() > 0.1


def test_the_residual_is_no_smaller_than_that_of_another_robot(bias: TrackerBias) -> None:
    seen, true = robots(5)
    left = bias.corrected(seen[4], REFERENCE) - true[4]
    expected = np.sqrt(np.square(bias.residual).sum() / bias.residual.shape[1])
    assert rms(left) < expected < rms(seen[4] - true[4])


def test_a_face_at_rest_stays_and_a_lost_one_stays_lost(bias: TrackerBias) -> None:
    reference = np.random.default_rng(1).normal(size=(COUNT, 3))
    assert bias.corrected(reference, reference) == pytest.approx(reference, abs=1e-12)
    assert np.isnan(bias.corrected(np.full((COUNT, 3), np.nan), reference)).all()


def test_what_was_never_learned_is_said_and_left_alone(bias: TrackerBias) -> None:
    far = 10.0 * robots(1)[0][0]
    assert bias.outside(far, REFERENCE).mean() > 0.9
    extreme = 100.0 * robots(1)[0][0]
    assert bias.corrected(extreme, REFERENCE) == pytest.approx(extreme)


def test_pictures_without_a_face_are_not_learned_from() -> None:
    seen, true = robots(3, 30)
    holes = [s.copy() for s in seen]
    for s in holes:
        s[::3] = np.nan
    found = fit_tracker_bias(holes, true)
    assert np.isfinite(found.errors).all()
    assert found.meta["pictures"] == 3 * 20
    with pytest.raises(ModelError, match="pictures of 3 robots, got 2"):
        fit_tracker_bias(seen[:2], true[:2])


def test_the_file_belongs_to_one_tracker(
    tmp_path: Path, bias: TrackerBias, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bias.safetensors"
    tracker_bias.save(path, replace(bias, meta={"robots": 4}))
    again = tracker_bias.load(path)
    seen, _ = robots(1)
    want, got = (b.corrected(seen[0], REFERENCE) for b in (bias, again))
    assert got == pytest.approx(want, abs=0.02)
    other = tmp_path / "face_landmarker.task"
    other.write_bytes(b"another version")
    monkeypatch.setattr(tracker_bias, "TRACKER", other)
    with pytest.raises(ModelError, match=checkpoint.content_hash(other)):
        tracker_bias.load(path)


def test_the_shipped_bias_halves_the_error_of_robots_that_were_left_out() -> None:
    shipped = tracker_bias.shipped()
    assert shipped.meta["left_mm"] < 0.5 * shipped.meta["raw_mm"]


def test_the_mean_response_is_half_of_a_motion_that_is_hard_to_see() -> None:
    rng = np.random.default_rng(1)
    modes = np.linalg.qr(rng.normal(size=(3 * COUNT, MOTIONS)))[0].T
    seen, true = [], []
    for _ in range(6):
        codes = 40.0 * rng.normal(size=(80, MOTIONS))
        noise = np.zeros_like(codes)
        noise[:, 0] = 40.0 * rng.normal(size=80)  # as large as the motion: a regression halves it
        true.append((codes @ modes).reshape(-1, COUNT, 3))
        seen.append(((codes + noise) @ modes).reshape(-1, COUNT, 3))
    root = np.sqrt(np.maximum(landmark_weights(), 0.05)).repeat(3)
    decoder = np.linalg.qr((modes * root).T)[0].T / root
    axis = modes @ (decoder * root**2).T  # (MOTIONS, K): latents of each motion
    response = tracker_response(decoder, np.zeros((1, 3 * COUNT)), seen, true)
    share = np.einsum("mk,kl,ml->m", axis, response, axis) / np.square(axis).sum(1)
    assert share[0] == pytest.approx(0.5, abs=0.12)
    assert share[1:] == pytest.approx(1.0, abs=0.15)


def test_errors_of_dots_are_kept_as_their_covariance_and_as_what_is_seen_of_a_motion() -> None:
    rng = np.random.default_rng(2)
    modes = np.linalg.qr(rng.normal(size=(3 * COUNT, MOTIONS)))[0].T
    seen, true = [], []
    for _ in range(4):
        codes = 40.0 * rng.normal(size=(80, MOTIONS))
        true.append((codes @ modes).reshape(-1, COUNT, 3))
        seen.append((codes * np.r_[0.7, np.ones(MOTIONS - 1)] @ modes).reshape(-1, COUNT, 3))
    factor, response = dot_errors(modes, seen, true)
    assert np.abs(factor @ modes[0]).max() == pytest.approx(0.3 * 40.0, rel=0.1)
    assert np.abs(factor @ modes[1:].T).max() < 1.0
    assert response[0, 0] == pytest.approx(0.7, abs=0.1)
    assert np.diag(response)[1:] == pytest.approx(1.0, abs=0.1)
    with pytest.raises(ModelError, match="3 robots"):
        dot_errors(modes, seen[:2], true[:2])
