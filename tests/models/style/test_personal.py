"""A person is known by his print; a stranger begins with the mean of all and gets his own."""

import numpy as np

from mien.models.style.personal import Library

RNG = np.random.default_rng(0)
PRINTS = np.repeat(np.linalg.qr(RNG.normal(size=(24, 3)))[0].T, 2, axis=0)
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


def test_who_is_known_keeps_to_his_own_where_an_emotion_was_not_learned() -> None:
    library = Library(
        PRINTS[[0, 2, 3]], STYLES[[0, 2, 3]], np.array([0, 1, 1]), np.array([0, 0, 1])
    )
    shown = library.shown(PRINTS[0], np.zeros(64), 1, 3)
    np.testing.assert_allclose(shown, np.repeat(STYLES[:1], 3, axis=0), atol=0.01)
    shown = library.shown(PRINTS[2], np.zeros(64), 1, 3)
    np.testing.assert_allclose(shown[:2], STYLES[2:4], atol=0.01)
    stranger = library.shown(STRANGER, np.zeros(64), 0, 3)
    np.testing.assert_allclose(stranger[1], STYLES[3])
    np.testing.assert_allclose(stranger[2], stranger[0])


def test_an_empty_library_knows_nobody_and_begins_with_nothing() -> None:
    empty = Library(np.zeros((0, 24)), np.zeros((0, 64)), *(np.zeros(0, int),) * 2)
    assert empty.person(PRINTS[0]) == -1
    assert not empty.pooled(0).any()
    np.testing.assert_allclose(empty.shown(PRINTS[0], np.ones(64), 2.0, 4), 0.5)
