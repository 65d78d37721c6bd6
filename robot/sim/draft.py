"""A mechanism while it is being put together, and how hard its constraints are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.robot.face.config import FaceConfig
from mien.robot.sim.builds import Build
from mien.robot.sim.description import Mechanism
from mien.robot.sim.head import Head
from mien.robot.sim.silicone import Net

F64 = NDArray[np.float64]

TIME_STEP = 0.002
METRE = 1e-3
# MuJoCo's solref (time constant in s, damping ratio) and solimp of a constraint.
STIFF = (2.0 * TIME_STEP, 1.0)  # the fastest that is stable: rods, stops, friction
# A rod on a horn that cannot give: two constraints as stiff as ``STIFF`` in a row build up a swing.
BRACED = (4.0 * TIME_STEP, 1.0)
DULL = (2.0 * TIME_STEP, 4.0)  # lip on lip: light parts under load that must not bounce
SOFT = (0.012, 1.0)
RIGID = (0.999, 0.9999, 0.0005, 0.5, 2.0)  # rods; and friction, which would creep otherwise
UNYIELDING = (0.99, 0.999, 0.0005, 0.5, 2.0)
YIELDING = (0.9, 0.99, 0.001, 0.5, 2.0)  # where silicone gives a little


@dataclass
class Draft:
    """A mechanism while it is being put together."""

    face: FaceConfig
    plan: Mechanism
    head: Head
    build: Build
    net: Net
    spec: Any
    origins: dict[str, F64] = field(default_factory=dict)  # body -> mm in the head frame
    chains: dict[str, dict[str, tuple[str, F64, F64]]] = field(default_factory=dict)
    horns: dict[str, tuple[str, F64]] = field(default_factory=dict)  # actuator -> site, mm
    tendons: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def anchor(self, node: str) -> tuple[F64, F64]:
        """A node's place (3,) mm and its frame (3, 3)."""
        k = self.net.names.index(node)
        return self.net.anchors[k], self.net.frames[k]
