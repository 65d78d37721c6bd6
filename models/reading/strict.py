"""The base of every schema of a file, and the faults that it finds, one line each."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from mien.models.reading.bounded import excerpt

MAX_FAULTS: Final = 40
"""Most faults that a message lists."""
_LONGEST: Final = 300


class Strict(BaseModel):
    """A part of a file: no unknown key, no NaN, no infinity, and it never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def fault_lines(error: ValidationError, ours: bool = True) -> list[str]:
    """Every fault in a line: its place in the file, what is allowed, and its value.

    Args:
        error: what the schema found.
        ours: whether faults that a validator of ours raised are among them.
    """
    lines = []
    for fault in error.errors(include_url=False, include_context=False):
        if fault["type"] == "value_error" and not ours:
            continue
        where = ".".join(_key(p) for p in fault["loc"]) or "the file"
        value = fault.get("input")
        given = "" if isinstance(value, dict | list | tuple | None) else f" (is {excerpt(value)})"
        first, *more = fault["msg"].split("\n")  # a validator of ours may list several
        lines += [f"{where}: {first}{given}", *more]
    return lines


def listed(lines: list[str], most: int = MAX_FAULTS) -> str:
    """Lines of a message, indented; of many the first ``most`` and the number of the others."""
    shown = [
        f"  {line if len(line) <= _LONGEST else line[:_LONGEST] + '...'}" for line in lines[:most]
    ]
    if len(lines) > most:
        shown.append(f"  and {len(lines) - most} more")
    return "\n".join(shown)


def _key(part: int | str) -> str:
    text = str(part)
    return text if text.isprintable() and len(text) <= 80 else excerpt(text)
