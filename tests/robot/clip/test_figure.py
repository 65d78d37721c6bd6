"""The figure of a clip shows the actuators that speak, whatever their names."""

from __future__ import annotations

import numpy as np
import pytest

from mien.robot.clip.figure import plotted
from mien.robot.face.config import FACES, FaceConfig, load_face


def test_what_speaks_and_moves_most_is_plotted_in_the_order_of_the_face() -> None:
    face = load_face("morpheus33")
    sent = np.zeros((50, len(face.names)))
    wave = np.sin(np.arange(50.0))
    moving = {"gaze_x": 1.0, "corner_x_left": 0.9, "jaw_open": 0.8, "lip_upper_center": 0.7}
    for name, amplitude in moving.items():
        sent[:, face.index(name)] = amplitude * wave
    names = plotted(face, sent)
    assert len(names) == 5
    assert "gaze_x" not in names
    assert {"corner_x_left", "jaw_open", "lip_upper_center"} < set(names)
    assert names == sorted(names, key=face.index)


@pytest.mark.parametrize("frames", [0, 1, 40])
def test_a_face_with_names_of_its_own_is_plotted(frames: int) -> None:
    tree = load_face(FACES / "examples/maker6.yaml").model_dump()
    tree["actuators"] = {f"s{k}": a for k, a in enumerate(tree["actuators"].values())}
    face = FaceConfig.model_validate(tree)
    assert plotted(face, np.zeros((frames, 6))) == ["s0", "s4", "s5"]
    del tree["actuators"]["s0"], tree["actuators"]["s4"], tree["actuators"]["s5"]
    without_mouth = FaceConfig.model_validate(tree)
    assert plotted(without_mouth, np.zeros((frames, 3))) == ["s1", "s2", "s3"]
