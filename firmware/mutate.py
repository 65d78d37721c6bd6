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
TESTS = ("config", "states", "motion", "queue", "faults", "noise")
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
        "m->pulse = approach(m->pulse, goal, slew);",
        "m->pulse = goal;",
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
        "/* ESTOP        */ {X, X, X, E, E, D, X, X}",
        "/* ESTOP        */ {X, X, X, D, E, D, X, X}",
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
