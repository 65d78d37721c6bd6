"""Errors, each with an exit code and the next command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from mien.models.errors import MienError as MienError
from mien.models.errors import ModelError as ModelError


class ConfigError(MienError):
    """A face, weights file or calibration that does not fit. Nothing has moved."""

    exit_code = 2


class InputError(MienError):
    """A file or argument that cannot be used."""

    exit_code = 2


class DeviceError(MienError):
    """A board, camera, microphone or display that is missing or does not answer."""

    exit_code = 3


class EmergencyStopError(DeviceError):
    """E-STOP was requested. Outputs stay off until ``mien clear``, unless the message differs."""


@dataclass(frozen=True)
class ErrorMessage:
    """An error as one process reports it to another; see ``MienError`` for the attributes."""

    message: str
    hint: str = ""
    exit_code: int = 1

    @classmethod
    def of(cls, error: MienError) -> Self:
        """The message about an error."""
        return cls(error.message, error.hint, error.exit_code)

    def error(self) -> MienError:
        """The error, to be raised in the process that receives the message."""
        error = MienError(self.message, self.hint)
        error.exit_code = self.exit_code
        return error
