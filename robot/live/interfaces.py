"""Whom a live face talks to: the voice that gives it frames, and the panel that somebody clicks."""

from __future__ import annotations

from typing import Any, Protocol

from mien.robot.control.loop import Tick
from mien.robot.live.jitter_buffer import CommandFrame


class Voice(Protocol):
    """Where frames come from."""

    lookahead_s: float
    monitored: bool
    """Whether what is heard waits for the lips."""

    def poll(self, now: float) -> list[CommandFrame]:
        """Frames that are ready. Raises MienError when no more can come."""

    def wait(self, seconds: float) -> None:
        """Return when something may be ready, after ``seconds`` at the latest."""

    def set_emotion(self, intensities: dict[str, float]) -> None:
        """Emotions by name, 0..1."""

    def set_gaze(self, yaw: float, pitch: float) -> None:
        """Gaze target, -1..1."""

    def delay_sound(self, seconds: float) -> None:
        """How long after the microphone a monitor plays."""

    @property
    def ended(self) -> bool:
        """The source has come to its end."""


class Panel(Protocol):
    """A window on the face, in another process."""

    def commands(self) -> list[tuple[Any, ...]]:
        """What was clicked since the last call."""

    def show(self, t: float, tick: Tick, state: dict[str, Any]) -> None:
        """Something new to show. Must not block."""
