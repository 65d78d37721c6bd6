"""Progress on stderr, with the time left, and only where a person looks at it."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class Share(Protocol):
    """Hears how far a step is."""

    def __call__(self, done: float, note: str = "") -> None:
        """``done`` of 1, and what else there is to say."""


class Steps:
    """Named steps, each a bar from 0 to 1. Silent when stderr is not a terminal."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description:<22}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def start(self, name: str) -> Share:
        """Begin a step; call what it returns with the share that is done."""
        bar = self._bars.add_task(name, total=1.0, note="")

        def share(done: float, note: str = "") -> None:
            self._bars.update(bar, completed=done, note=note)

        return share
