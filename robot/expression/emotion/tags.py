r"""Emotion tags in a text: ``[happy 0.6] Good morning! [/] And now the news.``

A tag holds until the next one. ``[/]`` ends it. ``[happy 0.6, surprise 0.3]`` is a blend. The
default
intensity is 0.7. ``\[`` is a literal bracket.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mien.models.errors import ModelError
from mien.models.face.emotion import EMOTIONS, named
from mien.robot.errors import InputError
from mien.robot.expression.emotion.timeline import STRENGTH

_TAG = re.compile(r"(?<!\\)\[([^\]]*)(\]|$)")


@dataclass(frozen=True)
class Span:
    """A part of a text with one emotion.

    Attributes:
        text: the text without tags.
        emotions: intensities in 0..1 by emotion; empty for neutral.
    """

    text: str
    emotions: Mapping[str, float] = field(default_factory=dict)


def parse(text: str) -> list[Span]:
    """Split a text at its tags. Spans without words are left out.

    Raises:
        InputError: invalid tags (all are listed), or a text without words.
    """
    faults: list[str] = []
    spans: list[Span] = []
    at, emotions = 0, dict[str, float]()
    for tag in _TAG.finditer(text):
        spans.append(Span(_plain(text[at : tag.start()]), emotions))
        emotions, at = _emotions(tag, faults), tag.end()
    spans.append(Span(_plain(text[at:]), emotions))
    if faults:
        listed = "\n  ".join(faults)
        raise InputError(f"tags that mean nothing:\n  {listed}", "write [happy 0.6] or \\[ for a [")
    spans = [s for s in spans if any(c.isalnum() for c in s.text)]
    if not spans:
        raise InputError("the text has no words", '--text "Good morning!"')
    return spans


def _plain(text: str) -> str:
    return " ".join(text.replace("\\[", "[").split())


def _emotions(tag: re.Match[str], faults: list[str]) -> dict[str, float]:
    inside, end = tag.groups()
    where = f"{tag.group(0)!r} at character {tag.start() + 1}"
    if not end:
        faults.append(f"{where}: no closing bracket")
        return {}
    if inside.strip() in ("/", ""):
        if not inside.strip():
            faults.append(f"{where}: empty")
        return {}
    out: dict[str, float] = {}
    for part in inside.split(","):
        words = part.split()
        if not 1 <= len(words) <= 2:
            faults.append(f"{where}: {part.strip()!r} is not an emotion and a number")
            continue
        try:
            name = named(words[0])
        except ModelError:
            faults.append(f"{where}: {words[0]!r} is not one of {', '.join(EMOTIONS)}")
            continue
        try:
            strength = float(words[1]) if len(words) == 2 else STRENGTH
        except ValueError:
            strength = -1.0
        if not 0.0 <= strength <= 1.0:
            faults.append(f"{where}: {words[1]!r} is not a number from 0 to 1")
            continue
        out[name] = strength
    return out
