"""The study kit balances sides and orders, and its statistics say what was answered."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from tests.tools.study import Pair, plan, read_key, read_pairs, result, write

ITEMS = [f"line{k}" for k in range(6)]


def test_each_film_is_on_the_left_as_often_as_on_the_right() -> None:
    trials = [t for t in plan(ITEMS, 8, 1) if not t.repeated]
    for item in ITEMS:
        assert Counter(t.left for t in trials if t.item == item) == {"a": 4, "b": 4}
    for rater in range(1, 9):
        mine = [t for t in trials if t.rater == rater]
        assert sorted(t.item for t in mine) == ITEMS
        assert Counter(t.left for t in mine) == {"a": 3, "b": 3}
    assert plan(ITEMS, 8, 1) == plan(ITEMS, 8, 1) != plan(ITEMS, 8, 2)


def test_a_repeated_item_has_its_sides_exchanged() -> None:
    trials = plan(ITEMS, 2, 0)
    for again in (t for t in trials if t.repeated):
        first = next(
            t for t in trials if not t.repeated and (t.rater, t.item) == (again.rater, again.item)
        )
        assert again.left != first.left


def test_who_always_prefers_a_is_told_from_who_always_clicks_left() -> None:
    trials = plan(ITEMS, 8, 3)
    for_a = {(t.rater, t.place): "left" if t.left == "a" else "right" for t in trials}
    found = result(trials, for_a)
    assert found["share_of_a"] == 1.0
    assert found["raters_for_a"] == 8
    assert found["p_sign_test"] == pytest.approx(2 / 2**8)
    assert found["repeated_alike"] == 1.0
    left = result(trials, {(t.rater, t.place): "left" for t in trials})
    assert left["share_of_a"] == 0.5
    assert left["share_of_left"] == 1.0
    assert left["repeated_alike"] == 0.0
    assert left["p_sign_test"] == 1.0


def test_an_answer_that_is_no_side_is_refused() -> None:
    trials = plan(ITEMS, 1, 0)
    with pytest.raises(ValueError, match="'both' is no side"):
        result(trials, {(1, 1): "both"})
    with pytest.raises(ValueError, match="no answers"):
        result(trials, {})


def test_a_plan_hides_which_film_is_which(tmp_path: Path) -> None:
    for name in ("rules1.mp4", "new1.mp4", "rules2.mp4", "new2.mp4"):
        (tmp_path / name).write_bytes(name.encode())
    with (tmp_path / "pairs.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["item", "a", "b"])
        out.writerow(["one", "new1.mp4", "rules1.mp4"])
        out.writerow(["two", "new2.mp4", "rules2.mp4"])
    pairs = read_pairs(tmp_path / "pairs.csv")
    assert pairs[0] == Pair("one", "new1.mp4", "rules1.mp4")
    trials = plan([p.item for p in pairs], 2, 0)
    write(tmp_path / "study", pairs, trials, tmp_path)
    assert read_key(tmp_path / "study" / "key.csv") == trials
    page = (tmp_path / "study" / "rater-01.html").read_text()
    assert "rules" not in page
    assert "new1" not in page
    assert len(list((tmp_path / "study" / "films").iterdir())) == 4
