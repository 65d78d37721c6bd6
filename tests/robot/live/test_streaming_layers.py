import numpy as np
import pytest

from mien.models.face.blendshapes import FPS, INDEX, SPEECH, indices
from mien.models.face.emotion import EMOTIONS
from mien.models.style.memory import HABITS, read
from mien.robot.expression.attention import LOST_S, SEARCH_S, Person
from mien.robot.expression.eyes import EYE_RANGE_DEG, LOOKS, directions, look
from mien.robot.expression.gaze import HEAD_SHARE
from mien.robot.expression.layers import Life, compose
from mien.robot.expression.voice_style import LiveStyle, habits
from mien.robot.face.solver import HEAD_RANGE_DEG
from mien.robot.live.manner import MannerLayer
from mien.robot.live.streaming_layers import FADE_S, LIFE_S, LiveExpression, Stress

QUIET = np.zeros(52, np.float32)


def run(
    face: LiveExpression, frames: int, spoken: np.ndarray = QUIET, gate: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    pairs = [face.frame(spoken, -30.0, gate) for _ in range(frames)]
    return np.stack([w for w, _ in pairs]), np.stack([h for _, h in pairs])


def test_the_same_seed_gives_the_same_life_and_it_moves() -> None:
    one, two, other = (run(LiveExpression(seed), 600) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])
    assert np.abs(one[0] - other[0]).max() > 0.1
    assert one[0][:, INDEX["eyeBlinkLeft"]].max() > 0.9


def test_nothing_jumps_over_minutes_of_life() -> None:
    weights, head = run(LiveExpression(1), (2 * LIFE_S + FADE_S + 12) * FPS)
    assert np.abs(np.diff(head, axis=0)).max() < 0.02
    assert np.abs(np.diff(weights, axis=0)).max() < 0.5  # a blink falls in 75 ms


def test_speech_passes_while_somebody_speaks_and_not_otherwise() -> None:
    spoken = QUIET.copy()
    spoken[INDEX["jawOpen"]] = 0.6
    face = LiveExpression(0, amount=0.0)
    assert run(face, 3, spoken, 1.0)[0][:, INDEX["jawOpen"]] == pytest.approx(0.6)
    assert run(face, 3, spoken, 0.0)[0][:, indices(SPEECH)].max() == 0.0


def test_an_emotion_comes_and_goes_without_a_jump() -> None:
    face = LiveExpression(0, amount=0.0)
    smile = INDEX["mouthSmileLeft"]
    face.set_emotion({"happiness": 1.0})
    on, _ = run(face, 3 * FPS)
    face.set_emotion({})
    off, _ = run(face, 5 * FPS)
    track = np.concatenate([on, off])[:, smile]
    assert on[-1, smile] > 0.3
    assert off[-1, smile] == 0.0
    assert np.abs(np.diff(track)).max() < 0.1


