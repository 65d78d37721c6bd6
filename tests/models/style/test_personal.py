"""A person is known by his print; a stranger begins with the mean of all and gets his own."""

import numpy as np

from mien.models.style.personal import Library

RNG = np.random.default_rng(0)
PRINTS = np.repeat(np.linalg.qr(RNG.normal(size=(16, 3)))[0].T, 2, axis=0)
STYLES = RNG.uniform(-1, 1, (6, 64))
LIBRARY = Library(PRINTS, STYLES, np.repeat([0, 1, 2], 2), np.tile([0, 1], 3))
STRANGER = np.linalg.svd(PRINTS)[2][-1]


def test_who_is_enrolled_is_found_and_a_stranger_is_nobody() -> None:
    assert [LIBRARY.person(p) for p in PRINTS[::2]] == [0, 1, 2]
    assert LIBRARY.person(STRANGER) == -1


def test_a_person_is_shown_in_his_own_way_of_this_emotion() -> None:
    style = LIBRARY.style(PRINTS[2], 1, np.zeros(64), 1)
    np.testing.assert_allclose(style, STYLES[3], atol=0.01)


def test_a_stranger_begins_with_the_mean_and_gets_his_own() -> None:
    own = np.ones(64)
    first, later = (LIBRARY.style(STRANGER, 0, own, n) for n in (0, 50))
    np.testing.assert_allclose(first, LIBRARY.pooled(0))
    np.testing.assert_allclose(later, own, atol=0.1)
    np.testing.assert_allclose(LIBRARY.pooled(7), STYLES.mean(axis=0))
