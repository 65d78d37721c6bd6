"""Play operators are found about as well as the noise allows, and not where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from mien.models.face.regions import COUNT
from mien.models.self_model.hysteresis import PlayOperator
from mien.models.train.self_model.hysteresis_fit import identify_play
from mien.models.train.self_model.observation_noise import ObservationNoise

TENDONS, ACTUATORS, POSES = 3, 4, 500
NOISE, AUTOCORRELATION = 1.0, 0.4  # mm of a coordinate; correlation with the observation before
STROKE = 3.0  # mm


class Robot:
    """Tendons that pull patches of skin, actuators that move others, and a tracker that wanders."""

    def __init__(self, width: float, growth: float, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.play = PlayOperator(np.full(TENDONS, width), np.full(TENDONS, growth))
        self.pulls = rng.uniform(size=(POSES, TENDONS))
        self.actuators = rng.uniform(-1.0, 1.0, size=(POSES, ACTUATORS))
        self.fields = np.zeros((TENDONS, COUNT * 3))
        for k, field in enumerate(self.fields):
            field[60 * k : 60 * k + 24] = STROKE * rng.normal(size=24) / np.sqrt(3.0)
        others = rng.normal(size=(ACTUATORS, COUNT * 3))
        self.neutral = rng.normal(scale=30.0, size=COUNT * 3)
        error = rng.normal(scale=NOISE, size=(POSES, COUNT * 3))
        for now, before in zip(error[1:], error[:-1], strict=True):
            now *= np.sqrt(1.0 - AUTOCORRELATION**2)
            now += AUTOCORRELATION * before
        self.observations = self.skin(self.play) + self.actuators @ others + error

    def skin(self, play: PlayOperator) -> np.ndarray:
        x = play.scan(self.pulls)
        return np.asarray(self.neutral + (x - 0.2 * x**2) @ self.fields)

    def found(self) -> PlayOperator:
        seen = np.arange(POSES)
        observations = self.observations.reshape(POSES, COUNT, 3)
        return identify_play(self.pulls, self.actuators, seen, observations)[0]

    def bound(self, at: float) -> np.ndarray:
        """(TENDONS,) least standard deviation of half-widths at a pull, if all else were known."""
        widths = np.concatenate([self.play.half_width, self.play.growth])
        rows = []
        for step in 1e-3 * np.eye(2 * TENDONS):
            more = self.skin(PlayOperator(*np.split(widths + step, 2)))
            less = self.skin(PlayOperator(*np.split(widths - step, 2)))
            rows.append(
                (ObservationNoise(AUTOCORRELATION).whiten(more - less) / 2e-3 / NOISE).ravel()
            )
        covariance = np.linalg.inv(np.array(rows) @ np.array(rows).T)
        ask = np.concatenate([np.eye(TENDONS), at * np.eye(TENDONS)], axis=1)
        return np.asarray(np.sqrt(np.diag(ask @ covariance @ ask.T)))


def test_the_widths_are_known_about_as_well_as_the_noise_allows() -> None:
    errors = []
    for seed in range(6):
        robot = Robot(0.01, 0.06, seed)
        play = robot.found()
        off = play.half_width + 0.5 * play.growth - 0.04
        errors.append(off / robot.bound(0.5))
    assert robot.bound(0.5).max() < 0.012  # it can be seen at all
    assert np.sqrt(np.mean(np.square(errors))) < 1.5
    assert abs(np.mean(errors)) < 1.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_robot_without_play_gets_none(seed: int) -> None:
    play = Robot(0.0, 0.0, seed).found()
    assert not play.half_width.any()
    assert not play.growth.any()


def test_too_few_observations_tell_nothing() -> None:
    robot = Robot(0.01, 0.06)
    few = slice(0, 9)
    observations = robot.observations[few].reshape(-1, COUNT, 3)
    play, told = identify_play(robot.pulls[few], robot.actuators[few], np.arange(9), observations)
    assert not play.half_width.any()
    assert told == 0.0


def test_how_errors_wander_is_read_off_what_a_fit_leaves() -> None:
    robot = Robot(0.0, 0.0)
    left = robot.observations - robot.observations.mean(0)
    design = np.concatenate([np.ones((POSES, 1)), robot.pulls, robot.pulls**2, robot.actuators], 1)
    basis = np.linalg.qr(design)[0]
    left -= basis @ (basis.T @ left)
    found = ObservationNoise.from_residuals(left)
    assert found.autocorrelation == pytest.approx(AUTOCORRELATION, abs=0.05)
    again = ObservationNoise.from_residuals(found.whiten(left))
    assert again.autocorrelation < 0.05
