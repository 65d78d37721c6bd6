"""Safety lines of the core and what each is turned into, for ``firmware.mutation`` to try."""

from __future__ import annotations

from dataclasses import dataclass

TESTS = (
    "config",
    "states",
    "motion",
    "queue",
    "faults",
    "noise",
    "interlocks",
    "release",
    "starts",
    "extremes",
)


@dataclass(frozen=True)
class Mutant:
    """A line of the core, and what it is turned into."""

    name: str
    file: str
    line: str
    broken: str


MUTANTS = (
    Mutant("no upper limit", "motion.c", "goal = c->max;", "goal = goal;"),
    Mutant(
        "no slew limit",
        "motion.c",
        "uint16_t next = approach(before, goal, slew);",
        "uint16_t next = goal;",
    ),
    Mutant(
        "a string let go", "motion.c", "return loose(c, goal) ? c->floor : goal;", "return goal;"
    ),
    Mutant(
        "no ramp from the safe pose",
        "motion.c",
        "bool follow = armed && !core->homing;",
        "bool follow = armed;",
    ),
    Mutant(
        "a watchdog that sleeps",
        "mien.c",
        "now_us - core->heard_us > core->timeout_us",
        "now_us - core->heard_us > core->timeout_us * 1000",
    ),
    Mutant(
        "any CRC will do",
        "link.c",
        "!= mien_read_u16(core->rx + size - CRC_SIZE)",
        "== 0x10000",
    ),
    Mutant(
        "any guard will do",
        "queue.c",
        "!= mien_read_u16(payload + body)",
        "== 0x10000",
    ),
    Mutant("an upload with holes", "config.c", "if (m.crc != core->upload_crc) {", "if (false) {"),
    Mutant(
        "armed with a board missing", "link.c", "if (core->boards_ok != wanted) {", "if (false) {"
    ),
    Mutant(
        "an e-stop that any host can end",
        "state.c",
        "/* ESTOP        */ {X, X, X, E, E, D, X, X, X}",
        "/* ESTOP        */ {X, X, X, D, E, D, X, X, X}",
    ),
    Mutant("boards verified over a new upload", "config.c", "core->boards_ok = 0;", ""),
    Mutant(
        "a torn setpoint as a heartbeat",
        "link.c",
        "    default:\n        core->count.rx_bad++;\n        break;\n    }\n}",
        "    default:\n        core->heard_us = core->now_us;\n        break;\n    }\n}",
    ),
    Mutant(
        "a kept pulse outside new limits",
        "motion.c",
        "if (!keep || pulse < c->min || pulse > c->max) {",
        "if (!keep) {",
    ),
    Mutant(
        "the newest time over ARM",
        "queue.c",
        "    core->newest_known = false;\n    core->slot[0]",
        "    core->slot[0]",
    ),
    Mutant("any index of a pulse", "mien.c", "|| index >= core->channels ", ""),
    Mutant(
        "interlocks in the host only",
        "motion.c",
        "m->pulse = mien_interlock_step(core, sum, index, next);",
        "m->pulse = next;",
    ),
    Mutant(
        "a sum above its limit may rise",
        "interlock.c",
        "next = room > 0 ? shorten(t, pulse, next, room) : pulse;",
        "next = room >= 0 ? shorten(t, pulse, next, room) : next;",
    ),
    Mutant(
        "an interlock that looks at the flat side",
        "interlock.c",
        "(below > above ? below : above)",
        "(below > above && above > 0 ? above : below > 0 ? below : above)",
    ),
    Mutant(
        "a safe pose above its interlock",
        "interlock.c",
        "return safe <= lock->limit;",
        "return true;",
    ),
    Mutant(
        "interlocks of the last upload",
        "config.c",
        "core->interlocks = m.interlocks;",
        "core->interlocks |= m.interlocks;",
    ),
    Mutant(
        "held for ever",
        "release.c",
        "    default:\n        if (!moved) {",
        "    default:\n        if (false) {",
    ),
    Mutant(
        "released without a hold",
        "release.c",
        "if (spent(core, core->hold_s * 1000000UL)) {",
        "if (true) {",
    ),
    Mutant(
        "released while it still moves",
        "release.c",
        "if (!moved || spent(core, MIEN_RAMP_MAX_MS * 1000UL)) {",
        "if (true) {",
    ),
    Mutant(
        "a slow tendon waited for",
        "release.c",
        "core->phase == MIEN_PHASE_SLACKEN && spent(core, MIEN_SLACKEN_MS * 1000UL)",
        "false",
    ),
    Mutant(
        "a lost board puts the release off",
        "mien.c",
        "    if (next == core->state) {\n        return true;",
        "    if (next == core->state && event != MIEN_EVENT_BOARD_LOST) {\n        return true;",
    ),
    Mutant(
        "let go without slack",
        "motion.c",
        "goal = slacken ? start(c) : limit(c, goal);",
        "goal = limit(c, goal);",
    ),
    Mutant(
        "all start at once",
        "motion.c",
        "(core->channel[k].delay == 0 || mien_motion_powered(core, k))",
        "true",
    ),
    Mutant(
        "silence starts what still waits",
        "motion.c",
        "if (core->started < core->channel[index].delay) {",
        "if (false) {",
    ),
    Mutant(
        "setpoints before the last start",
        "motion.c",
        "core->homing && !moved && !waiting",
        "core->homing && !moved",
    ),
    Mutant(
        "a slew that wraps where int has 16 bits",
        "motion.c",
        "(slew >> 2) + ((slew & 3u) != 0 ? 1u : 0u)",
        "(uint16_t)(slew + 3u) >> 2",
    ),
    Mutant("a new layout unseen", "config.c", "core->generation++;", ""),
    Mutant("a missing switch unsaid", "link.c", "detail |= MIEN_ARM_NO_SWITCH;", "detail |= 0;"),
    Mutant(
        "a stop that is not latched",
        "mien.c",
        "void mien_stop(mien_core *core)\n{\n    (void)mien_event_apply(core, MIEN_EVENT_ESTOP);",
        "void mien_stop(mien_core *core)\n{\n    (void)mien_event_apply(core, MIEN_EVENT_DISARM);",
    ),
)
