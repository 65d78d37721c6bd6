"""The one error of the networks: weights or inputs that do not fit."""

from __future__ import annotations


class ModelError(ValueError):
    """Weights made for something else, or input of a wrong shape.

    Args:
        message: names the thing, its value and what is allowed.
        hint: the next command to run, or an empty string.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
