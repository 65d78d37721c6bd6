from __future__ import annotations

import numpy as np
import pytest

from mien.models.face.blendshapes import (
    ARKIT,
    GROUPS,
    INDEX,
    LEFT_RIGHT,
    MIRROR,
    by_name,
    indices,
    lip_opening,
)


def test_52_distinct_names_in_mediapipe_order() -> None:
    assert len(ARKIT) == len(set(ARKIT)) == 52
    assert list(ARKIT[:-1]) == sorted(ARKIT[:-1])
    assert ARKIT[-1] == "tongueOut"


def test_mirror_is_its_own_inverse_and_swaps_every_pair() -> None:
    mirror = np.asarray(MIRROR)
    assert (mirror[mirror] == np.arange(52)).all()
    for left, right in LEFT_RIGHT:
        assert mirror[INDEX[left]] == INDEX[right]
    assert ("jawLeft", "jawRight") in LEFT_RIGHT
    assert ("mouthLeft", "mouthRight") in LEFT_RIGHT
    assert mirror[INDEX["jawOpen"]] == INDEX["jawOpen"]


def test_groups_share_out_all_shapes() -> None:
    members = [n for names in GROUPS.values() for n in names]
    assert sorted(members) == sorted(ARKIT)


def test_by_name_ignores_order_and_foreign_names() -> None:
    weights, given = by_name(("jawOpen", "_neutral", "browInnerUp"), np.array([[0.5, 0.9, 0.25]]))
    assert weights.shape == (1, 52)
    assert weights[0, INDEX["jawOpen"]] == 0.5
    assert weights[0, INDEX["browInnerUp"]] == 0.25
    assert given.sum() == 2


def test_indices_names_the_nearest() -> None:
    with pytest.raises(KeyError, match="jawOpen"):
        indices(["JawOpen"])


def test_lips_meet_where_mouth_close_equals_jaw_open() -> None:
    weights = np.zeros((3, 52))
    weights[:, INDEX["jawOpen"]] = 0.5
    weights[:, INDEX["mouthClose"]] = (0.0, 0.5, 0.8)
    np.testing.assert_allclose(lip_opening(weights), (0.5, 0.0, 0.0))
