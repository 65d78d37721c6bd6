"""A self-model that did not prove itself is used, and said so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mien.models.self_model import model as self_model
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import load_face


def stored(path: Path, meta: dict[str, Any]) -> Path:
    """The shipped model of hobby9 with only ``meta`` known of how it came about."""
    face = load_face("hobby9")
    model = self_model.load(self_model.shipped(face.name), face.name, face.hashes)
    origin = {"face": face.name, "face_hash": face.hash}
    self_model.save(path / "self_model.safetensors", replace(model, meta=origin | meta))
    return path / "self_model.safetensors"


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ({}, "was not verified: mien calibrate verify --face hobby9 --out {}"),
        (
            {"lag_s": 0.03, "calibrated": False},
            "did not find held-out faces again: mien calibrate report --face hobby9 --out {}",
        ),
        ({"lag_s": 0.03, "calibrated": True}, ""),
        ({"lag_s": 0.03}, ""),  # verified before verification said so
    ],
)
def test_what_was_not_proven_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, meta: dict[str, Any], said: str
) -> None:
    path = stored(tmp_path, meta)
    calibrated = Calibrated(load_face("hobby9"), path)
    wanted = f"{path} {said.format(tmp_path)}" if said else ""
    assert calibrated.caveat == wanted
    assert caplog.messages == ([wanted] if wanted else [])


@pytest.mark.parametrize("name", ["morpheus33", "hobby9"])
def test_what_ships_is_proven(name: str) -> None:
    assert not Calibrated(load_face(name)).caveat
