"""What goes wrong in a calibration, as a user meets it: the real program, exit codes and words."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mien.calibration.capture import dataset
from mien.calibration.capture.dataset import RECORDS, SETUP
from mien.calibration.capture.records import record_type
from mien.calibration.plan.plan import KINDS
from mien.robot.face.config import FaceConfig, load_face
from tests.paths import ROOT

pytestmark = pytest.mark.realtime

FACE = "hobby9"


@pytest.fixture(scope="module")
def face() -> FaceConfig:
    return load_face(FACE)


def mien(*words: str, limit: int | None = None) -> subprocess.Popen[str]:
    """Start ``mien calibrate``; its files may grow to ``limit`` bytes."""

    def limited() -> None:
        # A shell that runs the tests in the background has told them to ignore Ctrl-C.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [sys.executable, "-m", "mien.robot.verbs.cli", "calibrate", *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limited,
    )


def ended(program: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and all that was output."""
    out, err = program.communicate()
    return program.returncode, out + err


def options(folder: Path) -> Sequence[str]:
    return ("--face", FACE, "--out", str(folder))


def wait_for(program: subprocess.Popen[str], path: Path, size: int) -> None:
    """Wait until a file has grown to ``size`` bytes by the hand of a program."""
    while not path.exists() or path.stat().st_size < size:
        assert program.poll() is None, ended(program)
        time.sleep(0.005)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plan of 100 poses."""
    folder = tmp_path_factory.mktemp("planned")
    code, output = ended(mien("plan", *options(folder), "--poses", "100"))
    assert code == 0
    assert f"next: mien calibrate collect {' '.join(options(folder))}" in output
    return folder


@pytest.fixture(scope="module")
def begun(planned: Path, face: FaceConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose collecting was killed after some poses."""
    folder = tmp_path_factory.mktemp("begun")
    where = copied(planned, folder)
    program = mien("collect", *where)
    wait_for(program, folder / RECORDS, 5 * record_type(len(face.names)).itemsize)
    program.kill()
    ended(program)
    return folder


def copied(made: Path, folder: Path) -> Sequence[str]:
    """Options of a copy of a folder."""
    shutil.copytree(made, folder, dirs_exist_ok=True)
    return options(folder)


def assert_no_traceback(output: str) -> None:
    assert "Traceback" not in output


