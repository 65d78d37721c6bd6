"""Collecting can be killed at any pose, goes on where it was, and never mixes robots."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.calibration.capture import dataset
from mien.calibration.capture.capture_rig import Observation
from mien.calibration.capture.dataset import RECORDS, Dataset, RecordWriter
from mien.calibration.capture.frame_filter import MAX_POSES_UNSEEN, MAX_POSES_UNSEEN_AT_START
from mien.calibration.capture.records import record_type
from mien.calibration.identify.collect import PLAN, collect, read_dropped
from mien.calibration.plan.excitation import make_plan
from mien.calibration.plan.plan import KINDS, MIXED, Plan
from mien.robot.errors import ConfigError, DeviceError, InputError
from mien.robot.face.config import FaceConfig, load_face
from tests.calibration.analytic_rig import AnalyticRig, Unplugged
from tests.paths import ROOT

POSES = 150


@pytest.fixture(scope="module")
def face() -> FaceConfig:
    return load_face("hobby9")


@pytest.fixture
def folder(face: FaceConfig, tmp_path: Path) -> Path:
    make_plan(face, POSES).save(tmp_path / PLAN)
    return tmp_path


def test_all_poses_are_visited_once_and_what_was_sent_is_kept(
    face: FaceConfig, folder: Path
) -> None:
    rig = AnalyticRig(face)
    told: list[tuple[int, int]] = []
    done = collect(face, rig, folder, lambda a, b, _: told.append((a, b)))
    data = dataset.load(folder, face)
    assert done.poses == done.new == told[-1][0] == told[-1][1]
    assert 0.9 * POSES <= done.poses <= POSES
    assert sorted(data.pose[data.pose >= 0]) == list(range(done.poses))
    assert data.of("active").any()
    assert rig.stopped
    again = collect(face, AnalyticRig(face), folder)
    assert again.new == 0


@pytest.mark.parametrize("parts", [1, 3])
def test_a_budget_of_minutes_is_saved_on_mixtures(
    face: FaceConfig, tmp_path: Path, parts: int
) -> None:
    make_plan(face, 500, minutes=2.0).save(tmp_path / PLAN)
    for _ in range(parts - 1):
        collect(face, AnalyticRig(face), tmp_path, stop_after=90)
    done = collect(face, AnalyticRig(face), tmp_path)
    data, plan = visited_as_planned(face, tmp_path)
    assert 0.9 * 120 < data.robot_s < 1.05 * 120
    assert done.skipped > 50
    needed = np.flatnonzero(~np.isin(plan.kind, [KINDS.index(k) for k in MIXED]))
    assert set(needed) <= set(data.pose)
    again = collect(face, AnalyticRig(face), tmp_path)
    assert (again.new, again.skipped) == (0, done.skipped)


def test_poses_chosen_on_the_way_put_none_out_of_place(face: FaceConfig, tmp_path: Path) -> None:
    made = make_plan(face, 500)
    held = made.kind == KINDS.index("held_out")
    assert not held[made.first_held_out :].all()  # neutral poses between them
    made.save(tmp_path / PLAN)
    done = collect(face, AnalyticRig(face), tmp_path)
    data, plan = visited_as_planned(face, tmp_path)
    assert (plan.active, done.skipped) == (0, 0)
    assert done.poses == len(plan) == len(made) + made.active
    assert data.held_out.sum() == held.sum()


def visited_as_planned(face: FaceConfig, folder: Path) -> tuple[Dataset, Plan]:
    """What was collected, each pose once and of the kind that the plan says."""
    data, plan = dataset.load(folder, face), Plan.load(folder / PLAN, face)
    poses = data.pose >= 0
    assert len(set(data.pose[poses])) == poses.sum()
    np.testing.assert_array_equal(data.kind[poses], plan.kind[data.pose[poses]])
    return data, plan


def test_a_death_in_the_middle_loses_at_most_one_pose(face: FaceConfig, folder: Path) -> None:
    dying = AnalyticRig(face, dies_after=30)
    with pytest.raises(Unplugged):
        collect(face, dying, folder)
    assert dying.stopped
    path = folder / RECORDS
    size = record_type(len(face.names)).itemsize
    assert path.stat().st_size == 31 * size  # a start and 30 poses
    path.write_bytes(path.read_bytes()[: 31 * size - 5])  # the last one only half on disk
    done = collect(face, AnalyticRig(face), folder)
    data = dataset.load(folder, face)
    assert done.new == done.poses - 29
    assert sorted(data.pose[data.pose >= 0]) == list(range(done.poses))
    assert (data.kind == 0).sum() == 2  # both starts are there for the tendons' memory


def test_kill_9_of_the_process_loses_at_most_one_pose(face: FaceConfig, folder: Path) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from mien.calibration.identify.collect import collect\n"
        "from mien.robot.face.config import load_face\n"
        "from tests.calibration.analytic_rig import AnalyticRig\n"
        "face = load_face('hobby9')\n"
        "def tell(done, whole, note):\n"
        "    print(done, flush=True)\n"
        "    time.sleep(0.01)\n"
        "collect(face, AnalyticRig(face), Path(sys.argv[1]), tell)\n"
    )
    root = ROOT
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    output = 0
    while output < 20:
        output = int(child.stdout.readline())
    time.sleep(0.003)
    child.send_signal(signal.SIGKILL)
    rest = [int(line) for line in child.stdout]
    child.stdout.close()
    child.wait()
    output = max([output, *rest])
    kept = int((dataset.load(folder, face).pose >= 0).sum())
    assert kept in {output, output + 1}
    done = collect(face, AnalyticRig(face), folder)
    assert done.new == done.poses - kept


def test_a_damaged_record_is_left_out_and_its_pose_visited_again(
    face: FaceConfig, folder: Path
) -> None:
    with pytest.raises(Unplugged):
        collect(face, AnalyticRig(face, dies_after=10), folder)
    path, size = folder / RECORDS, record_type(len(face.names)).itemsize
    raw = bytearray(path.read_bytes())
    raw[6 * size + 100] ^= 1
    path.write_bytes(raw)
    kept = dataset.load(folder, face)
    assert sorted(kept.pose) == [-1, 0, 1, 2, 3, 4, 6, 7, 8, 9]
    collect(face, AnalyticRig(face), folder, stop_after=1)
    assert dataset.load(folder, face).pose[-1] == 5


def test_data_of_another_build_or_face_is_refused(face: FaceConfig, folder: Path) -> None:
    with pytest.raises(Unplugged):
        collect(face, AnalyticRig(face, dies_after=5), folder)
    with pytest.raises(ConfigError, match="build is 0 there and 1 here") as e:
        collect(face, AnalyticRig(face, build=1), folder)
    assert "mien calibrate" in e.value.hint
    other = load_face("morpheus33")
    with pytest.raises(ConfigError, match=f"{face.hash}.*{other.hash}"):
        dataset.load(folder, other)


def test_a_camera_that_sees_no_face_stops_and_keeps_what_was_seen(
    face: FaceConfig, folder: Path
) -> None:
    rig = AnalyticRig(face, blind_after=12)
    with pytest.raises(
        DeviceError, match=rf"{MAX_POSES_UNSEEN} poses in a row .*no face.*12 poses are kept"
    ) as e:
        collect(face, rig, folder)
    assert "mien calibrate collect" in e.value.hint
    assert rig.stopped
    data = dataset.load(folder, face)
    assert data.observed.sum() == 12
    assert len(data) == 1 + 12 + MAX_POSES_UNSEEN - 1  # movements, for the tendons' hysteresis
    assert read_dropped(folder) == {"lost": MAX_POSES_UNSEEN - 1}  # the error has the last
    done = collect(face, AnalyticRig(face), folder)
    assert done.new == done.poses - 12  # what nobody saw is visited again
    assert done.unseen == 0


def test_a_camera_that_never_saw_a_face_stops_at_once(face: FaceConfig, folder: Path) -> None:
    with pytest.raises(DeviceError, match=f"{MAX_POSES_UNSEEN_AT_START} poses in a row"):
        collect(face, AnalyticRig(face, blind_after=0), folder)


def test_a_pose_that_was_not_seen_is_tried_again_after_the_others(
    face: FaceConfig, folder: Path
) -> None:
    rig = AnalyticRig(face)
    observation, told = rig.observe, []

    def blinking() -> Observation:
        rig.blind_after = 0 if rig.observations == 7 else None
        return observation()

    rig.observe = blinking  # type: ignore[method-assign]
    done = collect(face, rig, folder, lambda a, b, note: told.append((a, b, note)))
    data = dataset.load(folder, face)
    assert sorted(data.pose[data.pose >= 0]) == list(range(done.poses))
    assert data.observed[data.pose >= 0].all()
    assert told[-1] == (done.poses, done.poses, "1 no face")
    assert done.dropped == {"lost": 1}


def test_no_data_names_the_next_command(face: FaceConfig, tmp_path: Path) -> None:
    with pytest.raises(InputError) as e:
        dataset.load(tmp_path, face)
    assert "mien calibrate collect" in e.value.hint


def test_a_folder_that_cannot_be_written_is_said(face: FaceConfig, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match="cannot write"):
        RecordWriter(tmp_path / "file", AnalyticRig(face).setup, face)


class FullDisk(io.FileIO):
    """A file on a disk that takes one record and a half."""

    room = 0

    def write(self, data: Any) -> int:
        taken = min(len(data), self.room - self.tell())
        if taken <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data[:taken])


def test_a_full_disk_keeps_what_was_collected(
    face: FaceConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path.open

    def opened(path: Path, mode: str = "r", *others: Any, **named: Any) -> Any:
        if path.name == "poses.bin" and "+" in mode:
            return FullDisk(path, mode)
        return whole(path, mode, *others, **named)

    monkeypatch.setattr(Path, "open", opened)
    monkeypatch.setattr(FullDisk, "room", 3 * record_type(9).itemsize // 2)
    writer = RecordWriter(tmp_path, AnalyticRig(face).setup, face)
    writer.add(0, "neutral", 0.0, np.zeros(9), np.zeros((478, 3)), np.eye(4), 0.1)
    with pytest.raises(OSError, match="No space left"):
        writer.add(1, "neutral", 0.0, np.zeros(9), np.zeros((478, 3)), np.eye(4), 0.1)
    writer.close()
    assert (dataset.load(tmp_path, face).pose == [0]).all()
