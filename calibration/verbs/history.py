"""The dated history of a calibration: one line a run, in ``history.jsonl`` of its folder."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.calibration.identify.face_fit import MODEL
from mien.calibration.verbs.options import Out
from mien.calibration.verbs.workspace import Workspace, log
from mien.models.reading.bounded import FileError
from mien.models.reading.json_file import parse_json
from mien.robot.errors import InputError
from mien.robot.verbs.options import Face

HISTORY = "history.jsonl"
_MAX_BYTES = 1 << 22
_VERSION = 1


@dataclass(frozen=True)
class HistoryLine:
    """One run.

    Attributes:
        date: ISO 8601, UTC.
        stage: what was run.
        numbers: results by name.
        model: first 16 hex digits of the SHA-256 of the self-model's file; empty: there was none.
        options: of the robot, as given.
    """

    date: str
    stage: str
    numbers: dict[str, float | str]
    model: str
    options: dict[str, Any] = field(default_factory=dict)


def model_hash(folder: Path) -> str:
    """First 16 hex digits of the SHA-256 of the folder's self-model; empty: there is none."""
    try:
        return sha256((folder / MODEL).read_bytes()).hexdigest()[:16]
    except FileNotFoundError:
        return ""


def record(
    workspace: Workspace,
    stage: str,
    numbers: Mapping[str, float | str],
    now: datetime | None = None,
) -> None:
    """Append a line for a run that has ended; ``now`` is its time, None: this moment.

    Raises:
        OSError: the file cannot be written.
    """
    when = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    line = {
        "version": _VERSION,
        "date": when,
        "stage": stage,
        "numbers": {
            k: v if isinstance(v, str) else float(f"{v:.4g}")
            for k, v in numbers.items()
            if isinstance(v, str) or math.isfinite(v)
        },
        "model": model_hash(workspace.folder),
        "options": workspace.metrics().get("opened", {}),
    }
    with (workspace.folder / HISTORY).open("a+b") as f:
        # A line that was half written when the power failed is ended first.
        f.seek(0, os.SEEK_END)
        if f.tell():
            f.seek(-1, os.SEEK_END)
            if f.read(1) != b"\n":
                f.write(b"\n")
        f.write(json.dumps(line, sort_keys=True).encode() + b"\n")
        f.flush()
        os.fsync(f.fileno())


def read_history(folder: Path) -> tuple[list[HistoryLine], int]:
    """The lines of a folder's history in order, and the number of lines that cannot be read.

    Raises:
        InputError: the file is too large to be a history.
    """
    path = folder / HISTORY
    if not path.exists():
        return [], 0
    if path.stat().st_size > _MAX_BYTES:
        raise InputError(
            f"{path} has {path.stat().st_size} bytes, a history has at most {_MAX_BYTES}",
            f"mv {path} {path}.old",
        )
    found, damaged = [], 0
    for row in path.read_bytes().splitlines():
        line = _line(row)
        if line is None:
            damaged += 1
        else:
            found.append(line)
    return found, damaged


def _line(row: bytes) -> HistoryLine | None:
    """A line of the file; None where it cannot be read."""
    try:
        content = parse_json(row.decode())
        if not isinstance(content, dict):
            return None
        numbers, options = content["numbers"], content.get("options", {})
        named = isinstance(numbers, dict) and isinstance(options, dict)
        plain = named and all(isinstance(v, int | float | str) for v in numbers.values())
        texts = [content[key] for key in ("date", "stage", "model")]
        if not plain or not all(isinstance(t, str) for t in texts):
            return None
        datetime.fromisoformat(texts[0])
    except (ValueError, KeyError, FileError):
        return None
    return HistoryLine(texts[0], texts[1], numbers, texts[2], options)


def history(
    face: Face = "morpheus33",
    out: Out = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """List all runs of a calibration with their dates: what was run, and what was found.

    Example: mien calibrate history --face morpheus33
    """
    workspace = Workspace.of(face, out)
    lines, damaged = read_history(workspace.folder)
    if damaged:
        log.print(f"warning: {damaged} lines of {workspace.folder / HISTORY} cannot be read")
    if not lines:
        raise InputError(
            f"{workspace.folder} has no history: nothing was run in it yet",
            workspace.command("all"),
        )
    before = ""
    for line in lines:
        if as_json:
            print(json.dumps(line.__dict__, sort_keys=True))
            continue
        numbers = ", ".join(f"{k} {v}" for k, v in line.numbers.items())
        changed = f"  model {line.model}" if line.model and line.model != before else ""
        before = line.model
        print(f"{line.date}  {line.stage:<8} {numbers}{changed}")
