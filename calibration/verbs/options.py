"""Options that the stages of ``mien calibrate`` share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.calibration.capture.open_rig import AUTO, DELAY_S

Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="Folder of this calibration. It holds all files.",
        show_default="runs/calibration-FACE",
    ),
]
Camera = Annotated[
    str,
    typer.Option(
        "--camera",
        help="Camera of the simulated rig: projected, rendered, or markers (dots on the skin, two "
        "cameras). Camera of a real face: 0 or /dev/video0; markers:0,1 for dots and two cameras.",
    ),
]
Poses = Annotated[int, typer.Option("--poses", help="Number of poses, about.", min=1)]
Minutes = Annotated[
    float | None,
    typer.Option(
        "--minutes",
        min=0.1,
        help="Budget of robot time, minutes. Without it, all poses are visited.",
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed",
        min=0,
        help="Seed of the plan, of the simulated camera's noise and of the fit.",
    ),
]
Ship = Annotated[
    bool,
    typer.Option("--ship", help="Install the model, so that all commands use it for this face."),
]
RegionOnly = Annotated[
    str | None,
    typer.Option(
        "--region",
        help="Calibrate only this region again: eyes, brows, mouth, nose, cheeks or jaw.",
        show_default="the whole face",
    ),
]
DELAY_MS = 1e3 * DELAY_S


@dataclass(frozen=True)
class Robot:
    """The robot and its camera, as the user named them.

    Attributes:
        port, camera, build, seed, faults: see the options.
        delay_ms: time from the capture of a picture to its arrival, ms.
    """

    port: str
    camera: str
    build: int
    seed: int
    delay_ms: float
    faults: tuple[str, ...] = ()

    def to_options(self) -> dict[str, Any]:
        """The options that differ from their defaults; later commands need them as well."""
        defaults = {
            "port": "sim",
            "camera": AUTO,
            "build": 0,
            "camera-delay": DELAY_MS,
            "seed": 0,
            "fault": [],
        }
        options = {
            "port": self.port,
            "camera": self.camera,
            "build": self.build,
            "camera-delay": self.delay_ms,
            "seed": self.seed,
            "fault": list(self.faults),
        }
        return {k: v for k, v in options.items() if v != defaults[k]}