def test_kill_9_loses_one_pose_at_most_and_going_on_ends_where_an_unbroken_run_does(
    face: FaceConfig, planned: Path, tmp_path: Path
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    code, _ = ended(mien("collect", *copied(planned, whole)))
    assert code == 0
    where = copied(planned, broken)
    program, size = mien("collect", *where), record_type(len(face.names)).itemsize
    wait_for(program, broken / RECORDS, 40 * size)
    program.kill()
    ended(program)
    kept = (broken / RECORDS).stat().st_size // size
    code, output = ended(mien("collect", *where))
    assert code == 0
    assert f"next: mien calibrate fit {' '.join(where)}" in output
    one, two = dataset.load(whole, face), dataset.load(broken, face)
    one_at, two_at = one.pose >= 0, two.pose >= 0
    assert two.pose[kept] == -1  # the second start, then the very next pose
    assert two.pose[kept + 1] == two.pose[:kept].max() + 1
    np.testing.assert_array_equal(one.pose[one_at], two.pose[two_at])
    np.testing.assert_array_equal(one.kind[one_at], two.kind[two_at])
    by_plan = one.kind[one_at] != KINDS.index("active")  # these are chosen by what was seen
    np.testing.assert_array_equal(one.commands[one_at][by_plan], two.commands[two_at][by_plan])
    # The camera's noise is another; the poses are the same to within it.
    off = (one.landmarks[one_at] - two.landmarks[two_at])[by_plan]
    off = off[np.isfinite(off).all((1, 2))]
    noise = np.sqrt(np.square(off - np.median(off, axis=1, keepdims=True)).sum(-1).mean())
    assert noise < 3.0
    assert len(off) > 0.9 * by_plan.sum()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_130_and_the_command_that_goes_on(
    face: FaceConfig, planned: Path, tmp_path: Path, how: signal.Signals
) -> None:
    where = copied(planned, tmp_path)
    program = mien("collect", *where)
    wait_for(program, tmp_path / RECORDS, 10 * record_type(len(face.names)).itemsize)
    program.send_signal(how)
    code, output = ended(program)
    assert code == 130
    assert f"next: mien calibrate collect {' '.join(where)}" in output
    assert_no_traceback(output)


def test_a_full_disk_keeps_what_was_collected(
    face: FaceConfig, planned: Path, tmp_path: Path
) -> None:
    where = copied(planned, tmp_path)
    size = record_type(len(face.names)).itemsize
    code, output = ended(mien("collect", *where, limit=12 * size + 100))
    assert code == 2
    assert_no_traceback(output)
    assert "File too large; 11 poses are kept" in output
    assert f"next: mien calibrate collect {' '.join(where)}" in output
    assert dataset.load(tmp_path, face).pose.tolist() == [-1, *range(11)]
    assert (tmp_path / RECORDS).stat().st_size > 12 * size  # half a pose
    program = mien("collect", *where)
    wait_for(program, tmp_path / RECORDS, 16 * size)
    program.send_signal(signal.SIGINT)
    ended(program)
    assert dataset.load(tmp_path, face).pose.tolist()[:15] == [-1, *range(11), -1, 11, 12]


def test_a_full_disk_at_any_other_file_says_so_too(tmp_path: Path) -> None:
    where = ("--face", FACE, "--out", str(tmp_path))
    code, output = ended(mien("plan", *where, limit=100))
    assert code == 2
    assert_no_traceback(output)
    assert "File too large" in output
    assert f"next: mien calibrate plan {' '.join(where)}" in output


def test_data_of_another_build_or_face_is_refused_with_both_named(
    face: FaceConfig, begun: Path, tmp_path: Path
) -> None:
    where = copied(begun, tmp_path)
    before = (tmp_path / RECORDS).read_bytes()
    code, output = ended(mien("collect", *where, "--build", "3"))
    assert code == 2
    assert "build is 0 there and 3 here" in output
    assert "next: mien calibrate all" in output
    code, output = ended(mien("collect", "--face", "morpheus33", "--out", str(tmp_path)))
    assert code == 2
    assert face.hash in output
    assert load_face("morpheus33").hash in output
    size = record_type(len(face.names)).itemsize
    assert (tmp_path / RECORDS).read_bytes()[: len(before) // size * size] == before[
        : len(before) // size * size
    ]


@pytest.mark.parametrize("name", ["plan.npz", SETUP, "metrics.json", "dropped.json"])
def test_a_half_written_file_is_named_and_never_a_traceback(
    face: FaceConfig, begun: Path, tmp_path: Path, name: str
) -> None:
    where = copied(begun, tmp_path)
    path = tmp_path / name
    whole = path.read_bytes() if path.exists() else json.dumps({"lost": 3}).encode()
    path.write_bytes(whole[: len(whole) // 2])
    program = mien("collect", *where)
    if name == "dropped.json":  # only counts: not worth an error
        further = 3 * record_type(len(face.names)).itemsize
        wait_for(program, tmp_path / RECORDS, (begun / RECORDS).stat().st_size + further)
        program.send_signal(signal.SIGINT)
    code, output = ended(program)
    assert_no_traceback(output)
    assert code == (130 if name == "dropped.json" else 2)
    if code == 2:
        assert name in output
    assert "next: " in output


def test_ports_and_cameras_that_are_not_there_end_with_3(planned: Path, tmp_path: Path) -> None:
    where = copied(planned, tmp_path)
    code, output = ended(mien("collect", *where, "--port", "/dev/nothing", "--camera", "97"))
    assert code == 3
    assert "no camera at /dev/video97" in output
    again = f"mien calibrate collect {' '.join(where)} --port /dev/nothing --camera 97"
    assert f"next: mien devices, then {again}" in output
    code, output = ended(mien("collect", *where, "--camera", "0"))
    assert code == 2
    assert "the simulated rig has no camera '0'" in output
