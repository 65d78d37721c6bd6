"""``mien bench live``: a virtual microphone, the real processes, a simulated robot; numbers."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Annotated, Any, Final

import numpy as np
import typer
from numpy.typing import NDArray

from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import FaceConfig, Floats, load_face
from mien.robot.media import audio
from mien.robot.media.audio import RATE

SETTLE_S: Final = 4.0
PULLED_S: Final = 1.5
BACK_S: Final = 5.0
GRID_HZ: Final = 240
LONGEST_S: Final = 1.0
MINUTE_S: Final = 60.0


class Watched:
    """What was seen of the face, by host time, in room that is taken before the run."""

    def __init__(self, seconds: float, actuators: int) -> None:
        size = round((seconds + 30.0) * 70)
        self.face = np.full((size, 2), np.nan)
        """Time, lip gap in mm."""
        self.pulses = np.full((size, actuators), np.nan)
        self.sound = np.full((size, 2), np.nan)
        """Time, level in dB."""
        self.ticks = self.frames = 0

    def see(self, t: float, gap_mm: float, pulses: Floats) -> None:
        """One tick."""
        self.face[self.ticks], self.pulses[self.ticks] = (t, gap_mm), pulses
        self.ticks = min(self.ticks + 1, len(self.face) - 1)

    def hear(self, t: float, level_db: float) -> None:
        """One frame shown."""
        self.sound[self.frames] = t, level_db
        self.frames = min(self.frames + 1, len(self.sound) - 1)


def live(
    seconds: Annotated[float, typer.Option(min=10, help="Of speech.")] = 30.0,
    face: Annotated[str, typer.Option(help="A face that ships, or a YAML file.")] = "morpheus33",
    wav: Annotated[Path | None, typer.Option(help="Speech; without, one that ships.")] = None,
    realtime: Annotated[bool, typer.Option(help="Ask for SCHED_FIFO.")] = False,
    pull: Annotated[bool, typer.Option(help="Pull out microphone and board, too.")] = True,
    alone: Annotated[
        float, typer.Option(min=0, help="Seconds of a run of the real processes for their memory.")
    ] = 30.0,
    soak: Annotated[
        float, typer.Option(min=0, help="Simulated seconds of the run that watches the memory.")
    ] = 30.0,
    lookahead: Annotated[int, typer.Option(help="Of the speech network, ms.")] = 100,
) -> dict[str, Any]:
    """Latency, deadlines, sync of sound and lips, recovery, on this machine as loaded as it is.

    First a steady run with monitoring, corrected by the lag that ``mien sync`` finds; then a short
    one in which the microphone and the board are pulled out for 1.5 s each. Then memory: of the
    real processes in a run from a file that nobody watches (``live_rss_*``), and of the same
    objects in lock-step on a simulated clock (``rss_*``). The full form, about 40 minutes:

    mien bench live --seconds 600 --alone 600 --soak 3600 --realtime --json
    """
    from mien.robot.live.run import request_priority
    from mien.robot.verbs.sync import lag_in_lockstep
    from tests.bench.robot.soak import soak as soaked

    if realtime:
        request_priority()  # the sound server, too, or it would be what is measured
    config = load_face(face)
    calibrated = Calibrated(config)
    sentence = audio.load(wav or audio.LJ_DEMO)
    again = int(np.ceil(seconds * RATE / len(sentence)))
    spoken = np.tile(sentence, again)[: round(seconds * RATE)]
    lag_s = lag_in_lockstep(calibrated, sentence[: 6 * RATE])
    steady, report = _run(config, spoken, lag_s, pull=False, lookahead=lookahead)
    keys = (
        "deadline_met", "deadlines_missed", "lateness_ms_p99", "lateness_ms_max",
        "mic_to_frame_ms_p50", "mic_to_frame_ms_p99", "mic_to_setpoint_ms_p50",
        "mic_to_setpoint_ms_p99", "lookahead_ms", "delay_ms", "delay_refits", "lead_ms",
        "face_lag_ms", "late_frames", "starved_ticks", "underruns", "monitor_lost",
        "blocks_dropped", "sound_holes", "rig_slips", "seconds", "voice_cpu_pct",
    )  # fmt: skip
    out: dict[str, Any] = {
        **{k: report[k] for k in keys},
        "cpu_pct": report["loop_cpu_pct"] + report["voice_cpu_pct"],
        "load_average": os.getloadavg()[0],
        "realtime": realtime,
        **offsets(calibrated, steady, report),
    }
    if pull:
        torn, _ = _run(
            config, spoken[: round(BACK_S * RATE)], lag_s, pull=True, lookahead=lookahead
        )
        out |= torn.recoveries()
    if alone:
        out |= _alone(face, wav or audio.LJ_DEMO, alone)
    if soak:
        if realtime:  # it waits for nobody, and would let nobody else run
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        out |= soaked(calibrated, sentence, soak)
    return out


def _run(
    face: FaceConfig, spoken: NDArray[np.float32], lag_s: float, pull: bool, lookahead: int
) -> tuple[Hands, dict[str, Any]]:
    from mien.robot.live.run import Options, run
    from mien.robot.live.voice_setup import VoiceSetup
    from mien.robot.stopping import stopping
    from tests.bench.robot.virtual_sound import VirtualSound

    seconds = SETTLE_S + len(spoken) / RATE + (PULLED_S * 2 + BACK_S + 3.0 if pull else 1.0)
    seen = Watched(seconds, len(face.names))
    with ExitStack() as stack:
        sound = stack.enter_context(VirtualSound())
        stop = stack.enter_context(stopping(seconds))
        hands = Hands(sound, spoken, seen, pull)

        def watch(at: Any, tick: Any) -> None:
            hands.at = at
            seen.see(time.monotonic(), at.rig.state().lip_gap_mm, at.rig.sim.pulses_us)
            if tick.t > 0 and not hands.started:
                hands.start()

        def mirror(t: float, frame: Any) -> None:
            seen.hear(t, frame.level_db)

        setup = VoiceSetup(face.name, source="mic", monitor="", lookahead=lookahead)
        report = run(Options(setup, watch=watch, mirror=mirror, lag_s=lag_s), stop)
        hands.join()
    return hands, report


def _alone(face: str, wav: Path, seconds: float) -> dict[str, Any]:
    """Memory of both processes without the recorders of this bench, which grow themselves."""
    from mien.robot.live.run import Options, run
    from mien.robot.live.voice_setup import VoiceSetup
    from mien.robot.stopping import stopping

    with stopping(seconds) as stop:
        report = run(Options(VoiceSetup(face, source="wav", path=wav, repeat=True)), stop)
    keys = ("rss_mb", "rss_growth_mb", "rss_growth_over_s")
    return {f"live_{key}": report[key] for key in keys}


class Hands:
    """Speaks into the microphone and pulls out cables while the face is live."""

    def __init__(self, sound: Any, spoken: NDArray[np.float32], seen: Watched, pull: bool) -> None:
        self._sound, self._spoken, self.seen, self._pull = sound, spoken, seen, pull
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
        times, level = self.seen.sound.T
        back = times[(times > self._mic_back) & (level > -60.0)]
        return float(back[0] - self._mic_back) if len(back) else None

    def _board(self) -> float | None:
        times, pulses = self.seen.face[:, 0], self.seen.pulses
        moved = np.abs(np.diff(pulses, axis=0)).max(axis=1) > 0.5
        back = times[1:][moved & (times[1:] > self._board_back)]
        return float(back[0] - self._board_back) if len(back) else None


def offsets(
    calibrated: Calibrated, hands: Hands, report: dict[str, Any]
) -> dict[str, float | None]:
    """How long after the voice the lips move and the monitor sounds, ms, and their difference.

    Lips: the rig's true lip gap against the gap that the speech network wants when it is given
    what went into the microphone as a file. Sound: what came out of the room's speaker against
    what went into the microphone. Both over the last minute, without the first third of that.
    """
    from mien.models.face.blendshapes import FPS
    from mien.models.face.regions import lip_gap
    from mien.models.speech.metrics import lag_ms, pearson
    from mien.robot.expression.speech import speak

    voice_t, voice = heard = last(hands.voice)
    late = behind(heard, last(hands.room, LONGEST_S))
    if late is None:
        return {"av_offset_ms": None, "lips_after_voice_ms": None, "sound_after_voice_ms": None}
    targets = calibrated.retarget.targets(speak(voice))
    frames = np.arange(len(targets)) / FPS
    grid = np.arange(frames[-1] / 3, frames[-1] - 1.5, 1 / GRID_HZ)
    guess = 1e-3 * (report["delay_ms"] + report["lead_ms"] + report["face_lag_ms"])
    fitted = np.interp(grid, frames, lip_gap(targets))
    times, gaps = hands.seen.face[: hands.seen.ticks].T
    lips = guess + 1e-3 * lag_ms(np.interp(grid + voice_t + guess, times, gaps), fitted, GRID_HZ)
    return {
        "av_offset_ms": 1e3 * (lips - late),
        "lips_after_voice_ms": 1e3 * lips,
        "sound_after_voice_ms": 1e3 * late,
        "r_lips": pearson(np.interp(grid + voice_t + lips, times, gaps), fitted),
    }


def last(
    sound: tuple[float, NDArray[np.float32]], before: float = 0.0
) -> tuple[float, NDArray[np.float32]]:
    """When the last minute of a sound (and ``before`` s more) begins, and its samples."""
    t, samples = sound
    first = max(0, len(samples) - round((MINUTE_S + before) * RATE))
    return t + first / RATE, samples[first:]


def behind(
    voice: tuple[float, NDArray[np.float32]], room: tuple[float, NDArray[np.float32]]
) -> float | None:
    """How much later the room hears what the microphone heard, s."""
    from scipy.signal import correlate

    (voice_t, said), (room_t, played) = voice, room
    third = len(said) // 3
    said = said[third:].astype(np.float64)
    if not played.any() or not said.any():
        return None
    match = correlate(played.astype(np.float64), said, "full", "fft")
    late = room_t - voice_t + (np.arange(len(match)) - (len(said) - 1) - third) / RATE
    match[np.abs(late) > LONGEST_S] = -np.inf  # the sentence comes again
    return float(late[np.argmax(match)])
