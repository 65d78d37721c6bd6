"""The root of all errors, and the one error of the networks."""

from __future__ import annotations


class MienError(Exception):
    """A failure that a person can act on.

    Args:
        message: names the thing, its value and what is allowed.
        hint: the next command to run, or an empty string.

    Attributes:
        exit_code: of the command that it ends: 1 failed, 2 configuration or input, 3 no device.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ModelError(MienError, ValueError):
    """Weights made for something else, or input of a wrong shape."""

    exit_code = 2
