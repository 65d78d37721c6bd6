"""The emergency switch and INT5 against what the data sheet says, with programs of a few lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.firmware.emulator.machine import CrashError, Event, Kind, Machine
from tests.firmware.avr_programs import compiled

pytestmark = [pytest.mark.avr, pytest.mark.usefixtures("avr")]

PROGRAM = """
ISR(INT5_vect) {{ GPIOR0 = PINE & _BV(PE5); }}
int main(void) {{ PORTE |= _BV(PE5); {before} sei(); for (;;) {{ {forever} }} }}
"""
WATCHED = "EICRB = _BV(ISC50); EIFR = _BV(INTF5); EIMSK = _BV(INT5);"


def program(folder: Path, before: str = WATCHED, forever: str = "") -> Machine:
    machine = compiled(folder, PROGRAM.format(before=before, forever=forever))
    machine.watch(Kind.MARK)
    machine.run(50.0)
    return machine


def marks(machine: Machine) -> list[Event]:
    return [e for e in machine.events() if e.kind == Kind.MARK]


def test_the_switch_is_closed_at_first_and_every_edge_interrupts(tmp_path: Path) -> None:
    machine = program(tmp_path)
    assert not marks(machine)
    moved_at = []
    for closed in (False, True, True, False):
        moved_at.append(machine.now_us)
        machine.stop_switch(closed)
        machine.run(20.0)
    observed = marks(machine)
    assert [e.value for e in observed] == [0x20, 0, 0x20]  # the second closing changed nothing
    for event, at in zip(observed, (moved_at[0], moved_at[1], moved_at[3]), strict=True):
        assert 0.3 < event.us - at < 2.0


def test_a_spark_shorter_than_the_entry_into_the_interrupt_is_seen_once(tmp_path: Path) -> None:
    """The flag keeps it; the pin no longer shows it."""
    machine = program(tmp_path, WATCHED, 'cli(); _delay_us(10); sei(); __asm__("nop");')
    machine.stop_switch(False)
    machine.run(1.0)
    machine.stop_switch(True)
    machine.run(50.0)
    assert [e.value for e in marks(machine)] == [0]


def test_an_edge_before_the_mask_is_set_waits_and_is_cleared_by_a_one(tmp_path: Path) -> None:
    waits = program(tmp_path, "EICRB = _BV(ISC50); _delay_us(100); EIMSK = _BV(INT5);")
    waits.stop_switch(False)
    waits.run(200.0)
    assert len(marks(waits)) == 1
    cleared = program(tmp_path, "EICRB = _BV(ISC50); _delay_us(100);" + WATCHED)
    cleared.stop_switch(False)
    cleared.run(200.0)
    assert not marks(cleared)


def test_without_the_mask_nothing_interrupts(tmp_path: Path) -> None:
    machine = program(tmp_path, "EICRB = _BV(ISC50);")
    machine.stop_switch(False)
    machine.run(100.0)
    assert not marks(machine)


def test_a_mode_that_is_not_modelled_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(CrashError, match="INT5 is not modelled"):
        program(tmp_path, "EICRB = _BV(ISC51); EIMSK = _BV(INT5);")
