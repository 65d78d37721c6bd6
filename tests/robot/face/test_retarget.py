"""Retargeting on a face whose reach is known: its levers are ARKit shapes, only smaller."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.models.face.blendshapes import ARKIT, INDEX, MIRROR
from mien.models.face.regions import (
    COUNT,
    IRIS_LEFT,
    IRIS_RIGHT,
    LID_GAPS,
    LIP_GAPS,
    LIPS,
    gaps,
    mouth_width,
)
from mien.models.self_model import model as self_model
from mien.models.self_model.hysteresis import PlayOperator
from mien.models.self_model.inputs import least_openings
from mien.models.self_model.inverse import Inverse, Limits
from mien.models.self_model.model import POWERS, SelfModel
from mien.robot.errors import ConfigError, InputError
from mien.robot.face.bite import bite
from mien.robot.face.calibrated import FittedFace
from mien.robot.face.config import Floats, load_face
from mien.robot.face.face_units import load_units
from mien.robot.face.retarget import Retarget, limits_of, soft
from mien.robot.face.solver import FaceSolver

LEVERS = {
    "jawOpen": 0.8,
    "mouthSmileLeft": 0.5,
    "mouthSmileRight": 0.6,
    "eyeBlinkLeft": 1.0,
    "eyeBlinkRight": 1.0,
}


def face_of(levers: dict[str, float]) -> SelfModel:
    """A linear face: lever i shows its share of shape i at command 1; the last one is a tongue."""
    units = load_units()
    rows = [share * units.delta[INDEX[name]] for name, share in levers.items()]
    m = len(rows)
    out = np.zeros((POWERS * m + 1 + 1, m))
    out[:m] = np.eye(m)
    return SelfModel(
        names=(*levers, "tongue_out"),
        inputs=np.arange(m),
        tendons=np.zeros(0, dtype=np.intp),
        play=PlayOperator(np.zeros(0), np.zeros(0)),
        w1=np.zeros((1, m)),
        b1=np.zeros(1),
        w2=np.zeros((1, 1)),
        b2=np.zeros(1),
        out=out,
        mean=units.neutral,
        decoder=np.array(rows).reshape(m, -1),
        covariance_factor=np.zeros((len(out), len(out))),
        noise=np.full(m, 1e-3),
        neck=np.zeros((0, 6)),
    )


def limits_for(model: SelfModel) -> Limits:
    return Limits.plain(np.tile([-0.1, 1.0], (model.n, 1)))


@pytest.fixture(scope="module")
def retarget() -> Retarget:
    model = face_of(LEVERS)
    return Retarget(model, limits_for(model))


def weights(**shapes: float) -> Floats:
    w = np.zeros((1, len(ARKIT)))
    for name, value in shapes.items():
        w[0, INDEX[name]] = value
    return w


def test_nothing_wanted_is_this_faces_neutral(retarget: Retarget) -> None:
    np.testing.assert_allclose(retarget.targets(weights())[0], load_units().neutral, atol=1e-9)


@pytest.mark.parametrize(
    # The lips of the drawn jawOpen go a third further than a jaw carries them and than is asked.
    ("shape", "share"),
    [("jawOpen", 0.94), ("eyeBlinkLeft", 1.0), ("mouthSmileLeft", 0.65)],
)
def test_the_reach_of_a_shape_is_what_its_lever_shows(
    retarget: Retarget, shape: str, share: float
) -> None:
    # Smiles of both sides reach the same, the mean, or a lopsided face would smile crookedly. Their
    # levers show 0.5 and 0.6; a smile shuts the lips, and a jaw that presses them adds the rest.
    assert retarget.reach.overall[INDEX[shape]] == pytest.approx(share, abs=0.06)


def test_a_shape_that_no_lever_shows_has_no_reach(retarget: Retarget) -> None:
    assert retarget.reach.overall[INDEX["browInnerUp"]] < 0.15
    rows = {name: (overall, regions) for name, overall, regions in retarget.reach.rows()}
    assert len(rows) == 52
    assert rows["browInnerUp"][1]["brows"] < 0.15


def test_small_motions_are_life_size_and_large_ones_reachable(retarget: Retarget) -> None:
    units = load_units()
    lips = list(LIPS)
    delta = units.delta[INDEX["mouthSmileLeft"]][lips]
    for weight, least, most in ((0.05, 0.95, 1.0), (1.0, 0.45, 0.68)):
        move = (retarget.targets(weights(mouthSmileLeft=weight))[0] - units.neutral)[lips]
        share = float((move * delta).sum() / np.square(delta).sum()) / weight
        assert least < share <= most


def test_a_full_smile_is_reached_without_the_rest_of_the_face_moving(retarget: Retarget) -> None:
    model = face_of(LEVERS)
    target = retarget.targets(weights(mouthSmileLeft=1.0, mouthSmileRight=1.0))[0]
    found = Inverse(model, limits_for(model), steps=10).solve(target)
    assert found.residual_mm["lips"] < 1.1
    assert found.commands[model.names.index("jawOpen")] < 0.15


@given(jaw=st.floats(0.0, 1.0), more=st.floats(0.0, 1.0))
def test_jaw_open_with_mouth_close_keeps_the_lips_shut(
    retarget: Retarget, jaw: float, more: float
) -> None:
    shut = retarget.targets(weights(jawOpen=jaw, mouthClose=jaw + more * (1 - jaw)))
    rest = gaps(retarget.neutral, LIP_GAPS)
    assert (gaps(shut, LIP_GAPS) < rest + 0.6).all()


def test_a_lower_lip_rolled_in_alone_bites_the_teeth_and_the_lips_stay_apart(
    retarget: Retarget,
) -> None:
    rest = gaps(retarget.neutral, LIP_GAPS)
    bitten = retarget.targets(weights(mouthRollLower=0.4, jawOpen=0.15, mouthLowerDownLeft=0.1))
    assert (gaps(bitten, LIP_GAPS) > rest + 1.0).all()
    assert bitten[0, 14, 1] > retarget.neutral[14, 1] + 1.0  # up to the teeth, whatever the jaw


@pytest.mark.parametrize(
    ("shapes", "bitten"),
    [
        ({"mouthRollLower": 0.6}, 1.0),
        ({"mouthRollLower": 0.26, "jawOpen": 0.2}, 1.0),
        ({"mouthRollLower": 0.7, "mouthRollUpper": 0.7}, 0.0),  # pressed
        ({"mouthRollLower": 0.14, "jawOpen": 0.0}, 0.0),  # p, b, m between vowels
        ({"jawOpen": 0.6}, 0.0),
    ],
)
def test_a_bite_is_told_from_pressed_and_shut_lips(shapes: dict[str, float], bitten: float) -> None:
    assert bite(weights(**shapes))[0] == pytest.approx(bitten, abs=1e-6)


@given(st.lists(st.floats(0.0, 1.0), min_size=52, max_size=52))
def test_lips_never_pass_through_each_other(retarget: Retarget, w: list[float]) -> None:
    rest = gaps(retarget.neutral, LIP_GAPS)
    assert (gaps(retarget.targets(np.array([w])), LIP_GAPS) >= 0.6 * rest - 1e-9).all()


def test_mirrored_weights_give_mirrored_shares(retarget: Retarget) -> None:
    w = weights(mouthSmileLeft=0.8, eyeBlinkRight=0.5)
    a, b = retarget.reach.by_region, retarget.reach.by_region[list(MIRROR)]
    np.testing.assert_allclose(soft(w[0][:, None].T, a.T), soft(w[0][:, None].T, b.T))


def test_looking_left_moves_both_irises_left() -> None:
    model = face_of({"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0})
    gaze = Retarget(model, Limits.plain(np.tile([-1.0, 1.0], (model.n, 1))))
    move = gaze.targets(weights(eyeLookOutLeft=1.0, eyeLookInRight=1.0))[0] - gaze.neutral
    human = load_units().delta[INDEX["eyeLookOutLeft"]][list(IRIS_LEFT), 0].mean()
    assert human > 1.0
    assert move[list(IRIS_LEFT), 0].mean() == pytest.approx(human, rel=0.2)
    assert move[list(IRIS_RIGHT), 0].mean() == pytest.approx(human, rel=0.2)


def test_the_tongue_goes_straight_to_its_servo(retarget: Retarget) -> None:
    direct = retarget.direct(np.concatenate([weights(tongueOut=0.7), weights()]))
    np.testing.assert_allclose(direct["tongue_out"], [0.7, 0.0])
    model = face_of({"jawOpen": 1.0})
    assert retarget.reach.overall[INDEX["tongueOut"]] == 1.0
    assert set(Retarget(model, limits_for(model)).direct(weights())) == {"tongue_out"}


def test_a_wider_face_gets_wider_targets() -> None:
    model = face_of(LEVERS)
    wide = SelfModel(
        **{k: getattr(model, k) for k in model.__dataclass_fields__}
        | {"mean": model.mean * 1.2, "decoder": model.decoder * 1.2}
    )
    smile = weights(mouthSmileLeft=1.0, mouthSmileRight=1.0)
    a, b = (Retarget(m, limits_for(m)).targets(smile)[0] for m in (model, wide))
    assert mouth_width(b) == pytest.approx(1.2 * mouth_width(a), rel=0.02)


def test_bad_weights_are_refused(retarget: Retarget) -> None:
    with pytest.raises(InputError, match="shape"):
        retarget.targets(np.zeros((3, 51)))
    with pytest.raises(InputError, match="NaN"):
        retarget.targets(np.full((1, 52), np.nan))


@given(st.floats(0.0, 1.0), st.floats(0.02, 1.0))
def test_soft_reaches_g_and_never_overshoots(weight: float, g: float) -> None:
    value = float(soft(np.array([weight]), np.array([g]))[0])
    assert value <= min(weight, g) + 1e-12
    assert float(soft(np.array([1.0]), np.array([g]))[0]) == pytest.approx(g)


def test_limits_of_a_face_carry_its_interlocks() -> None:
    face = load_face("morpheus33")
    limits = limits_of(face)
    assert limits.planes.shape == (len(face.interlocks), len(face.names))
    lock = face.interlocks[0]
    for name, factor in lock.terms.items():
        assert limits.planes[0, face.index(name)] == factor
    assert limits_of(load_face("hobby9")).planes.shape[1] == 9


def test_units_that_are_not_arkits_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "u.npz"
    np.savez(path, names=["a"], neutral=np.zeros((COUNT, 3)), delta=np.zeros((1, COUNT, 3)))
    with pytest.raises(ConfigError, match="not ARKit"):
        load_units(path)
    with pytest.raises(ConfigError, match="cannot read"):
        load_units(tmp_path / "none.npz")


def test_shut_is_shut_on_a_face_that_reaches_half_of_a_blink() -> None:
    """A blink that bends toward what is reached would ask for eyes that stay half open."""
    face = load_face("morpheus33")
    model = self_model.read(self_model.shipped(face.name))
    retarget = Retarget(model, limits_of(face), roles=face.roles)
    rest = gaps(retarget.neutral, LID_GAPS)
    shut, half, wide = (
        gaps(
            retarget.targets(weights(**{f"{shape}{side}": w for side in ("Left", "Right")}))[0],
            LID_GAPS,
        )
        for shape, w in (("eyeBlink", 1.0), ("eyeBlink", 0.5), ("eyeWide", 1.0))
    )
    assert (shut <= np.maximum(0.2 * rest, least_openings(model) + 1e-9)).all()
    assert ((half > shut) & (half < rest)).all()
    assert (wide > rest).all()


def test_lower_lids_close_what_the_upper_ones_leave_open() -> None:
    face = load_face("morpheus33")
    model = self_model.read(self_model.shipped(face.name))
    retarget = Retarget(model, limits_of(face), roles=face.roles)
    shut = gaps(retarget.targets(weights(eyeBlinkLeft=1.0, eyeBlinkRight=1.0))[0], LID_GAPS)
    by_eye = (np.reshape(of, (2, -1)).mean(1) for of in (shut, least_openings(model)))
    now, by_upper = by_eye
    assert (by_upper > 0.5).all()  # otherwise this face has nothing to show
    assert (now < 0.5 * by_upper).all()
    assert (shut >= 0.0).all()  # lids do not pass each other
    assert retarget.targets(np.zeros((0, 52))).shape == (0, COUNT, 3)  # a take without a frame
    # An eye that only narrows is the business of the upper lid.
    half = retarget.targets(weights(eyeBlinkLeft=0.4))[0] - retarget.neutral
    lowers = [lower for _, lower in LID_GAPS[:3]]
    drawn = soft(np.full(52, 0.4), retarget.reach.overall)[INDEX["eyeBlinkLeft"]]
    np.testing.assert_allclose(
        half[lowers, 1], drawn * retarget.delta[INDEX["eyeBlinkLeft"], lowers, 1], atol=0.4
    )


def test_a_wink_leaves_the_other_eye_open() -> None:
    face = load_face("morpheus33")
    model = self_model.read(self_model.shipped(face.name))
    retarget = Retarget(model, limits_of(face), roles=face.roles)
    winked = gaps(retarget.targets(weights(eyeBlinkLeft=1.0))[0], LID_GAPS)
    rest = gaps(retarget.neutral, LID_GAPS)
    assert (winked[:3] < 0.3 * rest[:3]).all()
    np.testing.assert_allclose(winked[3:], rest[3:], rtol=0.05)


def test_the_tongue_is_never_the_inverses() -> None:
    """Through pictures, the tongue can become an input of the self-model. It stays its shape's."""
    face = load_face("morpheus33")
    model = self_model.read(self_model.shipped(face.name))
    tongue = face.index("tongue_out")
    gone = list(model.inputs).index(face.index("cheek_left"))
    inputs = model.inputs.copy()
    inputs[gone] = tongue  # a robot whose tongue seems to pull a cheek
    odd = replace(model, inputs=inputs, tendons=model.tendons[model.tendons != gone])
    odd = replace(
        odd, play=PlayOperator(*(v[1:] for v in (model.play.half_width, model.play.growth)))
    )
    solver = FaceSolver(FittedFace(face, odd))
    smile = weights(mouthSmileLeft=1.0, cheekSquintLeft=1.0)[0]
    assert solver.solve(smile).commands[tongue] == 0.0
    smile[INDEX["tongueOut"]] = 0.7
    assert solver.solve(smile).commands[tongue] == pytest.approx(0.7)
