"""Errors, each with an exit code and the next command."""

from __future__ import annotations

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
