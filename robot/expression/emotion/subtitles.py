"""Cues in the formats of subtitles: SRT and WebVTT.

A cue is a line ``start --> end`` and a line with emotion, strength and region, the last two
optional. WebVTT adds a header, notes, styles, settings behind the times, and tags in the text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from mien.robot.expression.emotion.track import Cue
from mien.robot.names import quoted

MakeCue = Callable[[str, Mapping[str, Any], list[str]], Cue | None]
"""(place, fields, faults) -> a cue, or None with new faults."""
MAX_CUES: Final = 10_000
"""Most cues of a file."""
_ARROW: Final = re.compile(r"^(\S+)\s*-->\s*(\S+)((?:\s+\S+)*)$")
_CLOCK: Final = re.compile(r"^(?:(\d{1,6}):)?(\d{1,6}):(\d{1,6}(?:[.,]\d{1,9})?)$", re.ASCII)
_SETTING: Final = re.compile(r"^(?:[A-Za-z]\w*:\S+)$")
_TAG: Final = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")
_SKIPPED: Final = ("NOTE", "STYLE", "REGION")
"""First words of WebVTT blocks that are no cues."""
_LONGEST: Final = 60


def cues_of(text: str, make: MakeCue, faults: list[str]) -> list[Cue]:
    """The cues of a file in SRT or WebVTT. Faults are appended to ``faults``, with their lines."""
    blocks = _blocks(text)
    if len(blocks) > MAX_CUES:
        faults.append(f"it has {len(blocks)} blocks, at most {MAX_CUES} are read")
        return []
    webvtt = bool(blocks) and re.match(r"WEBVTT(?:\s|$)", blocks[0][0][1]) is not None
    if webvtt:
        blocks[0] = blocks[0][_header_lines(blocks[0]) :]
    out = []
    for block in blocks:
        if not block or (webvtt and block[0][1].split()[0] in _SKIPPED):
            continue
        cue = _cue(block, webvtt, make, faults)
        out += [cue] if cue else []
    return out


def _blocks(text: str) -> list[list[tuple[int, str]]]:
    """Line numbers and lines, in groups that empty lines separate."""
    out: list[list[tuple[int, str]]] = [[]]
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        if line.strip():
            out[-1].append((number, line.strip()))
        elif out[-1]:
            out.append([])
    return [block for block in out if block]


def _header_lines(block: list[tuple[int, str]]) -> int:
    """Lines of the header. A sloppy writer leaves no empty line before its first cue."""
    for k, (_, line) in enumerate(block):
        if "-->" in line:
            return k
    return len(block)


def _cue(
    block: list[tuple[int, str]], webvtt: bool, make: MakeCue, faults: list[str]
) -> Cue | None:
    if "-->" not in block[0][1] and len(block) > 1 and (webvtt or block[0][1].isdigit()):
        block = block[1:]  # the name or number of the cue
    (number, line), where = block[0], f"line {block[0][0]}"
    arrow = _ARROW.match(line)
    settings = arrow[3].split() if arrow else []
    if arrow is None or not all(_SETTING.match(s) for s in settings):
        faults.append(f"{where}: {quoted(line, _LONGEST)} is not 'start --> end'")
        return None
    words = [(n, html.unescape(_TAG.sub("", text)).split()) for n, text in block[1:]]
    words = [(n, w) for n, w in words if w]
    if len(words) != 1:
        faults.append(f"{where}: expected a line 'emotion strength region', found {len(words)}")
        return None
    item: dict[str, Any] = {}
    for key, written in (("start", arrow[1]), ("end", arrow[2])):
        clock = _CLOCK.match(written)
        if clock is None:
            faults.append(
                f"{where}: {key} {quoted(written, _LONGEST)} is not a time like 00:00:01,500"
            )
            return None
        hours, minutes, seconds = clock.groups()
        item[key] = int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
    number, fields = words[0]
    if len(fields) > 3:
        said = quoted(" ".join(fields), _LONGEST)
        faults.append(f"line {number}: {said} has more than emotion, strength, region")
        return None
    item["emotion"] = fields[0]
    for word in fields[1:]:
        try:
            item["strength"] = float(word)
        except ValueError:
            item["region"] = word
    return make(f"line {number}", item, faults)
