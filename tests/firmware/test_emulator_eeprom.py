"""The EEPROM model against what the data sheet says, with programs of a few lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.firmware.emulator.machine import EEPROM_SIZE, CrashError, Kind, Machine
from tests.firmware.avr_programs import compiled

pytestmark = [pytest.mark.avr, pytest.mark.usefixtures("avr")]

WHOLE_US, PART_US = 3400.0, 1800.0  # erase and write; either alone
POWER, PIN, BROWNOUT, WATCHDOG = 1, 2, 4, 8
AT = 0x123
WRITE = """
static void put(uint8_t mode, uint8_t value) {
    EEAR = 0x123; EEDR = value; EECR = mode;
    EECR |= _BV(EEMPE); EECR |= _BV(EEPE);
}
static uint8_t get(void) { EEAR = 0x123; EECR |= _BV(EERE); return EEDR; }
static void wait(void) { while (EECR & _BV(EEPE)) { } }
"""


def program(folder: Path, body: str) -> Machine:
    machine = compiled(folder, WRITE + "int main(void) { " + body + " for (;;) { } }")
    machine.watch(Kind.MARK, Kind.EEPROM)
    return machine


def marked(machine: Machine) -> list[int]:
    return [e.value for e in machine.events() if e.kind == Kind.MARK]


@pytest.mark.parametrize(
    ("mode", "took_us", "result"),
    [("0", WHOLE_US, 0x5A), ("_BV(EEPM0)", PART_US, 0xFF), ("_BV(EEPM1)", PART_US, 0x0F & 0x5A)],
)
def test_a_byte_takes_its_time_and_the_mode_decides_what_it_becomes(
    tmp_path: Path, mode: str, took_us: float, result: int
) -> None:
    code = f"GPIOR0 = 1; put({mode}, 0x5a); wait(); GPIOR0 = 2; GPIOR0 = get();"
    machine = program(tmp_path, code)
    cells = bytearray(machine.eeprom)
    assert cells == b"\xff" * EEPROM_SIZE
    cells[AT] = 0x0F
    machine.load_eeprom(bytes(cells))
    machine.run(10_000.0)
    events = machine.events()
    begun, done, observed, read = events
    assert (done.kind, done.board << 8 | done.reg, done.value) == (Kind.EEPROM, AT, result)
    assert done.us - begun.us == pytest.approx(took_us, abs=3.0)
    assert observed.us >= done.us
    assert read.value == machine.eeprom[AT] == result


def test_a_write_without_its_four_cycle_window_does_nothing(tmp_path: Path) -> None:
    code = "EEAR = 0x123; EEDR = 1; EECR |= _BV(EEPE); EECR |= _BV(EEMPE); _delay_us(1);"
    machine = program(tmp_path, code + "EECR |= _BV(EEPE); GPIOR0 = EECR;")
    machine.run(10_000.0)
    assert marked(machine) == [0]
    assert machine.eeprom[AT] == 0xFF


def test_the_address_cannot_be_changed_and_nothing_read_during_a_write(tmp_path: Path) -> None:
    code = "put(0, 0x5a); EEAR = 0x200; EEDR = 7; EECR |= _BV(EERE); GPIOR0 = EEDR; wait();"
    machine = program(tmp_path, code + "EEAR = 0x200; EECR |= _BV(EERE); GPIOR0 = EEDR;")
    machine.run(10_000.0)
    assert marked(machine) == [7, 0xFF]
    assert (machine.eeprom[AT], machine.eeprom[0x200]) == (0x5A, 0xFF)


@pytest.mark.parametrize("cause", [PIN, WATCHDOG])
def test_a_write_goes_on_through_a_reset_that_keeps_the_supply(tmp_path: Path, cause: int) -> None:
    machine = program(tmp_path, "GPIOR0 = EECR; if (!(EECR & _BV(EEPE))) put(0, 0x5a);")
    machine.run(1000.0)
    machine.reset(cause)
    machine.run(1000.0)
    assert marked(machine) == [0, 0x02]  # busy
    assert machine.eeprom[AT] == 0xFF
    machine.run(2000.0)
    assert machine.eeprom[AT] == 0x5A


@pytest.mark.parametrize("cause", [POWER, BROWNOUT])
def test_a_write_is_torn_when_the_supply_goes(tmp_path: Path, cause: int) -> None:
    """From 0x0F over 0xFF to 0x5A: first bits come, then bits go."""
    machine = program(tmp_path, "put(0, 0x5a); wait();")
    cells = bytearray(machine.eeprom)
    observed = set()
    for after_us in range(50, int(WHOLE_US) + 400, 100):
        cells[AT] = 0x0F
        machine.load_eeprom(bytes(cells))
        machine.reset(PIN)
        machine.run(after_us)
        machine.reset(cause)
        value = machine.eeprom[AT]
        if after_us < WHOLE_US / 2:
            assert value & 0x0F == 0x0F
        elif after_us < WHOLE_US:
            assert value & 0x5A == 0x5A
        else:
            assert value == 0x5A
        observed.add(value)
        machine.run(WHOLE_US + 100.0)  # the program has started anew
    assert len(observed) > 10


def test_a_machine_starts_with_the_cells_of_another(tmp_path: Path) -> None:
    first = program(tmp_path, "put(0, 0x5a); wait();")
    first.run(10_000.0)
    second = Machine((tmp_path / "p.bin").read_bytes(), eeprom=first.eeprom)
    assert second.eeprom == first.eeprom != b"\xff" * EEPROM_SIZE
    with pytest.raises(ValueError, match="4096 bytes, not 3"):
        second.load_eeprom(b"abc")


@pytest.mark.parametrize("body", ["EECR |= _BV(EERIE);", "put(_BV(EEPM0) | _BV(EEPM1), 1);"])
def test_what_is_not_modelled_stops_the_run(tmp_path: Path, body: str) -> None:
    with pytest.raises(CrashError, match=r"not modelled|reserved"):
        program(tmp_path, body).run(100.0)
