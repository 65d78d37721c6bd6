"""What is kept of an emergency stop until a person says ``arm``: over restarts, and over a boot."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from mien.models.user_folders import state_folder
from mien.robot.control.estop_socket import folder
from mien.robot.errors import DeviceError


class Latch:
    """A file that is there while an emergency stop of a face has not been answered.

    It lies in the user's state folder; where that cannot be written, in the folder of the run.
    """

    def __init__(self, face: str) -> None:
        self._name = f"{face}.estopped"

    def _paths(self) -> list[Path]:
        paths = [state_folder() / self._name]
        with suppress(DeviceError):
            paths.append(folder() / self._name)
        return paths

    @property
    def closed(self) -> bool:
        """Whether a stop waits for its answer."""
        return any(map(_there, self._paths()))

    def close(self) -> None:
        """Remember a stop."""
        for path in self._paths():
            with suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
                return

    def open(self) -> None:
        """A person has answered."""
        for path in self._paths():
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _there(path: Path) -> bool:
    """Whether a file is there; one that nobody may ask about counts as there."""
    try:
        return path.exists()
    except OSError:
        return True
