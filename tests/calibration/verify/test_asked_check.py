"""What a fitted face is asked: eyes that stay open, dead actuators and stray ones are found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mien.calibration.verify.acceptance import unmet
from mien.calibration.verify.asked_check import (
    CROSS_TALK,
    check_asked,
    strays,
    without_effect,
)
from mien.models.self_model import model as self_model
from mien.models.self_model.model import POWERS, SelfModel
from mien.robot.face.config import FaceConfig, Floats, load_face

FOUND = {"inverse_mean_pct": 0.34, "inverse_p95_pct": 0.65, "vs_nearest": 0.15, "vs_ridge": 0.6}


class ModelRig:
    """A robot that is a self-model; some of its actuators are dead."""

    def __init__(self, model: SelfModel, dead: tuple[str, ...] = ()) -> None:
        self.model, self.at = model, np.zeros(model.n)
        self.dead = [model.names.index(name) for name in dead]

    def move_to(self, goal: Floats) -> Floats:
        self.at = np.array(goal)
        self.at[self.dead] = 0.0
        return self.at

    def observe(self) -> None:
        """The face is still at once."""

    def true_landmarks(self) -> Floats:
        return self.model.landmarks(self.at)


@pytest.fixture(scope="module")
def face() -> FaceConfig:
    return load_face("morpheus33")


@pytest.fixture(scope="module")
def model(face: FaceConfig) -> SelfModel:
    return self_model.read(self_model.shipped(face.name))


def numb(model: SelfModel, name: str, share: float) -> SelfModel:
    """The model of a robot whose actuator ``name`` moves ``share`` of what it should."""
    at = list(model.inputs).index(model.names.index(name))
    rows = at + len(model.inputs) * np.arange(POWERS)
    out, w1 = model.out.copy(), model.w1.copy()
    out[rows] *= share
    w1[:, at] *= share
    return replace(model, out=out, w1=w1)


def test_a_face_of_the_design_shuts_its_eyes_and_minds_its_regions(
    face: FaceConfig, model: SelfModel
) -> None:
    found = check_asked(face, model, ModelRig(model), model)  # type: ignore[arg-type]
    assert found["blink_gap"] < 0.3
    assert found["shape_cross_talk"] < 2 * CROSS_TALK
    assert found["without_effect"] == 0
    assert unmet(FOUND | found) == []


@pytest.mark.parametrize("lid", ["lid_upper_left", "lid_upper_right"])
def test_an_eye_that_stays_open_is_refused(face: FaceConfig, model: SelfModel, lid: str) -> None:
    found = check_asked(face, model, ModelRig(model, (lid,)), model)  # type: ignore[arg-type]
    assert found["blink_gap"] > 0.8
    (reason,) = unmet(FOUND | found)
    assert "eyes do not shut" in reason


@pytest.mark.parametrize("name", ["brow_mid_left", "cheek_right", "jaw_open", "gaze_x"])
def test_a_dead_actuator_is_named(face: FaceConfig, model: SelfModel, name: str) -> None:
    assert without_effect(face, numb(model, name, 0.0), model) == [name]
    assert without_effect(face, numb(model, name, 0.6), model) == []
    (reason,) = unmet(FOUND | {"without_effect": 1, "without_effect_names": name})
    assert f"without effect: {name};" in reason


def test_an_actuator_that_the_fit_left_out_is_without_effect(
    face: FaceConfig, model: SelfModel
) -> None:
    blind = numb(model, "nose_left", 0.0)
    names = tuple("other" if n == "nose_left" else n for n in blind.names)
    assert without_effect(face, replace(blind, names=names), model) == ["nose_left"]


def test_a_brow_that_moves_for_a_mouth_is_a_stray(face: FaceConfig, model: SelfModel) -> None:
    smile = np.zeros(model.n)
    smile[[face.index(n) for n in ("corner_y_left", "corner_y_right")]] = 0.8
    brow, tongue = face.index("brow_outer_left"), face.index("tongue_out")
    sent = smile.copy()
    sent[[brow, tongue]] = -0.4, 1.0
    found = strays(face, model, model.landmarks(smile)[None], sent[None])[0]
    assert found[brow] == pytest.approx(0.4)
    assert found[face.index("corner_y_left")] == 0.0
    assert found[tongue] == 0.0  # it follows its own shape


def test_a_face_without_lids_is_not_asked_to_blink(face: FaceConfig, model: SelfModel) -> None:
    lidless = model
    for name in ("lid_upper_left", "lid_upper_right", "lid_lower_left", "lid_lower_right"):
        lidless = numb(lidless, name, 0.0)
    found = check_asked(face, lidless, ModelRig(lidless))  # type: ignore[arg-type]
    assert "blink_gap" not in found
    assert "without_effect" not in found


@pytest.mark.parametrize(
    ("metric", "bad", "text"),
    [
        ("blink_gap", 0.5, "its eyes do not shut: blink_gap is 0.50"),
        ("blink_gap", float("nan"), "its eyes do not shut"),
        ("noisy_running_inverse_mean_pct", 2.5, "as it runs, reproduces what the camera sees with"),
        ("cross_talk", 0.2, "moved by takes of other regions in 20% of the frames, at most 10%"),
        ("slow_actuators", 1, "slower than the face's YAML allows: jaw_open;"),
        ("shape_cross_talk", 0.9, "brow_mid_left at jawOpen is 0.90, at most 0.3"),
        ("truth_vs_nominal", 1.2, "worse than that of the design without any calibration"),
    ],
)
def test_what_is_refused_says_why(metric: str, bad: float, text: str) -> None:
    more = {"shape_cross_talk_by": "brow_mid_left at jawOpen", "slow_actuator_names": "jaw_open"}
    (reason,) = unmet(FOUND | more | {metric: bad})
    assert text in reason


def test_an_actuator_slower_than_its_yaml_is_named(face: FaceConfig, model: SelfModel) -> None:
    limit = float(face.speed[face.index("jaw_open")])
    rows = {
        "jaw_open": {"speed": 0.5 * limit, "speed_error": 0.1 * limit},
        "nose_left": {"speed": None, "speed_error": None},
        "gaze_x": {"speed": 0.98 * float(face.speed[face.index("gaze_x")]), "speed_error": 0.01},
    }
    slow = replace(model, meta=model.meta | {"pace": rows})
    found = check_asked(face, slow, ModelRig(model), model)  # type: ignore[arg-type]
    assert found["slow_actuator_names"] == "jaw_open"
    assert any("slower than" in reason for reason in unmet(FOUND | found))
