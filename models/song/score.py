"""Reads the voice of a MusicXML score: notes with their times, pitches and syllables.

The reader takes plain MusicXML (score-partwise). It refuses entities and internal DTDs, fetches
nothing, and limits the size, the depth and the number of elements.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from xml.parsers import expat

from mien.models.errors import ModelError
from mien.models.reading.bounded import FileError, excerpt, read_bytes

MAX_BYTES: Final = 16 << 20
MAX_ELEMENTS: Final = 500_000
MAX_DEPTH: Final = 40
MAX_NOTES: Final = 20_000
MAX_S: Final = 3600.0
USUAL_BPM: Final = 120.0
"""Tempo of a score that names none."""
HINT: Final = "export the song as uncompressed MusicXML (.musicxml)"
_STEPS: Final = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_UNITS: Final = {"whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5, "16th": 0.25}
_KEPT: Final = frozenset(
    (
        *("score-partwise", "part", "measure", "note", "chord", "grace", "cue", "rest", "pitch"),
        *("step", "alter", "octave", "duration", "tie", "lyric", "text", "syllabic", "elision"),
        *("voice", "divisions", "attributes", "backup", "forward", "sound", "direction"),
        *("direction-type", "metronome", "beat-unit", "beat-unit-dot", "per-minute", "unpitched"),
    )
)


@dataclass(frozen=True)
class ScoreNote:
    """One sung note.

    Attributes:
        start, end: time in s at the score's tempo.
        midi: pitch as a MIDI number.
        text: its syllable; empty where the syllable before goes on.
        begins: whether a word begins with it.
    """

    start: float
    end: float
    midi: float
    text: str = ""
    begins: bool = True


@dataclass
class _Node:
    name: str
    given: dict[str, str]
    text: str = ""
    parts: list[_Node] = field(default_factory=list)

    def find(self, name: str) -> _Node | None:
        return next((p for p in self.parts if p.name == name), None)

    def word(self, name: str) -> str:
        found = self.find(name)
        return found.text.strip() if found else ""


def read_score(path: Path) -> tuple[ScoreNote, ...]:
    """Sung notes of the first part that has lyrics, or of the first part.

    Raises:
        ModelError: it cannot be read, is no MusicXML, or has no notes; one sentence says why.
    """
    try:
        raw = read_bytes(path, MAX_BYTES)
    except FileError as e:
        raise ModelError(f"cannot read the score {path}: {e.reason}", HINT) from e
    except OSError as e:
        raise ModelError(f"cannot read the score {path}: {e.strerror}", HINT) from e
    if raw[:2] == b"PK":
        raise ModelError(f"{path} is a compressed score (.mxl), only plain text is read", HINT)
    try:
        root = _tree(raw)
        parts = [p for p in root.parts if p.name == "part"] if root.name == _ROOT else []
        if not parts:
            raise _RefusedError(f"its first element is {excerpt(root.name)}, expected {_ROOT}")
        songs = [_notes(p) for p in parts]
    except (_RefusedError, expat.ExpatError) as e:
        raise ModelError(f"{path} is no score that can be used: {e}", HINT) from e
    sung = next((s for s in songs if any(n.text for n in s)), next((s for s in songs if s), ()))
    if not sung:
        raise ModelError(f"{path} has no notes", HINT)
    return sung


class _RefusedError(ValueError):
    pass


_ROOT: Final = "score-partwise"


def _tree(raw: bytes) -> _Node:
    """The elements that matter, without any entity."""
    parser: Any = expat.ParserCreate()
    top = _Node("", {})
    stack = [top]
    count = depth = 0
    skipped = 0

    def start(name: str, given: dict[str, str]) -> None:
        nonlocal count, depth, skipped
        count, depth = count + 1, depth + 1
        if count > MAX_ELEMENTS or depth > MAX_DEPTH:
            raise _RefusedError(f"it has more than {MAX_ELEMENTS} elements or {MAX_DEPTH} levels")
        if skipped or (len(stack) > 1 and name not in _KEPT):
            skipped += 1
            return
        node = _Node(name, given)
        stack[-1].parts.append(node)
        stack.append(node)

    def end(_name: str) -> None:
        nonlocal depth, skipped
        depth -= 1
        if skipped:
            skipped -= 1
        else:
            stack.pop()

    def text(data: str) -> None:
        if not skipped and len(stack[-1].text) < 1000:
            stack[-1].text += data

    def refuse(what: str) -> Callable[..., None]:
        def handler(*_given: Any) -> None:
            raise _RefusedError(f"it declares {what}, which is refused")

        return handler

    def doctype(_name: str, _system: str, _public: str, internal: int) -> None:
        if internal:
            raise _RefusedError("it has a document type of its own (DTD), which is refused")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text
    parser.EntityDeclHandler = refuse("an entity")
    parser.UnparsedEntityDeclHandler = refuse("an entity")
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(raw, True)
    except (UnicodeError, LookupError) as e:
        raise _RefusedError(f"its text cannot be decoded: {e}") from e
    if not top.parts:
        raise _RefusedError("it is empty")
    return top.parts[0]


@dataclass
class _Clock:
    """Where a part is: time in s, tempo, and quarters per division."""

    time: float = 0.0
    quarter_s: float = 60.0 / USUAL_BPM
    divisions: float = 1.0

    def seconds(self, node: _Node) -> float:
        return _number(node.word("duration"), 0.0, 1e7) / self.divisions * self.quarter_s


def _notes(part: _Node) -> tuple[ScoreNote, ...]:
    clock, out, voice = _Clock(), list[ScoreNote](), ""
    tied = False
    for node in (n for measure in part.parts if measure.name == "measure" for n in measure.parts):
        if node.name == "attributes" and node.find("divisions"):
            clock.divisions = max(_number(node.word("divisions"), 1.0, 1e6), 1e-3)
        elif node.name in ("sound", "direction"):
            clock.quarter_s = _tempo(node, clock.quarter_s)
        elif node.name in ("backup", "forward"):
            clock.time += (-1 if node.name == "backup" else 1) * clock.seconds(node)
        elif node.name == "note" and not (node.find("grace") or node.find("cue")):
            length = clock.seconds(node)
            own = node.word("voice") or voice
            if node.find("chord"):
                continue
            begin, clock.time = clock.time, clock.time + length
            pitch = node.find("pitch")
            voice = voice or (own if pitch else "")
            if pitch is None or own != voice or length <= 0:
                tied = tied and pitch is None and own != voice
                continue
            if tied and out:
                out[-1] = replace(out[-1], end=clock.time)
            else:
                out.append(ScoreNote(begin, clock.time, _midi(pitch), *_syllable(node)))
            tied = any(t.given.get("type") == "start" for t in node.parts if t.name == "tie")
        if len(out) > MAX_NOTES or not -1.0 <= clock.time <= MAX_S:
            raise _RefusedError(
                f"it has more than {MAX_NOTES} notes or lasts more than {MAX_S:.0f} s"
            )
    return tuple(sorted(out, key=lambda n: n.start))


def _tempo(node: _Node, before: float) -> float:
    """Length of a quarter in s after a direction."""
    sound = node if node.name == "sound" else node.find("sound")
    if sound is not None and "tempo" in sound.given:
        return 60.0 / max(_number(sound.given["tempo"], USUAL_BPM, 1000.0), 10.0)
    for kind in node.parts:
        metronome = kind.find("metronome")
        if metronome is not None and metronome.find("per-minute"):
            unit = _UNITS.get(metronome.word("beat-unit"), 1.0)
            unit *= 1.5 if metronome.find("beat-unit-dot") else 1.0
            bpm = _number(metronome.word("per-minute"), USUAL_BPM, 1000.0)
            return 60.0 / max(bpm * unit, 10.0)
    return before


def _midi(pitch: _Node) -> float:
    step = pitch.word("step").upper()
    if step not in _STEPS:
        raise _RefusedError(f"a note has the step {excerpt(step)}, expected one of A to G")
    octave = _number(pitch.word("octave"), 4.0, 12.0)
    alter = _number(pitch.word("alter") or "0", 0.0, 3.0, -3.0)
    return 12.0 * (octave + 1) + _STEPS[step] + alter


def _syllable(node: _Node) -> tuple[str, bool]:
    lyric = node.find("lyric")
    if lyric is None:
        return "", False
    text = " ".join(p.text.strip() for p in lyric.parts if p.name == "text")
    return text[:60], lyric.word("syllabic") in ("", "single", "begin")


def _number(text: str, otherwise: float, most: float, least: float = 0.0) -> float:
    try:
        value = float(text)
    except ValueError:
        return otherwise
    if not least <= value <= most:
        raise _RefusedError(f"the number {excerpt(text)} is not between {least:g} and {most:g}")
    return value
