"""Numbers at the ends of their range: nothing wraps, nothing hangs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.robot import wire
from mien.robot.wire import Flag, Msg, State
from tests.bench.firmware.avr_face import COUNT_US, AvrFace
from tests.bench.firmware.lockstep import Lockstep, plain_upload

ENDS = [1, 2, 3, 4, 0x7FFF, 0x8000, 0xFFFC, 0xFFFD, 0xFFFE, 0xFFFF]


@settings(max_examples=60, deadline=None)
@given(
    slew=st.one_of(st.sampled_from(ENDS), st.integers(1, 0xFFFF)),
    low=st.sampled_from([wire.PULSE_MIN, 5000, 9999]),
    width=st.sampled_from([0, 1, 7, 400]),
    down=st.booleans(),
    target=st.sampled_from([0, 1, 0x7FFF, 0x8000, 0xFFFF]),
)
def test_any_slew_comes_home_and_follows(
    slew: int, low: int, width: int, down: bool, target: int
) -> None:
    floor = low if down else low + width
    tendon = {"flags": int(Flag.TENDON | (Flag.PULL_DOWN if down else 0))}
    tendon |= {"floor": floor, "slack": width, "safe": floor}
    rig = Lockstep(plain_upload(1, min=low, max=low + width, slew=slew, **tendon))
    rig.configure()
    rig.arm()
    for _ in range(800):
        if not rig.core.native.homing:
            break
        rig.ping()
        rig.tick()
    assert not rig.core.native.homing
    rig.setpoint(target, 20_000)
    before = rig.pulses
    moved = np.abs(np.diff(np.vstack([before, rig.run(1000)]), axis=0))
    assert moved.max() <= slew
    assert rig.core.violations == 0


@pytest.mark.parametrize("slew", ENDS)
def test_the_soft_start_is_a_quarter_rounded_up(slew: int) -> None:
    rig = Lockstep(plain_upload(1, min=wire.PULSE_MIN, max=wire.PULSE_MAX, slew=slew))
    rig.configure()
    rig.arm()
    rig.run(10)
    rig.setpoint(wire.PULSE_MAX, 1)
    at = [int(rig.pulses[0])]
    for _ in range(3):
        rig.tick()
        at.append(int(rig.pulses[0]))
    way = np.diff(at)
    quarter = -(-slew // 4)
    assert way.max() == min(wire.PULSE_MAX - 6000, quarter)


@pytest.mark.avr
@pytest.mark.usefixtures("avr")
@pytest.mark.parametrize("slew", [0xFFFD, 0xFFFF])
def test_no_slew_wraps_where_an_int_has_16_bits(slew: int) -> None:
    face = AvrFace("hobby9")
    steep = tuple(replace(c, slew=slew, delay=0) for c in face.upload.channels)
    face.upload = replace(face.upload, channels=steep)
    face.configure()
    face.arm()
    face.hold(0.3, face.away())  # within the soft start
    assert np.abs(face.pulses() - face.away()).max() <= COUNT_US


def test_a_step_of_the_slew_does_not_leave_the_limits_at_either_end() -> None:
    ends = {"min": wire.PULSE_MIN, "max": wire.PULSE_MAX, "slew": 0xFFFF}
    rig = Lockstep(plain_upload(1, **ends)).ready()
    for target in (0xFFFF, 0, 0xFFFF):
        rig.setpoint(target, 10_000)
        rig.run(50)
        assert rig.pulses[0] == (wire.PULSE_MAX if target else wire.PULSE_MIN)


@settings(max_examples=40, deadline=None)
@given(
    first=st.integers(0, 0xFFFF),
    second=st.integers(0, 0xFFFF),
    lead_us=st.integers(1, wire.LEAD_MAX_US),
)
def test_interpolation_stays_between_its_setpoints(first: int, second: int, lead_us: int) -> None:
    ends = {"min": wire.PULSE_MIN, "max": wire.PULSE_MAX, "slew": 0xFFFF}
    rig = Lockstep(plain_upload(1, **ends)).ready()
    rig.setpoint(first, 10_000)
    rig.run(20)
    rig.setpoint(second, lead_us)
    observed = rig.run(60)[:, 0]
    a, b = (int(np.clip(v, wire.PULSE_MIN, wire.PULSE_MAX)) for v in (first, second))
    assert ((observed >= min(a, b)) & (observed <= max(a, b))).all()
    assert (np.diff(observed) * (1 if b > a else -1) >= 0).all()


@pytest.mark.slow
def test_the_longest_idle_time_is_255_seconds_and_does_not_wrap() -> None:
    rig = Lockstep(plain_upload(1, idle=255)).ready()
    rig.setpoint(7000, 20_000)
    rig.run(200)
    driven = rig.run(254_000)[:, 0]
    assert (driven == 7000).all()
    assert rig.run(2000)[-1, 0] == 0


def test_no_output_beyond_the_channels_is_ever_driven() -> None:
    """Whoever asks for an index that is none gets no pulse, whatever lies in memory there."""
    rig = Lockstep(plain_upload(48)).ready()
    rig.setpoint(np.full(48, 0x1F1F, dtype=np.uint16), 20_000)
    rig.run(100)
    assert [rig.core.pulse(k) for k in range(48)] == rig.pulses.tolist()
    assert [rig.core.pulse(k) for k in range(48, 256)] == [0] * 208
    rig.send(Msg.DISARM)
    rig.upload = plain_upload(3)
    rig.ready()
    assert rig.state == State.ARMED
    assert [rig.core.pulse(k) for k in range(3, 256)] == [0] * 253
