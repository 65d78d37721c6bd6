"""Where a user's own files lie: the XDG base directories, each with a folder ``mien``."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder() -> Path:
    """What was measured or calibrated here: ``$XDG_DATA_HOME/mien``, or ``~/.local/share/mien``."""
    return _folder("XDG_DATA_HOME", ".local", "share")


def cache_folder() -> Path:
    """What can be made again: ``$XDG_CACHE_HOME/mien``, by default ``~/.cache/mien``."""
    return _folder("XDG_CACHE_HOME", ".cache")


def config_folder() -> Path:
    """What the user wrote: ``$XDG_CONFIG_HOME/mien``, by default ``~/.config/mien``."""
    return _folder("XDG_CONFIG_HOME", ".config")


def state_folder() -> Path:
    """What is kept between runs: ``$XDG_STATE_HOME/mien``, by default ``~/.local/state/mien``."""
    return _folder("XDG_STATE_HOME", ".local", "state")


def _folder(variable: str, *below_home: str) -> Path:
    return Path(os.environ.get(variable) or Path.home().joinpath(*below_home)) / "mien"
