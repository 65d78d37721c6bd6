"""How channels move: ramps, limits, slew, tendons, idle release."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.robot import wire
from mien.robot.link.upload import Upload
from mien.robot.wire import Flag, Msg, State
from tests.bench.firmware.lockstep import Lockstep, begin, channels, plain_upload

SAFE, SLEW = 6000, 80


def stream(rig: Lockstep, target: int, ms: float) -> np.ndarray:
    """Setpoints for all channels at 100 Hz, 20 ms ahead; pulses (steps, n)."""
    observed = []
    for _ in range(round(ms / 10)):
        rig.setpoint(target, 20_000)
        for _ in range(2):
            rig.tick()
            observed.append(rig.pulses)
    return np.array(observed)


def test_first_drive_is_the_safe_pose() -> None:
    rig = Lockstep()
    rig.configure()
    assert (rig.pulses == 0).all()
    rig.arm()
    assert (rig.pulses == SAFE).all()


def test_motion_after_arm_is_soft_then_full() -> None:
    rig = Lockstep()
    rig.configure()
    rig.arm()
    moved = np.abs(np.diff(stream(rig, 8000, 400)[:, 0]))
    assert moved.max() == SLEW / 4
    rig.send(Msg.DISARM)
    rig.ready()
    moved = np.abs(np.diff(stream(rig, 4000, 400)[:, 0]))
    assert moved.max() == SLEW


def test_arm_ramps_to_safe_from_where_the_face_was_left() -> None:
    rig = Lockstep().ready()
    stream(rig, 8000, 500)
    rig.send(Msg.DISARM)
    rig.run(50)
    rig.arm()
    observed = stream(rig, 8000, 2000)[:, 0]  # setpoints wait until the safe pose was reached
    assert observed[0] >= 8000 - SLEW / 4
    assert observed.min() == SAFE
    assert observed[-1] == 8000
    assert rig.core.violations == 0


def test_the_same_upload_again_keeps_the_place_and_another_does_not() -> None:
    rig = Lockstep().ready()
    stream(rig, 8000, 500)
    rig.send(Msg.DISARM)
    rig.configure()
    rig.arm()
    assert (rig.pulses == 8000).all()
    rig.send(Msg.DISARM)
    rig.upload = plain_upload(slew=90)
    rig.configure()
    rig.arm()
    assert (rig.pulses == SAFE).all()


@pytest.mark.parametrize(("target", "reached"), [(0, 4000), (0xFFFF, 8000)])
def test_limits_hold_and_clipping_is_counted(target: int, reached: int) -> None:
    rig = Lockstep().ready()
    observed = stream(rig, target, 1000)
    assert (observed[-1] == reached).all()
    assert observed.min() >= 4000 and observed.max() <= 8000
    assert rig.telemetry().clamped == 100


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_limits_and_slew_hold_for_any_configuration_and_stream(data: st.DataObject) -> None:
    low = data.draw(st.integers(wire.PULSE_MIN, wire.PULSE_MAX))
    high = data.draw(st.integers(low, wire.PULSE_MAX))
    safe = data.draw(st.integers(low, high))
    slew = data.draw(st.integers(1, 2000))
    rig = Lockstep(plain_upload(2, min=low, max=high, safe=safe, slew=slew))
    rig.configure()
    rig.arm()
    observed = [rig.pulses]
    for _ in range(data.draw(st.integers(1, 30))):
        rig.setpoint(data.draw(st.integers(0, 0xFFFF)), data.draw(st.integers(-50_000, 60_000)))
        for _ in range(data.draw(st.integers(1, 6))):
            rig.tick(data.draw(st.sampled_from([1000, 5000, 5000, 7000, 60_000])))
            observed.append(rig.pulses)
    pulses = np.array(observed)
    assert ((pulses >= low) & (pulses <= high)).all()
    assert np.abs(np.diff(pulses, axis=0)).max(initial=0) <= slew
    assert rig.core.violations == 0


TENDON_UP = {"flags": int(Flag.TENDON), "floor": 5000, "slack": 400}
TENDON_DOWN = {"flags": int(Flag.TENDON | Flag.PULL_DOWN), "floor": 7000, "slack": 400}


@pytest.mark.parametrize(
    ("tendon", "loose", "floor", "sign"),
    [(TENDON_UP, 4600, 5000, 1), (TENDON_DOWN, 7400, 7000, -1)],
)
def test_a_tendon_is_wound_in_from_its_loose_end_slowly(
    tendon: dict[str, int], loose: int, floor: int, sign: int
) -> None:
    rig = Lockstep(plain_upload(1, **tendon))
    rig.configure()
    rig.arm()
    assert rig.pulses[0] == loose
    observed = sign * rig.run(1000)[:, 0]
    assert (np.diff(observed) >= 0).all()
    assert np.diff(observed)[observed[1:] < sign * floor].max() == SLEW / 4
    assert observed[-1] == sign * SAFE


@pytest.mark.parametrize(
    ("tendon", "slackest", "target"), [(TENDON_UP, 5000, 0), (TENDON_DOWN, 7000, 0xFFFF)]
)
def test_a_taut_tendon_is_never_let_go(tendon: dict[str, int], slackest: int, target: int) -> None:
    rig = Lockstep(plain_upload(1, **tendon)).ready()
    observed = stream(rig, target, 1000)
    assert observed[-1] == slackest
    assert (np.sign(observed - slackest) != np.sign(target - SAFE)).all()
    rig.run(400, heartbeat=False)
    assert rig.state == State.FAILSAFE
    assert rig.core.violations == 0


def test_a_loose_tendon_is_slow_even_in_failsafe() -> None:
    rig = Lockstep(plain_upload(1, **TENDON_UP))
    rig.configure()
    rig.arm()
    rig.core.set_servo_board(0, False)
    for _ in range(wire.BUS_FAILURES_MAX):
        rig.tick()
    assert rig.state == State.FAILSAFE
    observed = rig.run(50, heartbeat=False)[:, 0]
    assert observed[-1] < 5000
    assert np.diff(observed).max() == SLEW / 4


def idle_rig() -> Lockstep:
    """One channel that is released after 1 s, one that never is."""
    parts = channels(2)
    fast = channels(2, idle=1)[0]
    return Lockstep(Upload(begin(2), (fast, parts[1]))).ready()


def test_a_channel_at_rest_is_released_after_its_time_and_woken_by_motion() -> None:
    rig = idle_rig()
    stream(rig, 7000, 400)
    before = stream(rig, 7000, 600)
    assert (before > 0).all()
    after = stream(rig, 7000, 600)
    assert after[-1, 0] == 0 and after[-1, 1] == 7000
    assert rig.telemetry().released == 1
    woken = stream(rig, 7100, 100)[:, 0]
    assert woken[-1] == 7100
    assert woken[woken > 0].min() >= 7000
    assert rig.core.violations == 0


def test_jitter_below_the_rest_band_does_not_keep_a_servo_hot() -> None:
    rig = idle_rig()
    for k in range(200):
        stream(rig, 7000 + (k % 3), 10)
    assert rig.pulses[0] == 0


def test_slow_motion_is_not_rest() -> None:
    rig = idle_rig()
    stream(rig, 6500, 200)
    for k in range(300):  # 2.5 us a second
        stream(rig, 6500 + k // 3, 10)
        assert rig.pulses[0] > 0


def test_a_long_way_is_not_rest() -> None:
    """The goal stands still, the servo does not."""
    rig = Lockstep(plain_upload(1, idle=1, slew=2)).ready()
    observed = stream(rig, 8000, 6500)
    assert (observed[: 2000 // 2] > 0).all()
    assert observed[-1, 0] == 0


def test_failsafe_wakes_a_released_channel_that_is_not_at_safe() -> None:
    rig = idle_rig()
    stream(rig, 7000, 1600)
    assert rig.pulses[0] == 0
    observed = rig.run(500, heartbeat=False)
    assert rig.state == State.FAILSAFE
    driven = observed[observed[:, 0] > 0, 0]
    assert driven[0] == 7000 - SLEW
    assert (observed[-1] == SAFE).all()


def test_failsafe_ramps_at_the_slew_limit() -> None:
    rig = Lockstep().ready()
    stream(rig, 8000, 600)
    rig.run(200, heartbeat=False)
    observed = rig.run(300, heartbeat=False)[:, 0]
    assert np.diff(observed).min() == -SLEW
    assert observed[-1] == SAFE
