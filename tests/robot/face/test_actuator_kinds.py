"""What the kinds of actuators differ in."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mien.robot import wire
from mien.robot.errors import ConfigError
from mien.robot.face.actuator_kinds import KINDS, ChannelPulses, PulseSettings
from mien.robot.face.config import FACES, FaceConfig, load_face

LIMITS = ChannelPulses(min=6000, max=8000, safe=6000)


def test_a_face_says_which_of_its_actuators_have_hysteresis_and_can_go_slack() -> None:
    face = load_face("morpheus33")
    tendons = {"nose_left", "nose_right", "cheek_left", "cheek_right"}
    for found in (face.has_hysteresis, face.can_go_slack):
        assert {n for n, yes in zip(face.names, found, strict=True) if yes} == tendons
    assert not load_face("hobby9").can_go_slack.any()


def test_a_kind_is_a_name_in_the_file_and_an_object_in_the_program() -> None:
    face = load_face("morpheus33")
    written = face.model_dump()
    assert written["actuators"]["cheek_left"]["kind"] == "tendon"
    again = FaceConfig.model_validate(written)
    assert again.actuators["cheek_left"].kind is KINDS["tendon"]
    assert again.hash == face.hash


@pytest.mark.parametrize("kind", ["rubber", ["tendon"], {"name": "rigid"}, 3, None])
def test_no_such_kind_is_refused_with_those_that_there_are(tmp_path: Path, kind: object) -> None:
    tree = yaml.safe_load((FACES / "hobby9.yaml").read_text())
    tree["actuators"]["jaw_open"]["kind"] = kind
    path = tmp_path / "face.yaml"
    path.write_text(yaml.safe_dump(tree))
    with pytest.raises(ConfigError, match=r"jaw_open\.kind: Input should be 'rigid' or 'tendon'"):
        load_face(path)


def test_a_rigid_channel_gets_the_pulses_of_its_limits() -> None:
    settings = PulseSettings(4000, 6000, 8000, rising=True, slack=0, floor=0)
    assert KINDS["rigid"].channel(LIMITS, settings) == LIMITS


@pytest.mark.parametrize(
    ("slack", "floor", "expected"),
    [
        (400, 100, ChannelPulses(5700, 8000, 6100, wire.Flag.TENDON, 400, 6100)),
        # The loose end stays within the servo's range, and the floor below the highest pulse.
        (3000, 100, ChannelPulses(4000, 8000, 6100, wire.Flag.TENDON, 2100, 6100)),
        (400, 3000, ChannelPulses(6000, 8000, 8000, wire.Flag.TENDON, 400, 8000)),
    ],
)
def test_a_tendon_has_its_floor_and_its_loose_end_on_either_side(
    slack: int, floor: int, expected: ChannelPulses
) -> None:
    settings = PulseSettings(4000, 6000, 8000, rising=True, slack=slack, floor=floor)
    assert KINDS["tendon"].channel(LIMITS, settings) == expected
    mirrored = KINDS["tendon"].channel(
        ChannelPulses(min=4000, max=6000, safe=6000),
        PulseSettings(4000, 6000, 8000, rising=False, slack=slack, floor=floor),
    )
    assert mirrored == ChannelPulses(
        12000 - expected.max,
        12000 - expected.min,
        12000 - expected.safe,
        wire.Flag.TENDON | wire.Flag.PULL_DOWN,
        expected.slack,
        12000 - expected.floor,
    )
