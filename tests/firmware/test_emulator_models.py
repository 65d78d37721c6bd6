"""The peripheral models against what the data sheets say, with programs of a few lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.firmware.emulator.machine import CrashError, Event, Kind, Machine
from tests.firmware.avr_programs import compiled

pytestmark = [pytest.mark.avr, pytest.mark.usefixtures("avr")]

BYTE_US = 20.0  # ten bits at 500 kbaud
INSTRUCTION_US = 0.5  # room for a few instructions around an event
UART = "UBRR0 = 3; UCSR0A = _BV(U2X0); UCSR0B |= _BV(RXEN0) | _BV(TXEN0);"
TWI_WAIT = """
static uint8_t go(uint8_t control) {
    TWCR = control | _BV(TWINT) | _BV(TWEN);
    while (!(TWCR & _BV(TWINT))) { }
    return TWSR & 0xf8;
}
static uint8_t put(uint8_t value) { TWDR = value; return go(0); }
static void stop(void) { TWCR = _BV(TWINT) | _BV(TWEN) | _BV(TWSTO); while (TWCR & _BV(TWSTO)) { } }
"""


def marks(machine: Machine) -> list[Event]:
    return [e for e in machine.events() if e.kind == Kind.MARK]


def values(machine: Machine) -> list[int]:
    return [e.value for e in marks(machine)]


def run(folder: Path, code: str, us: float, *kinds: Kind) -> Machine:
    machine = compiled(folder, code)
    machine.watch(Kind.MARK, *kinds)
    machine.run(us)
    return machine


def test_instructions_take_their_cycles(tmp_path: Path) -> None:
    machine = run(
        tmp_path, "int main(void) { GPIOR0 = 1; _delay_us(100); GPIOR0 = 2; for (;;) { } }", 1e3
    )
    first, second = marks(machine)
    assert second.us - first.us == pytest.approx(100.0, abs=INSTRUCTION_US)


def test_a_byte_out_takes_ten_bits_and_two_queue_up(tmp_path: Path) -> None:
    code = f"""int main(void) {{ {UART}
        for (uint8_t i = 0; i < 4; i++) {{
        while (!(UCSR0A & _BV(UDRE0))) {{ }} UDR0 = i; GPIOR0 = i; }}
        for (;;) {{ }} }}"""
    machine = run(tmp_path, code, 500.0)
    sent = machine.take_timed()
    assert [value for value, _ in sent] == [0, 1, 2, 3]
    assert np.diff([us for _, us in sent]) == pytest.approx([BYTE_US] * 3)
    wrote = [e.us for e in marks(machine)]
    assert wrote[1] - wrote[0] < 3 * INSTRUCTION_US  # the second byte waits in the buffer
    assert wrote[3] - wrote[2] == pytest.approx(BYTE_US, abs=INSTRUCTION_US)


def test_bytes_in_arrive_at_the_pace_of_the_line(tmp_path: Path) -> None:
    code = f"""int main(void) {{ {UART}
        for (;;) {{ while (!(UCSR0A & _BV(RXC0))) {{ }} GPIOR0 = UDR0; }} }}"""
    machine = compiled(tmp_path, code)
    machine.watch(Kind.MARK)
    machine.run(100.0)
    machine.send(bytes(range(1, 9)))
    start = machine.now_us
    machine.run(300.0)
    got = marks(machine)
    assert [e.value for e in got] == list(range(1, 9))
    assert got[0].us - start == pytest.approx(BYTE_US, abs=INSTRUCTION_US)
    assert np.diff([e.us for e in got]) == pytest.approx([BYTE_US] * 7, abs=INSTRUCTION_US)
    assert machine.overruns == 0


def test_three_unread_bytes_are_kept_and_the_fourth_overruns(tmp_path: Path) -> None:
    code = f"""int main(void) {{ {UART} _delay_us(500);
        while (UCSR0A & _BV(RXC0)) {{ GPIOR0 = UCSR0A & _BV(DOR0); GPIOR0 = UDR0; }}
        for (;;) {{ }} }}"""
    kept = compiled(tmp_path, code)
    kept.watch(Kind.MARK)
    kept.run(50.0)
    kept.send(b"\x01\x02\x03")
    kept.run(1000.0)
    assert values(kept) == [0, 1, 0, 2, 0, 3]
    assert kept.overruns == 0

    lost = compiled(tmp_path, code)
    lost.watch(Kind.MARK)
    lost.run(50.0)
    lost.send(b"\x01\x02\x03\x04")
    lost.run(1000.0)
    dor = 8
    assert values(lost) == [0, 1, 0, 2, dor, 4]
    assert lost.overruns == 1


@pytest.mark.parametrize(("baud", "good"), [(500_000, True), (512_000, True), (250_000, False)])
def test_another_rate_is_a_framing_error(tmp_path: Path, baud: int, good: bool) -> None:
    code = f"""int main(void) {{ {UART}
        while (!(UCSR0A & _BV(RXC0))) {{ }} GPIOR0 = UCSR0A & _BV(FE0); for (;;) {{ }} }}"""
    machine = compiled(tmp_path, code)
    machine.watch(Kind.MARK)
    machine.host_baud(baud)
    machine.run(50.0)
    machine.send(b"U")
    machine.run(200.0)
    assert values(machine) == [0 if good else 0x10]


@pytest.mark.parametrize(
    ("divisor", "prescaler", "cycles"), [(12, 0, 40), (72, 0, 160), (10, 1, 96)]
)
def test_twi_bit_time(tmp_path: Path, divisor: int, prescaler: int, cycles: int) -> None:
    code = f"""{TWI_WAIT} int main(void) {{ TWBR = {divisor}; TWSR = {prescaler};
        go(_BV(TWSTA)); put(0x80); put(0x06); put(1); stop(); for (;;) {{ }} }}"""
    machine = run(tmp_path, code, 1000.0, Kind.START, Kind.ADDRESS, Kind.REGISTER)
    start, address, register = machine.events()
    bit = cycles / 16
    assert address.us - start.us == pytest.approx(9 * bit, abs=2.0)
    assert register.us - address.us == pytest.approx(18 * bit, abs=4.0)


def test_twi_status_codes(tmp_path: Path) -> None:
    """Table 24-3 and 24-4 of the ATmega2560 data sheet; 0x55 is nobody's address."""
    code = f"""{TWI_WAIT} int main(void) {{ TWBR = 12;
        GPIOR0 = go(_BV(TWSTA)); GPIOR0 = put(0x80); GPIOR0 = put(0x00);
        GPIOR0 = go(_BV(TWSTA)); GPIOR0 = put(0x81);
        GPIOR0 = go(_BV(TWEA)); GPIOR0 = go(0); stop();
        GPIOR0 = go(_BV(TWSTA)); GPIOR0 = put(0xaa); stop();
        GPIOR0 = go(_BV(TWSTA)); GPIOR0 = put(0xab); stop(); for (;;) {{ }} }}"""
    machine = run(tmp_path, code, 2000.0)
    assert values(machine) == [0x08, 0x18, 0x28, 0x10, 0x40, 0x50, 0x58, 0x08, 0x20, 0x08, 0x48]


