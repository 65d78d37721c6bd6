"""``mien live``: a face that speaks while you do."""

from __future__ import annotations

import gc
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from robot.errors import InputError

INTERRUPTED = 130


def live(
    face: Annotated[str, typer.Option(help="A face that ships, or a YAML file.")] = "morpheus33",
    port: Annotated[str, typer.Option(help="sim, auto, or a serial port.")] = "sim",
    mic: Annotated[
        str | None, typer.Option(help="Microphone by number or part of its name.")
    ] = None,
    wav: Annotated[Path | None, typer.Option(help="A sound file instead of a microphone.")] = None,
    pcm: Annotated[
        int, typer.Option(help="Raw 16-bit mono from standard input at this rate.", min=0)
    ] = 0,
    text: Annotated[str, typer.Option(help="Say this, with an offline voice.")] = "",
    repeat: Annotated[bool, typer.Option(help="Start the sound file again at its end.")] = False,
    monitor: Annotated[
        str | None, typer.Option(help="Play the voice on this output, in time with the lips.")
    ] = None,
    calibration: Annotated[Path | None, typer.Option(help="A self-model of this face.")] = None,
    emotion: Annotated[str, typer.Option(help="Such as happiness or happiness=0.5.")] = "",
    lag: Annotated[
        float | None, typer.Option(help="Lag of the skin in ms, instead of what was measured.")
    ] = None,
    puppet: Annotated[int, typer.Option(help="Live Link Face on this UDP port (11111).")] = 0,
    vmc: Annotated[int, typer.Option(help="VMC on this UDP port (39540).")] = 0,
    bind: Annotated[str, typer.Option(help="Address for --puppet and --vmc.")] = "127.0.0.1",
    mirror: Annotated[str, typer.Option(help="Live Link Face out: HOST[:PORT].")] = "",
    mirror_vmc: Annotated[str, typer.Option(help="VMC out: HOST[:PORT].")] = "",
    panel: Annotated[bool, typer.Option(help="Open the panel at http://127.0.0.1:8080.")] = False,
    record: Annotated[Path | None, typer.Option(help="Record everything to this file.")] = None,
    seconds: Annotated[float, typer.Option(help="Stop after so long.", min=0)] = 0.0,
    idle: Annotated[float, typer.Option(help="Silence after which the face rests.", min=1)] = 120.0,
    build: Annotated[int, typer.Option(min=0, help="Which simulated robot.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of blinks, gaze and head.")] = 0,
    life: Annotated[float, typer.Option(min=0, max=1, help="0 a statue, 1 lively.")] = 1.0,
    fault: Annotated[list[str] | None, typer.Option(help="Break the simulated robot.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Speak with the face, live. Ctrl-C brings it to rest and releases the servos."""
    from robot import sync_store
    from robot.calibrated import Calibrated
    from robot.config import load_face
    from robot.live_face import LiveFace
    from robot.open_board import opened
    from robot.recorder import Recorder
    from robot.voice_process import Setup, VoiceProcess

    config = load_face(face)
    calibrated = Calibrated(config, calibration)
    source = _source(wav, pcm, text)
    setup = Setup(
        face, calibration, source, mic, wav, text, pcm or 16000, repeat, seed, life, monitor
    )
    measured = sync_store.stored_lag(config)
    known = calibrated.lag_s if measured is None else measured
    lag_s = known if lag is None else lag / 1e3
    with ExitStack() as stack:
        stop = stack.enter_context(stopping(seconds))
        voice = VoiceProcess(setup)
        stack.callback(voice.close)
        voice.start()
        if emotion:
            voice.feel(parse_emotion(emotion))
        recorder: Recorder | None = None
        if record is not None:
            about = {"build": build, "faults": fault or [], "seed": seed, "source": source}
            recorder = Recorder(record, config, about)
            stack.callback(recorder.close)
        began = time.monotonic()

        def wire(us: int, data: bytes) -> None:
            if recorder is not None:
                now = time.monotonic() - began
                recorder.put("/wire", now, {"us": us, "hex": data.hex()})

        window: Any = None
        if panel:
            from robot.panel_process import PanelProcess

            window = PanelProcess(face, calibration, build if port == "sim" else None)
            stack.callback(window.close)
            print(f"panel: {window.start()}", file=sys.stderr)
        strings, outlet = _network(stack, calibrated, puppet, vmc, bind, mirror, mirror_vmc)
        at = stack.enter_context(opened(config, port, build, fault or (), wire=wire))

        def watch(_: Any) -> None:
            if recorder is not None and at.rig is not None:
                state = at.rig.state()
                content = {"us": state.us, "crc": state.crc, "lip_gap_mm": state.lip_gap_mm}
                recorder.put("/rig", time.monotonic() - began, content)

        alive = LiveFace(
            config,
            at.board,
            at.clock,
            voice,
            lag_s=lag_s,
            recorder=recorder,
            panel=window,
            puppet=strings,
            mirror=outlet,
            watch=watch,
            idle_s=idle,
            stop=stop.asked,
        )
        print(
            f"live: {voice.status.name or source} to {config.name} on {port}; look-ahead "
            f"{1e3 * voice.lookahead_s:.0f} ms, lead {1e3 * at.board.lead_s:.0f} ms, face "
            f"{1e3 * lag_s:.0f} ms. Ctrl-C ends.",
            file=sys.stderr,
        )
        gc.collect()
        gc.freeze()
        voice.begin()
        try:
            alive.run()
        finally:
            _say(alive.report(), as_json)
    if stop.signalled:
        sys.exit(INTERRUPTED)


class Stop:
    """Whether the run is to end."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds if seconds else float("inf")
        self.signalled = False

    def asked(self) -> bool:
        """True once a signal came or the time is over."""
        return self.signalled or time.monotonic() > self._end

    def signal(self, *_: Any) -> None:
        """The first signal asks for rest; a second Ctrl-C does not wait for it."""
        if self.signalled:
            raise KeyboardInterrupt
        self.signalled = True


@contextmanager
def stopping(seconds: float = 0.0) -> Iterator[Stop]:
    """SIGINT and SIGTERM become a request to stop, so that a ramp is never cut off by accident."""
    stop = Stop(seconds)
    before = {s: signal.signal(s, stop.signal) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for s, handler in before.items():
            signal.signal(s, handler)


def parse_emotion(said: str) -> dict[str, float]:
    """``happiness`` or ``happiness=0.5,surprise=0.2`` -> intensities.

    Raises:
        InputError: not a number in 0..1. ModelError: no such emotion.
    """
    from models.emotion import named

    out = {}
    for part in said.split(","):
        name, _, value = part.partition("=")
        try:
            strength = float(value) if value else 1.0
        except ValueError:
            strength = -1.0
        if not 0.0 <= strength <= 1.0:
            raise InputError(f"emotion {part!r}: wanted NAME or NAME=0..1")
        out[named(name.strip())] = strength
    return out


def parse_address(said: str, default: int) -> tuple[str, int] | None:
    """``HOST`` or ``HOST:PORT``; None where nothing was said.

    Raises:
        InputError: the port is no port.
    """
    if not said:
        return None
    host, _, port = said.partition(":")
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        raise InputError(f"{said!r}: wanted HOST or HOST:PORT")
    return host, int(port) if port else default


def _source(wav: Path | None, pcm: int, text: str) -> str:
    named = [n for n, given in (("wav", wav), ("pcm", pcm), ("text", text)) if given]
    if len(named) > 1:
        raise InputError(f"one source at a time, not {' and '.join('--' + n for n in named)}")
    return named[0] if named else "mic"


def _network(
    stack: ExitStack,
    calibrated: Any,
    puppet: int,
    vmc: int,
    bind: str,
    mirror: str,
    mirror_vmc: str,
) -> tuple[Any, Any]:
    from robot import livelink_udp, osc
    from robot.puppet import Mirror, Puppet, VmcPuppet
    from robot.strings import Strings

    pull: Any = lambda _t: None  # noqa: E731
    show: Any = lambda _t, _f: None  # noqa: E731
    if puppet or vmc:
        inlet = Puppet(puppet, bind) if puppet else VmcPuppet(vmc, bind)
        stack.callback(inlet.close)
        pull = Strings(calibrated, inlet)
    to = parse_address(mirror, livelink_udp.PORT)
    to_vmc = parse_address(mirror_vmc, osc.MARIONETTE_PORT)
    if to or to_vmc:
        outlet = Mirror(to, to_vmc)
        stack.callback(outlet.close)
        show = outlet.show
    return pull, show


def _say(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(report))
        return
    for key in ("ticks", "deadline_met", "mic_to_setpoint_ms_p99", "late_frames", "hottest_c"):
        value = report[key]
        print(f"{key:<24}{value:.6g}" if isinstance(value, float) else f"{key:<24}{value}")
