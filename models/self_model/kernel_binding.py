"""cffi binding of ``levenberg_marquardt.c``: declarations and source, in API mode.

The build backend imports this file where nothing but cffi is installed.
"""

from __future__ import annotations

from pathlib import Path

import cffi


def write(path: Path) -> None:
    """Write the C source of the module ``mien.models.self_model._levenberg_marquardt``."""
    header = Path(__file__).with_name("levenberg_marquardt.h").read_text(encoding="utf-8")
    declarations = header[header.index("typedef struct") : header.index("#define LM_STEP_WORK")]
    builder = cffi.FFI()
    builder.cdef("#define LM_LANES ...\n#define LM_POWERS ...\n" + declarations)
    builder.set_source(
        "mien.models.self_model._levenberg_marquardt", '#include "levenberg_marquardt.h"\n'
    )
    builder.emit_c_code(str(path))
