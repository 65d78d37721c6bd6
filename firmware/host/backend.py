"""Build backend: setuptools, after writing the C sources of the extension modules with cffi.

PEP 517 starts this file from the project's root with nothing of ours on the path. The extension is
then compiled by setuptools like any other (see ``ext-modules`` in ``pyproject.toml``).
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from setuptools import build_meta

PACKAGE = Path(__file__).parents[2]
"""The folder ``mien``, in a checkout as in an sdist."""
sys.path.insert(0, str(PACKAGE.parent))

get_requires_for_build_wheel = build_meta.get_requires_for_build_wheel
get_requires_for_build_editable = build_meta.get_requires_for_build_editable
get_requires_for_build_sdist = build_meta.get_requires_for_build_sdist


BINDINGS = {
    "mien.firmware.host.binding": "firmware/host/_core.c",
    "mien.models.self_model.kernel_binding": "models/self_model/_levenberg_marquardt.c",
}
"""Modules with a function ``write``, and the C source that it writes."""


def write_source() -> None:
    """Write the C source of each extension module."""
    for module, source in BINDINGS.items():
        import_module(module).write(PACKAGE / source)


def prepare_metadata_for_build_wheel(*args: Any, **kwargs: Any) -> str:
    """PEP 517."""
    write_source()
    return build_meta.prepare_metadata_for_build_wheel(*args, **kwargs)


def prepare_metadata_for_build_editable(*args: Any, **kwargs: Any) -> str:
    """PEP 660."""
    write_source()
    return build_meta.prepare_metadata_for_build_editable(*args, **kwargs)


def build_wheel(*args: Any, **kwargs: Any) -> str:
    """PEP 517."""
    write_source()
    return build_meta.build_wheel(*args, **kwargs)


def build_editable(*args: Any, **kwargs: Any) -> str:
    """PEP 660."""
    write_source()
    return build_meta.build_editable(*args, **kwargs)


def build_sdist(*args: Any, **kwargs: Any) -> str:
    """PEP 517."""
    write_source()
    return build_meta.build_sdist(*args, **kwargs)
