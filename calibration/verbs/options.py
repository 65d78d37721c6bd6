"""What the stages of ``mien calibrate`` have in common on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.calibration.capture.connect import AUTO, DELAY_S

Face = Annotated[str, typer.Option("--face", help="Name or YAML file of the face.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="Folder of this calibration.", show_default="runs/calibration-FACE"),
]
Port = Annotated[str, typer.Option("--port", help="sim (the rig), auto, or a serial port.")]
Camera = Annotated[
    str, typer.Option("--camera", help="Rig: projected or rendered. Else 0 or /dev/video0.")
]
Delay = Annotated[
    float, typer.Option("--camera-delay", min=0, help="How late a webcam's pictures come, ms.")
]
Build = Annotated[int, typer.Option("--build", help="Which robot of this design (rig only).")]
Poses = Annotated[int, typer.Option("--poses", help="Budget of poses.", min=1)]
Minutes = Annotated[
    float | None,
    typer.Option("--minutes", min=0.1, help="Budget of robot time; without, as long as it takes."),
]
Seed = Annotated[int, typer.Option("--seed", help="Of plan, camera noise and fit.")]
Ship = Annotated[bool, typer.Option("--ship", help="Install the model as the face's own.")]
Faults = Annotated[
    list[str] | None,
    typer.Option(
        "--fault", help="Rig only: what is broken, e.g. slip:jaw_open:8; may be repeated."
    ),
]
DELAY_MS = 1e3 * DELAY_S


@dataclass(frozen=True)
class Robot:
    """Which robot, and what watches it, as the user named them."""

    port: str
    camera: str
    build: int
    seed: int
    delay_ms: float
    faults: tuple[str, ...] = ()

    def said(self) -> dict[str, Any]:
        """The options that later commands need as well."""
        usual = {
            "port": "sim",
            "camera": AUTO,
            "build": 0,
            "camera-delay": DELAY_MS,
            "seed": 0,
            "fault": [],
        }
        here = {
            "port": self.port,
            "camera": self.camera,
            "build": self.build,
            "camera-delay": self.delay_ms,
            "seed": self.seed,
            "fault": list(self.faults),
        }
        return {k: v for k, v in here.items() if v != usual[k]}
