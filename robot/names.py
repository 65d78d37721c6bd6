"""Names of faces, actuators, runs, recordings and persons.

A name comes from a file, a browser or a command line and becomes part of a path, a table or a web
page. Every name matches one pattern, so that those need no checks of their own.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from mien.robot.errors import InputError

LONGEST: Final = 80
ALLOWED: Final = f"1 to {LONGEST} letters a-z, digits and _ - . (the first a letter or a digit)"
# A dot stands between two other characters: neither "..", a hidden file, nor an empty suffix.
_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*")
_DEVICES: Final = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{k}" for port in ("com", "lpt") for k in range(10))]
)
"""Names that another system takes for a device, with any suffix; a folder may be copied there."""


def is_name(text: str) -> bool:
    """Whether ``text`` is a name."""
    if len(text) > LONGEST or not _PATTERN.fullmatch(text):
        return False
    return text.split(".")[0].lower() not in _DEVICES


def checked(text: str, what: str = "thing") -> str:
    """The name itself.

    Raises:
        InputError: not a name; the message says what is allowed.
    """
    if not is_name(text):
        raise InputError(
            f"{quoted(text)} is no name for a {what}: {ALLOWED}",
            f"a name such as {plain(text, what)}",
        )
    return text


def plain(text: str, otherwise: str = "unnamed") -> str:
    """A valid name that resembles ``text``, such as the name of a sound file."""
    out = re.sub(r"[^A-Za-z0-9_-]+", "-", text)[:LONGEST].strip("-_")
    return out if is_name(out) else otherwise


def quoted(text: str, longest: int = LONGEST) -> str:
    """``text`` in quotes for a terminal: control characters escaped, long text cut."""
    out = ascii(text[: longest + 1])
    return out if len(text) <= longest else f"{out[:longest]}...'"


def printable(text: str) -> str:
    """One line of text from a file, without terminal control characters."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _valid(text: str) -> str:
    if not is_name(text):
        why = {"why": f"{quoted(text)} is no name: {ALLOWED}"}
        raise PydanticCustomError("name", "{why}", why)
    return text


Name: TypeAlias = Annotated[str, AfterValidator(_valid)]
"""A field of a file that is a name."""
