"""Upload: nothing is armed that was not received whole, checked, and meant."""

from dataclasses import replace

import pytest

from mien.robot import wire
from mien.robot.link import protocol
from mien.robot.link.upload import Upload
from mien.robot.wire import Flag, Msg, Result, State
from tests.bench.firmware.lockstep import Lockstep, begin, channels, plain_upload


def upload_with(index: int, **changes: int) -> Upload:
    """Four channels, one of them changed."""
    parts = list(channels())
    parts[index] = replace(parts[index], **changes)
    return Upload(begin(), tuple(parts))


def test_upload_of_48_channels_ends_disarmed_and_arms() -> None:
    rig = Lockstep(plain_upload(48))
    assert rig.configure().state == State.DISARMED
    assert rig.arm().state == State.ARMED
    assert len(rig.pulses) == 48


@pytest.mark.parametrize(
    "changes",
    [
        {"channels": 0},
        {"channels": 49},
        {"boards": 0},
        {"boards": 5},
        {"address_0": 0x3F},
        {"address_0": 0x80},
        {"address_0": 0x70},  # all-call
        {"boards": 2, "address_1": 0x40},  # twice
        {"pwm_hz": 39},
        {"pwm_hz": 401},
        {"timeout_ms": 0},  # a watchdog that never fires
        {"timeout_ms": 2001},
        {"telemetry_ms": 9},
        {"telemetry_ms": 1001},
    ],
)
def test_begin_refuses_what_no_board_has_and_keeps_the_old_upload(changes: dict[str, int]) -> None:
    rig = Lockstep()
    rig.configure()
    ack = rig.command(Msg.CONFIG_BEGIN, protocol.pack(begin(**changes)))
    assert (ack.result, ack.state) == (Result.RANGE, State.DISARMED)
    assert rig.arm().result == Result.OK


@pytest.mark.parametrize(
    "changes",
    [
        {"board": 1},  # one board was announced
        {"channel": 16},
        {"channel": 0},  # taken by channel 0
        {"flags": 4},
        {"flags": int(Flag.PULL_DOWN)},  # of what
        {"min": wire.PULSE_MIN - 1},
        {"max": wire.PULSE_MAX + 1},
        {"safe": 3999},
        {"safe": 8001},
        {"min": 8001},
        {"slew": 0},
        {"slack": 1},  # not a tendon
        {"floor": 5000},
        {"flags": 1, "floor": 3999},
        {"flags": 1, "floor": 8001},
        {"flags": 1, "floor": 6001},  # the safe pose would be loose
        {"flags": 1, "floor": 5000, "slack": 1001},  # the loose end would lie below min
        {"flags": 3, "floor": 5999},
        {"flags": 3, "floor": 7000, "slack": 1001},
    ],
)
def test_channel_is_refused_by_index_and_arm_after_it(changes: dict[str, int]) -> None:
    rig = Lockstep(upload_with(2, **changes))
    ack = rig.configure()
    assert (ack.type, ack.result, ack.detail) == (Msg.CONFIG_CHANNEL, Result.RANGE, 2)
    assert rig.arm().result == Result.STATE
    assert rig.state == State.UNCONFIGURED


@pytest.mark.parametrize(
    "changes",
    [
        {"flags": 1, "floor": 6000, "slack": 2000},
        {"flags": 3, "floor": 6000, "slack": 2000},
        {"min": wire.PULSE_MIN, "max": wire.PULSE_MAX, "slew": 0xFFFF, "idle": 255},
        {"min": 6000, "max": 6000},
    ],
)
def test_edges_are_accepted(changes: dict[str, int]) -> None:
    assert Lockstep(upload_with(2, **changes)).configure().result == Result.OK


def test_commit_wants_every_channel() -> None:
    rig = Lockstep()
    *most, _, _ = list(rig.upload.messages())
    for type_, payload in most:
        assert rig.command(type_, payload).result == Result.OK
    ack = rig.command(Msg.CONFIG_COMMIT, protocol.pack(wire.ConfigCommit(rig.upload.crc)))
    assert (ack.result, ack.detail, ack.state) == (Result.ORDER, 3, State.UNCONFIGURED)


def test_commit_without_an_upload_is_refused() -> None:
    ack = Lockstep().command(Msg.CONFIG_COMMIT, protocol.pack(wire.ConfigCommit(0xFFFF)))
    assert ack.result == Result.ORDER


