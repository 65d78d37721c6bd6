"""The firmware image: built with avr-gcc, measured, and exported as an Arduino sketch."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mien.firmware.tools.cache import BuildError, cached

HERE = Path(__file__).parent
CORE = HERE.parent / "core"
MCU = "atmega2560"
FLASH_BYTES, RAM_BYTES = 262144, 8192
TOOLCHAIN_HINT = "sudo apt install gcc-avr avr-libc binutils-avr"

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
# The last two groups only save flash, together about 4 % with gcc 5.4.
OPTIMISATION = (
    *("-Os", "-flto", "-ffunction-sections", "-fdata-sections", "-fshort-enums"),
    *("-mrelax", "-mstrict-X", "-fno-move-loop-invariants", "-fno-tree-scev-cprop"),
    *("-fno-tree-vrp", "-fno-split-wide-types", "-fira-region=all", "-fno-gcse", "-fno-tree-sra"),
)
FLAGS = (f"-mmcu={MCU}", "-DF_CPU=16000000UL", "-std=gnu99", *OPTIMISATION, *WARNINGS)


@dataclass(frozen=True)
class Image:
    """One build. ``flash_bytes`` counts code and initial values, ``ram_bytes`` static memory."""

    elf: Path
    hex: Path
    bin: Path
    flash_bytes: int
    ram_bytes: int


def sources() -> list[Path]:
    """Every C file and header of the image."""
    return sorted(path for folder in (CORE, HERE) for path in folder.glob("*.[ch]"))


def tool(name: str) -> str:
    """The path of one program of the toolchain.

    Raises:
        BuildError: it is not installed; the hint names the packages.
    """
    path = shutil.which(name)
    if path is None:
        raise BuildError(f"{name} is not installed", TOOLCHAIN_HINT)
    return path


def run(*command: str) -> str:
    """Standard output of a build step.

    Raises:
        BuildError: it failed; the message carries what it printed.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{Path(command[0]).name} failed:\n{done.stderr.strip()}")
    return done.stdout


def _build(folder: Path) -> None:
    elf = folder / "mien.elf"
    code = [str(path) for path in sources() if path.suffix == ".c"]
    run(tool("avr-gcc"), *FLAGS, "-Wl,--gc-sections", f"-I{CORE}", "-o", str(elf), *code)
    for form, name in (("ihex", "mien.hex"), ("binary", "mien.bin")):
        run(tool("avr-objcopy"), "-O", form, "-R", ".eeprom", str(elf), str(folder / name))


def build_image() -> Image:
    """Compile the firmware, or return the cached build of the same sources.

    Raises:
        BuildError: no avr-gcc, or it found an error or a warning.
    """
    version = run(tool("avr-gcc"), "-dumpversion")
    folder = cached("firmware", sources(), " ".join((version, *FLAGS)), _build)
    elf = folder / "mien.elf"
    sections = run(tool("avr-size"), "-A", str(elf)).splitlines()
    size = {row[0]: int(row[1]) for row in map(str.split, sections) if row and row[0][0] == "."}
    flash = size[".text"] + size.get(".data", 0)
    ram = size.get(".data", 0) + size.get(".bss", 0) + size.get(".noinit", 0)
    return Image(elf, folder / "mien.hex", folder / "mien.bin", flash, ram)


def export_sketch(folder: Path) -> Path:
    """Write a folder that the Arduino IDE opens and builds: the same files beside an empty .ino.

    The IDE compiles every C file that lies beside the sketch and nothing outside of its folder, so
    the files are copied. ``main`` and the interrupts are ours; nothing of the Arduino core is used.

    Returns:
        The path of the .ino file.
    """
    sketch = folder / "mien"
    sketch.mkdir(parents=True, exist_ok=True)
    for source in (*sources(), HERE / "mien.ino"):
        shutil.copyfile(source, sketch / source.name)
    return sketch / "mien.ino"
