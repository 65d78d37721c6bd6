"""Faults by name."""

from __future__ import annotations

import pytest

from mien.robot.errors import InputError
from mien.robot.face.config import load_face
from mien.robot.sim.faults import Fault, parse_fault, parse_faults

FACE = load_face("morpheus33")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("stuck:brow_mid_left", Fault("stuck", "brow_mid_left")),
        ("slip:jaw_open:8", Fault("slip", "jaw_open", 8.0)),
        ("slip:jaw_open:-4.5@2.5", Fault("slip", "jaw_open", -4.5, 2.5)),
        ("slow:neck_yaw", Fault("slow", "neck_yaw", 0.3)),
        ("torn:cheek_left@1", Fault("torn", "cheek_left", 0.0, 1.0)),
        ("slack:nose_right:2", Fault("slack", "nose_right", 2.0)),
        ("brownout:0.25@3", Fault("brownout", "", 0.25, 3.0)),
        ("camera_lost", Fault("camera_lost", "", 1.0)),
        ("bytes_lost:0.01", Fault("bytes_lost", "", 0.01)),
    ],
)
def test_reads(text: str, fault: Fault) -> None:
    assert parse_fault(text, FACE) == fault


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("melted:jaw_open", "stuck, slow"),
        ("stuck:ear_left", "brow_mid_left"),
        ("stuck", "no actuator ''"),
        ("torn:jaw_open", "no tendon 'jaw_open'"),
        ("slip:jaw_open:far", "'far' is not a number"),
        ("slip:jaw_open:nan", "not a number"),
        ("slow:jaw_open:-1", "must not be negative"),
        ("stuck:jaw_open@-1", "must not be negative"),
        ("stuck:jaw_open:3", "too many parts"),
        ("slip:jaw_open:3:4", "too many parts"),
    ],
)
def test_refuses_and_says_what_is_allowed(text: str, word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        parse_fault(text, FACE)
    assert caught.value.exit_code == 2
    assert text in str(caught.value)


def test_several() -> None:
    assert [f.kind for f in parse_faults(["stuck:jaw_open", "brownout"], FACE)] == [
        "stuck",
        "brownout",
    ]
