"""Motion subtitles: what a singing face does, as an SRT file that a person reads and edits.

A cue moves one region of the face from its start to its end, and nothing outside of these times::

    12
    00:00:03,620 --> 00:00:05,640
    # be
    mouth: eh, 0.31

The grammar of a block is::

    [number]
    start --> end                 HH:MM:SS,mmm (or MM:SS.mmm)
    # note                        any number of notes, kept with the first cue of the block
    region: motion, intensity     one or more cues; the intensity is 0 to 1

``MOTIONS`` lists the regions and their motions; a mood takes any emotion. Blocks are separated by
empty lines. :func:`write` and :func:`parse` are inverse: no cue, note or digit is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.models.errors import ModelError
from mien.models.face.column_text import decoded
from mien.models.face.emotion import EMOTIONS, named
from mien.models.reading.bounded import FileError, excerpt, read_bytes

VOWELS: Final = ("ah", "ae", "eh", "ee", "er", "oh", "oo", "hum")
"""Shapes in which a mouth is held. Their intensity is the lip opening, jawOpen - mouthClose."""
MOTIONS: Final[dict[str, tuple[str, ...]]] = {
    "mouth": (*VOWELS, "close", "smile", "frown", "round", "wide"),
    "brows": ("raise", "lower", "worry", "raise left", "raise right"),
    "eyes": ("up", "down", "left", "right", "wide", "squint", "close"),
    "cheeks": ("raise", "puff"),
    "nose": ("wrinkle",),
    "head": (*("sway", "lift", "lower", "turn left", "turn right", "tilt left", "tilt right"),),
    "mood": tuple(name for name in EMOTIONS if name != "neutral"),
}
"""Regions, in the order in which cues of equal times are written, and the motions of each."""
DEFAULT: Final = 0.7
"""Intensity of a cue without one."""
MAX_CUES: Final = 20_000
MAX_BYTES: Final = 2 << 20
MAX_MS: Final = 24 * 3600 * 1000
MAX_NOTE: Final = 200
"""Most characters of a note."""
HINT: Final = "a cue is 'brows: raise, 0.4'; the page Song of the documentation has the grammar"
_ARROW: Final = re.compile(r"^(\S+)\s*-->\s*(\S+)(?:\s.*)?$")
_CLOCK: Final = re.compile(r"^(?:(\d{1,3}):)?(\d{1,4}):(\d{1,2})(?:[.,](\d{1,3}))?$", re.ASCII)
_NUMBER: Final = re.compile(r"^(?:0(?:\.\d{1,6})?|1(?:\.0{1,6})?|\.\d{1,6})$", re.ASCII)


@dataclass(frozen=True, order=True)
class MotionCue:
    """One motion of one region.

    Attributes:
        start_ms, end_ms: time in ms.
        region: key of ``MOTIONS``.
        motion: one of its motions.
        intensity: 0 to 1, of at most three decimals.
        note: what people should know, such as the sung words; it moves nothing.
    """

    start_ms: int
    end_ms: int
    region: str
    motion: str
    intensity: float = DEFAULT
    note: str = ""

    @property
    def start(self) -> float:
        """Start in s."""
        return self.start_ms / 1000

    @property
    def end(self) -> float:
        """End in s."""
        return self.end_ms / 1000


def cue(
    start: float, end: float, region: str, motion: str, intensity: float, note: str = ""
) -> MotionCue:
    """A cue from times in s; the intensity is rounded to three decimals and kept in 0..1."""
    first = max(0, round(1000 * start))
    strength = round(min(max(float(intensity), 0.0), 1.0), 3)
    return MotionCue(first, max(first + 1, round(1000 * end)), region, motion, strength, note)


def ordered(cues: Iterable[MotionCue]) -> tuple[MotionCue, ...]:
    """Cues by start, region, end and motion: the order of a file."""
    regions = list(MOTIONS)
    return tuple(
        sorted(cues, key=lambda c: (c.start_ms, regions.index(c.region), c.end_ms, c.motion))
    )


def write(cues: Iterable[MotionCue]) -> str:
    """The text of a file: one block for each cue."""
    blocks = []
    for number, one in enumerate(ordered(cues), start=1):
        notes = [f"# {line}\n" for line in one.note.split("\n") if line]
        blocks.append(
            f"{number}\n{_clock(one.start_ms)} --> {_clock(one.end_ms)}\n{''.join(notes)}"
            f"{one.region}: {one.motion}, {one.intensity:g}\n"
        )
    return "\n".join(blocks)


def read(path: Path) -> tuple[MotionCue, ...]:
    """The cues of a file.

    Raises:
        ModelError: it cannot be read, or has faults; the message names the first one.
    """
    try:
        text = decoded(read_bytes(path, MAX_BYTES))
    except FileError as e:
        raise ModelError(f"cannot read the subtitles {path}: {e.reason}", HINT) from e
    except OSError as e:
        raise ModelError(f"cannot read the subtitles {path}: {e.strerror}", HINT) from e
    except UnicodeDecodeError as e:
        raise ModelError(
            f"cannot read the subtitles {path}: byte {e.start} is no UTF-8 or UTF-16 text",
            "save the file as UTF-8",
        ) from e
    return parse(text, str(path))


def parse(text: str, name: str = "the text") -> tuple[MotionCue, ...]:
    """The cues of a text.

    Raises:
        ModelError: it has faults; the message names the first one and how many more there are.
    """
    faults: list[str] = []
    cues: list[MotionCue] = []
    for block in _blocks(text):
        cues += _cues(block, faults)
        if len(cues) > MAX_CUES:
            faults.append(f"it has more than {MAX_CUES} cues")
            break
    if not cues and not faults:
        faults.append("it has no cue")
    if faults:
        more = f" (and {len(faults) - 1} more faults)" if len(faults) > 1 else ""
        raise ModelError(f"{name} has no usable motion subtitles: {faults[0]}{more}", HINT)
    return ordered(cues)


def _blocks(text: str) -> list[list[tuple[int, str]]]:
    out: list[list[tuple[int, str]]] = [[]]
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text.lstrip("\ufeff")), start=1):
        if line.strip():
            out[-1].append((number, line.strip()))
        elif out[-1]:
            out.append([])
    return [block for block in out if block]


def _cues(block: list[tuple[int, str]], faults: list[str]) -> list[MotionCue]:
    if block[0][1].isdigit() and len(block) > 1:
        block = block[1:]
    number, line = block[0]
    arrow = _ARROW.match(line)
    times = [_ms(word) for word in arrow.groups()] if arrow else [None, None]
    start, end = times
    if start is None or end is None:
        faults.append(f"line {number}: {excerpt(line)} is not 'HH:MM:SS,mmm --> HH:MM:SS,mmm'")
        return []
    if not start < end <= MAX_MS:
        faults.append(f"line {number}: the cue ends at {end} ms and must end after {start} ms")
        return []
    notes = [text[1:].strip() for _, text in block[1:] if text.startswith("#")]
    note = "\n".join(n for n in notes if n)
    if len(note) > MAX_NOTE:
        faults.append(f"line {number}: the notes have {len(note)} characters, at most {MAX_NOTE}")
    out: list[MotionCue] = []
    for at, text in block[1:]:
        if not text.startswith("#"):
            found = _line(text)
            if isinstance(found, str):
                faults.append(f"line {at}: {found}")
            else:
                out.append(MotionCue(start, end, *found, note="" if out else note))
    if len(block) == 1 or (not out and not any(not t.startswith("#") for _, t in block[1:])):
        faults.append(f"line {number}: there is no 'region: motion, intensity' below it")
    return out


def _line(text: str) -> tuple[str, str, float] | str:
    """Region, motion and intensity of a line, or what is wrong with it."""
    region, colon, rest = text.partition(":")
    region = region.strip().lower()
    if not colon or region not in MOTIONS:
        return f"{excerpt(text)} has no region of {', '.join(MOTIONS)}"
    motion, comma, number = (part.strip() for part in rest.partition(","))
    motion = " ".join(motion.lower().split())
    if region == "mood":
        try:
            motion = named(motion)
        except ModelError:
            return f"{excerpt(motion)} is no emotion; there are {', '.join(MOTIONS['mood'])}"
    if motion not in MOTIONS[region]:
        return f"{excerpt(motion)} is no motion of {region}: {', '.join(MOTIONS[region])}"
    if comma and not _NUMBER.match(number):
        return f"the intensity {excerpt(number)} is no number from 0 to 1"
    return region, motion, round(float(number), 3) if comma else DEFAULT


def _ms(text: str) -> int | None:
    clock = _CLOCK.match(text)
    if clock is None:
        return None
    hours, minutes, seconds, part = clock.groups()
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    return whole * 1000 + int((part or "0").ljust(3, "0"))


def _clock(ms: int) -> str:
    seconds, part = divmod(ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d},{part:03d}"


def longest(cues: Sequence[MotionCue]) -> float:
    """End of the last cue in s; 0 without cues."""
    return max((c.end for c in cues), default=0.0)
