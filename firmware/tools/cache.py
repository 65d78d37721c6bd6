"""Cache of programs that are compiled on demand, keyed by a hash of their sources."""

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
    """Folder of the cache: ``$XDG_CACHE_HOME/mien``, by default ``~/.cache/mien``."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "mien"


def cached(name: str, sources: Iterable[Path], key: str, build: Callable[[Path], None]) -> Path:
    """Folder with the outputs of ``build``, which runs only if the folder is missing.

    Args:
        name: first part of the folder's name.
        sources: files whose content is part of the key.
        key: other parts of the key: flags, versions.
        build: writes its outputs into the folder that it gets as argument. The folder is temporary
            and is renamed in one step, so that simultaneous processes do not collide.
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
