"""The dots of the layout."""

from __future__ import annotations

import numpy as np

from mien.models.vision.markers import layout
from mien.robot.sim.head import load_head


def test_dots_are_numbered_mirrored_and_apart() -> None:
    head = load_head()
    dots = layout.dots()
    assert [dot.number for dot in dots] == list(range(1, len(dots) + 1))
    places = layout.places(head.neutral_landmarks, head.parts["skin"].vertices)
    far = np.linalg.norm(places[:, None] - places[None], axis=-1)
    assert np.linalg.norm(places[:, None] * (-1, 1, 1) - places[None], axis=-1).min(1).max() < 1.5
    size = layout.diameters()
    gap = far - (size[:, None] + size[None]) / 2 + 100.0 * np.eye(len(dots))
    assert gap.min() > 0.5, "dots touch"


def test_normals_point_out_of_the_head() -> None:
    head = load_head()
    skin = head.parts["skin"].vertices.astype(np.float64)
    places = layout.places(head.neutral_landmarks, skin)
    out = layout.outward(places, skin)
    assert np.abs(np.linalg.norm(out, axis=1) - 1).max() < 1e-9
    by_name = {dot.landmark: k for k, dot in enumerate(layout.dots())}
    assert out[by_name[168], 2] > 0.8  # bridge of the nose
    assert out[by_name[356], 0] > 0.6 > -0.6 > out[by_name[127], 0]  # temples
