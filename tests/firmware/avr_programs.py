"""Small C programs for the emulated chip, compiled as a test needs them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from mien.firmware.emulator.library import build
from mien.firmware.emulator.machine import Machine

HEADER = Path("/usr/include/simavr/sim_avr.h")
PRELUDE = """
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <avr/wdt.h>
#include <util/delay.h>
"""


def require_avr() -> None:
    """Skip the test where the toolchain or the emulator cannot be had."""
    for program in ("avr-gcc", "avr-objcopy"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt install gcc-avr avr-libc")
    if not HEADER.exists():
        pytest.skip(f"{HEADER} is missing: apt install libsimavr-dev")
    build()


def compiled(folder: Path, code: str, flags: Sequence[str] = ()) -> Machine:
    """A machine with ``code`` in its flash."""
    source, elf, image = folder / "p.c", folder / "p.elf", folder / "p.bin"
    source.write_text(PRELUDE + code)
    target = ["-mmcu=atmega2560", "-DF_CPU=16000000UL", "-std=gnu99", "-Os", "-Wall", "-Werror"]
    target.append("-Wno-unused-function")
    subprocess.run(["avr-gcc", *target, *flags, "-o", elf, source], check=True)
    subprocess.run(["avr-objcopy", "-O", "binary", elf, image], check=True)
    return Machine(image)
