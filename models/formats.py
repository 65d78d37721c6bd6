"""Small files of the product, npz and JSON: each carries the version of its format.

A file of an older Mien may lack the version; it then counts as version 1. A file of a newer Mien is
refused, because what it says may mean something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models.files import whole
from mien.models.reading.arrays import read_npz
from mien.models.reading.bounded import FileError
from mien.models.reading.json_file import read_object

VERSION_KEY: Final = "version"
MAX_BYTES: Final = 1 << 27
"""Size of the arrays of one file, at most; a whole verification has 0.4 of it."""
_MAX_JSON_BYTES = 1 << 22


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
    try:
        arrays = read_npz(path, max_bytes)
    except FileError as e:
        raise ValueError(e.reason) from e
    version = arrays.pop(VERSION_KEY, None)
    check_version(version, newest)
    return arrays


def read_json(path: Path, newest: int = 1) -> dict[str, Any]:
    """Content of a JSON object, without the version.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is damaged, no JSON object, too large, or of a newer Mien.
    """
    try:
        content = read_object(path, _MAX_JSON_BYTES)
    except FileError as e:
        raise ValueError(e.reason) from e
    check_version(content.pop(VERSION_KEY, None), newest)
    return content
