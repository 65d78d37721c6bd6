"""Robots outside of the family that a prior learned, and how a calibration fares with them.

A prior's simulator made the builds that it learned from and those that test it. These robots are
made by the same simulator, but not from the drawing: see ``OUTSIDE``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.calibration.identify.face_fit import fit_face
from mien.robot.face.config import FaceConfig
from mien.robot.sim.builds import Build, Factors
from tests.bench.calibration.captured_sets import captured, started
from tests.bench.calibration.truth import truth


@dataclass(frozen=True)
class Drawing:
    """How a robot differs from the drawing.

    Attributes:
        wider: factors on tolerances, by the beginning of a part's name.
        drawn: factors on nominal values, likewise.
        faults: of the robot.
    """

    wider: Factors = ()
    drawn: Factors = ()
    faults: tuple[str, ...] = ()


DOUBLED: Final = Drawing(wider=(("", 2.0),))
OUTSIDE: Final = {
    "linkages": Drawing(wider=(("pivot", 4.0), ("anchor", 3.0))),
    "identity": Drawing(wider=(("identity", 2.5),)),
    "softer": Drawing(drawn=(("silicone", 0.5),)),
    "stiffer": Drawing(drawn=(("silicone", 2.0),)),
    "gain_0.7": Drawing(drawn=(("servo.degrees_per_us", 0.7),)),
    "gain_1.4": Drawing(drawn=(("servo.degrees_per_us", 1.4),)),
    "tendons": Drawing(wider=(("guide", 8.0), ("slack", 3.0))),
    "dead": Drawing(faults=("dead:brow_mid_left",)),
}
"""Pivots and seats moved by several tolerances, another head, another silicone, another stroke of
all servos, tendons that come from elsewhere, an actuator that does nothing (where a face has it).
"""


def foreign(folder: Path, face: FaceConfig, seed: int, camera: str, poses: int) -> dict[str, float]:
    """Calibrate one robot of twice the tolerances, and one of each ``OUTSIDE``.

    Returns:
        ``doubled_mm``: true error of the first; ``outside_vs_ridge``: the worst of the others' true
        error, over that of a linear ridge on the same observations. Each is printed to stderr.
    """
    able = {
        name: of
        for name, of in OUTSIDE.items()
        if all(fault.split(":")[1] in face.names for fault in of.faults)
    }
    found = {}
    for name, of in {"doubled": DOUBLED, **able}.items():
        robot = Build(seed, of.wider, of.drawn)
        seen = captured(folder, face, robot, camera, poses, of.faults, name)
        model = fit_face(face, seen.data)
        with started(face, robot, camera, of.faults) as rig:
            found[name] = truth(face, seen.data, model, rig, seed)
        row = ", ".join(f"{key} {value:.3f}" for key, value in found[name].items())
        print(f"{camera} {seed} {name}: {row}", file=sys.stderr, flush=True)
    worst = max(found[name]["truth_vs_ridge"] for name in able)
    return {"doubled_mm": found["doubled"]["truth_mm"], "outside_vs_ridge": worst}
