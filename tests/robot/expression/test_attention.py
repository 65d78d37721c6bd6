import math

import numpy as np
import pytest

from mien.robot.expression.attention import (
    LOST_S,
    MOST_PEOPLE,
    SEARCH_S,
    STAY_S,
    Attention,
    Person,
    aim,
    attend,
)

HZ = 60
NEAR, FAR = Person(1, 20.0, 0.0, 1.0), Person(2, -20.0, 0.0, 2.5)


def run(
    seconds: float,
    *people: Person,
    state: Attention | None = None,
    seed: int = 0,
    blind: bool = False,
) -> list[Attention]:
    """States at 60 Hz while ``people`` are observed at 8 Hz, or nothing is."""
    state, out = state or Attention(), []
    begin = state.t
    for k in range(round(seconds * HZ)):
        seen = people if k % (HZ // 8) == 0 and not blind else None
        state = attend(state, begin + (k + 1) / HZ, seen, seed)
        out.append(state)
    return out


def test_nobody_is_followed_where_nobody_is() -> None:
    assert aim(run(5.0)[-1]) is None


def test_the_nearest_person_is_followed() -> None:
    state = run(1.0, FAR, NEAR)[-1]
    assert state.followed == 1
    found = aim(state)
    assert found is not None
    assert (found.yaw, found.kind, found.turns) == (20.0, "partner", True)


def test_a_central_person_wins_among_equally_near_ones() -> None:
    assert run(0.5, Person(1, 50.0, 0.0, 1.5), Person(2, 5.0, 0.0, 1.5))[-1].followed == 2


def test_a_newcomer_draws_the_gaze_and_a_dwell_is_kept() -> None:
    alone = run(6.0, NEAR)
    both = run(8.0, NEAR, FAR, state=alone[-1])
    followed = [s.followed for s in both]
    assert 2 in followed[: 2 * HZ]
    first = followed.index(2)
    assert set(followed[first : first + round(STAY_S[0] * HZ) - 1]) == {2}


@pytest.mark.parametrize("seed", range(4))
def test_among_two_the_gaze_changes_and_dwells_like_a_persons(seed: int) -> None:
    followed = [s.followed for s in run(180.0, NEAR, Person(2, -20.0, 0.0, 1.2), seed=seed)]
    changes = np.flatnonzero(np.diff(np.array(followed[1:], float))) / HZ
    dwell = np.diff(changes)
    assert 10 <= len(changes) <= 90
    assert dwell.min() >= STAY_S[0] - 0.05
    assert 2.0 < dwell.mean() < 15.0
    share = np.mean(np.array(followed) == 1)
    assert 0.25 < share < 0.8


def test_somebody_far_is_looked_at_less_than_somebody_near() -> None:
    followed = [s.followed for s in run(180.0, NEAR, Person(2, -20.0, 0.0, 4.0))]
    assert 0.5 < np.mean(np.array(followed) == 1) < 1.0


def test_who_is_lost_is_searched_for_and_let_go() -> None:
    seen = run(3.0, NEAR)[-1]
    lost = run(LOST_S + SEARCH_S + 1.0, state=seen, blind=True)
    kinds = [a.kind if (a := aim(s)) else None for s in lost]
    assert kinds[round(0.5 * LOST_S * HZ)] == "partner"
    assert kinds[round((LOST_S + 0.5 * SEARCH_S) * HZ)] == "search"
    assert kinds[-1] is None


def test_who_comes_back_during_the_search_is_followed_again() -> None:
    lost = run(LOST_S + 0.5, state=run(3.0, NEAR)[-1], blind=True)[-1]
    back = run(0.5, NEAR, state=lost)[-1]
    found = aim(back)
    assert found is not None
    assert found.kind == "partner"


def test_with_another_one_there_the_gaze_goes_to_him_instead_of_searching() -> None:
    both = run(3.0, NEAR, FAR)[-1]
    assert both.followed is not None
    other = FAR if both.followed == NEAR.name else NEAR
    later = run(LOST_S + 0.5, other, state=both)
    assert later[-1].followed == other.name
    assert not any((a := aim(s)) is not None and a.kind == "search" for s in later)


def test_jitter_is_smoothed_and_a_walk_is_followed() -> None:
    rng, state, path = np.random.default_rng(0), Attention(), []
    for k in range(10 * HZ):
        t = (k + 1) / HZ
        at = Person(1, 10.0 + rng.normal(0, 1.0), rng.normal(0, 1.0)) if k % 8 == 0 else None
        state = attend(state, t, None if at is None else (at,))
        found = aim(state)
        assert found is not None
        path.append(found.yaw)
    assert np.std(path[HZ:]) < 0.9
    for k in range(3 * HZ):
        state = attend(state, 10.0 + (k + 1) / HZ, (Person(1, 10.0 + 10.0 * k / HZ, 0.0),))
    found = aim(state)
    assert found is not None
    assert found.yaw == pytest.approx(40.0, abs=2.5)


@pytest.mark.parametrize(
    "bad",
    [
        Person(1, math.nan, 0.0, 1.0),
        Person(1, 0.0, math.inf, 1.0),
        Person(1, 0.0, 0.0, math.nan),
        Person(1, 120.0, 0.0, 1.0),
        Person(1, 0.0, -80.0, 1.0),
        Person(1, 0.0, 0.0, -1.0),
        Person(1, 0.0, 0.0, 1e9),
    ],
)
def test_a_place_that_is_none_is_not_looked_at(bad: Person) -> None:
    assert aim(run(1.0, bad)[-1]) is None
    assert run(1.0, bad, Person(2, 5.0, 0.0))[-1].followed == 2


def test_a_crowd_and_a_source_that_renames_everybody_stay_small() -> None:
    state = Attention()
    for k in range(2000):
        crowd = tuple(Person(40 * k + i, 10.0 * i - 80.0, 0.0, 2.0) for i in range(20))
        state = attend(state, k / 30, crowd)
    assert len(state.known) <= 5 * MOST_PEOPLE
    assert state.followed is not None


def test_equal_seeds_and_observations_choose_alike() -> None:
    def choices(seed: int) -> list[int | None]:
        return [s.followed for s in run(60.0, NEAR, Person(2, -10.0, 0.0, 1.0), seed=seed)]

    assert choices(3) == choices(3)
    assert choices(3) != choices(4)
