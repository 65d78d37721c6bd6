"""What the voice side is told at its beginning, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mien.robot.live.lookahead import chosen
from mien.robot.media.audio import RATE


@dataclass(frozen=True)
class Setup:
    """What the other process needs to know.

    Attributes:
        face: name or path. calibration: a self-model, or None for the one that ships.
        source: mic, wav, pcm, text or quiet. device: the microphone, by number or part of its name.
        path: of the wav, or a text's. rate: of pcm. repeat: a wav starts again at its end.
        monitor: output to play the voice on, by number or part of its name; "" is the default.
        lookahead: of the speech network, nominal ms; None takes what suits the monitor.
        speech: weights of the speech network instead.
    """

    face: str
    calibration: Path | None = None
    source: str = "mic"
    device: str | None = None
    path: Path | None = None
    text: str = ""
    rate: int = RATE
    repeat: bool = False
    seed: int = 0
    life: float = 1.0
    monitor: str | None = None
    lookahead: int | None = None
    speech: Path | None = None

    @property
    def weights(self) -> Path:
        """The speech network's file.

        Raises:
            InputError: no such look-ahead. ConfigError: it is not installed.
        """
        return self.speech or chosen(self.lookahead, self.monitor is not None)


@dataclass(frozen=True)
class Status:
    """How the voice side is doing."""

    name: str = ""
    present: bool = True
    ended: bool = False
    lost: int = 0
    dropped: int = 0
    holes: int = 0
    restarts: int = 0
    skipped: int = 0
    underruns: int = 0
    monitor_lost: int = 0
    rss_mb: float = 0.0
    cpu_pct: float = 0.0
