"""Breaks safety lines of the core, one at a time, and looks whether the tests notice.

``python -m firmware.mutate`` prints one line for each. Works in a copy; needs the tests beside it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
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
FAILED = 1  # exit code of pytest: tests ran, and some failed


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
        "an interlock that stops for nothing",
        "interlock.c",
        "if (change > 0 && change > room) {",
        "if (change > 0 && change >= room) {",
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
        "(void)mien_event_apply(core, MIEN_EVENT_RELEASE);",
        "core->phase = core->phase;",
    ),
    Mutant(
        "released without a hold",
        "release.c",
        "if (spent_us >= core->hold_s * 1000000UL) {",
        "if (true) {",
    ),
    Mutant(
        "released while it still moves",
        "release.c",
        "if (!moved || spent_us >= MIEN_RAMP_MAX_MS * 1000UL) {",
        "if (true) {",
    ),
    Mutant(
        "a slow tendon waited for",
        "release.c",
        "if (!moved || spent_us >= MIEN_SLACKEN_MS * 1000UL) {",
        "if (!moved) {",
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


def run(mutants: tuple[Mutant, ...] = MUTANTS, tests: tuple[str, ...] = TESTS) -> dict[str, bool]:
    """Name of each mutant -> ``tests`` noticed it (names of files, without test_ and .py).

    Raises:
        FileNotFoundError: no tests beside this package: it is not a checkout.
        RuntimeError: the tests fail without any mutant, or a mutant does not apply or compile.
    """
    if not (ROOT / "tests" / "firmware").is_dir():
        raise FileNotFoundError(ROOT / "tests" / "firmware")
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        _copy(copy)
        _compile(copy)
        code, report = _test(copy, tests)
        if code:
            raise RuntimeError(f"the tests fail on the core as it is:\n{report}")
        return {mutant.name: _noticed(mutant, copy, tests) for mutant in mutants}


def _copy(copy: Path) -> None:
    skip = shutil.ignore_patterns("*.so", "__pycache__", "build", "_core.c")
    shutil.copytree(ROOT / "firmware", copy / "firmware", ignore=skip)
    shutil.copytree(ROOT / "tests" / "firmware", copy / "tests" / "firmware", ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", copy)
    (copy / "robot").symlink_to(ROOT / "robot")
    (copy / "models").symlink_to(ROOT / "models")


def _noticed(mutant: Mutant, copy: Path, tests: tuple[str, ...]) -> bool:
    path = copy / "firmware" / "core" / mutant.file
    whole = path.read_text()
    if whole.count(mutant.line) != 1:
        raise RuntimeError(f"{mutant.name}: {mutant.file} has not exactly one {mutant.line!r}")
    path.write_text(whole.replace(mutant.line, mutant.broken))
    try:
        _compile(copy)
        code, report = _test(copy, tests)
    finally:
        path.write_text(whole)
    if code not in (0, FAILED):
        raise RuntimeError(f"{mutant.name}: pytest ended with {code}:\n{report}")
    return code == FAILED


def _compile(copy: Path) -> None:
    """The extension module of the copy, as pip would build it, but without optimisation."""
    host, core = copy / "firmware" / "host", copy / "firmware" / "core"
    write = "from firmware.host.binding import write; import pathlib, sys; "
    _run(
        [sys.executable, "-c", write + "write(pathlib.Path(sys.argv[1]))", f"{host}/_core.c"], copy
    )
    flags = ["-O0", "-shared", "-fPIC", f"-I{core}", f"-I{host}"]
    python = f"-I{sysconfig.get_path('include')}"
    files = [*map(str, sorted(core.glob("*.c"))), *map(str, sorted(host.glob("*.c")))]
    out = host / f"_core{sysconfig.get_config_var('EXT_SUFFIX')}"
    _run(["gcc", *flags, python, *files, "-o", str(out)], copy)


def _test(copy: Path, tests: tuple[str, ...]) -> tuple[int, str]:
    files = [f"tests/firmware/test_{name}.py" for name in tests]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not slow", *files]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "-p", "no:randomly"],
        cwd=copy,
        env=_environment(copy),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout[-3000:] + done.stderr[-1000:]


def _run(command: list[str], copy: Path) -> None:
    done = subprocess.run(
        command, cwd=copy, env=_environment(copy), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stderr[-2000:]}")


def _environment(copy: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}


def main() -> int:
    """Run all. Exit code 1 if one lives."""
    noticed = run()
    for name, killed in noticed.items():
        print(f"{'killed' if killed else 'ALIVE '}  {name}")
    return int(not all(noticed.values()))


if __name__ == "__main__":
    sys.exit(main())
