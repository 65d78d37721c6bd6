"""A rig that leaves physics says so instead of going on."""

from __future__ import annotations

import pytest

from mien.robot.errors import MienError
from mien.robot.face.config import load_face
from mien.robot.sim.rig import Rig


def test_a_diverged_rig_is_an_error() -> None:
    rig = Rig(load_face("hobby9"), build=3)
    rig.data.qpos[4] = float("nan")
    rig._fresh = False
    with pytest.raises(MienError, match="hobby9, build 3, diverged"):
        rig.skin_state()
    rig.reset()
    rig.skin_state()
