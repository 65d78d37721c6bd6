"""Builds of the core for checks: the fuzz target, the random driver, the strictest warnings."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.paths import ROOT

HERE = ROOT / "firmware"
WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
SANITIZERS = "address,undefined"
FUZZ = ("fuzz", "rig", "upload")
"""Files of the fuzz target."""


def sources(root: Path = HERE) -> list[str]:
    """C files that a check is built from, but for its driver."""
    return [*map(str, sorted((root / "core").glob("*.c"))), str(root / "host" / "watch.c")]


def includes(root: Path = HERE) -> list[str]:
    """Flags that let C files of ``root`` find each other."""
    return [f"-I{root / 'core'}", f"-I{root / 'host'}"]


def random_driver(out: Path, root: Path = HERE, sanitize: bool = True) -> Path:
    """The fuzz target on random programs, for gcc; with ASan and UBSan unless told otherwise.

    Raises:
        subprocess.CalledProcessError: it does not compile.
    """
    checks = [f"-fsanitize={SANITIZERS}", "-fno-sanitize-recover=all"] if sanitize else []
    drivers = [str(root / "fuzz" / f"{name}.c") for name in (*FUZZ, "random")]
    flags = [*WARNINGS, "-g", "-O1", *checks, *includes(root)]
    _run(["gcc", *flags, *sources(root), *drivers, "-o", str(out)])
    return out


def fuzzer(out: Path, root: Path = HERE) -> Path:
    """The libFuzzer binary, for clang.

    Raises:
        subprocess.CalledProcessError: it does not compile.
    """
    flags = [*WARNINGS, "-g", "-O2", f"-fsanitize=fuzzer,{SANITIZERS}"]
    drivers = [str(root / "fuzz" / f"{name}.c") for name in FUZZ]
    stop = "-fno-sanitize-recover=all"
    _run(["clang", *flags, stop, *includes(root), *sources(root), *drivers, "-o", str(out)])
    return out


def fuzz(binary: Path, folder: Path, executions: int, seed: int = 0) -> int:
    """Run libFuzzer. ``folder`` keeps its corpus and, if it finds one, the input that fails.

    Returns:
        Executions done.

    Raises:
        AssertionError: a guarantee was broken; the end of the report is in the message.
    """
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [
            str(binary),
            f"-runs={executions}",
            f"-seed={seed}",
            "-max_len=512",
            f"-artifact_prefix={folder}/",
            "-verbosity=1",
            str(corpus),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Done (\d+) runs", done.stderr)
    if done.returncode or not found:
        raise AssertionError(f"the fuzzer stopped:\n{done.stderr[-3000:]}")
    return int(found[1])


def have(*tools: str) -> bool:
    """All of these programs are on the path."""
    return all(shutil.which(tool) for tool in tools)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
