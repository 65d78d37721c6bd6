"""The base of every schema of a file, and the faults that it finds, one line each."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Final, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from mien.models.reading.bounded import excerpt

MAX_FAULTS: Final = 40
"""Most faults that a message lists."""
MAX_NAMES: Final = 20
"""Most keys that a message lists."""
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
        match fault["type"]:
            case "extra_forbidden":
                first, given = _unknown(error.title, fault["loc"]), ""
            case "model_type" | "dict_type":
                first = "it is empty" if value is None else "expected lines such as key: value"
        lines += [f"{where}: {first}{given}", *more]
    return lines


def _unknown(schema: str, loc: tuple[int | str, ...]) -> str:
    """What an unknown key at ``loc`` may have been meant to be, and what there is.

    Args:
        schema: name of the class of the whole file.
    """
    parts = {c for c in _subclasses(Strict) if c.__name__ == schema}
    for step in loc[:-1]:  # an index, or a key that the user chose, leads to no other part
        inner = [_names(c)[step] for c in parts if step in _names(c)]
        parts = {c for annotation in inner for c in _strict_in(annotation)} or parts
    allowed = sorted({str(name) for c in parts for name in _names(c)})
    near = get_close_matches(str(loc[-1])[:80], allowed, 1)
    meant = f"did you mean {near[0]}? " if near else ""
    shown = ", ".join(allowed[:MAX_NAMES]) + ", ..." * (len(allowed) > MAX_NAMES)
    return f"unknown key; {meant}There are {shown}" if allowed else "unknown key"


def _names(part: type[Strict]) -> dict[int | str, Any]:
    """Keys of a part in a file, and the annotations of their values."""
    return {f.alias or name: f.annotation for name, f in part.model_fields.items()}


def _strict_in(annotation: Any) -> Iterator[type[Strict]]:
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        yield annotation
    for inner in get_args(annotation):
        yield from _strict_in(inner)


def _subclasses(base: type[Strict]) -> Iterator[type[Strict]]:
    for one in base.__subclasses__():
        yield one
        yield from _subclasses(one)


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
