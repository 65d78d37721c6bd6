"""A robot that is a formula: what calibration finds can be compared with what it is."""

from __future__ import annotations

import numpy as np

from mien.calibration.capture.capture_rig import Observation, ObservedRun
from mien.calibration.capture.dataset import Setup
from mien.calibration.capture.frame_filter import DropCounter
from mien.models.face.regions import COUNT
from mien.models.self_model.hysteresis import PlayOperator
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.face_units import load_units
from mien.robot.face.safety import Limiter


class Unplugged(Exception):  # noqa: N818 (not an error: a plug)
    """The stand-in for kill -9: nothing after it runs but ``finally``."""


class AnalyticRig:
    """Each actuator moves a smooth patch of the face; tendons have play, the neck turns nothing."""

    def __init__(
        self,
        face: FaceConfig,
        noise: float = 0.05,
        build: int = 0,
        blind_after: int | None = None,
        dies_after: int | None = None,
        stuck: tuple[str, ...] = (),
        noise_seed: int = 1,
    ) -> None:
        self.face, self.noise = face, noise
        self.setup = Setup(face.name, face.hash, "analytic", build, "analytic")
        self.blind_after, self.dies_after = blind_after, dies_after
        self.observations, self.stopped = 0, False
        self.dropped: dict[str, int] = {}
        self.dead_s, self.speed = 0.03, np.full(len(face.names), np.inf)
        self._limit, self._tally = Limiter(face), DropCounter()
        self._rng = np.random.default_rng(noise_seed)
        rng = np.random.default_rng(7 + build)
        self.neutral = load_units().neutral
        centres = self.neutral[rng.integers(0, COUNT, len(face.names))]
        ways = rng.normal(size=(len(face.names), 3)) * 4.0
        near = np.exp(-np.square(self.neutral[None] - centres[:, None]).sum(-1) / (2 * 20.0**2))
        kinds = list(face.actuators.values())
        alive = np.array([a.region != "neck" and n not in stuck for n, a in face.actuators.items()])
        self.patches = near[:, :, None] * ways[:, None] * alive[:, None, None]
        self.tendons = np.array([a.kind.has_hysteresis for a in kinds])
        k = int(self.tendons.sum())
        self.play = PlayOperator(np.full(k, 0.1), np.full(k, 0.1))
        self.tendon_state = self.play.rest()
        self.at = face.safe.copy()

    def start(self) -> None:
        self.move_to(self.face.safe)

    def move_to(self, goal: Floats) -> Floats:
        self.at = self._limit(goal, self.at, 1e3).commands
        self.tendon_state = self.play.advance(self.tendon_state, self.at[self.tendons])
        return self.at

    def actual(self, told: Floats) -> Floats:
        """(n,) where the servos are that were told ``told``: a faulty robot is elsewhere."""
        return told.copy()

    def true_landmarks(self) -> Floats:
        """(478, 3) landmarks now, without noise."""
        x = self.actual(self.at)
        x[self.tendons] = self.tendon_state
        bent = np.tanh(x + 0.2 * x**2)
        return np.asarray(self.neutral + np.einsum("i,ilk->lk", bent, self.patches))

    def true_head_pose(self) -> Floats:
        """(4, 4): the neck turns nothing."""
        return np.eye(4)

    def noiseless_landmarks(self) -> Floats:
        """(478, 3) what the camera sees: it has no bias."""
        return self.true_landmarks()

    def observe(self) -> Observation:
        self.observations += 1
        if self.dies_after is not None and self.observations > self.dies_after:
            raise Unplugged
        blind = self.blind_after is not None and self.observations > self.blind_after
        seen = self.true_landmarks() + self._rng.normal(scale=self.noise, size=(COUNT, 3))
        landmarks = np.full((COUNT, 3), np.nan) if blind else seen
        dropped = {"lost": 1} if blind else {}
        self._tally.add(dropped, not blind)
        return Observation(0.4 * self.observations, landmarks, np.eye(4), 0.1, dropped)

    def run_trajectory(self, commands: Floats, rate: float, every: int = 1) -> ObservedRun:
        """Servos that are ``dead_s`` late and no faster than ``speed`` (n,)."""
        times = np.arange(len(commands)) / rate
        way, at = [], self.at
        for t in np.arange(0.0, times[-1] + 1e-9, 2e-3):
            told = np.array([np.interp(t - self.dead_s, times, c) for c in commands.T])
            at = at + np.clip(told - at, -self.speed * 2e-3, self.speed * 2e-3)
            way.append(at)
        seen_at = times[every - 1 :: every]
        seen = []
        for t in seen_at:
            self.move_to(way[min(round(t / 2e-3), len(way) - 1)])
            seen.append(self.true_landmarks() + self._rng.normal(scale=self.noise, size=(COUNT, 3)))
        self.move_to(commands[-1])
        heads = np.tile(np.eye(4), (len(seen), 1, 1))
        return ObservedRun(times, commands, seen_at, np.array(seen), heads, {})

    def stop(self) -> None:
        self.stopped = True
