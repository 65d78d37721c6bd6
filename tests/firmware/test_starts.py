"""Start delays: no channel is driven before its time, and none follows before all are."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.robot import wire
from mien.robot.link.upload import Upload
from mien.robot.wire import Msg, State
from tests.bench.firmware.lockstep import Lockstep, begin, channels

UNIT_STEPS = wire.DELAY_UNIT_MS * 1000 // wire.STEP_US


def staggered(*delays: int, **changes: int) -> Lockstep:
    parts = tuple(
        channels(len(delays), delay=delay, **changes)[k] for k, delay in enumerate(delays)
    )
    rig = Lockstep(Upload(begin(len(delays)), parts))
    rig.configure()
    return rig


def test_each_channel_starts_after_its_delay() -> None:
    rig = staggered(0, 1, 3, 255)
    rig.arm()
    assert (rig.pulses > 0).tolist() == [True, False, False, False]
    driven = rig.run(13_000) > 0
    first = np.argmax(driven, axis=0)
    assert first[1:].tolist() == [UNIT_STEPS - 1, 3 * UNIT_STEPS - 1, 255 * UNIT_STEPS - 1]
    assert driven[-1].all()
    assert rig.core.violations == 0


def test_setpoints_wait_until_the_last_has_started() -> None:
    rig = staggered(0, 10)
    rig.arm()
    observed = []
    for _ in range(100):
        rig.setpoint(8000, 20_000)
        observed.append(rig.run(10, heartbeat=False)[-1])
    pulses = np.array(observed)
    last = int(np.argmax(pulses[:, 1] > 0))
    assert 49 <= last <= 51
    assert (pulses[:last, 0] == 6000).all()
    assert (pulses[-1] > 7000).all()


def test_a_channel_that_waits_does_not_move_and_homes_from_where_it_was_left() -> None:
    rig = staggered(0, 4)
    rig.arm()
    rig.run(1500)
    for _ in range(100):
        rig.setpoint(8000, 20_000)
        rig.run(10, heartbeat=False)
    rig.send(Msg.DISARM)
    rig.run(50)
    rig.arm()
    observed = rig.run(600)[:, 1]
    driven = observed[observed > 0]
    assert 8000 - 20 <= driven[0] <= 8000
    assert np.abs(np.diff(driven)).max() <= 20  # soft


def test_silence_during_the_starts_drives_nothing_more() -> None:
    rig = staggered(0, 20)
    rig.arm()
    rig.run(100)
    while rig.state != State.RELEASED:
        rig.tick()
        assert rig.pulses[1] == 0
    assert rig.core.violations == 0


def test_silence_during_the_starts_drives_nothing_that_was_left_elsewhere() -> None:
    """A channel away from its safe pose is one that the ramp wants to wake."""
    rig = staggered(0, 20)
    rig.arm()
    rig.run(2500)
    for _ in range(100):
        rig.setpoint(8000, 20_000)
        rig.run(10, heartbeat=False)
    assert rig.pulses[1] > 7000
    rig.send(Msg.DISARM)
    rig.run(50)
    rig.arm()
    rig.run(100)
    while rig.state != State.RELEASED:
        rig.tick()
        assert rig.pulses[1] == 0
    assert rig.core.violations == 0


def test_arm_out_of_failsafe_lets_no_driven_channel_fall() -> None:
    rig = staggered(0, 4)
    rig.arm()
    rig.run(1500)
    rig.run(300, heartbeat=False)
    assert rig.state == State.FAILSAFE
    rig.arm()
    assert (rig.run(500) > 0).all()


@settings(max_examples=25, deadline=None)
@given(
    delays=st.lists(st.integers(0, 12), min_size=1, max_size=5),
    tick_us=st.sampled_from([1000, 5000, 12_000]),
    start_us=st.sampled_from([0, 2**32 - 200_000]),
)
def test_no_channel_starts_early_at_any_pace(
    delays: list[int], tick_us: int, start_us: int
) -> None:
    rig = staggered(*delays)
    rig.now += start_us
    rig.tick()
    rig.arm()
    armed = rig.now
    while rig.core.native.homing:
        rig.ping()
        rig.tick(tick_us)
        for delay, pulse in zip(delays, rig.pulses, strict=True):
            waited_ms = (rig.now - armed) / 1000
            if waited_ms < delay * wire.DELAY_UNIT_MS:
                assert pulse == 0
            if waited_ms > delay * wire.DELAY_UNIT_MS + 12 * 13:
                assert pulse > 0
    assert (rig.pulses > 0).all()
    assert rig.core.violations == 0
