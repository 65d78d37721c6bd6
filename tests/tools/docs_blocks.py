"""Code blocks of the documentation: what each is, and whether and how it can be tried.

A comment on the line before a fence marks it: ``<!-- hardware -->`` needs a robot, ``<!-- setup
-->`` changes the checkout or the shell, ``<!-- long -->`` takes minutes. The command lines of all
three are parsed; those of ``long`` run at night. A block that shows an example is that file's.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import typer
import yaml

from mien.models.errors import MienError
from mien.models.face.emotion_table import extended
from mien.robot.expression.emotion.timeline import load_timeline
from mien.robot.face.config import load_face
from mien.robot.show.show_file import read_show
from mien.robot.verbs.cli import build
from tests.paths import ROOT

MARKS: Final = ("", "hardware", "setup", "long")
RUN: Final = ("sh", "python", "yaml", "json")
PAGES: Final = tuple(
    sorted([*(ROOT / ".docs").rglob("*.md"), ROOT / ".github" / "CONTRIBUTING.md"])
)
EXAMPLES: Final = tuple(sorted((ROOT / ".docs" / "examples").glob("*.py")))
_FENCE: Final = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<mark>[a-z]+) -->\n *)?```(?P<language>\w*)\n"
    r"(?P<text>.*?)^ *```$",
    re.M | re.S,
)


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        page: its file. line: of its text, from 1.
        language: of the fence. mark: one of ``MARKS``.
    """

    page: Path
    line: int
    language: str
    mark: str
    text: str

    @property
    def name(self) -> str:
        """Where it is, for people."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    text = page.read_text()
    return [
        Block(
            page,
            text[: m.start("text")].count("\n") + 1,
            m["language"],
            m["mark"] or "",
            re.sub(f"^{m['indent']}", "", m["text"], flags=re.M),
        )
        for m in _FENCE.finditer(text)
        if not m["text"].startswith("--8<--")
    ]


def mien_lines(block: Block) -> Iterator[list[str]]:
    """The arguments of each call of ``mien`` in a shell block."""
    for line in block.text.replace("\\\n", " ").splitlines():
        for part in re.split(r"\s(?:\|\||&&|\|)\s", line):
            words = shlex.split(part, comments=True)
            while words and re.fullmatch(r"\w+=\S*|sudo", words[0]):
                words = words[1:]
            if words and words[0].split("/")[-1] == "mien":
                yield words[1:]


def parse(words: list[str]) -> None:
    """Parse a command line of ``mien`` without running it.

    Raises:
        ValueError: no such command or option, or a value out of its range.
    """
    command: Any = typer.main.get_command(build())
    name, parent, rest = "mien", None, list(words)
    while rest or not hasattr(command, "list_commands"):
        try:
            if hasattr(command, "list_commands"):
                if rest[0] == "--help" or (parent is None and rest == ["--version"]):
                    return
                child = command.get_command(parent, rest[0])
                if child is None:
                    raise ValueError(f"no command {rest[0]}")
                name, command, rest = rest[0], child, rest[1:]
            elif rest == ["--help"]:
                return
            else:
                command.make_context(name, rest)
                return
        except click_error() as e:
            raise ValueError(f"mien {shlex.join(words)}: {e.format_message()}") from e


def click_error() -> type[Any]:
    """What typer raises for a wrong command line; some versions bring a click of their own."""
    return next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


def run(block: Block, folder: Path) -> str:
    """Try a block in ``folder``; a shell finds ``mien`` on its path.

    Returns:
        What is wrong, empty if nothing is.
    """
    if block.language == "yaml":
        return _yaml_fault(block.text, folder)
    if block.language == "json":
        path = folder / "cues.json"
        path.write_text(block.text)
        return _refusal(lambda: load_timeline(path))
    command = ["bash", "-euo", "pipefail", "-c", block.text]
    if block.language == "python":
        command = [sys.executable, "-c", block.text]
    done = subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return "" if done.returncode == 0 else f"exit {done.returncode}: {done.stderr[-800:]}"


def environment(folder: Path) -> dict[str, str]:
    """Variables of a reader who has nothing but an installed Mien."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "MIEN_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    return {**kept, **home, "PATH": path, "MIEN_EMOTIONS": ""}


def _yaml_fault(text: str, folder: Path) -> str:
    tree = yaml.safe_load(text)
    if {"sound", "text"} & set(tree):
        path = folder / "show.yaml"
        path.write_text(text)
        return _refusal(lambda: read_show(path))
    if "emotions" in tree:
        path = folder / "emotions.yaml"
        path.write_text(text)
        return _refusal(lambda: extended(path))
    whole = yaml.safe_load((ROOT / "robot" / "faces" / "hobby9.yaml").read_text())
    path = folder / "part.yaml"
    path.write_text(yaml.safe_dump(tree if "face" in tree else whole | tree))
    return _refusal(lambda: load_face(str(path)))


def _refusal(load: Callable[[], Any]) -> str:
    try:
        load()
    except MienError as e:
        return e.message
    return ""
