from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.models.face.blendshapes import ARKIT, INDEX
from mien.robot.errors import InputError
from mien.robot.media.livelink_takes import (
    COLUMNS,
    SHAPES,
    arkit_name,
    parse_timecode,
    read_csv,
    timecode,
    write_csv,
    write_sidecar,
)


def header_and_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    rows = list(csv.reader(path.read_text().splitlines()))
    return rows[0], rows[1:]


def test_the_header_is_the_apps() -> None:
    assert len(COLUMNS) == 63
    assert sorted(arkit_name(c) for c in SHAPES) == sorted(ARKIT)
    at = COLUMNS.index
    assert (at("JawForward"), at("JawRight"), at("JawLeft"), at("JawOpen")) == (16, 17, 18, 19)
    assert at("MouthRight") == 23
    assert at("MouthLeft") == 24
    assert at("TongueOut") == 53
    assert at("HeadYaw") == 54
    assert COLUMNS[-1] == "RightEyeRoll"


@pytest.mark.parametrize("name", ARKIT)
def test_every_shape_lands_under_its_own_name(tmp_path: Path, name: str) -> None:
    weights = np.zeros((2, 52), np.float32)
    weights[1, INDEX[name]] = 0.75
    write_csv(tmp_path / "a.csv", weights)
    header, rows = header_and_rows(tmp_path / "a.csv")
    hot = [c for c, v in zip(header[2:], rows[1][2:], strict=True) if float(v) != 0]
    assert [arkit_name(c) for c in hot] == [name]
    assert rows[1][1] == "61"
    np.testing.assert_allclose(read_csv(tmp_path / "a.csv").weights, weights, atol=1e-7)


def test_round_trip_with_rotations_and_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    weights, rotations = rng.random((90, 52)), rng.normal(size=(90, 9))
    write_csv(tmp_path / "a.csv", weights, fps=30, rotations=rotations, start=3661.5)
    take = read_csv(tmp_path / "a.csv")
    np.testing.assert_allclose(take.weights, weights, atol=1e-6)
    np.testing.assert_allclose(take.rotations, rotations, atol=1e-6)
    np.testing.assert_allclose(take.times, np.arange(90) / 30, atol=2e-5)
    assert take.start == pytest.approx(3661.5)


def test_a_30_fps_take_steps_by_two_frames(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", np.zeros((3, 52)), fps=30, start=46984.0)
    _, rows = header_and_rows(tmp_path / "a.csv")
    assert [r[0] for r in rows] == ["13:03:04:00.000", "13:03:04:02.000", "13:03:04:04.000"]


def test_reads_other_spelling_other_order_and_extra_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "Timecode,BlendshapeCount,JawLeft,JawRight,Angry\n"
        "19:16:29:35.273,61,0.25,0.5,0.9\n19:16:29:36.275,61,0,1,0\n"
    )
    take = read_csv(path)
    assert take.weights[0, INDEX["jawLeft"]] == 0.25
    assert take.weights[0, INDEX["jawRight"]] == 0.5
    assert take.times[1] == pytest.approx(1.002 / 60)


def test_a_take_over_midnight_goes_on_counting(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", np.zeros((4, 52)), start=86400 - 2 / 60)
    np.testing.assert_allclose(read_csv(tmp_path / "a.csv").times, np.arange(4) / 60, atol=1e-4)


@given(st.integers(0, 24 * 3600 * 60000 - 1))
def test_timecode_round_trip(ticks: int) -> None:
    seconds = ticks / 60000
    text = timecode(seconds)
    assert parse_timecode(text) == pytest.approx(seconds, abs=1e-6)
    assert float(text.split(":")[3]) < 60


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Time,Values\n",
        "Timecode,BlendShapeCount,JawOpen\n",
        "Timecode,BlendShapeCount,Angry\n00:00:00:00.000,61,0\n",
        "Timecode,BlendShapeCount,JawOpen\n00:00:00:00.000,61\n",
        "Timecode,BlendShapeCount,JawOpen\n00:00:00:00.000,61,wide\n",
        "Timecode,BlendShapeCount,JawOpen\nnoon,61,0.1\n",
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"a\.csv"):
        read_csv(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no Live Link Face file"):
        read_csv(tmp_path / "b.csv")


def test_weights_of_another_width_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="52"):
        write_csv(tmp_path / "a.csv", np.zeros((3, 51)))


def test_sidecar_lies_beside(tmp_path: Path) -> None:
    path = write_sidecar(tmp_path / "a.csv", {"fps": 60, "lookahead_ms": 95.8})
    assert path == tmp_path / "a.json"
    assert json.loads(path.read_text())["lookahead_ms"] == 95.8
    with pytest.raises(ValueError, match="nan"):
        write_sidecar(tmp_path / "a.csv", {"x": float("nan")})


def test_rows_before_the_first_ones_time_are_told(tmp_path: Path) -> None:
    path = tmp_path / "take.csv"
    write_csv(path, np.zeros((8, 52), np.float32))
    assert read_csv(path).notes == ()
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, rows[4], *rows[:4], *rows[5:]]))
    (early,) = read_csv(path).notes
    assert "not played: 4" in early
