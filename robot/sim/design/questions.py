"""The questions of ``mien face new``: how many servos, which tendons, and each part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mien.robot.errors import InputError
from mien.robot.sim.design.library import Chosen, grown, library, most_servos, ordered

_SERVOS: Final = 9


def asked(answer: Callable[[str, str], str], tendons: str, otherwise: str) -> Chosen:
    """The parts that a user chooses.

    Args:
        answer: gives the answer to a question, or its default.
        tendons: the answer about tendons; empty asks for it.
        otherwise: command that needs no questions; errors name it.

    Raises:
        InputError: there is nobody to answer, or an answer that cannot be.
    """
    try:
        servos = _number(answer(f"how many servos, 1 to {most_servos()}", str(_SERVOS)))
        most = tendons or answer("parts with tendons: cheeks, nose, both with a comma, none", "any")
        proposed = grown(servos, "" if most == "any" else most)
        chosen = {}
        for name, part in library().parts.items():
            allowed = " or ".join(["0", *map(str, part.variants)])
            question = f"{name} ({part.about}): servos, {allowed}"
            chosen[name] = _number(answer(question, str(proposed.get(name, 0))))
    except EOFError:
        raise InputError("nobody answers the questions; give options", otherwise) from None
    return ordered(chosen)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise InputError(f"{text[:40]!r} is no number of servos", "mien face new --help")
    return int(text)
