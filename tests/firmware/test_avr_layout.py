"""A new configuration leaves nothing of the old one: outputs, pulses, rate and addresses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mien.robot import wire
from mien.robot.link import protocol
from mien.robot.link.upload import Upload
from mien.robot.wire import Msg, Result, State
from tests.bench.firmware.avr_face import COUNT_US, AvrFace
from tests.bench.firmware.lockstep import begin, channels

pytestmark = [pytest.mark.avr, pytest.mark.usefixtures("avr")]

PRE_SCALE = 0xFE
PHASES = range(0, 11_000, 200)  # us: two steps of the core, and all that lies between them
HALF_OF_THEM = PHASES[::2]


def layout(outputs: list[int], safe_us: float, **changes: int) -> Upload:
    """Channels on these outputs of the first board, all at one safe pulse."""
    units = round(safe_us * 4)
    wired = [
        replace(channel, channel=output)
        for channel, output in zip(
            channels(len(outputs), safe=units, min=units - 40, max=units + 40), outputs, strict=True
        )
    ]
    return Upload(begin(len(outputs), stop_switch=wire.Switch.NONE, **changes), tuple(wired))


def drive(face: AvrFace, upload: Upload) -> None:
    """Upload and arm, in the usual way, until the first pose is out."""
    face.upload = upload
    face.configure()
    face.run(0.08)
    assert face.try_arm() == Result.OK
    face.run(0.03)
    assert not face.machine.oe_high


def at_once(face: AvrFace, upload: Upload) -> None:
    """DISARM and a whole upload as one block of bytes, with no time between them for anything."""
    face.talk.send(Msg.DISARM)
    for type_, payload in upload.messages():
        face.talk.send(type_, payload)
    face.upload = upload
    face.run(0.12)
    face.talk.reset()
    assert face.state() == State.DISARMED
    assert face.hello().config_crc == upload.crc


OLD = layout([3], 1200.0)
CHANGES = {
    "another output": (layout([7], 1800.0), {7: 1800.0}),
    "a gap between outputs": (layout([2, 4], 1800.0), {2: 1800.0, 4: 1800.0}),
    "another rate": (layout([3], 1500.0, pwm_hz=100), {3: 1500.0}),
    "another address": (layout([3], 1500.0, address_0=0x41), {16 + 3: 1500.0}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_new_layout_drives_its_own_outputs_at_every_phase(change: str) -> None:
    new, expected = CHANGES[change]
    face = AvrFace()
    rate = 4096 * new.begin.pwm_hz
    for offset_us in PHASES if change == "another output" else HALF_OF_THEM:
        drive(face, OLD)
        assert flat(face) == {3: pytest.approx(1200.0, abs=COUNT_US)}
        face.machine.run(offset_us)
        face.follow()
        at_once(face, new)
        assert face.hello().boards == 0b1
        assert (
            face.machine.register(new.begin.address_0 - 0x40, PRE_SCALE) == round(25e6 / rate) - 1
        )
        assert face.try_arm() == Result.OK
        face.run(0.03)
        assert flat(face) == {k: pytest.approx(us, abs=COUNT_US) for k, us in expected.items()}
        face.talk.command(Msg.DISARM)


def flat(face: AvrFace) -> dict[int, float]:
    """board * 16 + output -> pulse in us, of all outputs that give one."""
    pulses = face.machine.pulses().ravel()
    return {int(k): float(pulses[k]) for k in np.flatnonzero(pulses)}


def test_a_board_of_the_old_layout_is_not_taken_for_one_of_the_new() -> None:
    """It was being read back when the other address came, and that one does not answer."""
    face = AvrFace()
    face.machine.board_power(1, False)
    missing = layout([3], 1500.0, address_0=0x41)
    for offset_us in HALF_OF_THEM:
        drive(face, OLD)
        face.talk.command(Msg.DISARM)
        face.machine.run(offset_us)
        face.follow()
        for type_, payload in missing.messages():
            face.talk.send(type_, payload)
        face.upload = missing
        face.run(0.006)
        for _ in range(8):
            reply = face.hello()
            assert (reply.config_crc, reply.boards) == (missing.crc, 0)
            assert face.try_arm() == Result.BOARD
            face.run(0.002)


def test_boards_of_the_old_layout_are_told_to_be_off_before_it_is_forgotten() -> None:
    """/OE is one line for all, and the new layout has no board at the old address.

    The old board does not hear the common address, so that only its own name turns it off.
    """
    face = AvrFace()
    for offset_us in HALF_OF_THEM:
        drive(face, OLD)
        face.machine.run(offset_us)
        face.follow()
        face.machine.board_upset(0, 0x00, face.machine.register(0, 0x00) & ~1)
        at_once(face, layout([3], 1500.0, address_0=0x41))
        assert face.try_arm() == Result.OK
        face.run(0.03)
        assert flat(face) == {16 + 3: pytest.approx(1500.0, abs=COUNT_US)}
        face.talk.command(Msg.DISARM)


def test_a_second_arm_waits_for_a_whole_pose_of_its_own() -> None:
    """A board was set up anew while FAILSAFE went on with the others: it holds no pulse yet."""
    face = AvrFace()
    face.upload = Upload(begin(33, stop_switch=wire.Switch.NONE), channels(33))
    face.outputs = list(range(33))
    arm = protocol.pack(wire.Arm(face.upload.crc))
    for offset_us in range(0, 5000, 500):
        face.configure()
        face.run(0.1)
        face.machine.board_refuse(1, True)
        assert face.try_arm() == Result.OK
        face.run(0.1)
        assert face.state() == State.FAILSAFE
        face.machine.board_refuse(1, False)
        face.run(0.2)
        assert face.hello().boards == 0b111
        assert face.machine.oe_high
        face.machine.run(offset_us)
        face.talk.send(Msg.ARM, arm)
        for _ in range(1000):
            if not face.machine.oe_high:
                break
            face.machine.run(20.0)
        assert (face.pulses() > 0).all()
        face.follow()
        face.talk.reset()
        face.talk.command(Msg.DISARM)
