"""Sheets of styles: moments are those of the speech, and sorting is counted, not guessed."""

import numpy as np
import pytest

from mien.models.face.blendshapes import FPS, INDEX
from tests.bench.robot.style_sheets import APART_S, MOMENTS, moments, right, sheet


def test_moments_are_where_lips_open_round_and_spread_most_and_never_close_together() -> None:
    shapes = np.zeros((5 * FPS, 52), np.float32)
    for at in (30, 90, 150, 210):
        shapes[at, INDEX["jawOpen"]] = 0.5
    shapes[[60, 120], INDEX["mouthPucker"]] = 0.4
    shapes[[180, 240], INDEX["mouthStretchLeft"]] = 0.4
    found = moments(shapes)
    assert [at for _, at in found] == [30, 60, 90, 120, 150, 180, 210, 240]
    assert {kind: sum(k == kind for k, _ in found) for kind in MOMENTS} == MOMENTS
    noise = np.random.default_rng(0).uniform(0, 1, shapes.shape).astype(np.float32)
    assert np.diff([at for _, at in moments(noise)]).min() >= APART_S * FPS


def test_a_sheet_tells_where_a_face_moved() -> None:
    film = np.zeros((60, 90, 90, 3), np.uint8)
    film[::2, 40:50, 40:50] = 200
    picture = np.asarray(sheet(film, [("open", 0), ("round", 59)], "x"))
    moved = picture[picture.shape[0] // 2 :, -300:]
    assert moved[140:160, 140:160].mean() > 200
    assert moved[:100].mean() < 5


def test_only_sheets_of_the_key_are_counted() -> None:
    key = {"01": "A", "02": "B", "03": "A"}
    assert right(key, {"01": "A", "02": "A", "03": "A"}) == 2
    with pytest.raises(ValueError, match="03"):
        right(key, {"01": "A", "02": "B"})
