"""What a page of the panel's server consists of: its parts, its intents and its frames."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from mien.robot.panel.intents import Intent, Schema
from mien.robot.panel.messages import FaceState

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True)
class Page:
    """The parts of a page that are a view's own; everything is put into one answer.

    Attributes:
        title: of the window.
        styles, scripts: texts of CSS and JavaScript, in order, after the page's own. A script
            builds its controls with ``mien`` of page.js and receives frames with ``mien.on(kind)``.
        again: the command that starts such a run again.
        simulated: there is no board that outlives the run, so nothing to clear after an E-STOP.
    """

    title: str
    styles: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    again: str = "mien panel"
    simulated: bool = False


@dataclass(frozen=True)
class Frame:
    """One message to every browser: JSON text or the scene's bytes.

    Only the newest of a kind waits for a browser that is slow, and a browser that comes later
    gets the newest of every kind first.
    """

    kind: str
    data: str | bytes


class View(Protocol):
    """One page: its frames and its intents. ``frames`` is called in a thread of its own."""

    @property
    def page(self) -> Page:
        """The page's own parts."""

    @property
    def intents(self) -> Schema:
        """The intents of a browser."""

    def hello(self) -> Sequence[Frame]:
        """What every browser is sent first: settings, and the scene at rest."""

    def frames(self, state: FaceState) -> Sequence[Frame]:
        """What to show of one tick of the loop."""

    def handle(self, intent: Intent) -> None:
        """Handle an intent of a browser, which was checked. Must not block.

        Raises:
            MienError: shown in this browser alone.
        """


def text(kind: str, **content: Any) -> Frame:
    """A frame of JSON. Raises ValueError: a number in it is none."""
    return Frame(kind, json.dumps({"kind": kind, **content}, allow_nan=False))


def part(name: str) -> str:
    """The text of a file beside this one that goes into a page."""
    return (_HERE / name).read_text(encoding="utf-8")
