"""Text in columns as other programs write it: encodings, separators, decimal commas."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from mien.models.errors import ModelError
from mien.models.reading.bounded import read_bytes

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SEPARATORS: Final = ",;\t|"
MAX_TABLE_BYTES: Final = 64 << 20
"""Largest file with columns, in bytes: a take of 25 minutes at 60 frames per second."""
_LONGEST_NUMBER: Final = 100
_CHUNK_BYTES: Final = 1 << 20
MAX_LINE: Final = 16_384
"""Most characters of a line; one of a take has 800."""
MAX_ROWS: Final = 250_000
"""Most lines of a file with columns: more than an hour at 60 frames per second."""


def decoded(raw: bytes) -> str:
    """Text of a file in UTF-8, UTF-16 or UTF-32, with or without a byte order mark.

    Raises:
        UnicodeDecodeError: none of them.
    """
    return raw.decode(_encoding(raw))


def rows_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row of a file that is not empty; the first is the header.

    The header shows the separator: comma, semicolon, tab or bar; a line ``sep=;`` before it, as
    spreadsheets write it, is left out. Empty cells at the end of a row
    are left out, because some programs end every row with a separator.

    Raises:
        ModelError: not readable, not text in columns, or too large; the message names the file.
    """
    try:
        raw = read_bytes(path, MAX_TABLE_BYTES)
        lines = io.TextIOWrapper(io.BytesIO(raw), encoding=_table_encoding(raw))
        yield from _cells(path, lines)
    except UnicodeError as e:
        raise ModelError(f"{path} is not text in columns: it is no UTF-8 or UTF-16") from e
    except csv.Error as e:
        raise ModelError(f"{path} is not text in columns: {e}") from e
    except OSError as e:
        raise ModelError(f"cannot read {path}: {e.strerror or e}") from e


def _cells(path: Path, lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    separator = ""
    for number, line in enumerate(lines, start=1):
        if number > MAX_ROWS or len(line) > MAX_LINE:
            raise ModelError(
                f"{path} line {number} has {len(line)} characters; "
                f"at most {MAX_ROWS} lines of {MAX_LINE} characters are read"
            )
        if not line.strip() or (number == 1 and line.lower().startswith("sep=")):
            continue
        separator = separator or max(_SEPARATORS, key=line.count)
        # One line at a time: a quote that does not end must not take the rest of the file with it.
        row = next(csv.reader([line], delimiter=separator))
        while row and not row[-1].strip():
            row.pop()
        if row:
            yield number, row


def _table_encoding(raw: bytes) -> str:
    """Encoding of a table: what is no Unicode is Latin-1, if it is text at all.

    Raises:
        UnicodeError: it is not.
    """
    encoding = _encoding(raw)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for at in range(0, len(raw), _CHUNK_BYTES):
            decoder.decode(raw[at : at + _CHUNK_BYTES], at + _CHUNK_BYTES >= len(raw))
    except UnicodeError:
        if b"\0" in raw:
            raise
        return "latin-1"
    return encoding


def _encoding(raw: bytes) -> str:
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return encoding
    if raw[1:2] == b"\0":
        return "utf-16-le"
    return "utf-16-be" if raw[:1] == b"\0" else "utf-8"


def number(cell: str) -> float:
    """A cell as a number; a comma may stand for the decimal point.

    Raises:
        ValueError: not a number.
    """
    if len(cell) > _LONGEST_NUMBER:
        raise ValueError(f"a number of {len(cell)} characters")
    return float(cell.replace(",", ".") if "," in cell else cell)
