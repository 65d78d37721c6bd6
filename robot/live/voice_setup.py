"""Configuration and status of the voice process."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.robot.live.lookahead import chosen
from mien.robot.media.audio import RATE

if TYPE_CHECKING:
    from mien.robot.expression.song.stream import SongStream
    from mien.robot.expression.speech import SpeechStream
    from mien.robot.expression.voice_style import LiveStyle, StyledStream, Styles


@dataclass(frozen=True)
class VoiceSetup:
    """Configuration of the voice process.

    Attributes:
        face: name of a face, or path of its YAML file.
        calibration: self-model; None takes the one that ships.
        source: mic, wav, pcm, text or quiet.
        device: microphone by number or part of its name.
        path: sound file of ``wav``.
        text: text of ``text``.
        rate: sample rate of ``pcm`` in Hz.
        repeat: whether a sound file starts again at its end.
        seed: seed of blinks, gaze and head motion.
        life: amount of blinks, gaze and head motion, 0 to 1.
        head_gain: factor of the motion of the head, 0 to 2.
        manner: brows and head in place of those of life: a name or a weights file; "" for none.
        monitor: output that plays the voice, by number or part of its name; "" is the default.
        lookahead: nominal look-ahead of the network in ms; None chooses by ``monitor``.
        speech: weights of the speech network, which replace ``lookahead``.
        sing: whether the voice sings: vowels are held, and instruments move nothing.
        style: styles (E, 64) of a voice in each emotion; None for none. A song has none.
        auto: whether whoever speaks tells the style.
        people: shared memory with the people of ``mien.robot.live.people``; None attends nobody.
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
    head_gain: float = 1.0
    manner: str = ""
    monitor: str | None = None
    lookahead: int | None = None
    speech: Path | None = None
    sing: bool = False
    style: Styles = None
    auto: bool = False
    people: Any = None

    @property
    def weights(self) -> Path:
        """Weights file of the speech network.

        Raises:
            InputError: no such look-ahead.
            ConfigError: it is not installed.
        """
        return self.speech or chosen(self.lookahead, self.monitor is not None)

    def live_style(self) -> LiveStyle:
        """The style at the start, or whoever is heard."""
        from mien.robot.expression.voice_style import LiveStyle
        from mien.robot.expression.voices import AUTO

        style = LiveStyle(self.style)
        if self.auto:
            style.choose(AUTO)
        return style

    def stream(self, style: LiveStyle | None = None) -> SpeechStream | SongStream | StyledStream:
        """A new stream of the lips of the voice, in a style."""
        from mien.robot.expression.song.stream import SongStream
        from mien.robot.expression.speech import SpeechStream
        from mien.robot.expression.voice_style import StyledStream

        if self.sing:
            return SongStream(self.weights)
        return StyledStream(style, self.weights) if style else SpeechStream(self.weights)


@dataclass(frozen=True)
class VoiceStatus:
    """Status of the voice process.

    Attributes:
        name: name of the audio source.
        present: whether its device is there.
        ended: whether the source has ended.
        lost: how often the device was lost.
        dropped: blocks dropped from a full inbox.
        holes: gaps in the sound that were filled with silence.
        restarts: new streams after a longer gap.
        skipped: frames too old to be inverted.
        underruns: monitor blocks filled with silence.
        zeros_s: longest time in s in which the source gave only one value.
        monitor_lost: how often the monitor was opened again.
        rss_mb: resident memory in MB.
        cpu_pct: CPU time in percent of one core.
    """

    name: str = ""
    present: bool = True
    ended: bool = False
    lost: int = 0
    dropped: int = 0
    holes: int = 0
    restarts: int = 0
    skipped: int = 0
    underruns: int = 0
    zeros_s: float = 0.0
    monitor_lost: int = 0
    rss_mb: float = 0.0
    cpu_pct: float = 0.0


def status_of(
    source: Any,
    inbox: Any,
    converter: Any,
    monitor: Any,
    zeros_s: float,
    since: tuple[float, float],
) -> VoiceStatus:
    """What the voice process tells of itself.

    Args:
        source, inbox, converter, monitor: its parts; the monitor may be None.
        zeros_s: longest time in s of one value.
        since: host clock and CPU time in s at its start.
    """
    with Path("/proc/self/statm").open() as f:
        pages = int(f.read().split()[1])
    cpu, wall = time.process_time() - since[1], time.monotonic() - since[0]
    return VoiceStatus(
        name=source.name,
        present=getattr(source, "present", True),
        ended=inbox.ended,
        lost=getattr(source, "lost", 0),
        dropped=inbox.dropped,
        holes=converter.clock.holes,
        restarts=converter.clock.restarts,
        skipped=converter.skipped,
        underruns=monitor.underruns if monitor else 0,
        zeros_s=zeros_s,
        monitor_lost=monitor.lost if monitor else 0,
        rss_mb=pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        cpu_pct=100 * cpu / wall if wall > 0 else 0.0,
    )
