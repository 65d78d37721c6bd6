"""The core under sanitizers, a fuzzer, a linter and the strictest warnings of three compilers."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.bench.firmware import compile as build

CORE = sorted((build.HERE / "core").glob("*.c"))
COMPILERS = {
    "gcc": ["gcc"],
    "clang": ["clang"],
    "avr-gcc": ["avr-gcc", "-mmcu=atmega2560"],
}


def need(*tools: str) -> None:
    if not build.have(*tools):
        pytest.skip(f"needs {' and '.join(tools)}; apt-get install {' '.join(tools)}")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_compiles_without_a_warning(compiler: str, tmp_path: Path) -> None:
    need(compiler)
    flags = [*build.WARNINGS, "-pedantic", "-Os", "-c", *build.includes()]
    for source in CORE:
        command = [*COMPILERS[compiler], *flags, str(source), "-o", str(tmp_path / "out.o")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_core_calls_nothing_that_is_not_its_own(tmp_path: Path) -> None:
    """No heap, no output, no memcpy: what it needs it has."""
    need("gcc", "nm")
    for source in CORE:
        out = str(tmp_path / "out.o")
        flags = ["-std=c99", "-O0", "-fno-stack-protector", "-c", *build.includes()]
        subprocess.run(["gcc", *flags, str(source), "-o", out], check=True)
        listed = subprocess.run(["nm", "-u", out], check=True, capture_output=True, text=True)
        outside = {n for n in listed.stdout.split() if n != "U" and not n.startswith("mien_")}
        assert outside <= {"_GLOBAL_OFFSET_TABLE_"}


def test_core_has_no_float() -> None:
    for path in (build.HERE / "core").iterdir():
        assert not re.search(r"\b(float|double)\b(?!,)", path.read_text()), path


def test_cppcheck_finds_nothing() -> None:
    need("cppcheck")
    done = subprocess.run(
        [
            "cppcheck",
            "--enable=warning,style,performance,portability",
            "--std=c99",
            "--error-exitcode=1",
            "--quiet",
            "--inline-suppr",
            "--suppress=missingIncludeSystem",
            *build.includes(),
            str(build.HERE / "core"),
            str(build.HERE / "host" / "watch.c"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("count", [4_000, pytest.param(40_000, marks=pytest.mark.slow)])
def test_random_programs_under_address_and_undefined_sanitizer(tmp_path: Path, count: int) -> None:
    need("gcc")
    binary = build.random_driver(tmp_path / "random")
    words = [str(binary), str(count), "1"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == f"{count}\n"


def test_fuzzer_finds_nothing_in_a_short_run(tmp_path: Path) -> None:
    need("clang")
    assert build.fuzz(build.fuzzer(tmp_path / "fuzz"), tmp_path, 8_000, seed=1) >= 8_000


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_fuzzer_finds_nothing_in_a_night(tmp_path: Path) -> None:
    need("clang")
    assert build.fuzz(build.fuzzer(tmp_path / "fuzz"), tmp_path, 2_000_000) >= 2_000_000
