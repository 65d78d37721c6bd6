# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles the emulator on this machine when it is first needed, and loads it."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from functools import cache
from pathlib import Path

from mien.firmware.tools.cache import BuildError, cached

HERE = Path(__file__).parent
HINT = "sudo apt install build-essential libsimavr-dev"

_POINTER = ctypes.c_void_p
_BYTES = ctypes.c_char_p
_U8, _U16, _U32, _U64 = ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32, ctypes.c_uint64
_SIZE, _INT, _DOUBLE = ctypes.c_size_t, ctypes.c_int, ctypes.c_double

# name: (result, arguments after the machine)
_FUNCTIONS: dict[str, tuple[object, tuple[object, ...]]] = {
    "free": (None, ()),
    "now": (_U64, ()),
    "run": (_INT, (_U64,)),
    "message": (_BYTES, ()),
    "reset": (None, (_U8,)),
    "ram": (_SIZE, (_POINTER, _U16, _SIZE)),
    "poke": (None, (_U16, _BYTES, _SIZE)),
    "eeprom": (None, (_POINTER,)),
    "eeprom_load": (None, (_BYTES,)),
    "pc": (_U32, ()),
    "send": (None, (_BYTES, _SIZE, _U64)),
    "take": (_SIZE, (_POINTER, _POINTER, _SIZE)),
    "waiting": (_SIZE, ()),
    "unplug": (None, ()),
    "overruns": (_U64, ()),
    "host_baud": (None, (_U32,)),
    "outputs": (None, (_POINTER,)),
    "oe_high": (_INT, ()),
    "oe_wired": (None, (_INT,)),
    "stop_switch": (None, (_INT,)),
    "board_count": (_U8, ()),
    "boards": (None, (_BYTES, _U8)),
    "board_power": (None, (_U8, _INT)),
    "board_refuse": (None, (_U8, _INT)),
    "board_refuse_after": (None, (_U8, _U16)),
    "board_oscillator": (None, (_U8, _DOUBLE)),
    "board_upset": (None, (_U8, _U8, _U8)),
    "board_register": (_U8, (_U8, _U8)),
    "hold_sda": (None, (_INT, _U16)),
    "hold_scl": (None, (_INT,)),
    "transfers": (_U64, ()),
    "not_acknowledged": (_U64, ()),
    "watchdog_longest": (_U64, ()),
    "event_mask": (None, (_U32,)),
    "events": (_SIZE, (_POINTER, _SIZE)),
}


def _make(folder: Path) -> None:
    for program in ("make", "cc"):
        if shutil.which(program) is None:
            raise BuildError(f"the emulator is compiled here, and {program} is missing", HINT)
    done = subprocess.run(
        ["make", "-s", "-C", str(HERE), f"OUT={folder}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(f"the emulator does not compile:\n{done.stderr.strip()}", HINT)


@cache
def build() -> Path:
    """The folder with ``libmien_emulator.so`` and ``mien-emulator``.

    Raises:
        BuildError: no compiler or no libsimavr 1.6; the hint names the packages.
    """
    files = [
        path for path in HERE.iterdir() if path.suffix in {".c", ".h"} or path.name == "Makefile"
    ]
    return cached("emulator", files, "", _make)


@cache
def load() -> ctypes.CDLL:
    """The lock-step library with the types of its functions set.

    Raises:
        BuildError: as `build`.
    """
    library = ctypes.CDLL(str(build() / "libmien_emulator.so"))
    library.emulator_new.restype = _POINTER
    library.emulator_new.argtypes = [_BYTES, _SIZE]
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, f"emulator_{name}")
        function.restype = result
        function.argtypes = [_POINTER, *arguments]
    return library