def test_a_held_sda_is_a_lost_arbitration_and_then_no_start(tmp_path: Path) -> None:
    code = f"""{TWI_WAIT} int main(void) {{ TWBR = 12;
        GPIOR0 = go(_BV(TWSTA)); _delay_us(200); GPIOR0 = put(0x80);
        TWCR = _BV(TWINT) | _BV(TWEN);
        GPIOR0 = go(_BV(TWSTA)); for (;;) {{ }} }}"""
    machine = compiled(tmp_path, code)
    machine.watch(Kind.MARK)
    machine.run(100.0)
    machine.hold_sda(True)
    machine.run(10_000.0)
    assert values(machine) == [0x08, 0x38]
    machine.hold_sda(False)
    machine.run(100.0)
    assert values(machine) == [0x08]


def test_sda_is_let_go_after_clocks_by_hand(tmp_path: Path) -> None:
    code = """int main(void) { for (uint8_t i = 0; i < 6; i++) { GPIOR0 = PIND & _BV(PD1);
        DDRD |= _BV(PD0); _delay_us(5); DDRD &= ~_BV(PD0); _delay_us(5); } for (;;) { } }"""
    machine = compiled(tmp_path, code)
    machine.watch(Kind.MARK)
    machine.hold_sda(True, clocks=4)
    machine.run(200.0)
    assert values(machine) == [0, 0, 0, 0, 2, 2]


