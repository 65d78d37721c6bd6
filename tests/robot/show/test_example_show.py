"""The show that the documentation prints becomes a take."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from mien.models.face.blendshapes import INDEX
from mien.robot.errors import MienError
from mien.robot.expression.tts import voice
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import load_face
from mien.robot.show import direct as directing
from mien.robot.show.show_file import read_show
from tests.paths import ROOT


def test_the_example_holds_its_three_keyframes(tmp_path: Path) -> None:
    try:
        voice()
    except MienError:
        pytest.skip("no offline voice is installed: pip install 'mien[tts]'")
    shutil.copy(ROOT / ".docs" / "examples" / "evening.yaml", tmp_path)
    file = read_show(tmp_path / "evening.yaml")
    made = directing.direct(file, Calibrated(load_face("hobby9")))
    assert len(file.show.keyframes) == 3
    for frame, pose in zip(file.show.keyframes, file.poses, strict=True):
        rows = slice(round(60 * frame.at), int(60 * (frame.at + frame.hold)))
        for column, value in pose.values.items():
            assert np.allclose(made.curves[rows, column], value, atol=1e-6)
    assert made.curves[:, INDEX["jawOpen"]].max() > 0.2
