"""What this machine lacks for a test, and the command that brings it."""

from __future__ import annotations

from typing import NoReturn, Protocol

import pytest


class Told(Protocol):
    """An error that names the next command."""

    message: str
    hint: str


def skip(error: Told) -> NoReturn:
    """Skip the test, and say what is missing and which command brings it."""
    assert error.hint, error.message
    pytest.skip(f"{error.message}: {error.hint}")
