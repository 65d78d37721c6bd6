from itertools import pairwise

import numpy as np
import pytest

from mien.models.face.blendshapes import FPS
from mien.robot.expression.gaze import HEAD_SHARE, Aim, Gaze, Style, saccade_s, step

PARTNER = Aim(0.0, 0.0, 1.0)


def run(
    seconds: float,
    aim: Aim | None = PARTNER,
    speaks: tuple[tuple[float, float], ...] = (),
    style: Style | None = None,
    state: Gaze | None = None,
) -> list[Gaze]:
    state, out = state or Gaze(), []
    begin = state.t
    for k in range(round(seconds * FPS)):
        t = begin + (k + 1) / FPS
        gate = float(any(a <= t < b for a, b in speaks))
        state = step(state, t, gate, aim, style or Style())
        out.append(state)
    return out


def at(gazes: list[Gaze]) -> np.ndarray:
    return np.array([g.at for g in gazes])


def fixated(gazes: list[Gaze]) -> np.ndarray:
    """Places of the eyes at the end of every fixation that is no look away."""
    ends = [k for k in range(len(gazes) - 1) if gazes[k + 1].events != gazes[k].events]
    return np.array([gazes[k].at for k in ends if not gazes[k].averted])


def test_a_partners_eyes_and_mouth_are_looked_at_and_nothing_else() -> None:
    spots = fixated(run(120.0))[1:]
    eyes, mouth = spots[spots[:, 1] > 0], spots[spots[:, 1] < 0]
    np.testing.assert_allclose(np.abs(eyes[:, 0]), 1.78, atol=0.05)
    np.testing.assert_allclose(mouth, [[0.0, -2.4]] * len(mouth), atol=0.05)
    assert 3.0 < np.hypot(*(eyes[0] - mouth[0])) < 5.0
    assert 0.5 < len(eyes) / len(spots) < 0.8
    assert {True, False} == set((eyes[:, 0] > 0).tolist())


def test_a_partner_further_away_has_a_smaller_face() -> None:
    near, far = (np.ptp(fixated(run(60.0, Aim(0, 0, d)))[1:, 1]) for d in (0.5, 4.0))
    assert near > 7 * far


def test_fixations_last_as_long_as_a_persons() -> None:
    events = np.diff([g.events for g in run(150.0)])
    lengths = np.diff(np.flatnonzero(events)) / FPS
    assert 0.35 < np.median(lengths) < 0.75
    assert lengths.min() > 0.15
    assert lengths.max() < 2.0


def test_larger_saccades_take_longer_and_none_snaps() -> None:
    assert saccade_s(5.0) == pytest.approx(0.032)
    assert saccade_s(20.0) > saccade_s(5.0)
    gazes = run(3.0, Aim(0.0, 0.0)) + run(1.0, Aim(40.0, 0.0), state=run(3.0)[-1])
    path = at(gazes)[:, 0]
    between = np.sum((path > 3.0) & (path < 37.0))
    assert between >= 5  # 109 ms


def test_gaze_leaves_the_partner_when_speech_begins_and_returns_at_the_turns_end() -> None:
    left, returned = [], []
    for seed in range(30):
        gazes = run(12.0, speaks=((4.0, 8.0),), style=Style(seed))
        away = np.array([g.averted for g in gazes])
        begins, ends = round(4.0 * FPS), round(8.0 * FPS)
        left.append(away[begins : begins + 12].any())
        returned.append(not away[ends + round(0.6 * FPS)])
    assert 0.55 < np.mean(left) < 0.9
    assert np.mean(returned) == 1.0


def test_looks_away_are_as_long_and_as_far_as_a_persons() -> None:
    gazes = run(240.0, speaks=((0.0, 240.0),))
    away = np.array([g.averted for g in gazes])
    edges = np.flatnonzero(np.diff(away.astype(int))) + 1
    spells = [(b - a) / FPS for a, b in pairwise(edges) if away[a]]
    assert 1.6 < np.mean(spells) < 2.3
    assert 0.2 < away.mean() < 0.4
    assert np.hypot(*at(gazes)[away].T).max() < 16.0
    assert run(60.0)[-1].talking is False


def test_a_speaker_has_a_partner_ahead_and_looks_around_when_alone() -> None:
    kinds = [g.kind for g in run(12.0, None, speaks=((2.0, 4.0),))]
    assert kinds[FPS] == "idle"
    assert kinds[3 * FPS] == kinds[6 * FPS] == "partner"
    assert kinds[-1] == "idle"


def test_a_moving_partner_is_pursued_without_a_jump() -> None:
    state, path = run(2.0, style=Style(amount=0.0))[-1], []
    for k in range(4 * FPS):
        t = state.t + 1 / FPS
        state = step(state, t, 0.0, Aim(10.0 * k / FPS, 0.0), Style(amount=0.0))
        path.append(state.at[0])
    assert path[-1] == pytest.approx(40.0, abs=3.5)
    assert np.abs(np.diff(path)).max() < 3.5


def test_the_head_follows_slower_than_the_eyes_and_by_a_share() -> None:
    aim = Aim(30.0, 10.0, turns=True)
    gazes = run(3.0, aim, style=Style(amount=0.0))
    eyes, head = at(gazes), np.array([g.turn for g in gazes])
    np.testing.assert_allclose(head[-1], np.array(HEAD_SHARE) * (30.0, 10.0), atol=0.1)
    arrived = [int(np.argmax(x > 0.9 * x[-1])) / FPS for x in (eyes[:, 0], head[:, 0])]
    assert arrived[0] < 0.25
    assert 0.5 < arrived[1] < 1.2
    speed = np.abs(np.diff(head[:, 0])) * FPS
    assert speed.max() < 60.0
    assert np.abs(np.diff(speed)).max() * FPS < 600.0  # no kick


def test_a_point_is_kept_without_looks_away_and_the_head_stays() -> None:
    gazes = run(30.0, Aim(8.0, -3.0, kind="point"), speaks=((5.0, 20.0),))
    assert not any(g.averted for g in gazes)
    assert gazes[-1].turn == (0.0, 0.0)
    np.testing.assert_allclose(at(gazes[60:]).mean(axis=0), (8.0, -3.0), atol=0.5)


def test_no_amount_is_a_steady_look() -> None:
    path = at(run(30.0, Aim(5.0, 2.0), speaks=((3.0, 9.0),), style=Style(amount=0.0)))
    np.testing.assert_allclose(path[FPS:], [[5.0, 2.0]] * (len(path) - FPS))


def test_equal_seeds_look_alike_and_others_do_not() -> None:
    one, two, other = (at(run(20.0, style=Style(s))) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).max() > 1.0


def test_a_face_that_begins_to_speak_out_of_idleness_looks_away_too() -> None:
    away = [
        run(4.0, None, speaks=((2.0, 4.0),), style=Style(seed))[-round(1.8 * FPS)].averted
        for seed in range(30)
    ]
    assert 0.5 < np.mean(away) < 0.9
