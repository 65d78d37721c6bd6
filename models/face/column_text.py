"""Text in columns as other programs write it: encodings, separators, decimal commas."""

from __future__ import annotations

import codecs
import csv
from pathlib import Path
from typing import Final

from mien.models.errors import ModelError

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SEPARATORS: Final = ",;\t|"


def decoded(raw: bytes) -> str:
    """Text of a file in UTF-8, UTF-16 or UTF-32, with or without a byte order mark.

    Raises:
        UnicodeDecodeError: none of them.
    """
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw.decode(encoding)
    if raw[1:2] == b"\0":
        return raw.decode("utf-16-le")
    if raw[:1] == b"\0":
        return raw.decode("utf-16-be")
    return raw.decode("utf-8")


def text_of(path: Path) -> str:
    """Text of the file ``path``.

    Raises:
        ModelError: not readable, or not text; the message names the file.
    """
    try:
        return decoded(path.read_bytes())
    except UnicodeDecodeError as e:
        raise ModelError(f"{path} is not text in columns: it is no UTF-8 or UTF-16") from e
    except OSError as e:
        raise ModelError(f"cannot read {path}: {e.strerror or e}") from e


def rows_of(text: str) -> list[tuple[int, list[str]]]:
    """Line number and cells of every row that is not empty; the first row is the header.

    The header shows the separator: comma, semicolon, tab or bar. Empty cells at the end of a row
    are left out, because some programs end every row with a separator.

    Raises:
        csv.Error: quotes that do not end, or a cell of 128 KiB.
    """
    lines = text.splitlines()
    head = next((line for line in lines if line.strip()), "")
    separator = max(_SEPARATORS, key=head.count)
    out = []
    reader = csv.reader(lines, delimiter=separator)
    for row in reader:
        while row and not row[-1].strip():
            row.pop()
        if row:
            out.append((reader.line_num, row))
    return out


def number(cell: str) -> float:
    """A cell as a number; a comma may stand for the decimal point.

    Raises:
        ValueError: not a number.
    """
    return float(cell.replace(",", ".") if "," in cell else cell)
