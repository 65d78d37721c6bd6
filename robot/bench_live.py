"""``mien bench live``: a virtual microphone, the real processes, a simulated robot; numbers."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Annotated, Any, Final

import numpy as np
import typer
from numpy.typing import NDArray

from robot import audio
from robot.audio import RATE
from robot.config import Floats

SETTLE_S: Final = 4.0
PULLED_S: Final = 1.5
BACK_S: Final = 5.0
GRID_HZ: Final = 240


@dataclass
class Watched:
    """What was seen of the face and the machine, by host time."""

    t: list[float] = field(default_factory=list)
    gap_mm: list[float] = field(default_factory=list)
    frame_t: list[float] = field(default_factory=list)
    level_db: list[float] = field(default_factory=list)
    pulses: list[Floats] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)


def live(
    seconds: Annotated[float, typer.Option(min=10, help="Of speech.")] = 30.0,
    face: Annotated[str, typer.Option(help="A face that ships, or a YAML file.")] = "morpheus33",
    wav: Annotated[Path | None, typer.Option(help="Speech; without, one that ships.")] = None,
    realtime: Annotated[bool, typer.Option(help="Ask for SCHED_FIFO.")] = False,
    pull: Annotated[bool, typer.Option(help="Pull out microphone and board, too.")] = True,
) -> dict[str, Any]:
    """Latency, deadlines, sync of sound and lips, recovery, on this machine as loaded as it is."""
    from robot.live_run import Options, run
    from robot.stopping import stopping
    from robot.virtual_sound import VirtualSound
    from robot.voice_process import Setup

    sentence = audio.load(wav or audio.LJ_DEMO)
    again = int(np.ceil(seconds * RATE / len(sentence)))
    spoken = np.tile(sentence, again)[: round(seconds * RATE)]
    seen = Watched()
    with ExitStack() as stack:
        sound = stack.enter_context(VirtualSound())
        stop = stack.enter_context(stopping(SETTLE_S + seconds + (2 * BACK_S if pull else 1.0)))
        hands = Hands(sound, spoken, seen, pull)

        def watch(at: Any, tick: Any) -> None:
            hands.at = at
            seen.t.append(time.monotonic())
            seen.gap_mm.append(at.rig.state().lip_gap_mm)
            seen.pulses.append(at.rig.sim.pulses_us.copy())
            if len(seen.t) % 60 == 0:
                seen.rss_mb.append(_rss_mb())
            if tick.t > 0 and not hands.started:
                hands.start()

        def mirror(t: float, frame: Any) -> None:
            seen.frame_t.append(t)
            seen.level_db.append(frame.level_db)

        setup = Setup(face, source="mic", monitor="")
        options = Options(setup, watch=watch, mirror=mirror, realtime=realtime)
        report = run(options, stop)
        hands.join()
    keys = (
        "deadline_met", "deadlines_missed", "lateness_ms_p99", "mic_to_setpoint_ms_p50",
        "mic_to_setpoint_ms_p99", "lookahead_ms", "delay_ms", "lead_ms", "face_lag_ms",
        "late_frames", "underruns", "blocks_dropped", "sound_holes", "seconds",
    )  # fmt: skip
    return {
        **{k: report[k] for k in keys},
        "cpu_pct": report["loop_cpu_pct"] + report["voice_cpu_pct"],
        "voice_cpu_pct": report["voice_cpu_pct"],
        "rss_growth_mb": seen.rss_mb[-1] - seen.rss_mb[len(seen.rss_mb) // 4],
        "rss_growth_over_s": 0.75 * len(seen.rss_mb),
        "load_average": os.getloadavg()[0],
        "realtime": realtime,
        **offsets(face, sentence, spoken, hands, seen, report),
        **hands.recoveries(),
    }


class Hands:
    """Speaks into the microphone and pulls out cables while the face is live."""

    def __init__(self, sound: Any, spoken: NDArray[np.float32], seen: Watched, pull: bool) -> None:
        self._sound, self._spoken, self._seen, self._pull = sound, spoken, seen, pull
        self._thread = Thread(target=self._run, name="hands", daemon=True)
        self.at: Any = None
        self.started = False
        self.voice: tuple[float, NDArray[np.float32]] = (0.0, np.zeros(0, np.float32))
        self.room = self.voice
        self._mic_back = self._board_back = float("nan")

    def start(self) -> None:
        """Begin."""
        self.started = True
        self._thread.start()

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join(60.0)

    def recoveries(self) -> dict[str, float | None]:
        """Seconds from the cable being back to sound, or to servos that follow, again."""
        return {"mic_recovery_s": self._mic(), "board_recovery_s": self._board()}

    def _run(self) -> None:
        ears = (self._sound.listen("voice.monitor"), self._sound.listen("room.monitor"))
        time.sleep(SETTLE_S / 2)
        self._sound.play(self._spoken).wait()
        time.sleep(1.0)
        self.voice, self.room = ears[0].stop(), ears[1].stop()
        if not self._pull:
            return
        self._sound.unplug()
        time.sleep(PULLED_S)
        self._sound.plug()
        self._mic_back = time.monotonic()
        self._sound.play(self._spoken[: round(BACK_S * RATE)])
        time.sleep(BACK_S / 2)
        self.at.rig.unplugged = True
        time.sleep(PULLED_S)
        self.at.rig.unplugged = False
        self._board_back = time.monotonic()

    def _mic(self) -> float | None:
        times, level = np.array(self._seen.frame_t), np.array(self._seen.level_db)
        back = times[(times > self._mic_back) & (level > -60.0)]
        return float(back[0] - self._mic_back) if len(back) else None

    def _board(self) -> float | None:
        times, pulses = np.array(self._seen.t), np.array(self._seen.pulses)
        moved = np.abs(np.diff(pulses, axis=0)).max(axis=1) > 0.5
        back = times[1:][moved & (times[1:] > self._board_back)]
        return float(back[0] - self._board_back) if len(back) else None


def offsets(
    face: str,
    sentence: NDArray[np.float32],
    spoken: NDArray[np.float32],
    hands: Hands,
    seen: Watched,
    report: dict[str, Any],
) -> dict[str, float | None]:
    """How long after the voice the lips move and the monitor sounds, ms, and their difference.

    Lips: the rig's true lip gap against the gap that the speech network wants for the sentence as
    a file. Sound: what came out of the room's speaker against what went into the microphone, both
    recorded in the same way.
    """
    from models.metrics import lag_ms
    from robot.calibrated import Calibrated
    from robot.config import load_face
    from robot.speech import FPS, speak
    from robot.trace import lip_gap

    said = _start(hands.voice, sentence)
    played = _start(hands.room, sentence)
    if said is None or played is None:
        return {"av_offset_ms": None, "lips_after_voice_ms": None, "sound_after_voice_ms": None}
    targets = Calibrated(load_face(face)).retarget.targets(speak(spoken))
    frames = np.arange(len(targets)) / FPS
    grid = np.arange(1.0, frames[-1] - 0.5, 1 / GRID_HZ)
    guess = 1e-3 * (report["delay_ms"] + report["lead_ms"]) + 0.06
    wanted = np.interp(grid, frames, lip_gap(targets))
    reached = np.interp(grid + said + guess, np.array(seen.t), np.array(seen.gap_mm))
    lips = guess + 1e-3 * lag_ms(reached, wanted, GRID_HZ)
    return {
        "av_offset_ms": 1e3 * (lips - (played - said)),
        "lips_after_voice_ms": 1e3 * lips,
        "sound_after_voice_ms": 1e3 * (played - said),
    }


def _start(heard: tuple[float, NDArray[np.float32]], sentence: NDArray[np.float32]) -> float | None:
    """Host time at which the sentence begins in a recording, or None when it is not in it."""
    from scipy.signal import correlate

    start, samples = heard
    part = sentence[: 4 * RATE].astype(np.float64)
    head = samples[: 8 * RATE].astype(np.float64)
    if len(head) < len(part) or not head.any():
        return None
    at = int(np.argmax(correlate(head, part, "valid", "fft")))
    if np.corrcoef(head[at : at + len(part)], part)[0, 1] < 0.5:
        return None
    return start + at / RATE


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
