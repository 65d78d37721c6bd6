"""Lines of the AVR firmware whose loss its tests must notice."""

from __future__ import annotations

from tests.bench.mutation import Mutant

_BOARDS, _BOOT = "tests/firmware/test_avr_boards.py", "tests/firmware/test_avr_boot.py"
_ESTOP, _LATCH = "tests/firmware/test_avr_estop.py", "tests/firmware/test_avr_latch.py"
_LAYOUT, _SWITCH = "tests/firmware/test_avr_layout.py", "tests/firmware/test_avr_switch.py"


def _avr(name: str, file: str, line: str, broken: str, test: str) -> Mutant:
    return Mutant(name, f"firmware/avr/{file}", line, broken, (test,))


MUTANTS = (
    _avr(
        "a burst under way is not aborted at ESTOP",
        "boards.c",
        "    shut_gate();\n    twi_abort();",
        "    shut_gate();",
        _ESTOP,
    ),
    _avr(
        "a second ARM opens the gate on an old clean burst",
        "boards.c",
        "        abandoned = false;\n        clean = false;",
        "        abandoned = false;",
        _LAYOUT,
    ),
    _avr(
        "the stop switch has no debounce",
        "switch.c",
        "#define PRESSED_LOOKS LOOKS(2)",
        "#define PRESSED_LOOKS 1",
        _SWITCH,
    ),
    _avr(
        "the interrupt ignores an abort", "twi.c", "    if (aborting) {", "    if (false) {", _ESTOP
    ),
    _avr(
        "stale pulses after a new configuration",
        "burst.c",
        "        pulses[output] = 0;",
        "        (void)output;",
        _LAYOUT,
    ),
    _avr(
        "the core does not learn of a stop that the interrupt received",
        "main.c",
        "        mien_stop(&core);\n        uart_stop_served();",
        "        uart_stop_served();",
        _ESTOP,
    ),
    _avr(
        "a stop counts as served while older bytes wait",
        "uart.c",
        "        if (tail == stopped_at) {",
        "        if (true) {",
        _ESTOP,
    ),
    _avr(
        "bytes from after a stop are taken for older ones",
        "uart.c",
        " && !(stopped && tail == stopped_at)",
        "",
        _ESTOP,
    ),
    _avr(
        "an ESTOP does not raise /OE from the interrupt",
        "uart.c",
        "        OE_PORT |= _BV(OE_BIT);",
        "",
        "tests/firmware/test_avr_safety.py",
    ),
    _avr(
        "a layout is identified by its number of boards",
        "boards.c",
        "mien_boards(core) != configured || mien_generation(core) != generation",
        "mien_boards(core) != configured",
        _LAYOUT,
    ),
    _avr(
        "what belongs to the old layout counts for the new one",
        "boards.c",
        "    if (outdated(core)) { /* the core",
        "    if (false) { /* the core",
        _LAYOUT,
    ),
    _avr(
        "boards of the old layout are not turned off",
        "boards.c",
        "            off_boards = everyone;",
        "            off_boards = 0;",
        _LAYOUT,
    ),
    _avr(
        "a stop is forgotten by a reset",
        "main.c",
        "    if (latch_stopped()) {",
        "    if (false) {",
        _LATCH,
    ),
    _avr(
        "a cell that is being written is read",
        "latch.c",
        "    while (busy()) {",
        "    while (false) {",
        _LATCH,
    ),
    _avr(
        "half a code counts as running",
        "latch.c",
        "first == RUNNING && second == SECOND",
        "first == RUNNING",
        _LATCH,
    ),
    _avr(
        "half an erased pair counts as running",
        "latch.c",
        "first == ERASED && second == ERASED",
        "first == ERASED",
        _LATCH,
    ),
    _avr(
        "the cells are worn out by a host that stops and clears",
        "latch.c",
        "    } else if (clears == 0) {",
        "    } else if (false) {",
        _LATCH,
    ),
    _avr(
        "a clear that had to wait is never written",
        "latch.c",
        "            clears++;",
        "",
        _LATCH,
    ),
    _avr(
        "the switch does not raise /OE from its interrupt",
        "switch.c",
        "ISR(INT5_vect) {\n    OE_PORT |= _BV(OE_BIT);",
        "ISR(INT5_vect) {",
        _SWITCH,
    ),
    _avr(
        "a spark is over as soon as it began",
        "switch.c",
        "    OE_PORT |= _BV(OE_BIT);\n    unrest = REST_LOOKS;",
        "    OE_PORT |= _BV(OE_BIT);",
        _SWITCH,
    ),
    _avr(
        "an input may chatter for ever",
        "switch.c",
        " || ++age == CHATTER_LOOKS",
        "",
        _SWITCH,
    ),
    _avr(
        "a stop without an edge is not seen",
        "switch.c",
        "        OE_PORT |= _BV(OE_BIT); /* also when no edge was seen */",
        "",
        _SWITCH,
    ),
    _avr(
        "every wiring is normally closed",
        "switch.c",
        "wiring == MIEN_SWITCH_NC ? _BV(STOP_BIT) : 0",
        "_BV(STOP_BIT)",
        _SWITCH,
    ),
    _avr(
        "the switch is asked only once",
        "main.c",
        "        mien_button(&core);",
        "        static bool once;\n        if (!once) mien_button(&core);\n        once = true;",
        _SWITCH,
    ),
    _avr(
        "the gate opens on a stop that the interrupt saw",
        "boards.c",
        "!uart_stopped() && !switch_unrest()",
        "!switch_unrest()",
        "tests/firmware/test_avr_safety.py",
    ),
    _avr(
        "the gate opens on a switch that moved",
        "boards.c",
        "!uart_stopped() && !switch_unrest()",
        "!uart_stopped()",
        _SWITCH,
    ),
    _avr(
        "a gate that an interrupt has shut counts as open",
        "boards.c",
        "    if (gate_open && (OE_PORT & _BV(OE_BIT)) != 0) {",
        "    if (false) {",
        _SWITCH,
    ),
    _avr(
        "the gate opens on a refresh from before it was shut",
        "boards.c",
        "    clean = false; /* the refresh",
        "    /* the refresh",
        _SWITCH,
    ),
)

EQUIVALENT = {
    "the gate is served after the step only": (
        "A step of a core that does not drive moves nothing and takes 12 us, so /OE follows DISARM "
        "12 us later (0.3 ms when telemetry is due); ESTOP and the switch raise it in their "
        "interrupts. Measured over 250 phases: 893 us at worst before the step, 714 us after it."
    ),
}
"""Name -> why no test can notice it."""
