"""Messages between the loop and the voice process. Each is matched by its type.

The loop also sends ``SetEmotion``, ``SetGaze`` and ``SetStyle`` as they came from the panel. The
voice process also sends each ``CommandFrame``, its ``VoiceStatus``, and an ``ErrorMessage`` when it
fails.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VoiceReady:
    """The network is loaded and the source is open. ``lookahead_s`` is that of the network."""

    lookahead_s: float


@dataclass(frozen=True)
class BeginSound:
    """Begin to process sound."""


@dataclass(frozen=True)
class DelaySound:
    """Delay the monitor by so many seconds after the microphone."""

    seconds: float


@dataclass(frozen=True)
class EndVoice:
    """End the process."""
