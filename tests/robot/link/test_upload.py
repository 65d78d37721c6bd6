"""A face in wire units: what the board is told must be what the YAML says."""

from pathlib import Path

import numpy as np
import pytest

from mien.robot import wire
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import FaceConfig, load_face
from mien.robot.link.upload import upload_of
from mien.robot.wire import Flag, Result
from tests.bench.firmware.lockstep import Lockstep
from tests.paths import ROOT

FACES = [load_face("morpheus33"), load_face("hobby9")]


@pytest.mark.parametrize("face", FACES, ids=lambda f: f.name)
def test_board_accepts_the_face(face: FaceConfig) -> None:
    rig = Lockstep(upload_of(face))
    assert rig.configure().result == Result.OK
    assert rig.arm().result == Result.OK
    assert len(rig.pulses) == len(face.names)


@pytest.mark.parametrize("face", FACES, ids=lambda f: f.name)
def test_rigid_channels_have_the_pulses_of_their_limits(face: FaceConfig) -> None:
    ends = np.sort(to_pulses(face, face.limits.T), axis=0)
    for k, (name, channel) in enumerate(zip(face.names, upload_of(face).channels, strict=True)):
        if not face.actuators[name].kind.can_go_slack:
            assert channel.min / 4 == pytest.approx(ends[0, k], abs=0.125)
            assert channel.max / 4 == pytest.approx(ends[1, k], abs=0.125)
            assert (channel.flags, channel.floor, channel.slack) == (0, 0, 0)


@pytest.mark.parametrize("face", FACES, ids=lambda f: f.name)
def test_slew_is_the_speed_and_never_above_it(face: FaceConfig) -> None:
    half = np.maximum(np.diff(face.pulses)[:, 0], np.diff(face.pulses)[:, 1])
    wanted = face.speed * half  # us a second
    slew = np.array([c.slew for c in upload_of(face).channels]) / 4 * 1e6 / wire.STEP_US
    assert (slew <= wanted + 1e-6).all()
    assert (slew > wanted - 50).all()  # one unit a step


def test_tendons_pull_in_their_direction_and_start_loose() -> None:
    face = FACES[0]
    channels = dict(zip(face.names, upload_of(face).channels, strict=True))
    left, right = channels["cheek_left"], channels["cheek_right"]
    assert left.flags == Flag.TENDON
    assert right.flags == Flag.TENDON | Flag.PULL_DOWN
    assert (left.floor, left.slack, left.min) == (6040, 160, 5880)
    assert (right.floor, right.slack, right.max) == (5960, 160, 6120)
    assert left.safe == left.floor and right.safe == right.floor


def test_clip_is_what_the_board_drives() -> None:
    face = FACES[0].model_copy(update={"interlocks": []})  # they hold back, and clip does not know
    upload = upload_of(face)
    rig = Lockstep(upload).ready()
    for pulses in (np.full(33, 400.0), np.full(33, 2600.0), to_pulses(face, np.zeros(33))):
        for _ in range(400):
            rig.setpoint(upload.clip(pulses), 10_000)
            rig.tick()
        assert rig.pulses.tolist() == upload.clip(pulses).tolist()
    assert rig.telemetry().clamped == 0


def test_crc_changes_with_anything_that_the_board_is_told(tmp_path: Path) -> None:
    text = (ROOT / "robot" / "faces" / "hobby9.yaml").read_text()
    path = tmp_path / "face.yaml"
    path.write_text(text)
    crcs = {upload_of(load_face(path)).crc}
    for old, new in (("timeout_ms: 200", "timeout_ms: 210"), ("pwm_hz: 50", "pwm_hz: 60")):
        if old in text:
            path.write_text(text.replace(old, new))
            crcs.add(upload_of(load_face(path)).crc)
    path.write_text(text.replace("speed: ", "speed: 1", 1))
    crcs.add(upload_of(load_face(path)).crc)
    assert len(crcs) > 2


def test_idle_release_reaches_the_board_and_is_never_shorter_than_written() -> None:
    tree = FACES[1].model_dump()
    asked = [0.0, 0.001, 0.1, 0.5, 0.51, 3.0, 20.0, 600.0, 1.0]
    for name, seconds in zip(FACES[1].names, asked, strict=True):
        tree["actuators"][name]["idle_release_s"] = seconds
    unit = wire.IDLE_UNIT_MS / 1000
    for channel, seconds in zip(
        upload_of(FaceConfig.model_validate(tree)).channels, asked, strict=True
    ):
        told = channel.idle * unit
        assert min(seconds, 255 * unit) - 1e-9 <= told < seconds + unit
        assert (channel.idle == 0) == (seconds == 0)  # 0 never lets go
