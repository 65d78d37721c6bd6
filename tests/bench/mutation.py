"""Breaks one line at a time, in C or Python, and looks whether the tests notice.

``python -m tests.bench.mutation [PART OF A NAME OR FILE ...]`` prints one line for each. It works
in
copies of the checkout. The core's C becomes the extension module that the tests import, the AVR's
the image that the emulator runs, and Python is taken as it is.
"""

from __future__ import annotations

import os
import runpy
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Final

ROOT = Path(__file__).parents[2]
COPIED = (".package", "robot", "calibration", "firmware", "tests")
LINKED = ("models", ".docs", ".ci", ".gitignore", "NOTICE", "LICENSE")
FAILED: Final = 1  # exit code of pytest: tests ran, and some failed
PATIENCE: Final = 10.0
"""A mutant may take so many times as long as its tests without it; then it hangs, and that is
noticed as well."""
LEAST_S: Final = 120.0
_EXTENSION: Final = ("firmware/core", "firmware/host")
MODULE: Final = f"firmware/host/_core{sysconfig.get_config_var('EXT_SUFFIX')}"


@dataclass(frozen=True)
class Mutant:
    """A line and what it is turned into.

    Attributes:
        name: says what is then missing.
        file: from the root of the checkout. It holds ``line`` exactly once.
        line, broken: text before and after; a part of a line or several lines.
        tests: arguments of pytest, which must fail: files, or tests in them.
    """

    name: str
    file: str
    line: str
    broken: str
    tests: tuple[str, ...]


def run(
    mutants: Sequence[Mutant], jobs: int = 1, told: Callable[[str, bool], None] | None = None
) -> dict[str, bool]:
    """Name of each mutant -> its tests noticed it.

    Args:
        jobs: so many at once, each in a copy of its own. told: hears each result as it comes.

    Raises:
        FileNotFoundError: no tests beside this package: it is not a checkout.
        RuntimeError: tests fail without any mutant, or a mutant does not apply, compile or import.
    """
    if not (ROOT / "tests" / "firmware").is_dir():
        raise FileNotFoundError(ROOT / "tests" / "firmware")
    with ExitStack() as stack:
        cache = Path(stack.enter_context(TemporaryDirectory(prefix="mutants-cache-")))
        copies: SimpleQueue[_Copy] = SimpleQueue()
        for _ in range(max(1, min(jobs, len(mutants)))):
            root = Path(stack.enter_context(TemporaryDirectory(prefix="mutants-")))
            copies.put(_Copy(root, cache))
        pool = stack.enter_context(ThreadPoolExecutor(copies.qsize()))

        def whole(tests: tuple[str, ...]) -> float:
            copy = copies.get()
            try:
                return copy.passes(tests)
            finally:
                copies.put(copy)

        def broken(mutant: Mutant, seconds: float) -> bool:
            copy = copies.get()
            try:
                return copy.notices(mutant, seconds)
            finally:
                copies.put(copy)

        suites = sorted({m.tests for m in mutants})
        seconds = dict(zip(suites, pool.map(whole, suites), strict=True))
        waits = {m.name: pool.submit(broken, m, seconds[m.tests]) for m in mutants}
        found = {}
        try:
            for name, wait in waits.items():
                found[name] = wait.result()
                if told:
                    told(name, found[name])
        finally:
            pool.shutdown(cancel_futures=True)
        return found


def tables() -> tuple[tuple[Mutant, ...], dict[str, str]]:
    """All mutants of this checkout, and those left out because they change nothing: name, reason.

    They stand beside the tests, in files named ``mutants*.py``, as ``MUTANTS`` and ``EQUIVALENT``.

    Raises:
        FileNotFoundError: no tests beside this package: it is not a checkout.
    """
    files = sorted((ROOT / "tests").rglob("mutants*.py"))
    if not files:
        raise FileNotFoundError(ROOT / "tests")
    read = [runpy.run_path(str(file)) for file in files]
    mutants = tuple(m for names in read for m in names["MUTANTS"])
    equivalent = {k: v for names in read for k, v in names.get("EQUIVALENT", {}).items()}
    return mutants, equivalent


def misfits(mutants: Iterable[Mutant]) -> list[str]:
    """What is wrong with a table, one line each: a text that is not there once, a test file that
    does not exist, a name that is given twice."""
    faults, seen = [], set()
    for mutant in mutants:
        path = ROOT / mutant.file
        count = path.read_text().count(mutant.line) if path.is_file() else 0
        if count != 1:
            faults.append(f"{mutant.name}: {mutant.file} has {mutant.line!r} {count} times")
        if mutant.line == mutant.broken:
            faults.append(f"{mutant.name}: changes nothing")
        missing = [t for t in mutant.tests if not (ROOT / t.split("::")[0]).is_file()]
        faults += [f"{mutant.name}: no such test as {t}" for t in missing]
        if not mutant.tests:
            faults.append(f"{mutant.name}: no tests")
        if mutant.name in seen:
            faults.append(f"{mutant.name}: is there twice")
        seen.add(mutant.name)
    return faults