PCA = (
    TWI_WAIT
    + """
static void set(uint8_t reg, uint8_t value) {
    go(_BV(TWSTA)); put(0x80); put(reg); put(value); stop();
}
"""
)


def test_prescale_is_written_in_sleep_only_and_outputs_change_at_stop(tmp_path: Path) -> None:
    code = f"""{PCA} int main(void) {{ TWBR = 12;
        set(0x00, 0x21); set(0xfe, 121); GPIOR0 = 1; _delay_us(100);
        set(0x00, 0x31); set(0xfe, 121); set(0x00, 0x21); GPIOR0 = 2; _delay_us(100);
        go(_BV(TWSTA)); put(0x80); put(0x06); put(0x10); put(0); put(0x43); put(1);
        GPIOR0 = 3; _delay_us(100); stop(); GPIOR0 = 4;
        _delay_us(100); DDRE |= _BV(PE4); GPIOR0 = 5; for (;;) {{ }} }}"""
    machine = compiled(tmp_path, code)
    machine.watch(Kind.MARK)
    observed: dict[int, tuple[int, float]] = {}
    machine.oe_wired(False)
    for _ in range(400):
        machine.run(10.0)
        for mark in marks(machine):
            observed[mark.value] = (machine.register(0, 0xFE), float(machine.pulses()[0, 0]))
    assert observed[1][0] == 0x1E
    assert observed[2] == (121, 0.0)
    assert observed[3] == (121, 0.0)
    assert observed[4][1] == pytest.approx((0x143 - 0x10) * 122 / 25)
    machine.oe_wired(True)
    assert machine.pulses()[0, 0] > 0  # PE4 is an output at 0 now


def test_auto_increment_wraps_after_the_last_output(tmp_path: Path) -> None:
    code = f"""{PCA} int main(void) {{ TWBR = 12; set(0x00, 0x21);
        go(_BV(TWSTA)); put(0x80); put(0x44); put(7); put(1); put(0x31); put(0x04); stop();
        for (;;) {{ }} }}"""
    machine = run(tmp_path, code, 2000.0, Kind.REGISTER)
    written = [(e.reg, e.value) for e in machine.events() if e.kind == Kind.REGISTER]
    assert written == [(0x00, 0x21), (0x44, 7), (0x45, 1), (0x00, 0x31), (0x01, 0x04)]


def test_all_call_reaches_every_board_and_full_off_wins(tmp_path: Path) -> None:
    code = f"""{PCA} int main(void) {{ TWBR = 12;
        go(_BV(TWSTA)); put(0xe0); put(0x00); put(0x21); stop();
        go(_BV(TWSTA)); put(0xe0); put(0xfc); put(0x2c); put(0x01); stop();
        GPIOR0 = 1; _delay_us(100);
        go(_BV(TWSTA)); put(0xe0); put(0xfd); put(0x10); stop(); GPIOR0 = 2; for (;;) {{ }} }}"""
    machine = compiled(tmp_path, code)
    machine.watch(Kind.MARK)
    machine.oe_wired(False)
    while not marks(machine):
        machine.run(10.0)
    driven = machine.pulses()
    assert np.ptp(driven) == 0 and driven[2, 15] == pytest.approx(0x12C * 31 / 25)
    machine.run(500.0)
    assert not machine.pulses().any()


