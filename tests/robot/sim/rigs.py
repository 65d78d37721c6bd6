"""Moving a rig in tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import FaceConfig
from mien.robot.sim.rig import Rig

F64 = NDArray[np.float64]


def commands(face: FaceConfig, **named: float) -> F64:
    """A pose: actuators by name, or by name without side for both; the others 0."""
    out = np.zeros(len(face.names))
    for name, value in named.items():
        hits = [k for k, n in enumerate(face.names) if n in {name, f"{name}_left", f"{name}_right"}]
        assert hits, name
        out[hits] = value
    return out


def hold(rig: Rig, pose: F64, seconds: float = 0.6) -> None:
    """Keep a pose for some time; a rig gets there and settles in half a second."""
    pulses = to_pulses(rig.face, pose)
    for _ in range(round(seconds / rig.dt)):
        rig.step(pulses)


def node(rig: Rig, name: str) -> F64:
    """(3,) mm: how far a node is from neutral."""
    return np.asarray(rig.skin_state().nodes[rig.machine.net.names.index(name)])
