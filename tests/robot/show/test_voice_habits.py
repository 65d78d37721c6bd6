"""Head and brows of a take move as livelily as the voice's style says, with a gain of their own."""

from dataclasses import replace

import numpy as np
import pytest

from mien.models.face.blendshapes import INDEX, lip_opening
from mien.models.face.curves import CURVES
from mien.models.face.emotion import EMOTIONS
from mien.models.style.memory import HABITS, read
from mien.robot.expression.emotion.track import Label
from mien.robot.expression.voice_style import habits
from mien.robot.media import audio
from mien.robot.show.generator import Generator, rules
from mien.robot.show.manner import manner
from mien.robot.show.scene import Scene

SCENE = Scene(audio.load(audio.LJ_DEMO)[: 4 * audio.RATE])
HEAD = slice(CURVES.index("HeadYaw"), None)
BROW = INDEX["browInnerUp"]
NEUTRAL = np.zeros((1, len(EMOTIONS)))
GENERATORS = pytest.mark.parametrize("by", [rules, manner], ids=["rules", "manner"])


def codes(head: float) -> np.ndarray:
    """Styles whose head is so much livelier than that of the mean voice, or calmer."""
    row = read().habits[HABITS.index("head")]
    return np.repeat(head * row[None] / np.abs(row).max(), len(EMOTIONS), axis=0)


def spread(curves: np.ndarray) -> np.ndarray:
    return np.asarray(curves[60:, HEAD].std(axis=0))


@GENERATORS
def test_the_head_of_a_take_has_the_habit_of_the_voice(by: Generator) -> None:
    plain = spread(by(SCENE, 3))
    for size in (-0.6, 0.6):
        style = codes(size)
        moved = by(replace(SCENE, style=style), 3)
        factor = float(np.ravel(habits(style, NEUTRAL).head)[0])
        assert abs(factor - 1.0) > 0.15
        np.testing.assert_allclose(spread(moved) / plain, factor, rtol=0.05)


@GENERATORS
def test_the_gain_of_the_head_is_its_own_and_moves_no_lips(by: Generator) -> None:
    style = codes(0.6)
    still = by(replace(SCENE, style=style, head_gain=(0.0, 0.0, 0.0)), 3)
    moved = by(replace(SCENE, style=style), 3)
    assert np.abs(still[:, HEAD]).max() < 1e-6
    np.testing.assert_array_equal(lip_opening(still[:, :52]), lip_opening(moved[:, :52]))


@GENERATORS
def test_brows_have_the_habit_of_the_voice(by: Generator) -> None:
    row = read().habits[HABITS.index("brows")]
    sizes = []
    for size in (-0.6, 0.6):
        style = np.repeat(size * row[None] / np.abs(row).max(), len(EMOTIONS), axis=0)
        sizes.append(by(replace(SCENE, style=style), 3)[:, BROW].std())
    assert sizes[1] > 1.2 * sizes[0]


@GENERATORS
def test_who_is_happy_in_his_own_way_nods_in_it(by: Generator) -> None:
    style = codes(-0.6)
    style[EMOTIONS.index("happiness")] = codes(0.6)[0]
    glad = replace(SCENE, sources=(Label({"happiness": 1.0}, start=-np.inf),))
    own, usual = (spread(by(replace(glad, style=s), 3)) for s in (style, codes(-0.6)))
    assert (own > 1.2 * usual).all()
