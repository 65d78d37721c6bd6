"""Interfaces of a live face to its voice and its panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from mien.robot.control.connect import Opened
from mien.robot.control.loop import Tick
from mien.robot.live.jitter_buffer import CommandFrame
from mien.robot.live.voice_setup import VoiceStatus
from mien.robot.recording.session import RecordingSession


class Voice(Protocol):
    """Source of command frames."""

    lookahead_s: float
    monitored: bool
    """Whether a monitor delays the sound until the lips move."""

    def poll(self, now: float) -> list[CommandFrame]:
        """Frames that are ready, oldest first. Raises MienError when no more can come."""

    def wait(self, seconds: float) -> None:
        """Return when a frame may be ready, after ``seconds`` at the latest."""

    def set_emotion(self, intensities: dict[str, float]) -> None:
        """Set the emotion: intensities in 0..1 by name."""

    def set_gaze(self, yaw: float, pitch: float) -> None:
        """Set the gaze target: yaw and pitch in -1..1."""

    def set_style(self, name: str) -> None:
        """Go over to the style of this name."""

    def delay_sound(self, seconds: float) -> None:
        """Set the delay in s between microphone and monitor."""

    @property
    def ended(self) -> bool:
        """Whether the source has ended."""


class Panel(Protocol):
    """Panel of a live face, in another process."""

    def commands(self) -> Sequence[object]:
        """Messages of the panel since the last call; nobody has checked them here."""

    def show(self, t: float, tick: Tick, state: dict[str, Any]) -> None:
        """Show a tick at ``t`` s. Must not block."""


class Supervision(Protocol):
    """Who watches a run from outside of its loop, and says when the face may move."""

    def begin(
        self,
        at: Opened,
        recording: RecordingSession,
        meters: Callable[[], dict[str, Any]],
        source: Callable[[], VoiceStatus],
    ) -> None:
        """The board is open and the face about to begin.

        Args:
            at: the board.
            recording: of the run.
            meters: state of the face, as the panel shows it.
            source: state of the voice process.
        """

    def may_move(self, t: float) -> bool:
        """Whether the face may move at ``t`` s. Must not block."""
