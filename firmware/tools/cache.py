"""Things compiled on demand, kept in the user's cache under a hash of what they come from."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path


class BuildError(RuntimeError):
    """A compiler or library is missing, or a build failed.

    Args:
        message: what failed.
        hint: the next command to run, or an empty string.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def cache_root() -> Path:
    """Where compiled things are kept: ``$XDG_CACHE_HOME/mien``, by default ``~/.cache/mien``."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "mien"


def cached(name: str, sources: Iterable[Path], key: str, build: Callable[[Path], None]) -> Path:
    """The folder with the outputs of ``build``, built now if it is not there yet.

    Args:
        name: first part of the folder's name.
        sources: files whose content decides whether the folder is still good.
        key: whatever else decides it: flags, versions.
        build: writes its outputs into the folder that it is given. It runs in a scratch folder that
            takes its final name in one step, so that processes that build at once do not collide.
    """
    digest = hashlib.sha256(key.encode())
    for source in sorted(sources):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    folder = cache_root() / f"{name}-{digest.hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder.parent))
    try:
        build(scratch)
        try:
            scratch.rename(folder)
        except OSError:  # another process was faster; its outputs come from the same sources
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder
