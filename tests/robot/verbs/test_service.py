"""``mien service`` and ``mien status``, as a user sees them."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien.robot.errors import ConfigError, DeviceError, InputError, MienError
from mien.robot.service.settings import EXAMPLE
from mien.robot.service.status_file import StatusFile
from mien.robot.verbs import service
from mien.robot.verbs.cli import build
from tests.paths import ROOT
from tests.robot.service.places import own_folders
from tests.robot.service.test_status_file import a_status


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return own_folders(tmp_path, monkeypatch)


def mien(*words: str, code: int = 0) -> str:
    found = CliRunner().invoke(build(), list(words))
    if isinstance(found.exception, MienError):
        raise found.exception
    assert found.exit_code == code, found.output
    return found.output


def unit(tmp_path: Path) -> Path:
    return tmp_path / "config" / "systemd" / "user" / "mien.service"


def test_a_dry_run_prints_all_and_writes_nothing(tmp_path: Path) -> None:
    said = mien("service", "install", "--dry-run", "--", "--face", "hobby9", "--text", "a b")
    assert "ExecStart=" in said
    assert '--face hobby9 --text "a b"' in said
    assert EXAMPLE in said
    assert not (tmp_path / "config").exists()
    settings = tmp_path / "config" / "mien" / "service.yaml"
    said = mien("service", "install", "--dry-run")  # the simulated face
    assert f"# would write {unit(tmp_path)}:\n# Written by mien" in said
    assert f"# would write {settings}:\n{EXAMPLE}" in said
    settings.parent.mkdir(parents=True)
    settings.write_text(EXAMPLE)
    said = mien("service", "install", "--dry-run")
    assert "ExecStart=" in said
    assert said.endswith(f"# {settings} stays as it is\n")
    assert not unit(tmp_path).exists()


def test_it_is_installed_said_how_to_start_and_removed(tmp_path: Path) -> None:
    said = mien("service", "install", "--", "--face", "hobby9", "--port", "auto")
    assert "systemctl --user daemon-reload && systemctl --user enable --now mien.service" in said
    assert "loginctl enable-linger" in said
    settings = tmp_path / "config" / "mien" / "service.yaml"
    assert settings.read_text() == EXAMPLE
    assert f"--unattended {settings} --face hobby9 --port auto" in unit(tmp_path).read_text()
    settings.write_text("arm: {healthy_s: 30}\n")
    mien("service", "install", "--", "--face", "hobby9")  # again: the user's file stays
    assert settings.read_text() == "arm: {healthy_s: 30}\n"
    assert str(unit(tmp_path)) in mien("service", "uninstall")
    assert not unit(tmp_path).exists()
    assert settings.exists()
    with pytest.raises(InputError, match="no unit"):
        mien("service", "uninstall")


def test_what_is_refused_writes_no_unit(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("arm: {healthy_s: 0}")
    refused: list[tuple[list[str], type[MienError], str]] = [
        (["--", "--face", "nobody"], ConfigError, "nobody"),
        (["--", "--face", "hobby9", "--seconds", "3"], InputError, "--seconds"),
        (["--", "--face", "hobby9", "--record", "x.mcap"], InputError, "--record"),
        (["--", "--face", "hobby9", "--text", "a\nb"], InputError, "control character"),
        (["--config", str(bad), "--", "--face", "hobby9"], ConfigError, "healthy_s"),
        (["--config", str(tmp_path / "none"), "--", "--face", "hobby9"], ConfigError, "No such"),
    ]
    for words, kind, what in refused:
        with pytest.raises(kind, match=what):
            mien("service", "install", *words)
    assert "No such option" in mien("service", "install", "--", "--fase", "hobby9", code=2)
    assert not unit(tmp_path).exists()


def test_the_unit_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    unit(tmp_path).parent.mkdir(parents=True)
    unit(tmp_path).write_text("[Unit]\n")
    for words in (["install", "--", "--face", "hobby9"], ["uninstall"]):
        with pytest.raises(InputError, match="somebody else"):
            mien("service", *words)
    assert unit(tmp_path).read_text() == "[Unit]\n"


def test_status_has_one_line_for_a_person_and_one_object_for_a_program() -> None:
    assert "nothing runs" in mien("status", code=3)
    assert json.loads(mien("status", "--json", code=3)) == {
        "healthy": False, "exit_code": 3, "runs": [],
    }  # fmt: skip
    file = StatusFile()
    file.write(a_status(written_s=time.monotonic(), armed=True, frame_age_s=0.02))
    said = mien("status")
    assert said.count("\n") == 1
    for part in ("healthy", "hobby9 on sim armed", "0.02 s ago", "DISARMED", "30 C (estimated)",
                 "not measured", "drops 0", "1.0 GB", "mien 0.1.0"):  # fmt: skip
        assert part in said
    found = json.loads(mien("status", "--json"))
    assert found["healthy"] is True
    assert found["runs"][0]["voltage_v"] is None
    file.write(a_status(written_s=time.monotonic(), problems=("the board is in ESTOP",)))
    assert "NOT HEALTHY: the board is in ESTOP" in mien("status", code=1)
    file.write(a_status(written_s=time.monotonic() - 60.0))
    assert "said nothing for 60 s" in mien("status", code=1)


def test_a_run_that_has_just_been_started_is_said_to_start_until_it_takes_too_long() -> None:
    file = StatusFile()
    now = time.monotonic()
    for problems in (("it starts",), ("the board has not reported yet",)):
        file.write(a_status(written_s=now, problems=problems, board=""))
        said = mien("status", code=1)
        assert said.startswith(f"starting: {problems[0]} |")
        assert "NOT HEALTHY" not in said
        found = json.loads(mien("status", "--json", code=1))
        assert (found["healthy"], found["runs"][0]["healthy"]) == (False, False)
        assert found["runs"][0]["starting"] is True
    for more in (
        {"uptime_s": 61.0},
        {"problems": ("it starts", "an emergency stop ended an earlier run")},
        {"problems": ("no board at /dev/ttyACM0",)},
        {"written_s": now - 6.0},
    ):
        file.write(a_status(**{"written_s": now, "problems": ("it starts",), **more}))
        assert mien("status", code=1).startswith("NOT HEALTHY: ")
        assert json.loads(mien("status", "--json", code=1))["runs"][0]["starting"] is False
    file.write(a_status(written_s=now))
    assert json.loads(mien("status", "--json"))["runs"][0]["starting"] is False


def test_stale_and_foreign_files_are_said() -> None:
    file = StatusFile()
    file.write(a_status(process="another boot"))
    said = mien("status", code=3)
    assert "stale: " in said
    assert "nothing runs" in said
    file.path.chmod(0o666)
    assert "not believed: " in mien("status", code=2)
    assert json.loads(mien("status", "--json", code=2))["runs"][0]["state"] == "foreign"


def test_a_word_needs_a_face_that_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeviceError, match="no unattended face runs"):
        mien("service", "arm")
    StatusFile().write(a_status(written_s=time.monotonic(), unattended=False))
    with pytest.raises(DeviceError, match="no unattended face runs"):
        mien("service", "rest")
    monkeypatch.setattr(service, "HEARD_S", 0.2)
    StatusFile().write(a_status(written_s=time.monotonic()))
    with pytest.raises(DeviceError, match="does not listen"):
        mien("service", "arm")
    assert list(StatusFile().path.parent.glob("*.request")) == []


@pytest.mark.realtime
def test_a_real_run_says_its_health_and_ends_with_130(tmp_path: Path) -> None:
    rule = tmp_path / "service.yaml"
    rule.write_text("arm: {person: true}\n")
    command = [
        sys.executable, "-m", "mien.robot.verbs.cli", "live", "--face", "hobby9", "--wav",
        str(ROOT / "robot" / "assets" / "lj_demo.ogg"), "--repeat", "--unattended", str(rule),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 120.0
        while True:
            found = json.loads(CliRunner().invoke(build(), ["status", "--json"]).output)
            if found["runs"] and found["runs"][0].get("board") == "DISARMED":
                break
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.2)
        assert "waits for a person" in found["runs"][0]["rests"]
        assert found["runs"][0]["pid"] == process.pid
        assert mien("service", "arm") == "hobby9: arm\n"
    finally:
        process.terminate()
        process.communicate()
    assert process.returncode == 130
    assert "nothing runs" in mien("status", code=3)


@pytest.mark.parametrize("name", ["settings", "unit"])
def test_a_folder_in_the_place_of_a_file_is_said_with_a_way_out(tmp_path: Path, name: str) -> None:
    path = tmp_path / "config" / "mien" / "service.yaml" if name == "settings" else unit(tmp_path)
    path.mkdir(parents=True)
    with pytest.raises(MienError, match=str(path)) as refused:
        mien("service", "install", "--", "--face", "hobby9")
    assert refused.value.exit_code == 2
    assert str(path) in refused.value.hint
    assert not unit(tmp_path).is_file()
    if name == "unit":
        with pytest.raises(InputError, match="somebody else"):
            mien("service", "uninstall")


def test_settings_that_cannot_be_written_leave_no_unit(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "mien").touch()
    with pytest.raises(MienError, match="cannot write"):
        mien("service", "install", "--", "--face", "hobby9")
    assert not unit(tmp_path).exists()
