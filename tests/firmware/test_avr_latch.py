"""An emergency stop outlives every reset: the EEPROM keeps it until CLEAR."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mien.firmware.avr.image import build_image
from mien.firmware.emulator.board import EmulatedAvr
from mien.firmware.emulator.machine import EEPROM_SIZE, Kind, Machine
from mien.robot.wire import Msg, Result, State
from tests.bench.firmware.avr_face import AvrFace

pytestmark = [pytest.mark.avr, pytest.mark.usefixtures("avr")]

POWER, PIN, BROWNOUT, WATCHDOG = 1, 2, 4, 8
KEPT_US = 6500.0  # from the last byte of ESTOP: a turn of the loop, and 3.4 ms for the cell
CLEARED_US = 10_500.0  # a turn, and two cells on a chip from the factory
TURN_US, CELL_US = 800.0, 3400.0  # of a loop with nothing to drive; one cell
FIRST, SECOND = 0x10, 0x11
RUNNING = (0x69, 0x96)
CLEARS_MAX, CLEAR_EVERY_S = 8, 10.0  # firmware/avr/latch.h


def content(cells: dict[int, int]) -> bytes:
    """An EEPROM that holds ``cells``, and is erased elsewhere."""
    return bytes(cells.get(cell, 0xFF) for cell in range(EEPROM_SIZE))


def fresh(cells: dict[int, int] | None = None) -> AvrFace:
    """A face on a board whose EEPROM holds ``cells``."""
    machine = Machine(build_image().bin, eeprom=content(cells or {}))
    return AvrFace("hobby9", EmulatedAvr(range(9), machine=machine))


def cells_of(face: AvrFace) -> tuple[int, int]:
    return face.machine.eeprom[FIRST], face.machine.eeprom[SECOND]


def by_frame(face: AvrFace) -> None:
    face.talk.send(Msg.ESTOP)


def by_switch(face: AvrFace) -> None:
    face.machine.stop_switch(False)


def stop_for_good(face: AvrFace, stop: Callable[[AvrFace], None] = by_frame) -> None:
    stop(face)
    face.run(0.02)
    face.machine.stop_switch(True)
    face.run(0.02)
    face.talk.reset()
    assert face.state() == State.ESTOP


def after(face: AvrFace, cause: int) -> State:
    """State after a reset, which must have left everything off."""
    face.machine.reset(cause)
    face.run(0.01)
    assert face.machine.oe_high
    face.talk.reset()
    return face.state()


@pytest.mark.parametrize("stop", [by_frame, by_switch])
@pytest.mark.parametrize("cause", [POWER, PIN, BROWNOUT, WATCHDOG])
def test_a_stop_outlives_every_reset_until_clear(
    stop: Callable[[AvrFace], None], cause: int
) -> None:
    face = AvrFace("hobby9")
    face.ready()
    stop_for_good(face, stop)
    for _ in range(3):
        assert after(face, cause) == State.ESTOP
        face.talk.command(Msg.DISARM)
        assert face.try_arm() == Result.STATE
        assert face.talk.command(Msg.CONFIG_BEGIN, first_message(face)).result == Result.STATE
    face.talk.command(Msg.CLEAR)
    face.run(0.02)
    assert after(face, cause) == State.UNCONFIGURED
    face.ready()
    assert (face.pulses() > 0).all()


def first_message(face: AvrFace) -> bytes:
    return next(payload for _, payload in face.upload.messages())


def test_a_stop_goes_with_the_chip_and_not_with_the_host() -> None:
    first = AvrFace("hobby9")
    first.ready()
    stop_for_good(first)
    second = AvrFace(
        "hobby9",
        EmulatedAvr(first.outputs, machine=Machine(build_image().bin, eeprom=first.machine.eeprom)),
    )
    assert second.state() == State.ESTOP
    assert second.machine.oe_high


def test_a_chip_from_the_factory_is_not_stopped_and_nothing_writes_without_a_change() -> None:
    face = fresh()
    face.machine.watch(Kind.EEPROM)
    assert face.state() == State.UNCONFIGURED
    face.ready()
    face.hold(0.5)
    face.talk.command(Msg.CLEAR)
    face.talk.command(Msg.DISARM)
    face.run(0.1)
    assert not face.events(Kind.EEPROM)
    stop_for_good(face)
    face.talk.command(Msg.ESTOP)
    face.run(0.1)
    assert len(face.events(Kind.EEPROM)) == 1


@pytest.mark.parametrize("cause", [BROWNOUT, WATCHDOG])
def test_a_reset_at_any_moment_after_a_stop(cause: int) -> None:
    """From the moment it is kept on, always stopped; before that, never anything but usable."""
    face = AvrFace("hobby9")
    face.ready()
    for after_us in range(0, 12_000, 250):
        face.machine.run(97.0 * (after_us // 250 % 53))
        face.follow()
        face.talk.send(Msg.ESTOP)
        face.machine.run(20.0 * face.machine.waiting + after_us)
        state = after(face, cause)
        assert state == State.ESTOP or (after_us < KEPT_US and state == State.UNCONFIGURED)
        face.talk.command(Msg.CLEAR)
        face.run(0.02)
        assert cells_of(face) in {RUNNING, (0xFF, 0xFF)}
        face.configure()
        face.arm()


@pytest.mark.parametrize("cells", [{FIRST: 0x96}, {FIRST: 0x96, SECOND: RUNNING[1]}])
@pytest.mark.parametrize("cause", [POWER, PIN])
def test_a_reset_at_any_moment_after_clear(cells: dict[int, int], cause: int) -> None:
    """Stopped until the last cell is whole, and running from then on; the EEPROM says which.

    The reset pin does not end a write: the board waits for it before it reads the cells.
    """
    observed = set()
    face = AvrFace("hobby9")
    for after_us in range(0, 13_000, 500):
        face.machine.load_eeprom(content(cells))
        assert after(face, POWER) == State.ESTOP
        face.talk.send(Msg.CLEAR)
        face.machine.run(20.0 * face.machine.waiting + after_us)
        state = after(face, cause)
        observed.add(state)
        last_begun_us = TURN_US if SECOND in cells else TURN_US + CELL_US + TURN_US
        if after_us > CLEARED_US or (cause == PIN and after_us > last_begun_us):
            assert state == State.UNCONFIGURED
        assert (state == State.UNCONFIGURED) == (cells_of(face) == RUNNING)
    assert observed == {State.ESTOP, State.UNCONFIGURED}


def test_only_two_contents_of_the_cells_mean_running() -> None:
    """All pairs of 0xFF, the two halves of the code, and values one bit away from them."""
    near = {0xFF, *RUNNING, 0x00}
    near |= {value ^ 1 << bit for value in (0xFF, *RUNNING) for bit in (0, 3, 7)}
    good = {RUNNING, (0xFF, 0xFF)}
    face = fresh()
    for first in sorted(near):
        for second in sorted(near):
            face.machine.load_eeprom(content({FIRST: first, SECOND: second}))
            running = after(face, POWER) == State.UNCONFIGURED
            assert running == ((first, second) in good), (first, second)
            assert not running or cells_of(face) == (first, second)


def test_the_rest_of_the_eeprom_is_left_alone() -> None:
    face = fresh({0: 0x12, 1: 0x34, 0xFFF: 0x56})
    face.ready()
    stop_for_good(face)
    face.talk.command(Msg.CLEAR)
    face.run(0.05)
    changed = {FIRST: RUNNING[0], SECOND: RUNNING[1], 0: 0x12, 1: 0x34, 0xFFF: 0x56}
    assert face.machine.eeprom == content(changed)


def test_stops_and_clears_without_end_do_not_wear_the_cells_out() -> None:
    """100 000 writes would be done in six minutes; they go on saying stopped instead."""
    face = fresh()
    face.machine.watch(Kind.EEPROM)
    for _ in range(100):
        face.talk.command(Msg.ESTOP)
        face.run(0.01)
        face.talk.command(Msg.CLEAR)
        face.run(0.02)
    spent = face.rig.now()
    allowed = CLEARS_MAX + spent / CLEAR_EVERY_S
    assert CLEARS_MAX * 2 <= len(face.events(Kind.EEPROM)) <= 2 * (allowed + 1) + 1
    assert face.state() == State.UNCONFIGURED
    assert after(face, PIN) == State.ESTOP
    face.talk.command(Msg.CLEAR)
    face.run(0.02)
    assert after(face, PIN) == State.UNCONFIGURED


def test_a_clear_that_had_to_wait_is_written_when_its_time_has_come() -> None:
    face = fresh()
    for _ in range(CLEARS_MAX + 2):
        face.talk.command(Msg.ESTOP)
        face.run(0.01)
        face.talk.command(Msg.CLEAR)
        face.run(0.02)
    assert cells_of(face) != RUNNING
    for _ in range(round(CLEAR_EVERY_S)):
        face.run(1.0)
    assert cells_of(face) == RUNNING


def test_the_loop_does_not_wait_for_the_eeprom() -> None:
    """A stop, a clear and a new start, with cells being written all the while."""
    face = AvrFace("hobby9")
    face.ready()
    face.telemetry()
    stop_for_good(face)
    face.talk.command(Msg.CLEAR)
    face.run(0.06)
    assert face.telemetry().loop_max_us < 3400
    assert face.telemetry().overruns == 0
