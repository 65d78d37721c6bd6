"""Setpoints and their times: interpolation, order, age, wrap, and a queue that is full or dry."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.robot import wire
from mien.robot.link import protocol
from mien.robot.link.upload import Upload
from mien.robot.wire import Msg, State
from tests.bench.firmware.lockstep import Lockstep, channels, plain_upload

FAST = plain_upload(slew=0xFFFF)  # so that pulses show the queue alone


def fast(start_us: int = 0) -> Lockstep:
    return Lockstep(FAST, start_us).ready()


def counters(rig: Lockstep) -> wire.Telemetry:
    return rig.telemetry()


def test_pulses_lie_on_the_line_between_setpoints() -> None:
    rig = fast()
    rig.setpoint(4000, 5_000)
    rig.setpoint(8000, 105_000)
    observed = rig.run(110)[:, 0]
    expected = np.clip(4000 + 40 * np.arange(0, 110, 5), None, 8000)
    assert np.abs(observed - expected).max() <= 1


@settings(max_examples=100, deadline=None)
@given(
    a=st.integers(4000, 8000),
    b=st.integers(4000, 8000),
    span=st.integers(5_001, 900_000),
    start=st.integers(0, 2**32 - 1),
)
def test_interpolation_is_exact_to_a_quarter_microsecond(
    a: int, b: int, span: int, start: int
) -> None:
    rig = fast(start)
    rig.setpoint(a, 5_000)
    rig.tick()
    t0 = rig.now
    rig.setpoint(b, span)
    while rig.now + 5000 < t0 + span:
        rig.ping()
        rig.tick()
        expected = a + (b - a) * (rig.now - t0) / span
        assert abs(rig.pulses[0] - expected) <= 1.25


def test_a_dry_queue_holds_and_the_next_setpoint_starts_from_there() -> None:
    rig = fast()
    rig.setpoint(8000, 10_000)
    held = rig.run(1000)[2:]
    assert (held == 8000).all()
    rig.setpoint(4000, 100_000)
    observed = rig.run(50)[:, 0]
    assert observed[0] == pytest.approx(8000 - 200, abs=2)
    assert observed[-1] == pytest.approx(6000, abs=2)
    assert counters(rig).starved == 1


def test_the_queue_takes_eight_and_then_no_more() -> None:
    rig = fast()
    for k in range(10):
        rig.setpoint(4000 + k, 20_000 + 10_000 * k)
    assert rig.core.native.queued == wire.QUEUE_DEPTH
    t, pulses = rig.core.newest_setpoint()
    assert (t, pulses[0]) == (rig.now + 90_000, 4007)
    assert counters(rig).refused == 2


def test_overtaken_setpoints_are_dropped() -> None:
    rig = fast()
    rig.setpoint(4000, 30_000)
    rig.setpoint(8000, 20_000)
    assert rig.core.native.queued == 1
    assert counters(rig).refused == 1


def test_the_same_setpoint_twice_is_one() -> None:
    rig = fast()
    rig.setpoint(7000, 30_000)
    rig.setpoint(7000, 30_000)
    assert rig.core.native.queued == 1
    rig.run(100)
    assert (rig.pulses == 7000).all()


@pytest.mark.parametrize(
    "after_us", [-wire.LATE_MAX_US - 1, wire.LEAD_MAX_US + 1, 2**31, 2**31 - 1]
)
def test_stale_and_far_setpoints_are_refused(after_us: int) -> None:
    rig = fast()
    rig.setpoint(8000, after_us)
    assert rig.core.native.queued == 0
    assert counters(rig).refused == 1
    rig.run(200)
    assert (rig.pulses == 6000).all()


@pytest.mark.parametrize("after_us", [-wire.LATE_MAX_US, -1, 0])
def test_a_late_setpoint_still_counts(after_us: int) -> None:
    rig = fast()
    rig.setpoint(8000, after_us)
    rig.tick()
    assert (rig.pulses == 8000).all()
    assert counters(rig).late == (after_us < 0)


def test_the_edge_of_the_future_is_accepted() -> None:
    rig = fast()
    rig.setpoint(8000, wire.LEAD_MAX_US)
    assert rig.core.native.queued == 1


def test_a_host_with_a_wrong_clock_is_a_silent_host() -> None:
    rig = fast()
    for _ in range(50):
        rig.setpoint(8000, 3_000_000)
        rig.tick()
    assert rig.state == State.FAILSAFE


def test_pings_alone_hold_the_face_armed() -> None:
    rig = fast()
    rig.run(3000)
    assert rig.state == State.ARMED


@pytest.mark.parametrize("before_wrap_us", [1_000_000, 100_000, 12_345, 5_000, 1])
def test_the_wrap_of_the_clock_is_not_noticed(before_wrap_us: int) -> None:
    def play(start: int) -> np.ndarray:
        rig = fast()
        rig = Lockstep(FAST, start - rig.now).ready()
        observed = []
        for k in range(60):
            rig.setpoint(6000 + round(1500 * np.sin(k / 5)), 60_000)
            for _ in range(4):
                rig.tick()
                observed.append(rig.pulses)
        assert rig.core.violations == 0
        assert counters(rig).refused == 0
        return np.array(observed)

    np.testing.assert_array_equal(play(2**32 - before_wrap_us), play(2**31))


def test_an_hour_of_silence_between_setpoints_is_not_the_future() -> None:
    """2^31 us after the last setpoint its time would seem to lie ahead."""
    rig = fast()
    rig.setpoint(7000, 0)
    rig.tick()
    for _ in range(24):  # the core's clock may jump: 100 s a step, a heartbeat each
        rig.now += 100_000_000
        rig.ping()
        rig.tick(0)
    rig.setpoint(8000, 10_000)
    rig.run(20)
    assert (rig.pulses == 8000).all()


def test_a_part_of_a_pose_leaves_the_rest_as_the_newest_setpoint_has_it() -> None:
    rig = fast()
    rig.setpoint(np.array([7000, 7100, 7200, 7300], dtype=np.uint16), 10_000)
    rig.setpoint(np.array([5000, 5100], dtype=np.uint16), 20_000, first=1)
    rig.run(30)
    assert rig.pulses.tolist() == [7000, 5000, 5100, 7300]


def test_two_parts_with_one_time_are_one_pose() -> None:
    rig = fast()
    rig.setpoint(np.array([7000, 7100], dtype=np.uint16), 10_000, first=0)
    rig.setpoint(np.array([7200, 7300], dtype=np.uint16), 10_000, first=2)
    assert rig.core.native.queued == 1
    rig.run(30)
    assert rig.pulses.tolist() == [7000, 7100, 7200, 7300]


def broken(change: Callable[[bytearray], object]) -> bytes:
    payload = bytearray(protocol.setpoint(10_000, np.full(4, 7000, np.uint16)))
    change(payload)
    return bytes(payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\0" * 7,
        broken(lambda p: p.pop()),
        broken(lambda p: p.append(0)),
        broken(lambda p: p.__setitem__(5, 3)),  # count too small
        broken(lambda p: p.__setitem__(5, 0xFF)),
        broken(lambda p: p.__setitem__(8, p[8] ^ 1)),  # the guard
        protocol.setpoint(10_000, np.array([], np.uint16)),
    ],
)
def test_a_malformed_setpoint_with_a_good_crc_is_bad(payload: bytes) -> None:
    rig = fast()
    before = counters(rig).rx_bad
    rig.send(Msg.SETPOINT, payload)
    assert rig.core.native.queued == 0
    assert counters(rig).rx_bad == before + 1


@pytest.mark.parametrize(("first", "count"), [(0, 5), (1, 4), (4, 1), (200, 4), (255, 1), (0, 48)])
def test_a_setpoint_for_channels_that_are_not_there_is_refused(first: int, count: int) -> None:
    rig = fast()
    rig.send(Msg.SETPOINT, protocol.setpoint(10_000, np.full(count, 7000, np.uint16), first))
    assert rig.core.native.queued == 0
    assert counters(rig).refused == 1


@pytest.mark.parametrize("state", ["unconfigured", "disarmed", "failsafe", "estop"])
def test_setpoints_outside_armed_are_refused_and_forgotten(state: str) -> None:
    rig = Lockstep(FAST)
    if state != "unconfigured":
        rig.ready()
    if state == "disarmed":
        rig.send(Msg.DISARM)
    if state == "failsafe":
        rig.run(300, heartbeat=False)
    if state == "estop":
        rig.send(Msg.ESTOP)
        rig.send(Msg.CLEAR)
    rig.setpoint(8000, 50_000)
    assert counters(rig).refused == 1
    rig.configure()
    rig.arm()
    rig.run(2000)
    if state != "unconfigured":
        assert (rig.pulses == 6000).all()


def test_arming_again_forgets_what_was_queued() -> None:
    rig = fast()
    rig.setpoint(8000, 800_000)
    rig.send(Msg.DISARM)
    rig.arm()
    rig.run(1500)
    assert (rig.pulses == 6000).all()


def test_poses_of_48_channels_are_never_mixed() -> None:
    parts = tuple(replace(c, slew=0xFFFF) for c in channels(48))
    rig = Lockstep(Upload(plain_upload(48).begin, parts)).ready()
    for k in range(300):
        rig.setpoint(np.full(48, 4000 + 10 * k, np.uint16), 5_000)
        rig.tick()
        assert len(set(rig.pulses.tolist())) == 1


def test_a_setpoint_of_the_last_arm_does_not_hide_those_of_the_next() -> None:
    """A time far ahead, asked for before DISARM, says nothing about the time after ARM."""
    rig = Lockstep().ready()
    rig.setpoint(7000, 900_000)
    rig.send(Msg.DISARM)
    rig.arm()
    for _ in range(100):
        rig.setpoint(7500, 20_000)
        rig.run(10, heartbeat=False)
    assert rig.state == State.ARMED
    assert (rig.pulses == 7500).all()
    assert rig.telemetry().refused == 0
