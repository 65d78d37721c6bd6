"""Interlocks in wire units: never more than the face allows, and hardly less."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mien.robot import wire
from mien.robot.errors import ConfigError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import FaceConfig, load_face
from mien.robot.link.upload import upload_of
from tests.firmware.locked_faces import face_of, faces, sums


@settings(max_examples=60, deadline=None)
@given(face=faces(), data=st.data())
def test_what_the_board_lets_through_holds_in_commands(
    face: FaceConfig, data: st.DataObject
) -> None:
    upload = upload_of(face)
    pulses = np.array([data.draw(st.integers(c.min, c.max)) for c in upload.channels])
    safe = sums(face, np.array([c.safe for c in upload.channels]))
    for lock, own, total, at_safe in zip(
        face.interlocks, upload.locks, sums(face, pulses), safe, strict=True
    ):
        if own.total(pulses.tolist()) <= own.head.limit:
            assert total <= max(lock.max, at_safe) + 1e-9
        else:  # a half servo is 60 us or more, 240 units: rounding costs two of them and a slope's
            assert total > lock.max - sum(map(abs, lock.terms.values())) * (2 / 240 + 1e-3)


def test_the_interlocks_of_the_shipped_face_are_those_of_its_file() -> None:
    face = load_face("morpheus33")
    upload = upload_of(face)
    assert upload.begin.interlocks == len(upload.locks) == len(face.interlocks) == 3
    for lock, own in zip(face.interlocks, upload.locks, strict=True):
        assert [face.names[t.channel] for t in own.terms] == sorted(lock.terms, key=face.index)
    pose = np.zeros(33)
    pose[[face.index("lid_upper_left"), face.index("lid_lower_left")]] = 0.8
    units = np.rint(to_pulses(face, pose) * 4).astype(int)
    lids = upload.locks[0]
    assert lids.total(units.tolist()) == pytest.approx(lids.head.limit, rel=1e-6)


def test_a_safe_pose_that_its_tendons_pull_over_the_limit_is_refused() -> None:
    tendon = {"kind": "tendon", "limits": [0.0, 1.0], "floor_us": 100.0}
    face = face_of({"pull": tendon, "jaw": {}}, [{"terms": {"pull": 1.0, "jaw": 1.0}, "max": 0.1}])
    with pytest.raises(ConfigError, match=r"lock0 allows 0\.1, but the safe pose has 0\.25"):
        upload_of(face)


def test_terms_of_zero_are_left_out() -> None:
    face = face_of(
        {"upper": {}, "lower": {}},
        [
            {"terms": {"upper": 0.0}, "max": 0.0},
            {"terms": {"upper": 0.0, "lower": 2.0}, "max": 1.0},
        ],
    )
    (lock,) = upload_of(face).locks
    assert [t.channel for t in lock.terms] == [1]


@pytest.mark.parametrize("size", [2e-3, 1.0, 100.0])
def test_interlocks_of_any_size_mean_the_same(size: float) -> None:
    terms = {"upper": 1.0 * size, "lower": 0.5 * size}
    face = face_of({"upper": {}, "lower": {}}, [{"terms": terms, "max": 1.2 * size}])
    (lock,) = upload_of(face).locks
    assert lock.total([7600, 6000]) <= lock.head.limit < lock.total([7600, 6800])
    assert -(2**31) <= lock.head.limit < 2**31
    assert all(-(2**15) <= s < 2**15 for t in lock.terms for s in (t.below, t.above))


def test_a_limit_that_nothing_reaches_fits_the_wire() -> None:
    face = face_of({"upper": {}}, [{"terms": {"upper": 1e-3}, "max": 1e3}])
    (lock,) = upload_of(face).locks
    assert lock.head.limit == wire.INTERLOCK_SUM


@pytest.mark.parametrize(
    ("locks", "fault"),
    [
        ([{"terms": {"a0": 1.0}, "max": 1.0}] * 17, "interlocks: are 17, the board takes 16"),
        (
            [{"terms": {f"a{k}": 1.0 for k in range(15)}, "max": 1.0}],
            r"interlocks\.0\.terms: are 15, the board takes 14",
        ),
        (
            [{"terms": {f"a{k}": 1.0 for k in range(13)}, "max": 1.0}] * 4,
            "interlocks: have 52 terms, the board takes 48 in all",
        ),
        ([{"terms": {"a0": float("nan")}, "max": 1.0}], "finite"),
        ([{"terms": {"a0": 1.0}, "max": float("nan")}], "finite"),
    ],
)
def test_what_the_board_cannot_hold_is_refused_at_load(
    locks: list[dict[str, object]], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        face_of({f"a{k}": {} for k in range(16)}, locks)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_face_may_have_as_many_as_the_board_takes(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 16))
    each = data.draw(st.integers(1, 14))
    assume(count * each <= 48)
    terms = {f"a{k}": float(data.draw(st.integers(-3, 3))) or 1.0 for k in range(each)}
    face = face_of({f"a{k}": {} for k in range(16)}, [{"terms": terms, "max": 0.5}] * count)
    assert len(upload_of(face).locks) == count
