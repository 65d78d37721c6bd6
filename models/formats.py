"""Small files of the product, npz and JSON: each carries the version of its format.

A file of an older Mien may lack the version; it then counts as version 1. A file of a newer Mien is
refused, because what it says may mean something else.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models.files import whole

VERSION_KEY: Final = "version"
MAX_BYTES: Final = 1 << 30
"""Size of the arrays of one file, at most; a whole verification has 0.05 of it."""
_MAX_JSON_BYTES = 1 << 26
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, OSError, EOFError, MemoryError),
    *(ValueError, KeyError, SyntaxError, TypeError, OverflowError, RuntimeError),
)
"""What numpy and zipfile raise for the files that they cannot read."""


def check_version(found: object, newest: int) -> None:
    """Check the version that a file carries.

    Args:
        found: as in the file; None: the file carries none, and counts as version 1.
        newest: version that this Mien writes.

    Raises:
        ValueError: it is no version, or a newer one.
    """
    try:
        version = 1 if found is None else int(str(found))
    except ValueError:
        version = 0
    if version < 1:
        raise ValueError(f"its version is {str(found)[:40]!r}, a number from 1 to {newest} can be")
    if version > newest:
        raise ValueError(
            f"it has version {version} and is of a newer Mien; this one reads up to {newest}"
        )


def write_arrays(path: Path, version: int, arrays: Mapping[str, Any]) -> None:
    """Write arrays, numbers and texts as one npz, whole or not at all."""
    with whole(path) as part, part.open("wb") as f:
        content: dict[str, Any] = {VERSION_KEY: version, **arrays}
        np.savez(f, **content)


def read_arrays(path: Path, newest: int, max_bytes: int = MAX_BYTES) -> dict[str, NDArray[Any]]:
    """Arrays of an npz by name, without the version.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is damaged, larger than ``max_bytes`` (checked before it is read), or
            of a newer Mien.
    """
    with path.open("rb") as f:
        try:
            with zipfile.ZipFile(f) as members:
                size = sum(m.file_size for m in members.infolist())
            if size > max_bytes:
                raise ValueError(
                    f"its arrays have {size:.3g} bytes, at most {max_bytes:.3g} can be"
                )
            f.seek(0)
            with np.load(f, allow_pickle=False) as z:
                arrays = {k: z[k] for k in z.files}
        except _DAMAGED as e:
            raise ValueError(str(e) or "it is cut off") from e
    version = arrays.pop(VERSION_KEY, None)
    check_version(version, newest)
    return arrays


def read_object(path: Path) -> dict[str, Any]:
    """Content of a JSON object, with the version.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is damaged, no JSON object, or too large.
    """
    if path.stat().st_size > _MAX_JSON_BYTES:
        raise ValueError(f"it is larger than {_MAX_JSON_BYTES:.2g} bytes")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as e:
        raise ValueError("it is nested too deeply") from e
    if not isinstance(content, dict):
        raise ValueError(f"it holds a JSON {type(content).__name__}, it must hold an object")
    return content


def read_json(path: Path, newest: int = 1) -> dict[str, Any]:
    """Content of a JSON object, without the version.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is damaged, no JSON object, too large, or of a newer Mien.
    """
    content = read_object(path)
    check_version(content.pop(VERSION_KEY, None), newest)
    return content
