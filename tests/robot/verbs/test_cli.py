import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from mien.models.errors import ModelError
from mien.robot.errors import ConfigError, DeviceError, MienError
from mien.robot.verbs import bench, cli
from mien.robot.verbs.lazy import lacking


def one_number(size: Annotated[int, typer.Option()] = 3) -> dict[str, Any]:
    """A bench."""
    return {"one": size * 1.5, "area.two": "x"}


def raising(error: BaseException) -> Callable[[], None]:
    def verb() -> None:
        raise error

    return verb


@pytest.fixture
def mien(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the console script with some verbs plugged in, returns its exit code."""

    def run(*argv: str, verbs: dict[str, Any] | None = None) -> int:
        class Point:
            def __init__(self, name: str, thing: Any) -> None:
                self.name, self.thing = name, thing

            def load(self) -> Any:
                return self.thing

        points = [Point(n, t) for n, t in (verbs or {"noop": raising(SystemExit(0))}).items()]
        monkeypatch.setattr(cli, "entry_points", lambda **_: points)
        monkeypatch.setattr(bench, "benches", lambda: {"area": f"{__name__}:one_number"})
        monkeypatch.setitem(sys.modules, __name__, sys.modules[one_number.__module__])
        monkeypatch.setattr(sys, "argv", ["mien", *argv])
        with pytest.raises(SystemExit) as left:
            cli.main()
        code = left.value.code
        return code if isinstance(code, int) else 0

    return run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MienError("it broke"), 1),
        (ConfigError("it broke"), 2),
        (ModelError("it broke"), 2),
        (DeviceError("it broke", "mien ports"), 3),
        (KeyboardInterrupt(), 130),
        (OSError(28, "No space left on device"), 1),
        (OSError(28, "No space left on device", "/tmp/film.mp4"), 1),
        (FileNotFoundError(2, "No such file or directory", "/nowhere/x"), 2),
        (NotADirectoryError(20, "Not a directory", "/etc/passwd/x"), 2),
        (PermissionError(13, "Permission denied"), 1),  # of what, nobody knows
    ],
)
def test_each_failure_has_its_exit_code_and_no_traceback(
    mien: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
) -> None:
    assert mien("fail", verbs={"fail": raising(error), "other": one_number}) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert code == 130 or "mien: " in said.err  # Ctrl-C needs no words
    assert "Traceback" not in said.err


def test_the_next_command_is_named(
    mien: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    mien("fail", verbs={"fail": raising(DeviceError("no board", "mien ports")), "o": one_number})
    assert "next: mien ports" in capsys.readouterr().err


def test_a_path_that_is_not_there_names_what_is(
    mien: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lost = FileNotFoundError(2, "No such file or directory", f"{tmp_path}/a/b")
    assert mien("fail", verbs={"fail": raising(lost), "o": one_number}) == 2
    assert f"next: ls -ld {tmp_path}\n" in capsys.readouterr().err


def test_a_bench_prints_one_json_object_with_its_area_as_prefix(
    mien: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert mien("bench", "area", "--size", "4", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"area.one": 6.0, "area.two": "x"}
    assert mien("bench", "area") == 0
    assert "area.one  4.5" in capsys.readouterr().out


def test_a_usage_error_is_a_configuration_error(mien: Callable[..., int]) -> None:
    assert mien("nonsense") == 2


def test_every_verb_of_the_package_loads_and_has_a_help_text_with_an_example() -> None:
    group: Any = typer.main.get_command(cli.build())
    assert set(group.list_commands(None)) > {"demo", "doctor", "bench"}
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        assert command.help, name
        assert "Cannot run here" not in command.help, name


def test_a_verb_that_cannot_be_imported_says_why_and_the_others_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def load() -> Any:
        raise ModuleNotFoundError("No module named 'mujoco'", name="mujoco")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "verbs", lambda: {"sim": load, "fine": lambda: one_number})
        for argv, code in ((["--help"], 0), (["fine"], 0), (["sim", "--view", "x"], 2)):
            patch.setattr(sys, "argv", ["mien", *argv])
            with pytest.raises(SystemExit) as left:
                cli.main()
            assert left.value.code in (code, None if code == 0 else code)
            said = capsys.readouterr()
            if argv != ["fine"]:
                text = " ".join((said.out + said.err).replace("│", " ").split())
                assert "the module mujoco is not installed" in text
                assert "pip install 'mien[sim]'" in text


def test_what_no_wheel_has_is_said_in_a_sentence() -> None:
    message, hint = lacking(ModuleNotFoundError("no", name="mien.models.data"))
    assert "checkout" in message
    assert "clone" in hint
