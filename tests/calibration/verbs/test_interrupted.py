"""Stages on data that is missing, cut, unfinished or of another face: one sentence and a command
that works, never a traceback, and nothing collected is lost."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mien.calibration.capture.dataset import RECORDS, load
from mien.calibration.identify import collect as collecting
from mien.calibration.plan.excitation import make_plan
from mien.calibration.plan.plan import Plan
from mien.calibration.plan.stages import PLAN, another_folder
from mien.calibration.verbs import cli, session
from mien.calibration.verbs.workspace import METRICS, Workspace
from mien.models.train.self_model.fit_config import FitConfig
from mien.robot.errors import InputError, MienError
from mien.robot.face.config import FACES, FaceConfig, load_face
from tests.calibration.analytic_rig import AnalyticRig

POSES = 91
"""The least number of poses of hobby9."""


@pytest.fixture(scope="module", autouse=True)
def quick() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "open_rig", lambda face, *_: AnalyticRig(face))
        patch.setattr(cli, "reference_model", lambda _face: None)
        patch.setattr(cli, "FitConfig", partial(FitConfig, steps=20, rounds=1))
        yield


@pytest.fixture(scope="module")
def yaml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face of the user's own, at a path that a shell would split."""
    path = tmp_path_factory.mktemp("my faces") / "my hobby.yaml"
    shutil.copy(FACES / "hobby9.yaml", path)
    return path


