"""Progress bars on stderr with the remaining time, on a terminal only."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class Share(Protocol):
    """Callback for the progress of a step."""

    def __call__(self, done: float, note: str = "") -> None:
        """Show the share ``done`` in 0..1 and a note."""


class Steps:
    """Named steps, each with a progress bar. Silent without a terminal."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description:<22}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
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
        """Begin a step. Returns its progress callback."""
        bar = self._bars.add_task(name, total=1.0, note="")

        def share(done: float, note: str = "") -> None:
            self._bars.update(bar, completed=done, note=note)

        return share
