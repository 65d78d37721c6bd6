"""The next command is one that works: with the options that opened the robot."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from mien.calibration.verbs.workspace import Workspace
from mien.calibration.verify.results import FILE, load_arrays, save_arrays
from mien.robot.errors import DeviceError, InputError


def test_commands_that_move_the_robot_say_which(tmp_path: Path) -> None:
    workspace = Workspace.of("my.yaml", tmp_path)
    assert workspace.command("verify") == f"mien calibrate verify --face my.yaml --out {tmp_path}"
    workspace.merge({"opened": {"camera": "0", "port": "/dev/ttyUSB0"}})
    opening = "--port /dev/ttyUSB0 --camera 0"
    for stage in ("collect", "verify", "check", "trim", "all"):
        assert workspace.command(stage).endswith(opening)
    for stage in ("plan", "fit", "report"):
        assert opening not in workspace.command(stage)
    assert f"--out {tmp_path}-2 {opening}" in workspace.command("all", workspace.new_folder)


def test_numbers_are_added_and_a_damaged_file_is_named(tmp_path: Path) -> None:
    workspace = Workspace.of("hobby9", tmp_path)
    workspace.merge({"a": 1})
    workspace.merge({"b": 2})
    assert workspace.metrics() == {"a": 1, "b": 2}
    (tmp_path / "metrics.json").write_text('{"a": 1, "b"')
    with pytest.raises(InputError, match=r"cannot read .*metrics\.json") as e:
        workspace.metrics()
    path = tmp_path / "metrics.json"
    again = f"mien calibrate fit --face hobby9 --out {tmp_path}"
    assert e.value.hint == f"mv {path} {path}.damaged && {again}"


def test_errors_end_with_the_command_that_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace.of("hobby9", tmp_path)
    again = workspace.command("collect")
    with pytest.raises(DeviceError) as e, workspace.resumable("collect"):
        raise DeviceError("no board", "mien ports")
    assert e.value.hint == f"mien ports, then {again}"
    with pytest.raises(DeviceError) as e, workspace.resumable("collect"):
        raise DeviceError("no board", f"plug it in, then {again}")
    assert e.value.hint == f"plug it in, then {again}"
    with pytest.raises(InputError, match="No space left") as full, workspace.resumable("collect"):
        raise OSError(28, "No space left on device", "poses.bin")
    assert "poses.bin" in full.value.message
    assert full.value.hint == again
    with pytest.raises(KeyboardInterrupt), workspace.resumable("collect"):
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
    assert again in capsys.readouterr().err.replace("\n", "")


def test_half_written_figures_name_the_stage_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="was not verified"):
        load_arrays(tmp_path, "AGAIN")
    save_arrays(tmp_path, {"pose_error": np.arange(1000.0)})
    np.testing.assert_array_equal(load_arrays(tmp_path, "AGAIN")["pose_error"], np.arange(1000.0))
    raw = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(raw[: len(raw) // 2])
    with pytest.raises(InputError, match=f"cannot read .*{FILE}") as e:
        load_arrays(tmp_path, "AGAIN")
    assert e.value.hint == "AGAIN"
