"""Bytes and text of a file, up to a limit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from mien.models.errors import ModelError

MAX_TEXT_BYTES: Final = 1 << 20
"""Largest size of a file that a person writes, in bytes."""
MAX_DIGITS: Final = 40
"""Most digits of a whole number. It then fits into a float, and 128 bits fit into it."""
_LONGEST: Final = 80


class FileError(ModelError):
    """A file whose content cannot be used.

    Args:
        path: the file.
        reason: what is wrong in it, and what is allowed.

    Attributes:
        reason: the same.
    """

    def __init__(self, path: Path, reason: str, hint: str = "") -> None:
        super().__init__(f"{path} cannot be used: {reason}", hint)
        self.reason = reason


def read_bytes(path: Path, most: int = MAX_TEXT_BYTES) -> bytes:
    """Content of a file.

    Raises:
        FileError: it has more than ``most`` bytes. No more than these are read.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        raw = b"" if size > most else file.read(most + 1)
    if max(size, len(raw)) > most:
        raise FileError(path, f"it is {_size(max(size, len(raw)))}, at most {_size(most)} are read")
    return raw


def read_text(path: Path, most: int = MAX_TEXT_BYTES) -> str:
    """Text of a file in UTF-8, with or without a byte order mark.

    Raises:
        FileError: it has more than ``most`` bytes, or is not UTF-8.
        OSError: it cannot be read.
    """
    raw = read_bytes(path, most)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise FileError(path, f"it is not UTF-8 text: byte {e.start} is {raw[e.start]:#04x}") from e


def whole_number(text: str) -> int:
    """The whole number in a text of digits.

    Raises:
        ValueError: it has more than ``MAX_DIGITS`` digits, or is no number.
    """
    if len(text) > MAX_DIGITS:
        raise ValueError(f"has {len(text)} digits; at most {MAX_DIGITS} are allowed")
    return int(text)


def excerpt(value: object) -> str:
    """A value of a file for a message: in one line, printable, and cut where it is long."""
    text = ascii(value[: _LONGEST + 1] if isinstance(value, str) else value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count} bytes"
