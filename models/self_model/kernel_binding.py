"""cffi binding of the compiled inverse: declarations and source, in API mode.

The build backend imports this file where nothing but cffi is installed.
"""

from __future__ import annotations

from pathlib import Path

import cffi

HEADERS = ("levenberg_marquardt.h", "bounded_step.h")


def write(path: Path) -> None:
    """Write the C source of the module ``mien.models.self_model._levenberg_marquardt``."""
    here = Path(__file__).parent
    declarations = "#define LM_LANES ...\n#define LM_POWERS ...\n"
    for name in HEADERS:
        lines = (here / name).read_text(encoding="utf-8").splitlines()
        declarations += "\n".join(line for line in lines if not line.startswith("#"))
    builder = cffi.FFI()
    builder.cdef(declarations)
    includes = "".join(f'#include "{name}"\n' for name in HEADERS)
    builder.set_source("mien.models.self_model._levenberg_marquardt", includes)
    builder.emit_c_code(str(path))
