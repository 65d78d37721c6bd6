"""One live run: opens all parts, runs the face and closes the parts in reverse order."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, Final

from mien.robot.control.connect import Opened, opened
from mien.robot.control.estop_socket import EstopSocket
from mien.robot.control.loop import Tick
from mien.robot.errors import DeviceError
from mien.robot.face import sync_store
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import Floats, load_face
from mien.robot.live.face import IDLE_S, LiveFace
from mien.robot.live.interfaces import Supervision
from mien.robot.live.jitter_buffer import CommandFrame
from mien.robot.live.memory_usage import MemoryUsage
from mien.robot.live.people import PeopleSetup, PeopleSource
from mien.robot.live.puppet_input import CapturedFaceSource, PuppetInput
from mien.robot.live.voice_process import VoiceProcess
from mien.robot.live.voice_setup import VoiceSetup
from mien.robot.media import sound_file
from mien.robot.panel.process import PanelProcess
from mien.robot.panel.window import Window
from mien.robot.puppet.mirror import Mirror
from mien.robot.puppet.receiver import Kind, Receiver
from mien.robot.puppet.senders import LOOPBACK
from mien.robot.recording.session import RecordingSession
from mien.robot.stopping import Stop

PRIORITY: Final = 5
"""Priority within SCHED_FIFO. Any value above 0 runs before ordinary programs."""


@dataclass(frozen=True)
class Options:
    """Options of a live run.

    Attributes:
        setup: face and audio source.
        port: board.
        build, faults: seed and faults of the simulated robot.
        emotion: intensities at the start, by name.
        lag_s: lag of the skin in s; None takes the measured one.
        puppet, vmc: UDP ports of Live Link Face and VMC; 0 opens none.
        bind: address on which they listen.
        allow: networks whose packets they take.
        livelink, avatar: receivers of Live Link Face and VMC.
        window: the panel; None opens none.
        record: file of the recording; None records nothing.
        record_voice: also record what is computed from the voice.
        idle_s: seconds of silence until rest.
        realtime: use SCHED_FIFO.
        inlet: another source of captured faces, already open.
        people: who observes the people in front of the face; None attends nobody.
        supervisor: who watches the run and says when the face may move; None lets it move always.
        watch: called with the opened board and every tick.
        mirror: called with (time in s, frame) for every frame that is shown.
    """

    setup: VoiceSetup
    port: str = "sim"
    build: int = 0
    faults: tuple[str, ...] = ()
    emotion: dict[str, float] = field(default_factory=dict)
    lag_s: float | None = None
    puppet: int = 0
    vmc: int = 0
    bind: str = "127.0.0.1"
    allow: tuple[IPv4Network, ...] = LOOPBACK
    livelink: tuple[str, int] | None = None
    avatar: tuple[str, int] | None = None
    window: Window | None = None
    record: Path | None = None
    record_voice: bool = False
    idle_s: float = IDLE_S
    realtime: bool = False
    inlet: CapturedFaceSource | None = None
    people: PeopleSetup | None = None
    supervisor: Supervision | None = None
    watch: Callable[[Opened, Tick], None] = lambda _at, _tick: None
    mirror: Callable[[float, CommandFrame], None] = lambda _t, _frame: None


def run(options: Options, stop: Stop) -> dict[str, Any]:
    """Run until the source ends or ``stop`` requests it. Returns the metrics of the run.

    Raises:
        MienError: an error ended the run early; the face is at rest by then.
    """
    if options.realtime:
        request_priority()
    setup = options.setup
    face = load_face(setup.face)
    if setup.source == "wav" and setup.path is not None:
        sound_file.read(setup.path)  # an unusable file is reported before anything starts
    _ = setup.weights
    calibrated = Calibrated(face, setup.calibration)
    with ExitStack() as stack:
        estop = stack.enter_context(EstopSocket())
        people = stack.enter_context(PeopleSource(options.people)) if options.people else None
        voice = VoiceProcess(replace(setup, people=people and people.memory))
        stack.callback(voice.close)
        voice.start()
        voice.set_emotion(options.emotion)
        recording = _recording(options, calibrated, stack)
        rig_recorder = RigRecorder(recording)
        window = _panel(options.window, estop, stack)
        puppet, mirrored, packet_report = _network(options, calibrated, stack)
        at = stack.enter_context(
            opened(
                face,
                options.port,
                options.build,
                options.faults,
                wire=rig_recorder.wire,
                estop=estop,
            )
        )
        if window and at.rig:
            window.watch(at.rig.sim.rig.skin_state)

        memory = MemoryUsage(lambda: voice.status.rss_mb)

        def watch(tick: Tick) -> None:
            memory.sample(tick.t)
            rig_recorder.rig(at)
            options.watch(at, tick)

        def mirror(t: float, frame: CommandFrame) -> None:
            mirrored(t, frame)
            options.mirror(t, frame)

        live = LiveFace(
            face, at.board, at.clock, voice, lag_s=lag_of(options, calibrated),
            recording=recording, panel=window, puppet=puppet, mirror=mirror, watch=watch,
            idle_s=options.idle_s, stop=stop.requested,
            permit=options.supervisor.may_move if options.supervisor else lambda _: True,
        )  # fmt: skip
        gc.collect()
        gc.freeze()
        voice.begin()
        stop.begin()
        if options.supervisor:
            options.supervisor.begin(at, recording, live.meters, lambda: voice.status)
        print(_greeting(voice, live, options), file=sys.stderr)
        began, spent = time.monotonic(), time.process_time()
        try:
            live.run()
        finally:
            gc.unfreeze()
        seconds = time.monotonic() - began
        return {
            **live.report(),
            "seconds": seconds,
            "loop_cpu_pct": 100 * (time.process_time() - spent) / seconds,
            "voice_cpu_pct": voice.status.cpu_pct,
            "rss_mb": memory.now,
            "rss_growth_mb": memory.growth,
            "rss_growth_over_s": memory.seconds,
            "underruns": voice.status.underruns,
            "monitor_lost": voice.status.monitor_lost,
            "blocks_dropped": voice.status.dropped,
            "sound_holes": voice.status.holes,
            "source": voice.status.name,
            "source_lost": voice.status.lost,
            "source_zeros_s": voice.status.zeros_s,
            "puppet": packet_report(),
            "people": people and people.report(),
            "rig_slips": at.rig.slips if at.rig else 0,
        }


def lag_of(options: Options, calibrated: Calibrated) -> float:
    """Lag of the skin in s: from the options, from ``mien sync``, or from calibration."""
    if options.lag_s is not None:
        return options.lag_s
    measured = sync_store.stored_lag(calibrated.face)
    return calibrated.lag_s if measured is None else measured


def request_priority() -> None:
    """Set real-time priority for this process and those that it starts.

    Raises:
        DeviceError: this user may not.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError as e:
        raise DeviceError(
            f"no real-time priority: {e.strerror}", "sudo setcap cap_sys_nice+ep PYTHON, or as root"
        ) from e


