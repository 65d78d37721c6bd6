"""Changes to the safety lines of the core; the tests of the core must notice each."""

from __future__ import annotations

from tests.bench.mutation import Mutant

TESTS = tuple(
    f"tests/firmware/test_{name}.py"
    for name in (
        *("config", "states", "motion", "queue", "faults", "noise"),
        *("interlocks", "release", "starts", "extremes"),
    )
)


def _core(name: str, file: str, line: str, broken: str) -> Mutant:
    return Mutant(name, f"firmware/core/{file}", line, broken, TESTS)


MUTANTS = (
    _core("no upper limit", "motion.c", "goal = c->max;", "goal = goal;"),
    _core(
        "no slew limit",
        "motion.c",
        "uint16_t next = approach(before, goal, slew);",
        "uint16_t next = goal;",
    ),
    _core(
        "a tendon let go", "motion.c", "return loose(c, goal) ? c->floor : goal;", "return goal;"
    ),
    _core(
        "no ramp from the safe pose",
        "motion.c",
        "bool follow = armed && !core->homing;",
        "bool follow = armed;",
    ),
    _core(
        "a watchdog that sleeps",
        "mien.c",
        "now_us - core->heartbeat_us > core->timeout_us",
        "now_us - core->heartbeat_us > core->timeout_us * 1000",
    ),
    _core(
        "any CRC will do",
        "link.c",
        "!= mien_read_u16(core->rx + size - MIEN_CRC_SIZE)",
        "== 0x10000",
    ),
    _core(
        "any guard will do",
        "queue.c",
        "!= mien_read_u16(payload + body)",
        "== 0x10000",
    ),
    _core("an upload with holes", "config.c", "if (m.crc != core->upload_crc) {", "if (false) {"),
    _core(
        "armed with a board missing",
        "link.c",
        "if (core->boards_ok != all_boards) {",
        "if (false) {",
    ),
    _core(
        "an e-stop that any host can end",
        "state.c",
        "/* ESTOP        */ {X, X, X, E, E, D, X, X, X}",
        "/* ESTOP        */ {X, X, X, D, E, D, X, X, X}",
    ),
    _core("boards verified over a new upload", "config.c", "core->boards_ok = 0;", ""),
    _core(
        "a torn setpoint as a heartbeat",
        "link.c",
        "    default:\n        core->count.rx_bad++;\n        break;\n    }\n}",
        "    default:\n        core->heartbeat_us = core->now_us;\n        break;\n    }\n}",
    ),
    _core(
        "a kept pulse outside new limits",
        "motion.c",
        "if (!keep || pulse < c->min || pulse > c->max) {",
        "if (!keep) {",
    ),
    _core(
        "the newest time over ARM",
        "queue.c",
        "    core->newest_known = false;\n    core->slot[0]",
        "    core->slot[0]",
    ),
    _core("any index of a pulse", "mien.c", "|| index >= core->channels ", ""),
    _core(
        "interlocks in the host only",
        "motion.c",
        "m->pulse = mien_interlock_step(core, sum, index, next);",
        "m->pulse = next;",
    ),
    _core(
        "a sum above its limit may rise",
        "interlock.c",
        "next = room > 0 ? shorten(t, pulse, next, room) : pulse;",
        "next = room >= 0 ? shorten(t, pulse, next, room) : next;",
    ),
    _core(
        "an interlock that looks at the flat side",
        "interlock.c",
        "slope = below > above ? below : above;",
        "slope = below > above && above > 0 ? above : below > 0 ? below : above;",
    ),
    _core(
        "a safe pose above its interlock",
        "interlock.c",
        "return safe <= lock->limit;",
        "return true;",
    ),
    _core(
        "interlocks of the last upload",
        "config.c",
        "core->interlocks = m.interlocks;",
        "core->interlocks |= m.interlocks;",
    ),
    _core(
        "no release after the hold",
        "release.c",
        "    default:\n        if (!moved) {",
        "    default:\n        if (false) {",
    ),
    _core(
        "released without a hold",
        "release.c",
        "if (spent(core, core->hold_s * 1000000UL)) {",
        "if (true) {",
    ),
    _core(
        "released while it still moves",
        "release.c",
        "if (!moved || spent(core, MIEN_RAMP_MAX_MS * 1000UL)) {",
        "if (true) {",
    ),
    _core(
        "a slow tendon waited for",
        "release.c",
        "core->phase == MIEN_PHASE_SLACKEN && spent(core, MIEN_SLACKEN_MS * 1000UL)",
        "false",
    ),
    _core(
        "a lost board puts the release off",
        "mien.c",
        "    if (next == core->state) {\n        return true;",
        "    if (next == core->state && event != MIEN_EVENT_BOARD_LOST) {\n        return true;",
    ),
    _core(
        "let go without slack",
        "motion.c",
        "goal = slacken ? start(c) : limit(c, goal);",
        "goal = limit(c, goal);",
    ),
    _core(
        "all start at once",
        "motion.c",
        "(core->channel[k].delay == 0 || mien_motion_powered(core, k))",
        "true",
    ),
    _core(
        "silence starts what still waits",
        "motion.c",
        "if (core->started < core->channel[index].delay) {",
        "if (false) {",
    ),
    _core(
        "setpoints before the last start",
        "motion.c",
        "core->homing && !moved && !waiting",
        "core->homing && !moved",
    ),
    _core(
        "a slew that wraps where int has 16 bits",
        "motion.c",
        "(slew >> 2) + ((slew & 3u) != 0 ? 1u : 0u)",
        "(uint16_t)(slew + 3u) >> 2",
    ),
    _core("a new layout unseen", "config.c", "core->generation++;", ""),
    _core("a missing switch unsaid", "link.c", "detail |= MIEN_ARM_NO_SWITCH;", "detail |= 0;"),
    _core(
        "a stop that is not latched",
        "mien.c",
        "void mien_stop(mien_core *core)\n{\n    (void)mien_event_apply(core, MIEN_EVENT_ESTOP);",
        "void mien_stop(mien_core *core)\n{\n    (void)mien_event_apply(core, MIEN_EVENT_DISARM);",
    ),
)