def test_commit_with_another_crc_is_refused() -> None:
    rig = Lockstep()
    for type_, payload in list(rig.upload.messages())[:-1]:
        rig.command(type_, payload)
    wrong = protocol.pack(wire.ConfigCommit(rig.upload.crc ^ 1))
    assert rig.command(Msg.CONFIG_COMMIT, wrong).result == Result.CRC
    assert rig.arm().result == Result.STATE


def test_channels_must_come_in_order() -> None:
    rig = Lockstep()
    messages = list(rig.upload.messages())
    rig.command(*messages[0])
    assert rig.command(*messages[2]).result == Result.ORDER
    extra = protocol.pack(replace(rig.upload.channels[3], index=4))
    for type_, payload in messages[1:5]:
        assert rig.command(type_, payload).result == Result.OK
    assert rig.command(Msg.CONFIG_CHANNEL, extra).result == Result.ORDER


def test_every_command_may_come_twice() -> None:
    """A lost answer makes the host repeat itself; the result must be the same."""
    rig = Lockstep()
    for type_, payload in rig.upload.messages():
        assert rig.command(type_, payload).result == Result.OK
        assert rig.command(type_, payload).result == Result.OK
    for _ in range(2):
        assert rig.arm().result == Result.OK
    assert rig.state == State.ARMED


def test_a_second_upload_takes_the_first_away_until_it_is_committed() -> None:
    rig = Lockstep()
    rig.configure()
    rig.command(Msg.CONFIG_BEGIN, protocol.pack(begin()))
    assert rig.arm().result == Result.STATE
    assert rig.state == State.UNCONFIGURED


def test_an_upload_is_refused_while_driven() -> None:
    rig = Lockstep().ready()
    for type_, payload in list(rig.upload.messages())[:-1]:
        assert rig.command(type_, payload).result == Result.STATE
    assert rig.state == State.ARMED


def test_arm_names_the_upload_it_means() -> None:
    rig = Lockstep()
    rig.configure()
    ack = rig.command(Msg.ARM, protocol.pack(wire.Arm(rig.upload.crc ^ 0x8000)))
    assert (ack.result, ack.state) == (Result.CRC, State.DISARMED)


@pytest.mark.parametrize("type_", [t for t in Msg if t < 0x80 and t not in (0x22, 0x30)])
def test_wrong_length_is_refused_and_counted(type_: Msg) -> None:
    rig = Lockstep()
    ack = rig.command(type_, bytes(30))
    assert (ack.type, ack.result, ack.detail) == (type_, Result.LENGTH, 30)
    rig.run(200)
    assert rig.telemetry().rx_bad == 1


def test_unknown_type_is_answered() -> None:
    assert Lockstep().command(0x7F).result == Result.UNKNOWN


def test_boards_are_verified_anew_for_every_upload() -> None:
    """The addresses may be others, and a board may hold another frame rate."""
    rig = Lockstep().ready()
    rig.send(Msg.DISARM)
    rig.core.set_probing(False)
    rig.configure()
    ack = rig.arm()
    assert (ack.result, ack.detail & 0x0F) == (Result.BOARD, 0)
    rig.core.set_probing(True)
    rig.tick()
    assert rig.arm().result == Result.OK


def narrower_with_the_same_crc(upload: Upload) -> Upload:
    """Another upload, whose limits are closer, that a CRC of 16 bits takes for ``upload``."""
    for slew in range(1, 2**16):
        for floor in (7000, 7001):
            parts = channels(1, max=floor, slew=slew)
            other = Upload(upload.begin, parts)
            if other.crc == upload.crc:
                return other
    raise AssertionError("no collision")


def test_a_pulse_that_is_kept_lies_inside_the_new_limits() -> None:
    rig = Lockstep(plain_upload(1)).ready()
    for _ in range(60):
        rig.setpoint(8000, 20_000)
        rig.run(10, heartbeat=False)
    assert rig.pulses[0] == 8000
    rig.send(Msg.DISARM)
    rig.upload = narrower_with_the_same_crc(rig.upload)
    assert rig.upload.channels[0].max < 8000
    rig.configure()
    rig.arm()
    assert rig.pulses[0] == rig.upload.channels[0].safe
    assert rig.core.violations == 0