class RigRecorder:
    """Records bytes and state of the simulated robot at the time of the run."""

    def __init__(self, recording: RecordingSession) -> None:
        self._recording, self._began = recording, time.monotonic()

    def wire(self, us: int, data: bytes) -> None:
        """Record bytes for the simulated board at its own time in us."""
        if self._recording.on:
            self._recording.put("/wire", self._t(), {"us": us, "hex": data.hex()})

    def rig(self, at: Opened) -> None:
        """Record the state of the simulated robot."""
        if self._recording.on and at.rig is not None:
            state = at.rig.state()
            content = {"us": state.us, "crc": state.crc, "lip_gap_mm": state.lip_gap_mm}
            self._recording.put("/rig", self._t(), content)

    def _t(self) -> float:
        return time.monotonic() - self._began


def _recording(options: Options, calibrated: Calibrated, stack: ExitStack) -> RecordingSession:
    setup = options.setup
    about = {
        "build": options.build, "faults": list(options.faults), "seed": setup.seed,
        "source": setup.source, "self_model": calibrated.path.name,
    }  # fmt: skip
    recording = RecordingSession(calibrated.face, about, persons=options.record_voice)
    if options.record is not None:
        recording.whole(options.record)
    stack.callback(recording.close)
    return recording


def _panel(window: Window | None, estop: EstopSocket, stack: ExitStack) -> PanelProcess | None:
    if window is None:
        return None
    panel = PanelProcess(replace(window, estop=estop.path))
    stack.push(panel.leave)
    print(f"panel: {panel.start()}", file=sys.stderr, flush=True)
    return panel


def _network(
    options: Options, calibrated: Calibrated, stack: ExitStack
) -> tuple[
    Callable[[float], Floats | None],
    Callable[[float, CommandFrame], None],
    Callable[[], dict[str, Any] | None],
]:
    """Commands of a puppeteer, a function that mirrors a frame, and the packet report."""
    puppet: Callable[[float], Floats | None] = lambda _: None  # noqa: E731
    packet_report: Callable[[], dict[str, Any] | None] = lambda: None  # noqa: E731
    mirrored: Callable[[float, CommandFrame], None] = lambda _t, _f: None  # noqa: E731
    if options.inlet is not None:
        puppet = PuppetInput(calibrated, options.inlet)
    elif options.puppet or options.vmc:
        kind: Kind = "livelink" if options.puppet else "vmc"
        port = options.puppet or options.vmc
        inlet = stack.enter_context(Receiver(kind, port, options.bind, options.allow))
        packet_report = inlet.report
        puppet = PuppetInput(calibrated, inlet)
    if options.livelink or options.avatar:
        outlet = Mirror(options.livelink, options.avatar)
        stack.callback(outlet.close)
        mirrored = outlet.show
    return puppet, mirrored, packet_report


def _greeting(voice: VoiceProcess, live: LiveFace, options: Options) -> str:
    report = live.report()
    parts = {k: f"{report[f'{k}_ms']:.0f} ms" for k in ("lookahead", "lead", "face_lag")}
    name = voice.status.name or options.setup.source
    if options.setup.source == "quiet":
        return f"live: {live.face.name} on {options.port}, nobody speaks. Ctrl-C ends."
    total = report["delay_ms"] + report["lead_ms"] + report["face_lag_ms"]
    packet_report = (
        "and the monitor waits for them"
        if options.setup.monitor is not None
        else "which nothing hides where the sound goes straight to the room"
    )
    return (
        f"live: {name} to {live.face.name} on {options.port}; look-ahead {parts['lookahead']}, "
        f"lead {parts['lead']}, face {parts['face_lag']}: lips about {total:.0f} ms behind the "
        f"voice, {packet_report}. Ctrl-C ends."
    )
