"""What holds for the options of every verb: numbers that are finite, and help texts as written."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, Final

from rich.markup import escape

from mien.robot.errors import InputError

LARGEST_WHOLE: Final = 2**32 - 1
"""Largest whole number of an option: seeds of builds are so long."""
LARGEST: Final = 1e9
"""Largest other number of an option. A thousand million seconds are 32 years."""


def checked(verb: Callable[..., Any]) -> Callable[..., Any]:
    """``verb``, which refuses numbers that no option can mean.

    Raises:
        InputError: a number that is not finite, or beyond every use (when called).
    """
    if getattr(verb, "checked", False):
        return verb

    @functools.wraps(verb)
    def command(*args: Any, **options: Any) -> Any:
        for name, value in options.items():
            check(name, value)
        return verb(*args, **options)

    command.checked = True  # type: ignore[attr-defined]
    return command


def check(name: str, value: object) -> None:
    """Check the value of an option by its name.

    Raises:
        InputError: it is not finite, or too large.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    largest = LARGEST_WHOLE if isinstance(value, int) else LARGEST
    if not (math.isfinite(value) and abs(value) <= largest):
        option = "--" + name.removesuffix("_").replace("_", "-")
        raise InputError(
            f"{option} is {value:g}, allowed are at most {largest:g}"
            if isinstance(value, float)
            else f"{option} is {str(value)[:20]}, allowed are at most {largest}"
        )


def plain_help(command: Any) -> Any:
    """``command`` with help texts that rich prints as they are written, brackets too."""
    for name in ("help", "short_help", "epilog"):
        text = getattr(command, name, None)
        if isinstance(text, str):
            setattr(command, name, escape(text))
    for parameter in getattr(command, "params", ()):
        text = getattr(parameter, "help", None)
        if isinstance(text, str):
            parameter.help = escape(text)
    for part in getattr(command, "commands", {}).values():
        plain_help(part)
    return command
