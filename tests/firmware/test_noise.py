"""A line that damages bytes: no pose that nobody sent, and no guarantee broken."""

from random import Random

import pytest

from mien.robot.link import protocol
from mien.robot.wire import Msg, State
from tests.bench.firmware import measure
from tests.bench.firmware.lockstep import Lockstep, plain_upload
from tests.bench.firmware.noise import DAMAGES, damaged, flips


def test_damage_is_damage() -> None:
    rng = Random(0)
    frame = protocol.encode(Msg.SETPOINT, 1, bytes(range(1, 80)))
    other = protocol.encode(Msg.SETPOINT, 2, bytes(range(81, 160)))
    for damage in DAMAGES:
        assert any(damage(frame, rng) != frame for _ in range(50))
    assert all(damaged(frame, other, rng) not in (frame, other) for _ in range(200))


def test_no_torn_pose_and_no_broken_guarantee() -> None:
    assert measure.noise(30_000) == {
        "noise_frames": 30_000,
        "noise_torn_poses": 0,
        "limit_violations": 0,
    }


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_torn_pose_in_a_million_damaged_frames() -> None:
    observed = measure.noise(1_000_000, seed=4)
    assert (observed["noise_torn_poses"], observed["limit_violations"]) == (0, 0)


@pytest.mark.parametrize("rate", [1e-4, 1e-3, 1e-2])
def test_byte_noise_leaves_the_rest_alone(rate: float) -> None:
    """What arrives whole is played; what does not is refused; the count of both is right."""
    rng = Random(5)
    rig = Lockstep(plain_upload(33)).ready()
    before = rig.telemetry()
    whole = 0
    for k in range(1000):
        payload = protocol.setpoint(rig.now + 40_000, measure.full(4000 + k))
        frame = b"\0" + rig.frame(Msg.SETPOINT, payload)
        line = flips(frame, rng, rate)
        whole += line == frame
        rig.raw(line)
        rig.tick()
        rig.tick()
        if rig.state != State.ARMED:  # a second of noise at 1e-2 can look like silence
            assert rate == 1e-2
            rig.ready()
    after = rig.telemetry()
    accepted = (after.setpoints - before.setpoints) & 0xFFFF
    assert accepted <= whole
    assert accepted >= whole - 120 * (rate == 1e-2)
    assert (after.rx_bad - before.rx_bad) & 0xFFFF >= (1000 - whole) * 0.9
    assert rig.core.violations == 0


def test_an_upload_over_a_noisy_line_is_the_right_one_or_none() -> None:
    rng = Random(6)
    armed = 0
    for _ in range(300):
        rig = Lockstep(plain_upload(12))
        for type_, payload in rig.upload.messages():
            rig.raw(b"\0" + flips(rig.frame(type_, payload), rng, 2e-3))
        rig.raw(b"\0" + rig.frame(Msg.ARM, rig.upload.crc.to_bytes(2, "little")))
        if rig.state == State.ARMED:
            armed += 1
            (answer,) = rig.send(Msg.READ_OUTPUTS)
            assert protocol.outputs(answer.payload)[0].tolist() == [6000] * 12
        else:
            assert not rig.core.drive
    assert 20 < armed < 280


def test_estop_is_heard_through_noise_when_it_is_repeated() -> None:
    rng = Random(7)
    for _ in range(300):
        rig = Lockstep().ready()
        rig.raw(rng.randbytes(rng.randrange(40)))
        for _ in range(5):
            rig.raw(b"\0" + flips(rig.frame(Msg.ESTOP), rng, 0.02))
        assert rig.state == State.ESTOP


def test_estop_takes_under_five_milliseconds_at_line_rate() -> None:
    assert measure.estop_ms(100) <= 5.0


def test_failsafe_comes_in_time_at_any_phase() -> None:
    assert 200.0 < measure.failsafe_ms(50) <= 220.0