@dataclass
class _Copy:
    """A checkout of its own, with its own build of the core. ``cache``: shared, for images."""

    root: Path
    cache: Path
    _whole: bytes = field(default=b"", init=False)  # the extension module of the unbroken core

    def __post_init__(self) -> None:
        skip = shutil.ignore_patterns("*.so", "__pycache__", "build", "_core.c")
        for name in COPIED:
            shutil.copytree(ROOT / name, self.root / name, symlinks=True, ignore=skip)
        for name in LINKED:
            (self.root / name).symlink_to(ROOT / name)
        for name in ("pyproject.toml", "README.md"):
            shutil.copy(ROOT / name, self.root)
        built, sources = ROOT / MODULE, [f for d in _EXTENSION for f in (ROOT / d).glob("*.[ch]")]
        newest = max(f.stat().st_mtime for f in sources if f.name != "_core.c")
        if built.is_file() and built.stat().st_mtime > newest:
            shutil.copy(built, self.root / MODULE)
        else:
            self._compile()
        self._whole = (self.root / MODULE).read_bytes()

    def passes(self, tests: tuple[str, ...]) -> float:
        """Seconds that the tests take as they are. Raises RuntimeError if they fail."""
        began = time.monotonic()
        code, report = self._test(tests, None)
        if code:
            raise RuntimeError(f"{' '.join(tests)} fail without any mutant:\n{report}")
        return time.monotonic() - began

    def notices(self, mutant: Mutant, seconds: float) -> bool:
        """The mutant's tests fail, or hang, with it."""
        path = self.root / mutant.file
        whole = path.read_text()
        if whole.count(mutant.line) != 1:
            raise RuntimeError(f"{mutant.name}: {mutant.file} has not one {mutant.line!r}")
        path.write_text(whole.replace(mutant.line, mutant.broken))
        compiled = mutant.file.startswith(_EXTENSION) and mutant.file.endswith((".c", ".h"))
        try:
            if compiled:
                self._compile()
            code, report = self._test(mutant.tests, max(LEAST_S, PATIENCE * seconds))
        finally:
            path.write_text(whole)
            if compiled:
                self._put(self._whole)
        if code not in (0, FAILED):
            raise RuntimeError(f"{mutant.name}: pytest ended with {code}:\n{report}")
        return code == FAILED

    def _compile(self) -> None:
        """The extension module of the copy, as pip would build it, but without optimisation."""
        core, host = (self.root / folder for folder in _EXTENSION)
        write = "from mien.firmware.host.binding import write; import pathlib, sys; "
        self._run(
            sys.executable, "-c", write + "write(pathlib.Path(sys.argv[1]))", f"{host}/_core.c"
        )
        python = f"-I{sysconfig.get_path('include')}"
        files = [*map(str, sorted(core.glob("*.c"))), *map(str, sorted(host.glob("*.c")))]
        out = self.root / "new.so"
        self._run(
            *("gcc", "-O0", "-shared", "-fPIC", f"-I{core}", f"-I{host}", python, *files),
            *("-o", str(out)),
        )
        self._put(out.read_bytes())

    def _put(self, module: bytes) -> None:
        path = self.root / MODULE
        path.unlink(missing_ok=True)  # never into a file that a process has mapped
        path.write_bytes(module)

    def _test(self, tests: tuple[str, ...], limit_s: float | None) -> tuple[int, str]:
        """Exit code and end of the report; one that hangs has FAILED."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not slow", *tests]
        with subprocess.Popen(
            [*command, "-p", "no:cacheprovider"],
            cwd=self.root,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                report, _ = process.communicate(timeout=limit_s)
            except subprocess.TimeoutExpired:
                return FAILED, f"hung for {limit_s} s"
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
        return process.returncode, report[-4000:]

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{done.stderr[-2000:]}")

    def _environment(self) -> dict[str, str]:
        ours = os.pathsep.join([str(self.root), str(self.root / ".package")])
        own = {"PYTHONPATH": ours, "PYTHONDONTWRITEBYTECODE": "1"}
        return os.environ | own | {"XDG_CACHE_HOME": str(self.cache)}


def main(arguments: Sequence[str] = ()) -> int:
    """Run all, or those with one of ``arguments`` in name or file. Exit code 1 if one lives."""
    chosen, equivalent = tables()
    if arguments:
        chosen = tuple(m for m in chosen if any(a in f"{m.name} {m.file}" for a in arguments))
    for name, reason in equivalent.items():
        print(f"left out  {name}: {reason}")
    found = run(
        chosen,
        jobs=os.cpu_count() or 1,
        told=lambda name, noticed: print(
            f"{'killed' if noticed else 'ALIVE '}  {name}", flush=True
        ),
    )
    return int(not all(found.values()))


def _print(name: str, noticed: bool) -> None:
    print(f"{'killed' if noticed else 'ALIVE '}  {name}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