def test_gaze_goes_where_it_is_told() -> None:
    face = LiveExpression(0)
    run(face, FPS)
    face.set_gaze(0.9, 0.0)
    weights, _ = run(face, FPS)
    late = weights[FPS // 2 :]
    assert (late[:, INDEX["eyeLookOutLeft"]] > 0.4).all()
    assert (late[:, INDEX["eyeLookInRight"]] > 0.4).all()


def attended(
    head_gain: float, seconds: float = 3.0, leaves: float = np.inf
) -> tuple[np.ndarray, np.ndarray, list[int | None]]:
    """Gaze in the head (T, 2), head (T, 3) in degrees, and who is followed; nobody sways."""
    frame = 0

    def people() -> tuple[Person, ...] | None:
        return (Person(7, 24.0, 6.0),) if frame % 8 == 0 and frame < leaves * FPS else None

    face = LiveExpression(0, amount=0.0, head_gain=head_gain, people=people)
    weights, heads, who = [], [], []
    for frame in range(round(seconds * FPS)):  # noqa: B007
        one, head = face.frame(QUIET, -80.0, 0.0)
        weights.append(one)
        heads.append(head * HEAD_RANGE_DEG)
        who.append(face.attention.followed)
    return np.stack(directions(np.array(weights)), axis=1), np.array(heads), who


def test_a_person_is_looked_at_by_eyes_first_and_the_head_takes_over() -> None:
    eyes, head, who = attended(1.0)
    assert who[-1] == 7
    early, late = round(0.25 * FPS), -1
    assert eyes[early, 0] == pytest.approx(EYE_RANGE_DEG[0], abs=0.1)
    assert head[early, 0] < 8.0
    np.testing.assert_allclose(head[late, :2], np.array(HEAD_SHARE) * (24.0, 6.0), atol=0.2)
    np.testing.assert_allclose(eyes[late] + head[late, :2], (24.0, 6.0), atol=0.2)


def test_at_no_gain_only_the_eyes_follow_and_at_twice_the_gain_the_head_is_not_beyond() -> None:
    eyes, head, _ = attended(0.0)
    assert not head.any()
    assert eyes[-1, 0] == pytest.approx(EYE_RANGE_DEG[0], abs=0.1)
    twice = attended(2.0)[1]
    assert twice[:, 0].max() < 24.0


def test_a_person_who_leaves_is_let_go_and_the_head_comes_back_without_a_jump() -> None:
    eyes, head, who = attended(1.0, 3.0 + LOST_S + SEARCH_S + 5.0, leaves=3.0)
    assert who[-1] is None
    np.testing.assert_allclose(head[-1], 0.0, atol=0.2)
    assert np.abs(np.diff(head, axis=0)).max() * FPS < 60.0
    assert np.abs(eyes[-1]).max() < 0.5


def test_the_operator_goes_before_people_for_a_moment() -> None:
    face = LiveExpression(0, amount=0.0, head_gain=0.0, people=lambda: (Person(1, 12.0, 0.0),))
    run(face, FPS)
    face.set_gaze(-0.9, 0.0)
    assert run(face, FPS)[0][-1, INDEX["eyeLookInLeft"]] == pytest.approx(0.9, abs=0.02)
    assert run(face, 5 * FPS)[0][-1, INDEX["eyeLookOutLeft"]] > 0.7


def test_nobody_to_look_at_is_as_without_a_source_of_people() -> None:
    with_source, without = (LiveExpression(5, people=p) for p in (lambda: (), None))
    for one, other in zip(run(with_source, 300), run(without, 300), strict=True):
        np.testing.assert_array_equal(one, other)


def test_stress_needs_a_voice_and_a_rise() -> None:
    stress = Stress()
    for _ in range(120):
        stress.push(-40.0, 1.0)
    rise = max(stress.push(-20.0, 1.0) for _ in range(20))
    assert rise > 0.5
    assert stress.push(-10.0, 0.0) == 0.0
    for _ in range(600):
        held = stress.push(-20.0, 1.0)
    assert held < 0.05


def test_a_stream_shows_what_the_clip_of_the_same_speech_and_stress_shows() -> None:
    rng = np.random.default_rng(2)
    frames = 3 * FPS
    spoken = rng.uniform(0, 1, (frames, 52)).astype(np.float32)
    level, gate = rng.uniform(-60, -10, frames), rng.uniform(0, 1, frames)
    stress, face = Stress(), LiveExpression(4)
    pressed = np.array([stress.push(a, b) for a, b in zip(level, gate, strict=True)])
    shown = [face.frame(*row) for row in zip(spoken, level, gate, strict=True)]
    t, life = np.arange(frames) / FPS, Life(seed=4)
    still = np.zeros((frames, len(EMOTIONS)))
    living = life.lids_and_brows(t, pressed)
    at = np.array([g.at for g in life.gaze(t, gate)])
    living[:, LOOKS] = look(at[:, 0], at[:, 1])
    alive = living, life.head(t, pressed)
    weights, head = compose(spoken, gate, np.zeros((frames, 52)), still, alive)
    np.testing.assert_allclose([w for w, _ in shown], weights, atol=1e-6)
    np.testing.assert_allclose([h for _, h in shown], head, atol=1e-6)


def test_the_habits_of_a_style_come_without_a_jump_when_it_is_chosen() -> None:
    row = read().habits.sum(axis=0)
    codes = np.repeat(0.8 * row[None] / np.abs(row).max(), len(EMOTIONS), axis=0)
    style, at = LiveStyle(), 4 * FPS
    face, plain = LiveExpression(1, style=style), LiveExpression(1)
    before = run(face, at)
    np.testing.assert_array_equal(before[1], run(plain, at)[1])
    style.wear(codes)
    (weights, head), (_, usual) = run(face, 30 * FPS), run(plain, 30 * FPS)
    factor = np.ravel(habits(codes, np.zeros((1, len(EMOTIONS)))).head)[0]
    late = slice(4 * FPS, 5 * FPS)  # still within the ten seconds that were drawn
    np.testing.assert_allclose(head[late], factor * usual[late], rtol=0.02, atol=1e-3)
    whole = np.concatenate([before[1], head])
    assert np.abs(np.diff(whole, axis=0)).max() < 0.02 * factor
    assert np.abs(np.diff(np.concatenate([before[0], weights]), axis=0)).max() < 0.5


def test_the_head_of_a_manner_has_the_habit_of_the_voice() -> None:
    row = read().habits[HABITS.index("head")]
    codes = np.repeat(0.8 * row[None] / np.abs(row).max(), len(EMOTIONS), axis=0)
    factor = np.ravel(habits(codes, np.zeros((1, len(EMOTIONS)))).head)[0]
    assert factor > 1.2
    styles = (None, LiveStyle(codes))
    plain, styled = (
        run(LiveExpression(3, manner=MannerLayer("reader", 1), style=s), 240)[1] for s in styles
    )
    np.testing.assert_allclose(styled, np.clip(factor * plain, -1, 1), rtol=1e-6)
