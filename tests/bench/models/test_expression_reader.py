import numpy as np

from tests.bench.models.expression_reader import Reader, accuracy, confused, describe

REST = np.random.default_rng(0).normal(0, 30, (478, 3))
NAMES = ("calm", "glad", "sour")


def clip(kind: int, seed: int, size: float = 1.0) -> np.ndarray:
    """A face that moves in a direction of its kind, with noise and a wandering mouth."""
    rng = np.random.default_rng([seed, 1])
    way = np.random.default_rng([kind, 2]).normal(0, 1, (478, 3)) * (kind > 0)
    talk = np.zeros((478, 3))
    talk[:60, 1] = 2.0
    sway = rng.normal(0, 1, (30, 1, 1))
    return REST + size * way + sway * talk + rng.normal(0, 0.3, (30, 478, 3))


def examples(seeds: range, size: float = 1.0) -> tuple[np.ndarray, list[str]]:
    x = [describe(clip(k, s, size), REST) for s in seeds for k in range(len(NAMES))]
    return np.stack(x), list(NAMES) * len(seeds)


def test_it_reads_clips_that_it_never_saw_and_weaker_ones() -> None:
    reader = Reader.fit(*examples(range(4)))
    for size in (1.0, 0.7):
        features, labels = examples(range(10, 16), size)
        assert accuracy(labels, reader.read(features)) == 1.0


def test_it_finds_nothing_where_labels_mean_nothing() -> None:
    features, labels = examples(range(12))
    rng = np.random.default_rng(3)
    reader = Reader.fit(features, [labels[i] for i in rng.permutation(len(labels))])
    fresh, truth = examples(range(20, 40))
    assert accuracy(truth, reader.read(fresh)) < 0.75


def test_frames_without_a_face_are_left_out() -> None:
    one = clip(1, 5)
    holes = one.copy()
    holes[::3] = np.nan
    np.testing.assert_allclose(describe(holes, REST), describe(one, REST), atol=1.5)
    assert not describe(np.full_like(one, np.nan), REST).any()


def test_mistakes_are_counted() -> None:
    wanted, found = ["a", "a", "b", "c"], ["b", "b", "b", "a"]
    assert accuracy(wanted, found) == 0.25
    assert confused(wanted, found) == "a as b 2, c as a 1"
    assert confused(wanted, wanted) == ""
