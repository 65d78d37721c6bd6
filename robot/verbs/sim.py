"""``mien sim``: the simulated rig in the browser, or on film."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mien.robot.errors import DeviceError, InputError
from mien.robot.panel.window import PORT, Window
from mien.robot.stopping import INTERRUPTED
from mien.robot.verbs.options import (
    HOST_HELP,
    PORT_HELP,
    TOKEN_HELP,
    Build,
    Calibration,
    Duration,
    Face,
    Faults,
    Size,
)

_OPTIONS = {
    "--panel-token": "--token", "--panel-port": "--port-number", "--panel-host": "--host",
    "mien panel": "mien sim --view",
}  # fmt: skip


def sim(
    view: Annotated[bool, typer.Option("--view", help="Show the robot in the browser.")] = False,
    render: Annotated[
        Path | None,
        typer.Option(help="Film every actuator, blendshape and emotion to this mp4 file."),
    ] = None,
    face: Face = "morpheus33",
    calibration: Calibration = None,
    build: Build = 0,
    fault: Faults = None,
    size: Size = 480,
    host: Annotated[str, typer.Option(help=HOST_HELP)] = "127.0.0.1",
    port_number: Annotated[int, typer.Option(min=0, max=65535, help=PORT_HELP)] = PORT,
    token: Annotated[str, typer.Option(help=TOKEN_HELP)] = "",
    seconds: Duration = 0.0,
) -> None:
    """Show the simulated robot with a slider per actuator, or film its whole range of motion.

    Example: mien sim --view
    """
    chosen(view, render)
    if render is not None:
        _film(render, face, calibration, build, tuple(fault or ()), size)
        return
    from mien.robot.stopping import stopping
    from mien.robot.viewer.run import run

    window = Window(
        face=face, calibration=calibration, build=build, host=host, port=port_number, token=token
    )
    with stopping(seconds) as stop:
        try:
            run(
                window,
                tuple(fault or ()),
                stop,
                lambda address: print(f"open {address}", flush=True),
            )
        except DeviceError as e:
            raise type(e)(e.message, own(e.hint)) from e
        if stop.signalled:
            sys.exit(INTERRUPTED)


def chosen(view: bool, render: Path | None) -> None:
    """Check that exactly one of the two options is given.

    Raises:
        InputError: both or neither.
    """
    if view and render is not None:
        raise InputError("--view and --render do not go together", "mien sim --view")
    if not view and render is None:
        raise InputError("say --view or --render FILE.mp4", "mien sim --view")


def own(hint: str) -> str:
    """The panel's hint in the words of this verb's options."""
    for panels, ours in _OPTIONS.items():
        hint = hint.replace(panels, ours)
    return hint


def _film(
    path: Path, name: str, calibration: Path | None, build: int, faults: tuple[str, ...], side: int
) -> None:
    from mien.robot.face.calibrated import Calibrated
    from mien.robot.face.config import load_face
    from mien.robot.progress import Steps
    from mien.robot.sim.faults import parse_faults
    from mien.robot.sim.rig import Rig
    from mien.robot.viewer.presets import Presets
    from mien.robot.viewer.programme import whole
    from mien.robot.viewer.programme_film import check, shoot

    check(path)
    face = load_face(name)
    broken = parse_faults(list(faults), face)
    programme = whole(face, Presets(Calibrated(face, calibration)))
    with Steps() as steps:
        shoot(face, Rig(face, build, broken), programme, path, side, steps.start("filming"))
    print(path)
