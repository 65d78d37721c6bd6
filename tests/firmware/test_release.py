"""What the board does by itself when nobody speaks to it any more: ramp, hold, slacken, release."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.robot import wire
from mien.robot.link import protocol
from mien.robot.link.upload import Upload
from mien.robot.wire import Fault, Flag, Msg, Result, State
from tests.bench.firmware import measure
from tests.bench.firmware.lockstep import Lockstep, begin, channels, plain_upload
from tests.firmware.test_motion import TENDON_DOWN, TENDON_UP, stream


def holding(hold_s: int, parts: tuple[wire.ConfigChannel, ...]) -> Lockstep:
    return Lockstep(Upload(replace(begin(len(parts)), hold_s=hold_s), parts))


def until_released(rig: Lockstep) -> np.ndarray:
    """Pulses (steps, n) from now to the first step without drive, included."""
    observed = []
    while rig.state != State.RELEASED:
        rig.tick()
        observed.append(rig.pulses)
    return np.array(observed)


@pytest.mark.parametrize("hold_s", [0, 1, 10, 255])
def test_silence_ends_in_release_after_the_hold(hold_s: int) -> None:
    rig = holding(hold_s, channels(3)).ready()
    stream(rig, 8000, 500)
    observed = until_released(rig)
    arrived = int(np.argmax((observed == 6000).all(axis=1)))
    held_s = (len(observed) - 1 - arrived) * wire.STEP_US / 1e6
    assert hold_s <= held_s <= hold_s + 0.03
    assert (observed[arrived:-1] == 6000).all()
    assert (observed[-1] == 0).all() and not rig.core.drive
    assert rig.telemetry().faults & Fault.LINK
    assert rig.telemetry().released == 3
    assert rig.core.violations == 0


def test_a_host_that_only_pings_does_not_stop_the_release() -> None:
    rig = holding(1, channels(2)).ready()
    rig.run(300, heartbeat=False)
    assert rig.state == State.FAILSAFE
    rig.run(1500, heartbeat=True)
    assert rig.state == State.RELEASED


@pytest.mark.parametrize("tendon", [TENDON_UP, TENDON_DOWN])
def test_a_tendon_goes_to_its_loose_end_before_it_is_released(tendon: dict[str, int]) -> None:
    sign = -1 if tendon["flags"] & Flag.PULL_DOWN else 1
    loose = tendon["floor"] - sign * tendon["slack"]
    rig = holding(1, channels(2, **tendon)).ready()
    stream(rig, 6000 + sign * 1000, 300)
    observed = until_released(rig)[:-1, 0]
    assert observed[-1] == loose
    behind = sign * observed < sign * tendon["floor"]
    assert behind.any()
    assert np.argmax(behind) * wire.STEP_US / 1e6 > 0.2 + 1  # timeout, hold
    steps = sign * np.diff(observed)
    assert steps[1:][behind[1:-1]].min() >= -80 / 4  # no skin snaps back
    assert steps.min() >= -80
    assert rig.core.violations == 0


def test_a_slow_tendon_is_released_in_time_wherever_it_is() -> None:
    rig = holding(1, channels(1, slew=1, **TENDON_UP)).ready()
    observed = until_released(rig)[:-1, 0]
    still = int(np.argmax(np.diff(observed) != 0))
    assert len(observed) - still <= wire.SLACKEN_MS * 1000 / wire.STEP_US + 2
    assert observed[-1] > 4600
    assert rig.core.violations == 0


def test_a_tendon_that_was_released_as_idle_is_not_woken_to_go_slack() -> None:
    rig = holding(2, channels(1, idle=1, **TENDON_UP)).ready()
    stream(rig, 6000, 1500)
    assert rig.pulses[0] == 0
    assert (until_released(rig) == 0).all()


def test_a_lost_board_ends_in_release_too() -> None:
    rig = holding(1, channels(20)).ready()
    rig.core.set_servo_board(1, False)
    rig.run(50)
    assert rig.state == State.FAILSAFE
    rig.run(1500)
    assert rig.state == State.RELEASED
    assert rig.arm().result == Result.BOARD
    rig.core.set_servo_board(1, True)
    rig.tick()
    assert rig.arm().state == State.ARMED


def test_a_board_that_is_lost_again_and_again_does_not_put_the_release_off() -> None:
    rig = holding(1, channels(20)).ready()
    rig.core.set_servo_board(1, False)
    for _ in range(35):
        rig.run(50)
    assert rig.state == State.RELEASED


def test_arm_drives_again_from_where_the_release_left_the_face() -> None:
    rig = holding(0, channels(2, **TENDON_UP)).ready()
    until_released(rig)
    assert rig.arm().state == State.ARMED
    assert rig.pulses[0] == 4600
    observed = stream(rig, 7000, 2000)[:, 0]
    assert np.diff(observed[observed <= 5000]).max() == 80 / 4
    assert observed[-1] == 7000
    assert rig.core.violations == 0


def test_clear_forgets_the_fault_and_a_new_upload_is_taken() -> None:
    rig = holding(0, channels(2)).ready()
    until_released(rig)
    assert rig.command(Msg.CLEAR).state == State.DISARMED
    assert rig.telemetry().faults == 0
    rig.ready()
    until_released(rig)
    rig.upload = plain_upload(3)
    rig.ready()
    assert rig.state == State.ARMED


def test_hold_is_measured_from_the_end_of_the_ramp() -> None:
    rig = holding(1, channels(1, slew=4)).ready()
    stream(rig, 8000, 4000)
    observed = until_released(rig)[:-1, 0]
    arrived = int(np.argmax(observed == 6000))
    assert arrived > 400  # two seconds on the way
    assert 200 <= len(observed) - arrived <= 206


@settings(max_examples=25, deadline=None)
@given(
    slew=st.integers(1, 0xFFFF),
    hold_s=st.integers(0, 2),
    idle=st.integers(0, 2),
    target=st.integers(4000, 8000),
    tick_us=st.sampled_from([1000, 5000, 7000, 20_000]),
)
def test_whatever_the_loop_does_the_release_comes_in_time(
    slew: int, hold_s: int, idle: int, target: int, tick_us: int
) -> None:
    parts = (*channels(2, slew=slew, idle=idle), *channels(4, slew=slew, **TENDON_UP)[2:])
    rig = holding(hold_s, parts)
    rig.configure()
    rig.arm()
    for _ in range(30):
        rig.setpoint(target, 20_000)
        rig.run(10)
    still_us = 0
    while rig.state != State.RELEASED:
        before = rig.core.outputs()[0].tolist()
        rig.tick(tick_us)
        still_us = still_us + tick_us if rig.core.outputs()[0].tolist() == before else 0
        assert still_us <= (hold_s + 1) * 1e6 + 200_000 + 3 * tick_us
    assert (rig.pulses == 0).all()
    assert rig.core.violations == 0


def test_the_bench_measures_that_all_is_released() -> None:
    assert measure.released_after_silence(trials=2) == 1


def test_arm_says_that_no_emergency_switch_is_configured() -> None:
    for switch, bit in ((wire.Switch.NC, 0), (wire.Switch.NO, 0), (wire.Switch.NONE, 0x80)):
        rig = Lockstep(Upload(replace(begin(2), stop_switch=switch), channels(2)))
        assert rig.core.stop_switch == wire.Switch.NONE  # nothing is driven, nothing is known
        rig.configure()
        assert rig.core.stop_switch == switch
        assert rig.arm().detail == bit | 1
        assert wire.ARM_NO_SWITCH == 0x80


def test_begin_refuses_a_switch_that_does_not_exist() -> None:
    rig = Lockstep()
    for changes in ({"stop_switch": 3}, {"interlocks": 17}):
        ack = rig.command(Msg.CONFIG_BEGIN, protocol.pack(replace(begin(), **changes)))
        assert ack.result == Result.RANGE


def test_a_stop_of_the_hardware_layer_is_latched_and_is_no_button() -> None:
    rig = Lockstep().ready()
    rig.core.stop()
    assert rig.state == State.ESTOP and not rig.core.drive
    assert rig.telemetry().faults == 0
    assert rig.arm().result == Result.STATE
    rig.send(Msg.DISARM)
    assert rig.arm().result == Result.STATE
    assert rig.command(Msg.CLEAR).state == State.DISARMED
    assert rig.arm().result == Result.OK


def test_every_commit_changes_the_generation_and_nothing_else_does() -> None:
    rig = Lockstep()
    first = rig.core.generation
    rig.ready()
    assert rig.core.generation == first + 1
    rig.command(Msg.CONFIG_COMMIT, protocol.pack(wire.ConfigCommit(rig.upload.crc)))  # an echo
    rig.send(Msg.DISARM)
    assert rig.core.generation == first + 1
    rig.configure()
    assert rig.core.generation == first + 2
