"""Dots on the simulated skin."""

from __future__ import annotations

import numpy as np
import pytest

from mien.models.vision.markers import layout
from mien.robot.sim.dots import PART, Dots, stick
from mien.robot.sim.head import Head, load_head


@pytest.fixture(scope="module")
def dotted() -> tuple[Head, Dots, np.ndarray]:
    head = load_head()
    places = layout.places(head.neutral_landmarks, head.parts["skin"].vertices)
    return head, stick(head, places, layout.diameters()), places


def test_dots_stick_where_they_belong_and_have_their_size(
    dotted: tuple[Head, Dots, np.ndarray],
) -> None:
    head, dots, places = dotted
    skin = head.parts["skin"].vertices
    assert dots.count == len(layout.dots())
    assert np.linalg.norm(dots.centres(skin) - places, axis=1).max() < 1.0
    discs = dots.deform(skin).reshape(dots.count, -1, 3)
    radii = np.linalg.norm(discs[:, 1:] - discs[:, :1], axis=-1).mean(1)
    assert np.abs(2 * radii / layout.diameters() - 1).max() < 0.15


def test_a_dot_moves_with_the_skin_under_it(dotted: tuple[Head, Dots, np.ndarray]) -> None:
    head, dots, _ = dotted
    skin = head.parts["skin"].vertices.astype(np.float64)
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    turned = dots.centres(skin @ turn.T + (1.0, 2.0, 3.0))
    assert np.abs(turned - (dots.centres(skin) @ turn.T + (1.0, 2.0, 3.0))).max() < 1e-6


def test_a_head_without_dots_is_drawn_from_the_same_parts(
    dotted: tuple[Head, Dots, np.ndarray],
) -> None:
    head, dots, _ = dotted
    with_dots = dots.on(head)
    assert set(with_dots.parts) - set(head.parts) == {PART}
    assert all(with_dots.parts[name] is part for name, part in head.parts.items())
