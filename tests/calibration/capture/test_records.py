"""Damaged bytes cost the records they lie in, never another; they are counted, and nothing is
deleted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.calibration.capture import dataset
from mien.calibration.capture.dataset import RECORDS, SETUP, RecordWriter
from mien.calibration.capture.records import record_type
from mien.robot.errors import ConfigError, InputError
from mien.robot.face.config import FaceConfig, load_face
from tests.calibration.analytic_rig import AnalyticRig

COUNT = 12


@pytest.fixture(scope="module")
def face() -> FaceConfig:
    return load_face("hobby9")


@pytest.fixture
def folder(face: FaceConfig, tmp_path: Path) -> Path:
    fill(tmp_path, face, range(COUNT))
    return tmp_path


def fill(folder: Path, face: FaceConfig, poses: range) -> None:
    writer = RecordWriter(folder, AnalyticRig(face).setup, face)
    rng = np.random.default_rng(3)
    for pose in poses:
        writer.add(pose, "combo", 0.4 * pose, face.safe, rng.normal(size=(478, 3)), np.eye(4), 0.1)
    writer.close()


def left(folder: Path, face: FaceConfig) -> tuple[list[int], int]:
    data = dataset.load(folder, face)
    return data.pose.tolist(), data.damaged


def test_a_flipped_bit_anywhere_costs_its_record_and_is_counted(
    face: FaceConfig, folder: Path
) -> None:
    path, size = folder / RECORDS, record_type(len(face.names)).itemsize
    raw = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in (0, size - 1, 5 * size, *rng.integers(0, len(raw), 20)):
        flipped = bytearray(raw)
        flipped[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(flipped))
        hit = int(place) // size
        assert left(folder, face) == ([k for k in range(COUNT) if k != hit], 1)


@pytest.mark.parametrize("change", [-9000, -100, -1, 1, 37, 9000])
def test_lost_or_inserted_bytes_leave_the_records_behind_them(
    face: FaceConfig, folder: Path, change: int
) -> None:
    path, size = folder / RECORDS, record_type(len(face.names)).itemsize
    raw, place = path.read_bytes(), 4 * size + 50
    more = bytes(range(256)) * 40
    after = raw[place - min(change, 0) :]
    path.write_bytes(raw[:place] + more[: max(change, 0)] + after)
    poses, damaged = left(folder, face)
    lost = {4} | ({5} if change == -9000 else set())
    assert poses == [k for k in range(COUNT) if k not in lost]
    assert damaged >= 1
    # Going on keeps all of them, and what is added is found as well.
    before = path.read_bytes()
    fill(folder, face, range(COUNT, COUNT + 2))
    assert path.read_bytes().startswith(before)
    assert left(folder, face)[0] == [*poses, COUNT, COUNT + 1]


def test_a_half_written_record_is_cut_off_and_no_damage(face: FaceConfig, folder: Path) -> None:
    path = folder / RECORDS
    path.write_bytes(path.read_bytes()[:-5])
    assert left(folder, face) == (list(range(COUNT - 1)), 0)
    fill(folder, face, range(COUNT - 1, COUNT))
    assert left(folder, face) == (list(range(COUNT)), 0)


@pytest.mark.parametrize("content", [b"", b"x", bytes(50_000), b"\xff" * 50_000])
def test_a_file_without_a_record_is_empty_data(
    face: FaceConfig, folder: Path, content: bytes
) -> None:
    (folder / RECORDS).write_bytes(content)
    poses, damaged = left(folder, face)
    assert poses == []
    assert damaged == len(content) // record_type(len(face.names)).itemsize


def test_two_commands_cannot_collect_in_one_folder(face: FaceConfig, folder: Path) -> None:
    pytest.importorskip("fcntl", reason="this system has no file locks")
    setup = AnalyticRig(face).setup
    first = RecordWriter(folder, setup, face)
    with pytest.raises(InputError, match="another command collects in"):
        RecordWriter(folder, setup, face)
    first.close()
    RecordWriter(folder, setup, face).close()


def test_records_without_their_identity_are_not_taken_for_this_robots(
    face: FaceConfig, folder: Path
) -> None:
    (folder / SETUP).unlink()
    before = (folder / RECORDS).read_bytes()
    with pytest.raises(InputError, match="cannot be used without it") as e:
        RecordWriter(folder, AnalyticRig(face).setup, face)
    assert e.value.hint == f"mien calibrate all --face hobby9 --out {folder}-2"
    assert (folder / RECORDS).read_bytes() == before
    assert not (folder / SETUP).exists()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"face": 3}', '{"version": 99}', "[" * 100_000]
)
def test_an_identity_that_cannot_be_read_is_one_sentence(
    face: FaceConfig, folder: Path, text: str
) -> None:
    (folder / SETUP).write_text(text)
    with pytest.raises(InputError, match=r"setup\.json, the identity of the data, cannot be read"):
        dataset.load(folder, face)


def test_data_of_an_older_version_is_read_and_not_mixed(face: FaceConfig, tmp_path: Path) -> None:
    old = replace(AnalyticRig(face).setup, version=1)
    RecordWriter(tmp_path, old, face).close()
    assert len(dataset.load(tmp_path, face)) == 0
    with pytest.raises(ConfigError, match="version is 1 there and 2 here"):
        RecordWriter(tmp_path, AnalyticRig(face).setup, face)
