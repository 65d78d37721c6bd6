"""What can go wrong, with the exit code and the next command in each."""

from __future__ import annotations

from mien.models.errors import MienError as MienError
from mien.models.errors import ModelError as ModelError


class ConfigError(MienError):
    """A face, a weight file or a calibration that does not fit. Nothing has moved."""

    exit_code = 2


class InputError(MienError):
    """A file or an argument that cannot be used."""

    exit_code = 2


class DeviceError(MienError):
    """A board, camera, microphone or display that is not there or does not answer."""

    exit_code = 3


class EmergencyStopError(DeviceError):
    """E-STOP was asked for. Outputs stay off until ``mien clear``, unless the message says else."""
