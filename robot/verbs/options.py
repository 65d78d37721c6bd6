"""Options that several verbs share: one name, one help text and one range each."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from mien.robot.faces import DEFAULT_FACE

Face = Annotated[
    str, typer.Option("--face", help="Name of a face that ships, or path of a YAML file.")
]
Port = Annotated[str, typer.Option("--port", help="Board: sim, auto, a serial port, or file:PATH.")]
MeasuredPort = Annotated[
    str,
    typer.Option(
        "--port",
        help="Board of the robot before the camera: sim, auto, or a serial port such as "
        "/dev/ttyUSB0.",
    ),
]
CameraDelay = Annotated[
    float,
    typer.Option(
        "--camera-delay",
        min=0,
        max=5000,
        help="Time from the capture of a camera's picture to its arrival in ms. Webcams have "
        "30 to 80 ms.",
    ),
]
Calibration = Annotated[
    Path | None,
    typer.Option(
        "--calibration", help="Self-model of this face. The default is the one that ships."
    ),
]
Build = Annotated[
    int,
    typer.Option("--build", min=0, help="Seed of the simulated robot's tolerances. 0 has none."),
]
Faults = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        help="Fault of the simulated robot, such as stuck:jaw_open@1.5 (at 1.5 s). "
        "May be repeated.",
    ),
]
Firmware = Annotated[
    str,
    typer.Option(
        "--board",
        help="host runs the firmware in this process. avr runs it on an emulated ATmega2560.",
    ),
]
Feel = Annotated[
    str | None,
    typer.Option(
        "--feel", help="Feeling in English words, such as 'she lost her keys and laughs about it'."
    ),
]
Speech = Annotated[
    Path | None,
    typer.Option("--wav", help="Sound file with speech. The default is a sentence that ships."),
]
Seed = Annotated[
    int,
    typer.Option("--seed", min=0, help="Seed of blinks, gaze, head motion and variation."),
]
HeadGain = Annotated[
    float,
    typer.Option(
        "--head-gain", min=0, max=2, help="Factor of the head's motion. At 0 it is still."
    ),
]
Style = Annotated[
    str,
    typer.Option(
        "--style",
        help="Style of a voice: a name of mien style list, or a sound file that is heard "
        "and not kept. auto takes that of whoever speaks.",
    ),
]
Size = Annotated[
    int,
    typer.Option("--size", min=64, max=2160, help="Height and width of the film in pixels."),
]
Film = Annotated[
    bool,
    typer.Option("--film/--no-film", help="Render the film. --no-film writes all other results."),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="Folder of the results. The default is a new one in runs/."),
]
Duration = Annotated[
    float,
    typer.Option("--seconds", min=0, help="Stop after this many seconds. 0 runs until Ctrl-C."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
HOST_HELP = "Address of the page. An address that other machines reach needs a token."
PORT_HELP = "TCP port of the page. 0 takes a free one."
TOKEN_HELP = "Secret of at least 8 characters that opens the page. The default is random."


def with_face(face: str | None) -> str:
    """`` --face FACE`` for a command that is named to the user; nothing where none was given."""
    return "" if face in (None, DEFAULT_FACE) else f" --face {quote(str(face))}"
