"""What GitHub and other people read beside the code: workflows, forms, lock file, notices."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable

import pytest
import yaml
from packaging.requirements import Requirement

from tests.paths import ROOT

GITHUB = ROOT / ".github"
SCHEMAS = {
    "github-workflows": sorted((GITHUB / "workflows").glob("*.yml")),
    "github-issue-forms": sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")),
    "dependabot": [GITHUB / "dependabot.yml"],
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_file_of_github_is_of_its_schema(schema: str) -> None:
    pytest.importorskip("check_jsonschema", reason="pip install -e '.[dev]' brings it")
    files = list(map(str, SCHEMAS[schema]))
    assert files
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*words, *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_run_scripts_that_exist() -> None:
    for path in SCHEMAS["github-workflows"]:
        jobs = yaml.safe_load(path.read_text())["jobs"].values()
        runs = "\n".join(step.get("run", "") for job in jobs for step in job["steps"])
        named = re.findall(r"(?:bash|python) (\.ci/[\w.]+)", runs)
        for name in named:
            assert (ROOT / name).is_file(), f"{path.name}: {name}"


def test_the_lock_has_what_development_needs_and_a_hash_for_each() -> None:
    text = (ROOT / ".ci" / "requirements-dev.txt").read_text()
    entries = re.findall(r"^([\w.-]+)==(\S+)[^\n]*\\\n((?:    --hash=\S+[^\n]*\n?)+)", text, re.M)
    locked = {name: version for name, version, _ in entries}
    assert len(entries) == len(re.findall(r"^[\w.-]+==", text, re.M))
    excluded = (ROOT / ".ci" / "lock_excludes.txt").read_text().split()
    for needed in _needed({"dev"}):
        name = re.sub(r"[-_.]+", "-", needed.name).lower()
        if name in excluded:
            continue
        assert name in locked, name
        assert locked[name] in needed.specifier, f"{name} {locked[name]}"


def _needed(extras: set[str]) -> list[Requirement]:
    found, open_ = list(PROJECT["dependencies"]), set(extras)
    seen: set[str] = set()
    while open_ - seen:
        extra = (open_ - seen).pop()
        seen.add(extra)
        for text in PROJECT["optional-dependencies"][extra]:
            if text.startswith("mien["):
                open_ |= Requirement(text).extras
            else:
                found.append(text)
    return list(map(Requirement, found))


def test_the_hashes_of_the_notices_are_those_of_the_files() -> None:
    text = (ROOT / "NOTICE").read_text()
    for name in (
        "robot/sim/assets/head.npz", "robot/faces/face_units.npz",
        "models/weights/face_landmarker.task", "robot/assets/lj_demo.ogg",
        "robot/assets/forest_road.ogg", "models/weights/feeling.safetensors",
    ):  # fmt: skip
        digest = hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
        assert name in text, name
        assert digest in text, name


TEXT = frozenset(
    [
        *(".c", ".cjs", ".clang-format", ".css", ".gitignore", ".glsl", ".h", ".html", ".ino"),
        *(".js", ".md", ".mjs", ".py", ".toml", ".txt", ".typed", ".yaml", ".yml"),
    ]
)
"""Suffixes of what is written by hand. Every other file is an asset."""


def unnamed(files: Iterable[str], notices: str) -> list[str]:
    """Assets that the notices do not name, each by its whole path."""
    named = set(re.findall(r"[\w./-]+\.\w+", notices))
    last = {name: name.rpartition("/")[2].rpartition(".") for name in files}
    assets = [name for name, (_, dot, end) in last.items() if dot and dot + end not in TEXT]
    return [name for name in assets if name not in named]


def test_the_notices_name_every_asset() -> None:
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    there = [name for name in files if (ROOT / name).is_file()]
    notices = (ROOT / "NOTICE").read_text()
    assert "models/weights/fusion.safetensors" in there
    assert unnamed(there, notices) == []
    new = ["models/weights/new.safetensors", "robot/assets/new.wav", "robot/assets/new.unheard_of"]
    assert unnamed([*there, *new], notices) == new
    assert unnamed(["robot/faces/fusion.safetensors"], notices)  # of this name, at another place


@pytest.mark.parametrize(
    "name", ["Asterisk", "CC BY-SA 3.0", "FFmpeg", "GRID", "LJ Speech", "CC0", "pysinsy"]
)
def test_the_notices_name_the_work_of_others(name: str) -> None:
    assert name in (ROOT / "NOTICE").read_text()


def test_the_changelog_has_the_version() -> None:
    assert f"## {PROJECT['version']}" in (ROOT / ".docs" / "changelog.md").read_text()
