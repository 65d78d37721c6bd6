import numpy as np
import pytest

from mien.models.face.blendshapes import FPS, INDEX
from mien.models.face.emotion import EMOTIONS, blend
from mien.robot.expression.emotion.track import EmotionTrack, Label
from mien.robot.expression.eyes import LOOKS, directions
from mien.robot.expression.layers import FUSIONS, Life, act, compose, fusion, stress
from mien.robot.face.config import load_face
from mien.robot.face.solver import head_gains

T = np.arange(20 * FPS) / FPS
QUIET = np.zeros(len(T))
MOUTH = [i for n, i in INDEX.items() if n.startswith(("mouth", "jaw", "tongue"))]


def test_the_same_seed_lives_the_same_life_and_a_longer_clip_begins_alike() -> None:
    long = Life(seed=3).weights(T, QUIET)
    np.testing.assert_array_equal(long, Life(seed=3).weights(T, QUIET))
    np.testing.assert_array_equal(long[:600], Life(seed=3).weights(T[:600], QUIET[:600]))
    assert np.abs(long - Life(seed=4).weights(T, QUIET)).max() > 0.1


def test_life_never_touches_the_mouth_and_stays_in_range() -> None:
    out = Life().weights(T, np.ones(len(T)))
    assert np.all(out[:, MOUTH] == 0)
    assert out.min() >= 0
    assert out.max() <= 1


def test_blinks_close_the_eyes_as_often_as_people_do() -> None:
    t = np.arange(300 * FPS) / FPS
    lid = Life(seed=1).weights(t, np.zeros(len(t)))[:, INDEX["eyeBlinkLeft"]]
    starts = np.sum((lid[1:] > 0.9) & (lid[:-1] <= 0.9))
    assert 60 <= starts <= 150  # 12 to 30 a minute


def test_amount_zero_is_a_statue() -> None:
    assert not Life(amount=0.0).weights(T, np.ones(len(T))).any()
    assert not Life(amount=0.0).head(T, np.ones(len(T))).any()


def test_the_head_starts_from_neutral_and_stays_within_reach() -> None:
    head = Life(seed=2).head(T, QUIET)
    np.testing.assert_allclose(head[0], 0, atol=1e-9)
    assert np.abs(head).max() < 0.5


def test_stress_follows_loud_syllables_and_not_silence() -> None:
    rate, loud = 16000, np.zeros(16000 * 4, np.float32)
    loud[2 * rate : 2 * rate + 2400] = np.sin(np.arange(2400) * 0.1) * 0.3
    s = stress(loud, rate, 240)
    assert s.shape == (240,)
    assert 115 <= int(s.argmax()) <= 130
    assert s[:60].max() < 0.05
    assert stress(np.zeros(rate, np.float32), rate, 60).max() < 0.05


def layers(frames: int) -> tuple[np.ndarray, ...]:
    """Random speech (T, 52), gate (T,), emotion shapes (T, 52), mix (T, E), life (T, 52), neck."""
    rng = np.random.default_rng(5)
    mixed = np.zeros((frames, len(EMOTIONS)))
    mixed[frames // 3 :, EMOTIONS.index("anger")] = np.linspace(0, 1, frames - frames // 3)
    speech = rng.uniform(0, 1, (frames, 52)).astype(np.float32)
    gate, life = rng.uniform(0, 1, frames), rng.uniform(0, 0.4, (frames, 52))
    return speech, gate, blend(mixed), mixed, life, rng.uniform(-0.3, 0.3, (frames, 3))


@pytest.mark.parametrize("kind", FUSIONS)
def test_frame_by_frame_gives_what_the_whole_clip_gives(kind: str) -> None:
    speech, gate, sample, mixed, life, neck = layers(90)
    weights, head = compose(speech, gate, sample, mixed, (life, neck), fusion(kind))
    for k in range(90):
        at = slice(k, k + 1)
        one = compose(
            speech[at], gate[at], sample[at], mixed[at], (life[at], neck[at]), fusion(kind)
        )
        np.testing.assert_allclose(one[0][0], weights[k], atol=1e-6)
        np.testing.assert_allclose(one[1][0], head[k], atol=1e-12)


def test_the_head_has_a_gain_of_its_own_and_the_eyes_do_not_mind() -> None:
    voice = (0.1 * np.random.default_rng(3).standard_normal(16000 * 8)).astype(np.float32)
    spoken = np.zeros((8 * FPS, len(INDEX)), np.float32)
    sad = EmotionTrack((Label({"sadness": 0.3}, -np.inf),))
    still, usual, much = (
        act(spoken, voice, 16000, Life(seed=1, head_gain=gain), sad) for gain in (0.0, 1.0, 2.0)
    )
    assert not still.head.any()
    assert still.weights[:, INDEX["eyeBlinkLeft"]].max() == 1.0
    rest = [i for i in range(len(INDEX)) if i not in LOOKS]  # the eyes make up for the head
    np.testing.assert_array_equal(still.weights[:, rest], usual.weights[:, rest])
    assert np.ptp(still.weights[:, LOOKS], axis=0).max() > 0.2
    np.testing.assert_allclose(much.head, np.clip(2.0 * usual.head, -1.0, 1.0))
    assert np.ptp(usual.head, axis=0).min() > 0.1


def test_eyes_make_up_for_the_turns_that_happen_and_for_no_others() -> None:
    t = np.arange(4 * FPS) / FPS
    living, head = (
        Life(seed=1, amount=0.0).weights(T[: len(t)], QUIET[: len(t)]),
        np.zeros((240, 3)),
    )
    head[:, 0] = 0.2 * np.sin(t)
    still = np.zeros((240, len(EMOTIONS)))
    silent = (
        np.zeros((240, 52), np.float32),
        np.zeros(240),
        np.zeros((240, 52)),
        still,
        (living, head),
    )
    for gain, share in ((1.0, 1.0), (0.0, 0.0), (0.5, 0.5), ((0.0, 1.0, 1.0), 0.0)):
        weights, neck = compose(*silent, head_gain=gain)
        yaw, pitch = directions(weights)
        np.testing.assert_allclose(neck[:, 0], share * head[:, 0])
        np.testing.assert_allclose(yaw, -40.0 * neck[:, 0], atol=1e-5)
        np.testing.assert_allclose(pitch, 0.0, atol=1e-6)


def test_a_face_without_a_neck_has_no_gain() -> None:
    assert head_gains(load_face("morpheus33"), 0.7) == (0.7, 0.7, 0.7)
    assert head_gains(load_face("hobby9"), 0.7) == (0.0, 0.0, 0.0)


def test_layers_add_and_are_kept_in_range() -> None:
    speech, gate, _, _, life, neck = layers(30)
    still = np.zeros((30, len(EMOTIONS)))
    weights, head = compose(speech, gate, np.zeros((30, 52)), still, (life, 4 * neck))
    assert weights.min() >= 0.0
    assert weights.max() == 1.0
    assert np.abs(head).max() == 1.0
    brow = INDEX["browInnerUp"]
    np.testing.assert_allclose(
        weights[:, brow], np.minimum(speech[:, brow] + life[:, brow], 1.0), atol=1e-6
    )


def test_the_mouth_rests_while_nobody_speaks() -> None:
    speech, _, _, _, life, neck = layers(30)
    nothing, still = np.zeros((30, 52)), np.zeros((30, len(EMOTIONS)))
    weights, _ = compose(speech, np.zeros(30), nothing, still, (0 * life, neck))
    assert weights[:, MOUTH].max() == 0.0
