"""The contact sheet shows each robot in each pose, and robots that do not look the same."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from mien.calibration.report import contact_sheet as module
from mien.calibration.report.contact_sheet import COLUMNS, HEIGHT, WIDTH, contact_sheet
from mien.models.self_model import model as self_model
from mien.robot.face.config import load_face


def test_every_robot_has_a_row_of_faces_that_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    face = load_face("hobby9")
    model = self_model.read(self_model.shipped(face.name))
    monkeypatch.setattr(module, "EMOTIONS", ("happiness",))
    monkeypatch.setattr(module, "SHAPES", {"rest": {}, "jaw": {"jawOpen": 1.0}})
    robots = (("calibrated", model, 3), ("nominal", model, 0))
    sheet = Image.open(io.BytesIO(contact_sheet(face, robots, np.zeros((2, 52)))))
    assert sheet.width == COLUMNS * WIDTH
    pixels = np.asarray(sheet).astype(float)
    tall = (sheet.height - 2 * HEIGHT) // 3 + HEIGHT

    def cell(column: int, row: int) -> np.ndarray:
        bottom = sheet.height - (1 - row) * tall
        return pixels[bottom - HEIGHT : bottom, column * WIDTH : (column + 1) * WIDTH]

    def apart(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.square(one - other).mean())

    for row in range(2):  # rest and rest again, rest and an open jaw
        assert apart(cell(0, row), cell(3, row)) < 0.3 * apart(cell(0, row), cell(1, row))
    assert apart(cell(0, 0), cell(0, 1)) > 3.0 * apart(cell(0, 0), cell(3, 0))  # two robots
