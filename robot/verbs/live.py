"""``mien live`` and ``mien panel``: the face follows a live voice, or the panel alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.robot.errors import InputError
from mien.robot.live.voice_setup import VoiceSetup
from mien.robot.media.audio import RATE
from mien.robot.panel.window import PORT, Window
from mien.robot.verbs.live_inputs import (
    allowed,
    parse_address,
    parse_emotion,
    people_of,
    source_of,
)
from mien.robot.verbs.options import (
    HOST_HELP,
    PORT_HELP,
    TOKEN_HELP,
    AsJson,
    Build,
    Calibration,
    Duration,
    Face,
    Faults,
    HeadGain,
    Port,
    Seed,
    Style,
)
from mien.robot.verbs.running import run_and_print

PanelHost = Annotated[str, typer.Option(help=HOST_HELP)]
PanelPort = Annotated[int, typer.Option(help=PORT_HELP, min=0, max=65535)]
PanelToken = Annotated[str, typer.Option(help=TOKEN_HELP)]


def live(
    face: Face = "morpheus33",
    port: Port = "sim",
    mic: Annotated[
        str | None, typer.Option(help="Number of the microphone, or a part of its name.")
    ] = None,
    wav: Annotated[
        Path | None, typer.Option(help="Sound file that replaces the microphone.")
    ] = None,
    pcm: Annotated[
        int,
        typer.Option(
            help="Sample rate in Hz of raw 16-bit mono sound on standard input.",
            min=0,
            max=768_000,
        ),
    ] = 0,
    text: Annotated[str, typer.Option(help="Text that an offline voice speaks.")] = "",
    repeat: Annotated[bool, typer.Option(help="Repeat the sound file.")] = False,
    monitor: Annotated[
        str | None, typer.Option(help="Sound output that plays the voice in time with the lips.")
    ] = None,
    lookahead: Annotated[
        int | None,
        typer.Option(help="Nominal look-ahead, ms: 0, or 100 with --monitor (12, 96 ms).", min=0),
    ] = None,
    calibration: Calibration = None,
    emotion: Annotated[
        str, typer.Option(help="Emotion at the start, such as happiness or happiness=0.5.")
    ] = "",
    lag: Annotated[
        float | None,
        typer.Option(
            help="Lag of the skin in ms. The default is the measured one.", min=-1000, max=5000
        ),
    ] = None,
    puppet: Annotated[
        int,
        typer.Option(
            help="UDP port that receives Live Link Face; the app uses 11111. 0 receives none.",
            min=0,
            max=65535,
        ),
    ] = 0,
    vmc: Annotated[
        int,
        typer.Option(
            help="UDP port that receives VMC; 39540 is usual. 0 receives none.", min=0, max=65535
        ),
    ] = 0,
    bind: Annotated[
        str, typer.Option(help="Local address of --puppet, --vmc and --attend osc.")
    ] = "127.0.0.1",
    allow_from: Annotated[
        list[str] | None,
        typer.Option(help="Address or network that may send to --bind. May be repeated."),
    ] = None,
    attend: Annotated[
        str,
        typer.Option(help="Look at people: camera, camera:N, or osc:PORT (/mien/person ...)."),
    ] = "",
    camera_view: Annotated[
        str,
        typer.Option(help="The camera's place: yaw, pitch, left, up, forward, fov, mirrored."),
    ] = "",
    mirror: Annotated[
        str, typer.Option(help=r"Receiver of Live Link Face frames, HOST or HOST:PORT.")
    ] = "",
    mirror_vmc: Annotated[
        str, typer.Option(help="Receiver of VMC messages, HOST or HOST:PORT.")
    ] = "",
    panel: Annotated[bool, typer.Option(help="Open the panel in the browser.")] = False,
    panel_host: PanelHost = "127.0.0.1",
    panel_port: PanelPort = PORT,
    panel_token: PanelToken = "",
    record: Annotated[
        Path | None, typer.Option(help="MCAP file to which the run is recorded.")
    ] = None,
    record_voice: Annotated[
        bool,
        typer.Option(
            help="Record loudness and mouth shapes too. They are computed from the voice."
        ),
    ] = False,
    seconds: Duration = 0.0,
    idle: Annotated[
        float, typer.Option(help="Seconds of silence after which the face rests.", min=1)
    ] = 120.0,
    build: Build = 0,
    fault: Faults = None,
    seed: Seed = 0,
    life: Annotated[
        float, typer.Option(min=0, max=1, help="Amount of blinks, gaze and head motion, 0 to 1.")
    ] = 1.0,
    head_gain: HeadGain = 1.0,
    style: Style = "",
    manner: Annotated[
        str,
        typer.Option(
            help="Brows and head by a network that differs every time: reader, or a weights file."
        ),
    ] = "",
    sing: Annotated[
        bool,
        typer.Option("--sing", help="The voice sings: hold vowels, and ignore instruments."),
    ] = False,
    realtime: Annotated[
        bool, typer.Option(help="Run with real-time priority (SCHED_FIFO).")
    ] = False,
    unattended: Annotated[
        Path | None,
        typer.Option(help="Settings by which the face may move without a person beside it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let the face follow a live voice.

    Ctrl-C brings the face to its safe pose and releases the servos.

    Example: mien live --port auto --monitor "" --panel
    """
    from mien.robot.expression.voices import AUTO, NONE
    from mien.robot.live.manner import checked_manner
    from mien.robot.live.run import Options
    from mien.robot.puppet import livelink_udp, osc
    from mien.robot.show.imitation import voice_of

    if sing and style:
        raise InputError("a song has no style of a voice", "mien live --sing, or --style NAME")
    source = source_of(wav, pcm, text)
    simulated = build if port == "sim" else None
    window = Window(
        face=face,
        calibration=calibration,
        build=simulated,
        host=panel_host,
        port=panel_port,
        token=panel_token,
        line=port,
        style=None if sing else style or NONE,
    )
    options = Options(
        VoiceSetup(
            face=face,
            calibration=calibration,
            source=source,
            device=mic,
            path=wav,
            text=text,
            rate=pcm or RATE,
            repeat=repeat,
            seed=seed,
            life=life,
            head_gain=head_gain,
            manner=checked_manner(manner),
            monitor=monitor,
            lookahead=lookahead,
            sing=sing,
            style=voice_of(style),
            auto=style == AUTO,
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
        people=people_of(attend, camera_view, bind, allow_from or ()),
        livelink=parse_address(mirror, livelink_udp.PORT),
        avatar=parse_address(mirror_vmc, osc.MARIONETTE_PORT),
        window=window if panel else None,
        record=record,
        record_voice=record_voice,
        idle_s=idle,
        realtime=realtime,
    )
    run_and_print(options, seconds, as_json, unattended)


def panel(
    face: Face = "morpheus33",
    port: Port = "sim",
    calibration: Calibration = None,
    build: Build = 0,
    panel_host: PanelHost = "127.0.0.1",
    panel_port: PanelPort = PORT,
    panel_token: PanelToken = "",
    style: Style = "",
    seconds: Duration = 0.0,
) -> None:
    """Open the face in the browser, without a voice.

    The page has meters, emotions, styles, a slider per actuator and the E-STOP button.

    Example: mien panel --port sim
    """
    from mien.robot.expression.voices import NONE
    from mien.robot.live.run import Options
    from mien.robot.show.imitation import voice_of

    simulated = build if port == "sim" else None
    window = Window(
        face=face,
        calibration=calibration,
        build=simulated,
        host=panel_host,
        port=panel_port,
        token=panel_token,
        line=port,
        style=style or NONE,
    )
    setup = VoiceSetup(face=face, calibration=calibration, source="quiet", style=voice_of(style))
    options = Options(setup, port=port, build=build, window=window, idle_s=float("inf"))
    run_and_print(options, seconds, False)
