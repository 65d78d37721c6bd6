"""``MienError``, the root of all errors, and ``ModelError``."""

from __future__ import annotations


class MienError(Exception):
    """An error that the user can correct.

    Args:
        message: the thing, its value and the allowed values.
        hint: the next command to run, or an empty string.

    Attributes:
        exit_code: of the command: 1 failed, 2 wrong configuration or input, 3 no device.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ModelError(MienError, ValueError):
    """Wrong weights, or input of a wrong shape."""

    exit_code = 2
