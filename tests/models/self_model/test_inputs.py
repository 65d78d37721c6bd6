"""What inputs do to the skin, and inputs that rest where a target leaves their skin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mien.models.face.regions import COUNT, LID_GAPS, gaps
from mien.models.self_model import model as self_model
from mien.models.self_model.inputs import least_openings
from mien.models.self_model.inverse import Inverse, Limits
from mien.models.self_model.model import POWERS, SelfModel
from mien.models.self_model.objective import Objective, ObjectiveWeights
from mien.models.self_model.own_skin import OwnSkin
from mien.robot.face.areas import areas
from mien.robot.face.config import load_face

HOLD = ObjectiveWeights().hold


@pytest.fixture(scope="module")
def model() -> SelfModel:
    return self_model.read(self_model.shipped("hobby9"))


def test_what_inputs_do_alone_is_asked_of_them(model: SelfModel) -> None:
    rigid = np.setdiff1d(np.arange(len(model.inputs)), model.tendons)
    sent = np.zeros((len(rigid), model.n))
    sent[np.arange(len(rigid)), model.inputs[rigid]] = 0.4
    moved = model.landmarks(sent) - model.landmarks(np.zeros(model.n))
    face = load_face("hobby9")
    lowest = face.limits[model.inputs, 0]
    asked = OwnSkin(model, areas(face, model), lowest).inputs(moved)
    np.testing.assert_allclose(asked, sent[:, model.inputs], atol=0.04)


def test_skin_elsewhere_asks_an_input_for_nothing(model: SelfModel) -> None:
    where = areas(load_face("hobby9"), model)
    moved = np.random.default_rng(0).normal(scale=3.0, size=(1, COUNT, 3))
    own = OwnSkin(model, where)
    for row, here in enumerate(where):
        assert own.linear(moved * ~here[:, None])[0, row] == 0.0


def test_a_dead_input_is_asked_for_nothing(model: SelfModel) -> None:
    features = np.arange(POWERS) * len(model.inputs)
    out, w1 = model.out.copy(), model.w1.copy()
    out[features], w1[:, 0] = 0.0, 0.0
    moved = np.random.default_rng(0).normal(scale=3.0, size=(3, COUNT, 3))
    assert not OwnSkin(replace(model, out=out, w1=w1)).inputs(moved)[:, 0].any()


def test_lips_and_jaw_part_the_lips(model: SelfModel) -> None:
    names = [model.names[i] for i in model.inputs]
    assert [n for n, parts in zip(names, OwnSkin(model).parts_lips, strict=True) if parts] == [
        "jaw_open"
    ]


def test_a_target_at_rest_holds_every_input_and_a_full_stroke_frees_it(model: SelfModel) -> None:
    objective = Objective(model, ObjectiveWeights())
    ends = np.eye(model.n)[model.inputs]
    free = objective.project(model.landmarks(ends))
    still = objective.project(model.landmarks(np.zeros((1, model.n))))
    assert free.hold is not None
    assert still.hold is not None
    assert still.own is not None
    np.testing.assert_allclose(still.hold, HOLD)
    np.testing.assert_allclose(still.own, 0.0, atol=1e-12)
    assert (np.diagonal(free.hold) < 0.05 * HOLD).all()
    one = objective.project(model.landmarks(ends)).frame(1)
    assert one.hold is not None
    assert one.own is not None
    np.testing.assert_array_equal(one.hold[0], free.hold[1])
    assert Objective(model, ObjectiveWeights(hold=0.0)).project(model.mean[None]).hold is None


def test_a_mouth_is_not_paid_for_with_a_brow(model: SelfModel) -> None:
    """A camera that sees the chin drop with a brow makes a model whose brow opens the mouth."""
    face = load_face("hobby9")
    m, features = len(model.inputs), len(model.out)
    jaw, brow = model.names.index("jaw_open"), model.names.index("brow_left")
    rows = np.arange(POWERS) * m
    out = model.out.copy()
    out[rows + brow] += 0.1 * out[rows + jaw]
    seen = replace(model, out=out, covariance_factor=np.zeros((features, features)))
    sent = np.zeros(model.n)
    sent[jaw] = 0.6
    # Open further than the jaw alone: the brow would make up for the rest.
    target = seen.landmarks(sent) * 1.2 - 0.2 * seen.landmarks(np.zeros(model.n))
    limits = Limits.plain(np.tile([-1.0, 0.6], (model.n, 1)))
    spent = {
        by: abs(
            Inverse(seen, limits, ObjectiveWeights(hold=hold), areas=where)
            .solve(target)
            .commands[brow]
        )
        for by, hold, where in (
            ("nothing", 0.0, None),
            ("the model", HOLD, None),
            ("the design", HOLD, areas(face, seen)),
        )
    }
    assert spent["nothing"] > 0.1
    assert spent["the design"] < 0.5 * spent["nothing"]
    assert spent["the design"] < spent["the model"]


def test_eyes_shut_as_far_as_the_upper_lids_shut_them(model: SelfModel) -> None:
    sent = np.zeros(model.n)
    sent[[model.names.index(f"lid_upper_{side}") for side in ("left", "right")]] = 1.0
    shut = np.maximum(gaps(model.landmarks(sent), LID_GAPS), 0.0)
    np.testing.assert_allclose(least_openings(model), shut, atol=0.6)
    assert (least_openings(model) < 0.5 * gaps(model.landmarks(0.0 * sent), LID_GAPS)).all()


def test_a_lower_lid_shuts_an_eye_further_where_there_is_one(model: SelfModel) -> None:
    np.testing.assert_allclose(least_openings(model, 2), least_openings(model), atol=0.5)
    both = self_model.read(self_model.shipped("morpheus33"))
    one, two = least_openings(both), least_openings(both, 2)
    assert (one > 0.5).any()
    assert (two < one - 0.5)[one > 0.5].all()