def test_a_reset_leaves_the_boards_driving_and_power_clears_them(tmp_path: Path) -> None:
    code = f"""{PCA} int main(void) {{ if (MCUSR & _BV(EXTRF)) for (;;) {{ }}
        TWBR = 12; set(0x00, 0x21); set(0x08, 0x33); set(0x09, 1); for (;;) {{ }} }}"""
    machine = run(tmp_path, code, 2000.0)
    machine.oe_wired(False)
    before = machine.pulses()[0, 0]
    assert before > 0
    machine.reset()
    machine.run(1000.0)
    assert machine.pulses()[0, 0] == before
    machine.oe_wired(True)
    assert machine.pulses()[0, 0] == 0  # PE4 is an input after a reset and /OE is pulled up
    machine.board_power(0, False)
    machine.board_power(0, True)
    assert machine.register(0, 0x00) == 0x11


def test_the_lowest_pending_vector_runs_first_and_one_instruction_follows_sei(
    tmp_path: Path,
) -> None:
    code = f"""ISR(TIMER1_COMPA_vect) {{ GPIOR0 = 17; TIMSK1 = 0; }}
        ISR(USART0_UDRE_vect) {{ GPIOR0 = 26; UCSR0B = 0; }}
        ISR(TWI_vect) {{ GPIOR0 = 39; TWCR = 0; }}
        int main(void) {{ {UART} TWBR = 12; TWCR = _BV(TWINT) | _BV(TWEN) | _BV(TWIE) | _BV(TWSTA);
        OCR1A = 10; TIMSK1 = _BV(OCIE1A); TCCR1B = _BV(CS10); UCSR0B |= _BV(UDRIE0); _delay_us(100);
        asm volatile("sei\\n\\tout %0, %1\\n\\tnop\\n\\tnop\\n\\tnop"
        :: "I"(_SFR_IO_ADDR(GPIOR0)), "r"((uint8_t)1));
        GPIOR0 = 2; for (;;) {{ }} }}"""
    assert values(run(tmp_path, code, 1000.0)) == [1, 17, 26, 39, 2]


def test_sleep_ends_with_an_interrupt_at_its_time(tmp_path: Path) -> None:
    code = """ISR(TIMER1_COMPA_vect) { GPIOR0 = 2; }
        int main(void) { OCR1A = 1999; TIMSK1 = _BV(OCIE1A); TCCR1B = _BV(WGM12) | _BV(CS11); sei();
        sleep_enable(); for (;;) { sleep_cpu(); GPIOR0 = 3; } }"""
    machine = run(tmp_path, code, 3100.0)
    observed = marks(machine)
    assert [e.value for e in observed] == [2, 3, 2, 3, 2, 3]
    assert np.diff([e.us for e in observed[::2]]) == pytest.approx([1000.0, 1000.0], abs=0.2)


def test_the_watchdog_resets_at_its_time_and_keeps_running(tmp_path: Path) -> None:
    """WDRF forces WDE: without the firmware's help it fires again after 16 ms."""
    code = """int main(void) { if (!(MCUSR & _BV(WDRF))) wdt_enable(WDTO_120MS);
        for (;;) { } }"""
    machine = run(tmp_path, code, 160_000.0, Kind.RESET)
    resets = [e for e in machine.events() if e.kind == Kind.RESET]
    assert {e.value for e in resets} == {8}
    assert resets[0].us == pytest.approx(128_000.0, abs=50.0)
    assert resets[1].us - resets[0].us == pytest.approx(16_000.0, abs=50.0)


def test_timers_and_line_run_on_after_a_watchdog_reset(tmp_path: Path) -> None:
    code = f"""int main(void) {{ {UART} UDR0 = MCUSR; wdt_enable(WDTO_15MS); _delay_ms(100); }}"""
    machine = run(tmp_path, code, 60_000.0)
    assert machine.take() == b"\x01\x09\x09\x09"


def test_a_program_that_runs_away_is_reported(tmp_path: Path) -> None:
    code = "int main(void) { ((void (*)(void))0x8000)(); for (;;) { } }"
    machine = compiled(tmp_path, code)
    with pytest.raises(CrashError, match="outside of the image"):
        machine.run(1000.0)
