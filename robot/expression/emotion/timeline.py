"""Timeline file of emotions: cues in JSON, or in the format of subtitles.

JSON, a list or an object with the list under ``cues``::

    {"cues": [
      {"start": 0.5, "end": 2.0, "emotion": "surprise", "strength": 0.8, "region": "upper"}
    ]}

Like subtitles (SRT), emotion, strength and region on the text line, the last two optional::

    1
    00:00:00,500 --> 00:00:02,000
    surprise 0.8 upper

WebVTT is read as well (``subtitles``). A bad file is refused whole, with what is wrong in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from mien.models.errors import ModelError
from mien.models.face.column_text import decoded
from mien.models.face.emotion import EMOTIONS, named
from mien.models.reading.bounded import FileError, excerpt, read_bytes
from mien.models.reading.json_file import parse_json
from mien.robot.errors import InputError
from mien.robot.expression.emotion.subtitles import MAX_CUES, cues_of
from mien.robot.expression.emotion.track import NAMED_REGIONS, Cue, Cues

STRENGTH: Final = 0.7
"""Intensity of a cue without one."""
_EXAMPLE: Final = (
    'write cues like {"start": 0.5, "end": 2.0, "emotion": "surprise", "strength": 0.8}'
)
_KEYS: Final = ("start", "end", "emotion", "strength", "region")
MAX_S: Final = 86400.0
"""Latest time of a cue, in s."""
MAX_FAULTS: Final = 10
"""Faults of a file that are listed; of the others only the number is given."""


def load_timeline(path: Path) -> Cues:
    """Read a timeline. Its first character distinguishes JSON from subtitles.

    Raises:
        InputError: not readable, or with faults; the first ``MAX_FAULTS`` are listed.
    """
    try:
        text = decoded(read_bytes(path))
    except FileError as e:
        raise InputError(f"cannot read the timeline {path}: {e.reason}", "--timeline FILE") from e
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) else "it is not UTF-8 text"
        raise InputError(f"cannot read the timeline {path}: {reason}", "--timeline FILE") from e
    faults: list[str] = []
    first = text.lstrip()[:1]
    if not first:
        faults.append("it is empty")
        cues: list[Cue] = []
    elif first in "{[":
        cues = _from_json(text, faults)
    else:
        cues = cues_of(text, _cue, faults)
    if not faults and not cues:
        faults.append("it has no cue")
    if faults:
        listed = "\n  ".join(faults[:MAX_FAULTS])
        if len(faults) > MAX_FAULTS:
            listed += f"\n  and {len(faults) - MAX_FAULTS} more faults"
        raise InputError(f"{path} is not a timeline that can be used:\n  {listed}", _EXAMPLE)
    return Cues(tuple(sorted(cues, key=lambda c: c.start)))


def _from_json(text: str, faults: list[str]) -> list[Cue]:
    try:
        content: Any = parse_json(text)
    except ValueError as e:
        faults.append(str(e))
        return []
    if isinstance(content, dict):
        faults += [
            f"unknown key {excerpt(k)}; there is only 'cues'" for k in content if k != "cues"
        ]
        content = content.get("cues", [])
    if not isinstance(content, list):
        faults.append(f"the cues are a {type(content).__name__}, expected a list")
        return []
    if len(content) > MAX_CUES:
        faults.append(f"it has {len(content)} cues, at most {MAX_CUES} are read")
        return []
    out = []
    for i, item in enumerate(content, start=1):
        if not isinstance(item, dict):
            faults.append(f"cue {i}: {excerpt(item)} is not an object")
            continue
        unknown = [k for k in item if k not in _KEYS]
        faults += [
            f"cue {i}: unknown key {excerpt(k)}; keys are {', '.join(_KEYS)}" for k in unknown
        ]
        cue = _cue(f"cue {i}", item, faults)
        out += [cue] if cue else []
    return out


def _cue(where: str, item: Mapping[str, Any], faults: list[str]) -> Cue | None:
    before = len(faults)
    numbers: dict[str, float] = {}
    for key, default in (("start", None), ("end", None), ("strength", STRENGTH)):
        value = item.get(key, default)
        if value is None:
            faults.append(f"{where}: no {key}")
        elif isinstance(value, bool) or not isinstance(value, int | float):
            faults.append(f"{where}: {key} {excerpt(value)} is not a number")
        elif not abs(value) <= MAX_S:  # also refuses NaN
            faults.append(f"{where}: {key} is {value:g}, at most {MAX_S:g} is allowed")
        else:
            numbers[key] = float(value)
    if not 0.0 <= numbers.get("strength", 0.0) <= 1.0:
        faults.append(f"{where}: strength {numbers['strength']:g} is not between 0 and 1")
    if numbers.get("start", 0.0) < 0.0:
        faults.append(f"{where}: start {numbers['start']:g} is before the beginning")
    if {"start", "end"} <= set(numbers) and numbers["end"] <= numbers["start"]:
        faults.append(f"{where}: end {numbers['end']:g} is not after start {numbers['start']:g}")
    emotion, region = item.get("emotion"), item.get("region", "face")
    name = ""
    try:
        name = named(emotion) if isinstance(emotion, str) else ""
    except ModelError:
        name = ""
    if not name:
        faults.append(
            f"{where}: {excerpt(emotion)} is not an emotion; use one of {', '.join(EMOTIONS)}"
        )
    if not isinstance(region, str) or region not in NAMED_REGIONS:
        faults.append(
            f"{where}: no region {excerpt(region)}; use one of {', '.join(NAMED_REGIONS)}"
        )
    if len(faults) > before:
        return None
    return Cue(numbers["start"], numbers["end"], name, numbers["strength"], region)
