"""Messages between the loop and the panel's process. Each is matched by its type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from mien.robot.face.config import Floats


@dataclass(frozen=True)
class PanelReady:
    """The panel is served at this address."""

    address: str


@dataclass(frozen=True)
class StateShown:
    """The last ``FaceState`` was shown; the next may be sent."""


@dataclass(frozen=True)
class Estop:
    """Switch all outputs off now."""


@dataclass(frozen=True)
class SetEmotion:
    """Show these emotions: intensities in 0..1 by name."""

    intensities: dict[str, float]


@dataclass(frozen=True)
class SetGaze:
    """Look there: yaw and pitch in -1..1."""

    yaw: float
    pitch: float


@dataclass(frozen=True)
class SetStyle:
    """Go over to the learned style of this name, to that of whoever speaks, or to none."""

    name: str


@dataclass(frozen=True)
class SetPose:
    """Hold these commands (n,) instead of those of the voice; None gives the face back."""

    commands: Floats | Sequence[float] | None


@dataclass(frozen=True)
class SetRecording:
    """Record under this name; None ends the recording."""

    name: str | None


@dataclass(frozen=True)
class SetPlayback:
    """Play the recording of this name, whose poses follow; None ends the playback."""

    name: str | None


@dataclass(frozen=True)
class PlaybackPoses:
    """Poses of the recording that is played.

    Attributes:
        times: (k,) s since the beginning of the recording.
        rows: k lists of n commands.
    """

    times: list[float]
    rows: list[list[float]]


@dataclass(frozen=True)
class PlaybackSent:
    """All poses of the recording were sent."""


@dataclass(frozen=True)
class EndRun:
    """Come to rest and end the run."""


Request: TypeAlias = (
    Estop | SetEmotion | SetGaze | SetPose | SetStyle | SetRecording | SetPlayback | PlaybackPoses
    | PlaybackSent | EndRun
)  # fmt: skip
"""Requests of a browser to the loop."""
ToLoop: TypeAlias = Request | StateShown
Send: TypeAlias = Callable[[ToLoop], None]
"""Sends one message to the loop; never blocks, and may be called from any thread."""
NEWEST: Final[frozenset[type]] = frozenset({SetEmotion, SetGaze, SetPose, SetStyle, StateShown})
"""Messages of which only the newest matters to the loop."""


@dataclass(frozen=True, eq=False)
class FaceState:
    """What the panel shows of one tick.

    Attributes:
        target: (n,) commands before the limiter.
        sent: (n,) commands that were sent.
        skin: the rig's ``SkinState``; None on hardware.
        meters: measurements by name.
    """

    target: Floats
    sent: Floats
    skin: Any
    meters: dict[str, Any]


@dataclass(frozen=True)
class RunEnded:
    """The run has ended.

    Attributes:
        reason: why; empty without an error.
        stop: how an E-STOP went that ended the run, "done" or "unconfirmed"; empty for none.
    """

    reason: str = ""
    stop: str = ""
