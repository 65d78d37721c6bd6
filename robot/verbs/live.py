"""``mien live`` and ``mien panel``: a face that speaks while you do."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.robot.errors import InputError
from mien.robot.live.voice_setup import Setup
from mien.robot.panel.window import PORT, Window
from mien.robot.stopping import stopping

INTERRUPTED = 130
Face = Annotated[str, typer.Option("--face", help="A face that ships, or a YAML file.")]
Port = Annotated[str, typer.Option("--port", help="sim, auto, a serial port, or file:PATH.")]
Calibration = Annotated[Path | None, typer.Option(help="A self-model of this face.")]
Build = Annotated[int, typer.Option(min=0, help="Which simulated robot.")]
PanelHost = Annotated[str, typer.Option(help="Address of the panel; other machines need a token.")]
PanelPort = Annotated[int, typer.Option(help="Port of the panel.", min=0, max=65535)]
PanelToken = Annotated[
    str,
    typer.Option(
        help="A secret of yours (8 characters) that opens the page, instead of the run's."
    ),
]


def live(
    face: Face = "morpheus33",
    port: Port = "sim",
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
    lookahead: Annotated[
        int | None,
        typer.Option(help="Of the speech network, ms: 100 for a monitor, else 0.", min=0),
    ] = None,
    calibration: Calibration = None,
    emotion: Annotated[str, typer.Option(help="Such as happiness or happiness=0.5.")] = "",
    lag: Annotated[
        float | None, typer.Option(help="Lag of the skin in ms, instead of what was measured.")
    ] = None,
    puppet: Annotated[int, typer.Option(help="Live Link Face on this UDP port (11111).")] = 0,
    vmc: Annotated[int, typer.Option(help="VMC on this UDP port (39540).")] = 0,
    bind: Annotated[str, typer.Option(help="Address for --puppet and --vmc.")] = "127.0.0.1",
    allow_from: Annotated[
        list[str] | None,
        typer.Option(help="Address or network that may send to --bind; again for more."),
    ] = None,
    mirror: Annotated[str, typer.Option(help="Live Link Face out: HOST[:PORT].")] = "",
    mirror_vmc: Annotated[str, typer.Option(help="VMC out: HOST[:PORT].")] = "",
    panel: Annotated[bool, typer.Option(help="Open the panel.")] = False,
    panel_host: PanelHost = "127.0.0.1",
    panel_port: PanelPort = PORT,
    panel_token: PanelToken = "",
    record: Annotated[Path | None, typer.Option(help="Record everything to this file.")] = None,
    record_voice: Annotated[
        bool, typer.Option(help="Also record loudness and mouth shapes, computed from the voice.")
    ] = False,
    seconds: Annotated[float, typer.Option(help="Stop after so long.", min=0)] = 0.0,
    idle: Annotated[float, typer.Option(help="Silence until the face rests, s.", min=1)] = 120.0,
    build: Build = 0,
    fault: Annotated[list[str] | None, typer.Option(help="Break the simulated robot.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of blinks, gaze and head.")] = 0,
    life: Annotated[float, typer.Option(min=0, max=1, help="0 a statue, 1 lively.")] = 1.0,
    realtime: Annotated[bool, typer.Option(help="Go before all other programs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Speak with the face, live. Ctrl-C brings it to rest and releases the servos."""
    from mien.robot.live.session import Options
    from mien.robot.puppet import livelink_udp, osc

    source = source_of(wav, pcm, text)
    simulated = build if port == "sim" else None
    window = Window(face, calibration, simulated, panel_host, panel_port, panel_token, port)
    options = Options(
        Setup(
            face,
            calibration,
            source,
            mic,
            wav,
            text,
            pcm or 16000,
            repeat,
            seed,
            life,
            monitor,
            lookahead,
        ),
        port=port,
        build=build,
        faults=tuple(fault or ()),
        emotion=parse_emotion(emotion),
        lag_s=None if lag is None else lag / 1e3,
        puppet=puppet,
        vmc=vmc,
        bind=bind,
        allow=allowed(puppet, vmc, bind, allow_from or ()),
        livelink=parse_address(mirror, livelink_udp.PORT),
        avatar=parse_address(mirror_vmc, osc.MARIONETTE_PORT),
        window=window if panel else None,
        record=record,
        record_voice=record_voice,
        idle_s=idle,
        realtime=realtime,
    )
    run_and_say(options, seconds, as_json)


def panel(
    face: Face = "morpheus33",
    port: Port = "sim",
    calibration: Calibration = None,
    build: Build = 0,
    panel_host: PanelHost = "127.0.0.1",
    panel_port: PanelPort = PORT,
    panel_token: PanelToken = "",
    seconds: Annotated[float, typer.Option(help="Stop after so long.", min=0)] = 0.0,
) -> None:
    """The face in a browser, without a voice: meters, feelings, a slider per actuator, E-STOP."""
    from mien.robot.live.session import Options

    simulated = build if port == "sim" else None
    window = Window(face, calibration, simulated, panel_host, panel_port, panel_token, port)
    setup = Setup(face, calibration, "quiet")
    options = Options(setup, port=port, build=build, window=window, idle_s=float("inf"))
    run_and_say(options, seconds, False)


def allowed(puppet: int, vmc: int, bind: str, said: Sequence[str]) -> tuple[IPv4Network, ...]:
    """Who may send to the UDP ports of the puppeteer.

    Raises:
        InputError: ``senders``, or two puppeteers for one face.
    """
    from mien.robot.puppet.consent import operator, senders
    from mien.robot.puppet.senders import networks

    if puppet and vmc:
        raise InputError("one puppeteer at a time, not --puppet and --vmc")
    if not (puppet or vmc):
        return networks(said)
    return senders("livelink" if puppet else "vmc", puppet or vmc, bind, said, operator())


def parse_emotion(said: str) -> dict[str, float]:
    """``happiness`` or ``happiness=0.5,surprise=0.2`` -> intensities; nothing said is nothing felt.

    Raises:
        InputError: not a number in 0..1. ModelError: no such emotion.
    """
    from mien.models.face.emotion import named

    out = {}
    for part in filter(None, said.split(",")):
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
    if not host or (port and not (port.isdigit() and 0 < int(port) < 65536)):
        raise InputError(f"{said!r}: wanted HOST or HOST:PORT")
    return host, int(port) if port else default


def source_of(wav: Path | None, pcm: int, text: str) -> str:
    """Which source was named; the microphone when none was.

    Raises:
        InputError: more than one.
    """
    named = [n for n, given in (("wav", wav), ("pcm", pcm), ("text", text)) if given]
    if len(named) > 1:
        raise InputError(f"one source at a time, not {' and '.join('--' + n for n in named)}")
    return named[0] if named else "mic"


def run_and_say(options: Any, seconds: float, as_json: bool) -> None:
    """Run live until the end, a signal or the time, and print the numbers."""
    from mien.robot.live.session import run

    with stopping(seconds) as stop:
        report = run(options, stop)
        if as_json:
            print(json.dumps(report))
        else:
            for key in ("seconds", "deadline_met", "mic_to_setpoint_ms_p99", "late_frames"):
                value = report[key]
                print(f"{key:<24}{value:.6g}" if isinstance(value, float) else f"{key:<24}{value}")
        if stop.signalled:
            sys.exit(INTERRUPTED)
