"""Interlocks in the core: no step of any motion crosses one, and every ramp still ends."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.robot import wire
from mien.robot.face.config import FaceConfig
from mien.robot.link import protocol
from mien.robot.link.interlocks import Lock
from mien.robot.link.upload import Upload, upload_of
from mien.robot.wire import Msg, Result, State
from tests.bench.firmware.lockstep import Lockstep, channels, plain_upload
from tests.firmware.locked_faces import face_of, faces, held, sums


def last_driven(rig: Lockstep) -> np.ndarray:
    return rig.core.outputs()[0].astype(np.int64)


@settings(max_examples=30, deadline=None)
@given(face=faces(), data=st.data())
def test_no_motion_of_a_random_face_crosses_an_interlock_and_silence_ends_in_release(
    face: FaceConfig, data: st.DataObject
) -> None:
    upload = upload_of(face)
    rig = Lockstep(upload)
    assert rig.configure().result == Result.OK
    rig.arm()
    observed = [last_driven(rig)]
    for _ in range(data.draw(st.integers(0, 25))):
        expected = data.draw(
            st.lists(
                st.one_of(st.integers(0, 0xFFFF), st.integers(4000, 8000)),
                min_size=len(face.names),
                max_size=len(face.names),
            )
        )
        rig.setpoint(np.array(expected, dtype=np.uint16), data.draw(st.integers(0, 60_000)))
        for _ in range(data.draw(st.integers(1, 12))):
            rig.tick()
            observed.append(last_driven(rig))
    still = 0
    while rig.state != State.RELEASED:
        rig.tick()
        observed.append(last_driven(rig))
        still = still + 1 if (observed[-1] == observed[-2]).all() else 0
        assert still <= (0.2 + face.failsafe_hold_s + 1) * 200  # timeout, hold, release
    pulses = np.array(observed)
    low = np.array([c.min for c in upload.channels])
    high = np.array([c.max for c in upload.channels])
    slew = np.array([c.slew for c in upload.channels])
    assert held(face, pulses)
    assert ((pulses >= low) & (pulses <= high)).all()
    assert (np.abs(np.diff(pulses, axis=0)) <= slew).all()
    assert (rig.pulses == 0).all() and not rig.core.drive
    assert rig.core.violations == 0


@settings(max_examples=20, deadline=None)
@given(face=faces(locks=1), data=st.data())
def test_with_one_interlock_the_ramp_ends_in_the_safe_pose(
    face: FaceConfig, data: st.DataObject
) -> None:
    """Who takes away from the sum never waits, and when they are home the others have room."""
    rig = Lockstep(upload_of(face)).ready()
    safe = np.array([c.safe for c in rig.upload.channels])
    assert (last_driven(rig) == safe).all()
    expected = data.draw(st.lists(st.integers(3000, 9000), min_size=len(safe), max_size=len(safe)))
    for _ in range(30):
        rig.setpoint(np.array(expected, dtype=np.uint16), 20_000)
        rig.run(10, heartbeat=False)
    home = False
    while rig.state != State.RELEASED:
        rig.tick()
        away = np.abs(last_driven(rig) - safe).max()  # within 2 us a released servo is not woken
        home = home or (rig.state == State.FAILSAFE and bool(away <= 8))
    assert home


def pair(limit: float = 1.0, **more: object) -> FaceConfig:
    """Two actuators that may not both be open."""
    lock = {"terms": {"upper": 1.0, "lower": 1.0}, "max": limit}
    return face_of({"upper": {}, "lower": {}}, [lock], **more)


def test_the_one_that_comes_later_waits_and_goes_on_when_there_is_room() -> None:
    rig = Lockstep(upload_of(pair())).ready()
    for _ in range(60):
        rig.setpoint(np.array([7600, 6000], dtype=np.uint16), 20_000)
        rig.run(10, heartbeat=False)
    assert rig.pulses.tolist() == [7600, 6000]
    for _ in range(60):
        rig.setpoint(np.array([7600, 7600], dtype=np.uint16), 20_000)
        rig.run(10, heartbeat=False)
    assert rig.pulses.tolist() == [7600, 6000]
    assert rig.telemetry().locked > 0
    for _ in range(60):
        rig.setpoint(np.array([6800, 7600], dtype=np.uint16), 20_000)
        rig.run(10, heartbeat=False)
    assert rig.pulses.tolist() == [6800, 6800]


def test_an_interlock_is_used_up_to_its_limit() -> None:
    """Rounding to the safe side costs a unit of 0.25 us, not more."""
    rig = Lockstep(upload_of(pair(limit=0.777))).ready()
    for _ in range(100):
        rig.setpoint(7600, 20_000)
        rig.run(10, heartbeat=False)
    total = sums(pair(limit=0.777), rig.pulses)[0]
    assert 0.777 - 2 / 1600 < total <= 0.777


def test_a_channel_held_back_by_a_hair_is_still_released_when_idle() -> None:
    face = face_of(
        {"upper": {"idle_release_s": 1.0}, "lower": {}},
        [{"terms": {"upper": 1.0, "lower": 1.0}, "max": 0.5}],
    )
    rig = Lockstep(upload_of(face)).ready()
    for _ in range(150):
        rig.setpoint(np.array([6802, 6000], dtype=np.uint16), 20_000)
        rig.run(10, heartbeat=False)
    assert rig.pulses[0] == 0
    assert last_driven(rig)[0] == 6800


def test_a_released_channel_counts_where_it_was_driven_last() -> None:
    face = face_of(
        {"upper": {"idle_release_s": 1.0}, "lower": {}},
        [{"terms": {"upper": 1.0, "lower": 1.0}, "max": 1.0}],
    )
    rig = Lockstep(upload_of(face)).ready()
    for _ in range(160):
        rig.setpoint(np.array([7600, 6000], dtype=np.uint16), 20_000)
        rig.run(10, heartbeat=False)
    assert rig.pulses[0] == 0
    for _ in range(60):
        rig.setpoint(np.array([7600, 7600], dtype=np.uint16), 20_000)
        rig.run(10, heartbeat=False)
    assert rig.pulses.tolist() == [0, 6000]


def test_channels_that_wait_for_each_other_are_released_all_the_same() -> None:
    """Each may only go home when the other has: a wedge. They hold, and are let go in time."""
    wedge = [
        {"terms": {"upper": 2.0, "lower": -1.5}, "max": 0.5},
        {"terms": {"upper": -1.5, "lower": 2.0}, "max": 0.5},
    ]
    face = face_of({"upper": {}, "lower": {}}, wedge, failsafe_hold_s=1)
    rig = Lockstep(upload_of(face)).ready()
    for k in range(200):
        rig.setpoint(6000 + 8 * k, 20_000)
        rig.run(10, heartbeat=False)
    assert (rig.pulses > 7000).all()
    steps = 0
    observed = [last_driven(rig)]
    while rig.state != State.RELEASED:
        rig.tick()
        observed.append(last_driven(rig))
        steps += 1
    assert held(face, np.array(observed))
    assert steps * wire.STEP_US / 1e6 < 0.3 + 4.0 + 1.0 + 1.0
    rig.arm()  # and the way back is open
    rig.run(1000)
    assert rig.state == State.ARMED and not rig.core.native.homing
    assert rig.core.violations == 0


def test_a_sum_that_starts_above_its_limit_only_falls() -> None:
    """After power-up tendons are loose. One that takes away when it is taut is wound in first."""
    tendon = {"kind": "tendon", "limits": [0.0, 1.0], "floor_us": 10.0}
    face = face_of(
        {"adds": tendon | {"slack_us": 20.0}, "takes": tendon | {"slack_us": 100.0, "speed": 4.0}},
        [{"terms": {"adds": 1.0, "takes": -1.0}, "max": 0.02}],
    )
    rig = Lockstep(upload_of(face))
    rig.configure()
    rig.arm()
    observed = np.array([last_driven(rig), *rig.run(1500)])
    assert sums(face, observed)[0] > 0.02
    assert held(face, observed)
    assert observed[-1].tolist() == [6040, 6040]
    assert rig.core.violations == 0


LOCK = Lock(
    wire.ConfigInterlock(0, 2, 1000),
    (wire.InterlockTerm(0, 6000, 2, 3), wire.InterlockTerm(2, 6000, -2, -3)),
)


def with_lock(lock: Lock, interlocks: int = 1) -> Upload:
    plain = plain_upload()
    return Upload(replace(plain.begin, interlocks=interlocks), plain.channels, (lock,))


def test_a_good_interlock_is_taken_also_twice_in_a_row() -> None:
    rig = Lockstep(with_lock(LOCK))
    for type_, payload in rig.upload.messages():
        assert rig.command(type_, payload).result == Result.OK
        assert rig.command(type_, payload).result == Result.OK
    assert rig.arm().result == Result.OK


TERM = LOCK.terms[0]


@pytest.mark.parametrize(
    "terms",
    [
        (replace(TERM, channel=4),),  # no such channel
        (TERM, TERM),  # twice
        (replace(TERM, channel=2), TERM),  # out of order
        (replace(TERM, neutral=3999),),
        (replace(TERM, neutral=8001),),
        (replace(TERM, below=-1),),  # falls and rises
        (replace(TERM, neutral=4000, above=1),),  # the safe pose has 2000
        (),
    ],
)
def test_what_cannot_be_an_interlock_is_refused_and_arm_after_it(
    terms: tuple[wire.InterlockTerm, ...],
) -> None:
    lock = Lock(wire.ConfigInterlock(0, len(terms), 1000), terms)
    rig = Lockstep(with_lock(lock))
    ack = rig.configure()
    assert (ack.type, ack.result, ack.detail) == (Msg.CONFIG_INTERLOCK, Result.RANGE, 0)
    assert rig.arm().result == Result.STATE


def test_sums_that_would_not_fit_are_refused() -> None:
    wide = channels(8, min=wire.PULSE_MIN, max=wire.PULSE_MAX)
    terms = tuple(wire.InterlockTerm(k, wire.PULSE_MIN, 0, -32768) for k in range(8))
    for count, result in ((3, Result.OK), (4, Result.RANGE)):
        lock = Lock(wire.ConfigInterlock(0, count, 0), terms[:count])
        plain = plain_upload(8)
        rig = Lockstep(Upload(replace(plain.begin, interlocks=1), wide, (lock,)))
        assert rig.configure().result == result


def test_a_list_that_is_not_as_long_as_it_says_is_refused() -> None:
    rig = Lockstep(with_lock(LOCK))
    messages = list(rig.upload.messages())
    for type_, payload in messages[:5]:
        rig.command(type_, payload)
    for payload in (LOCK.payload[:-1], LOCK.payload + b"\0", LOCK.payload[:6], b"", b"\0"):
        assert rig.command(Msg.CONFIG_INTERLOCK, payload).result == Result.LENGTH
    many = protocol.pack(wire.ConfigInterlock(0, 15, 0))
    assert rig.command(Msg.CONFIG_INTERLOCK, many).result == Result.RANGE


def test_interlocks_come_after_all_channels_and_none_is_left_out() -> None:
    rig = Lockstep(with_lock(LOCK, interlocks=2))
    messages = list(rig.upload.messages())
    for type_, payload in messages[:4]:
        rig.command(type_, payload)
    assert rig.command(*messages[5]).result == Result.ORDER
    rig.command(*messages[4])
    assert rig.command(*messages[5]).result == Result.OK
    assert rig.command(*messages[6]).result == Result.ORDER  # two were announced


def test_there_are_no_more_terms_than_the_board_has_room_for() -> None:
    parts = channels(16)
    plain = plain_upload(16)
    terms = tuple(wire.InterlockTerm(k, 6000, 1, 1) for k in range(14))
    locks = tuple(Lock(wire.ConfigInterlock(i, 14, 99), terms) for i in range(4))
    rig = Lockstep(Upload(replace(plain.begin, interlocks=4), parts, locks))
    ack = rig.configure()
    assert (ack.type, ack.result, ack.detail) == (Msg.CONFIG_INTERLOCK, Result.RANGE, 3)


def test_a_new_upload_forgets_the_interlocks_of_the_old_one() -> None:
    rig = Lockstep(with_lock(LOCK)).ready()
    rig.send(Msg.DISARM)
    rig.upload = plain_upload()
    rig.ready()
    for _ in range(100):
        rig.setpoint(np.array([8000, 6000, 4000, 6000], dtype=np.uint16), 20_000)
        rig.run(10, heartbeat=False)
    assert rig.pulses.tolist() == [8000, 6000, 4000, 6000]
