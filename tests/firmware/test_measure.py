"""What the bench measures, in short, and that it can see the opposite."""

import numpy as np
import pytest

from mien.firmware.host import HostCore
from tests.bench.firmware import measure
from tests.bench.firmware.measure_link import frames_lost, setpoint_rms_us


def test_setpoints_are_played_within_five_microseconds_under_jitter() -> None:
    assert setpoint_rms_us(0.010, seconds=6.0) <= 5.0


def test_a_late_host_is_seen_in_the_rms() -> None:
    """Jitter beyond the lead cannot be hidden."""
    assert setpoint_rms_us(0.150, seconds=6.0) > 5.0


def test_33_channels_at_100_hz_lose_no_frame() -> None:
    assert frames_lost(10.0) == 0


def test_best_delay_finds_the_delay_and_the_noise() -> None:
    t = np.arange(0, 10, 0.002)
    rng = np.random.default_rng(0)
    pulses = 300 * np.sin(2 * np.pi * 0.8 * (t - 0.0612)) + rng.normal(0, 2.0, len(t))
    rms, delay = measure.best_delay_rms(t, pulses, 300, 0.8)
    assert rms == pytest.approx(2.0, rel=0.05)
    assert delay == pytest.approx(0.0612, abs=1e-3)


def test_noise_counts_a_pose_that_nobody_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    real = HostCore.newest_setpoint

    def mixed(core: HostCore) -> tuple[int, np.ndarray]:
        t, pulses = real(core)
        return t, pulses ^ 1

    monkeypatch.setattr(HostCore, "newest_setpoint", mixed)
    assert measure.noise(200)["noise_torn_poses"] > 10