@pytest.fixture(scope="module")
def whole(yaml: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collected folder with the least number of poses."""
    folder = tmp_path_factory.mktemp("data") / "my robot"
    face = load_face(yaml)
    make_plan(face, POSES).save(folder / PLAN)
    collecting.collect(face, AnalyticRig(face), folder)
    return folder


def run(stage: str, face: Path | str, folder: Path) -> tuple[MienError | None, str]:
    done = CliRunner().invoke(cli.app, [stage, "--face", str(face), "--out", str(folder)])
    assert done.exception is None or isinstance(done.exception, MienError), done.exception
    return done.exception, done.output


def hinted(error: MienError | None) -> tuple[str, Path, Path]:
    """Stage, face and folder of an error's command, as a shell would read it."""
    assert error is not None
    words = shlex.split(error.hint)
    assert words[:2] == ["mien", "calibrate"]
    given = dict(zip(words[3::2], words[4::2], strict=True))
    return words[2], Path(given["--face"]), Path(given["--out"])


def test_the_least_number_of_poses_that_is_named_can_be_collected(whole: Path, yaml: Path) -> None:
    face = load_face(yaml)
    with pytest.raises(InputError, match=f"at least {POSES}"):
        make_plan(face, POSES - 1)
    data, plan = load(whole, face), Plan.load(whole / PLAN, face)
    assert plan.active == 0
    assert sorted(data.pose[data.pose >= 0]) == list(range(len(plan)))
    assert len(plan) > 0.9 * POSES


@pytest.mark.parametrize("stage", ["fit", "verify", "report", "check", "trim"])
@pytest.mark.parametrize("records", [None, b"", b"half a record"])
def test_an_empty_data_set_names_the_stage_that_fills_it(
    yaml: Path, tmp_path: Path, stage: str, records: bytes | None
) -> None:
    make_plan(load_face(yaml), POSES).save(tmp_path / PLAN)
    if records is not None:
        (tmp_path / RECORDS).write_bytes(records)
    error, _ = run(stage, yaml, tmp_path)
    at, face, folder = hinted(error)
    assert at in ("collect", "all")
    assert face == yaml
    assert folder.parent == tmp_path.parent


@pytest.mark.parametrize("kept", [1, 10, 60])
def test_unfinished_data_says_so_and_goes_on_with_collect(
    whole: Path, yaml: Path, tmp_path: Path, kept: int
) -> None:
    folder = unfinished(whole, yaml, tmp_path, kept)
    for stage in ("fit", "verify", "report"):
        error, output = run(stage, yaml, folder)
        if kept == 60 and stage == "fit":
            assert error is None
            assert f"next: mien calibrate collect --face '{yaml}'" in output
        else:
            assert hinted(error) == ("collect", yaml, folder)
    assert f"of {len(Plan.load(whole / PLAN, load_face(yaml)))} planned poses were visited" in (
        output.replace("\n", "")
    )


def unfinished(whole: Path, yaml: Path, at: Path, records: int) -> Path:
    """A copy of a folder whose data ends after some records."""
    folder = at / "part"
    shutil.copytree(whole, folder)
    size = (folder / RECORDS).stat().st_size
    count = len(load(folder, load_face(yaml)))
    path = folder / RECORDS
    path.write_bytes(path.read_bytes()[: size // count * (records + 1)])
    return folder


def flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    for place in np.random.default_rng(0).integers(0, len(raw), 5):
        raw[place] ^= 16
    path.write_bytes(bytes(raw))


def test_flipped_bytes_are_said_and_their_poses_visited_again(
    whole: Path, yaml: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "flipped"
    shutil.copytree(whole, folder)
    before = (folder / RECORDS).stat().st_size
    flip(folder / RECORDS)
    error, output = run("fit", yaml, folder)
    assert error is None
    assert "records of poses.bin are damaged and left out" in output.replace("\n", " ")
    error, output = run("collect", yaml, folder)
    assert error is None
    assert "damaged records are left out; their poses were visited again" in output
    face = load_face(yaml)
    data = load(folder, face)
    assert set(data.pose) >= set(range(len(Plan.load(folder / PLAN, face))))
    assert (folder / RECORDS).stat().st_size > before


DAMAGE: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "zeroed": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "flipped": flip,
    "of something else": lambda path: path.write_bytes(b'{"face": [1], "version": 77}'),
}


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("name", [PLAN, "setup.json", RECORDS, METRICS, "first_pass.json"])
def test_no_damaged_file_makes_a_traceback_or_loses_a_record(
    whole: Path, yaml: Path, tmp_path: Path, name: str, how: str
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(whole, folder)
    Workspace.of(str(yaml), folder).merge({"a": 1})
    DAMAGE[how](folder / name)
    before = (folder / RECORDS).read_bytes() if (folder / RECORDS).exists() else b""
    for stage in ("plan", "verify", "report"):
        error, _ = run(stage, yaml, folder)
        if error is not None:
            assert error.hint
            assert f"'{yaml}'" in error.hint
            assert error.exit_code == 2
    after = (folder / RECORDS).read_bytes() if (folder / RECORDS).exists() else b""
    assert after == before


def test_plan_and_collect_never_point_at_each_other(
    whole: Path, yaml: Path, tmp_path: Path
) -> None:
    for case in ("another face", "another plan", "no plan"):
        folder = tmp_path / case
        shutil.copytree(whole, folder)
        other: Path | str = yaml
        if case == "another face":
            other = "morpheus33"
        elif case == "another plan":
            make_plan(load_face(yaml), 150, seed=4).save(folder / PLAN)
        else:
            (folder / PLAN).unlink()
        before = (folder / RECORDS).read_bytes()
        stage, _, at = hinted(run("collect", other, folder)[0])
        assert (stage, at) in (("all", another_folder(folder)), ("fit", folder))
        if case != "another plan":
            assert hinted(run("plan", other, folder)[0])[0] == stage
        assert (folder / RECORDS).read_bytes() == before


def test_a_model_of_other_data_is_not_verified(whole: Path, yaml: Path, tmp_path: Path) -> None:
    folder = tmp_path / "refitted"
    shutil.copytree(whole, folder)
    assert run("fit", yaml, folder)[0] is None
    assert hinted(run("report", yaml, folder)[0])[0] == "verify"
    flip(folder / RECORDS)
    error, _ = run("verify", yaml, folder)
    assert "was fitted to other data" in str(error)
    assert hinted(error)[0] == "fit"


@pytest.mark.parametrize("name", ["a b", ".", "x-2"])
def test_another_folder_is_always_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).mkdir(exist_ok=True)
    first = another_folder(Path(name))
    assert not first.exists()
    first.mkdir()
    assert another_folder(Path(name)) not in (first, Path(name))


def test_hints_of_a_face_of_ones_own_name_its_file(yaml: Path) -> None:
    face: FaceConfig = load_face(yaml)
    assert face.given == str(yaml)
    assert load_face("hobby9").given == "hobby9"
    assert FaceConfig.model_validate(face.model_dump()).given == "hobby9"
