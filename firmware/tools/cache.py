"""Cache of programs that are compiled on demand, keyed by a hash of their sources."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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
            and is renamed in one step. Simultaneous processes wait for the first one and build
            nothing.
    """
    digest = hashlib.sha256(key.encode())
    for source in sorted(sources):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    folder = cache_root() / f"{name}-{digest.hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.parent):
        if folder.is_dir():  # another process built it meanwhile
            return folder
        scratch = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder.parent))
        try:
            build(scratch)
            try:
                scratch.rename(folder)
            except OSError:  # another process was faster, where there are no locks
                if not folder.is_dir():
                    raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One build at a time in ``folder``, where the system has file locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
