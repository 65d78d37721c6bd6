"""The shape of the house: few rooms, no import upwards, no cycle, short files, every name told."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.tools import house
from tests.tools.installed import LIGHT, loaded_by_verb

MOST_AT_TOP = {"robot": 10, "calibration": 6, "models": 8, "firmware": 6}


@pytest.mark.parametrize("folder", MOST_AT_TOP)
def test_few_files_lie_at_the_top_of_a_folder(folder: str) -> None:
    assert house.top(folder) <= MOST_AT_TOP[folder]


def test_nothing_imports_upwards_and_nobody_imports_himself_through_others() -> None:
    assert house.upward() == []
    assert house.cycles() == []


def test_no_file_is_longer_than_can_be_read_in_one_sitting() -> None:
    assert house.long_files() == []


def test_every_public_name_is_documented() -> None:
    assert house.undocumented() == []


def test_tests_use_what_is_public() -> None:
    assert house.private() == []
    for code in (
        "rig._clock.now()", "super()._check()", "from a.b import c, _d", "f(a)._g = 1",
        "monkeypatch.setattr(doctor, '_cameras', list)", "setattr(a, '_b', 1)",
        "monkeypatch.setattr('a.b._c', 1)",
    ):  # fmt: skip
        assert len(list(house.reached(ast.parse(code)))) == 1, code
    for code in ("self._a", "a.__class__", "from a import __version__", "setattr(a, 'b', '_c')"):
        assert list(house.reached(ast.parse(code))) == [], code


def test_what_is_installed_is_one_package_and_nobody_uses_the_old_names() -> None:
    for path in house.sources().values():
        text = path.read_text()
        for folder in house.FOLDERS:
            assert f"\nfrom {folder}" not in text, path
            assert f"\nimport {folder}" not in text, path


@pytest.mark.parametrize("words", LIGHT)
def test_a_light_verb_loads_nothing_heavy(words: str) -> None:
    assert loaded_by_verb(words) == set()


def test_a_users_own_folder_called_models_does_no_harm(tmp_path: Path) -> None:
    for name in house.FOLDERS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('not ours')")
    code = "import mien; print(mien.load_face('hobby9').name, mien.EMOTIONS[0])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.split() == ["hobby9", "neutral"], done.stderr


def test_every_import_of_the_public_api_is_told_by_an_example_that_runs() -> None:
    import doctest

    import mien

    assert all(hasattr(mien, name) for name in mien.__all__)
    assert doctest.testmod(mien).failed == 0
    assert doctest.testmod(mien).attempted > 3


def test_the_ten_lines_of_the_readme_run() -> None:
    text = (ROOT / "README.md").read_text()
    lines = text.split("```python\n")[1].split("```")[0]
    done = subprocess.run([sys.executable, "-c", lines], cwd="/", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("jaw") > 10


@pytest.mark.parametrize(
    ("state", "words", "said"),
    [
        ("ok installed", (), "next: .venv/bin/mien demo"),
        ("ok installed", ("--dev",), ""),
        ("not-installed", (), "libportaudio2 && .venv/bin/mien demo"),
    ],
)
def test_the_setup_ends_with_the_next_command(
    tmp_path: Path, state: str, words: tuple[str, ...], said: str
) -> None:
    script = tmp_path / ".ci" / "setup"
    stubs = {script: (ROOT / ".ci" / "setup").read_text(), tmp_path / ".ci" / "torch": ""}
    for name, line in {"dpkg-query": f"echo {state}", "id": "echo 1000", "node": ""}.items():
        stubs[tmp_path / "bin" / name] = f"#!/bin/sh\n{line}\n"
    stubs[tmp_path / ".venv" / "bin" / "python"] = "#!/bin/sh\n"
    for path, text in stubs.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    search = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
    done = subprocess.run(
        ["bash", str(script), *words], env=search, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith(said)
    assert done.stdout.count("next: ") == done.stdout.count("\n") == bool(said)
