"""JSON whose depth and numbers are limited."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

from mien.models.reading.bounded import (
    MAX_DIGITS,
    MAX_TEXT_BYTES,
    FileError,
    excerpt,
    read_text,
)

MAX_DEPTH: Final = 32
"""Most lists and objects inside one another."""


def read_json(path: Path, most: int = MAX_TEXT_BYTES) -> Any:
    """Content of a JSON file of at most ``most`` bytes.

    Raises:
        FileError: it is larger, not UTF-8, or not JSON as ``parse_json`` takes it.
        OSError: it cannot be read.
    """
    text = read_text(path, most)
    try:
        return parse_json(text)
    except ValueError as e:
        raise FileError(path, str(e)) from e


def read_object(path: Path, most: int = MAX_TEXT_BYTES) -> dict[str, Any]:
    """Content of a JSON file that holds one object.

    Raises:
        FileError: it holds something else, or as ``read_json``.
        OSError: it cannot be read.
    """
    content = read_json(path, most)
    if not isinstance(content, dict):
        raise FileError(path, f"it holds a {type(content).__name__}, expected an object {{...}}")
    return content


def parse_json(text: str) -> Any:
    """Value of a JSON text. NaN and Infinity are read; the schema decides about them.

    Raises:
        ValueError: not JSON, nested too deep, a number of too many digits, a key given twice, or
            half a character. The message names the line where it is known.
    """
    try:
        content = json.loads(text, parse_int=_whole, object_pairs_hook=_unique)
    except json.JSONDecodeError as e:
        raise ValueError(f"line {e.lineno}, column {e.colno}: {e.msg}") from e
    except RecursionError as e:
        raise ValueError(_DEEP) from e
    _check(content)
    return content


_DEEP: Final = f"it is nested too deep; at most {MAX_DEPTH} levels are allowed"


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has {len(digits)} digits; at most {MAX_DIGITS} are allowed")
    return int(digits)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"key {excerpt(twice)} is given twice")
    return content


def _check(content: Any) -> None:
    level, depth = [content], 1
    while level:
        if depth > MAX_DEPTH:
            raise ValueError(_DEEP)
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += value.keys()
                inner += value.values()
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, str) and not value.isascii():
                _check_text(value)
        level, depth = inner, depth + 1


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as e:
        raise ValueError(f"{excerpt(text)} holds half a character") from e
