"""One thread for small matrices, independent of the user's settings.

The matrices of the inverse and of the speech network are small. With several threads BLAS waits
longer than it computes: up to 25 times longer on a busy machine. The settings of the process change
only inside the functions that this module wraps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from threading import Lock
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class _OneThread:
    """Sets BLAS to one thread on the first entry, and restores it on the last exit."""

    def __init__(self) -> None:
        self._lock, self._depth = Lock(), 0
        self._before: list[tuple[Any, int]] = []

    def __enter__(self) -> None:
        with self._lock:
            self._depth += 1
            if self._depth == 1:
                self._before = [(lib, lib.get_num_threads()) for lib in _libraries()]
                for lib, count in self._before:
                    if count != 1:
                        lib.set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                for lib, count in self._before:
                    if count != 1:
                        lib.set_num_threads(count)


ONE_THREAD: Final = _OneThread()
"""Use as ``with ONE_THREAD:``. It may be nested and entered by several threads at once."""


def one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: run ``function`` with BLAS on one thread, then restore the setting."""

    @wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        with ONE_THREAD:
            return function(*args, **kwargs)

    return limited


@contextmanager
def torch_thread() -> Iterator[None]:
    """Run the block with torch and BLAS on one thread."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ONE_THREAD:
            yield
    finally:
        torch.set_num_threads(before)


@cache
def _libraries() -> tuple[Any, ...]:
    """The BLAS libraries of numpy and scipy, loaded once."""
    import scipy.linalg  # noqa: F401  (scipy has its own BLAS)
    from threadpoolctl import ThreadpoolController

    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)
