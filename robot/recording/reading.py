"""Reading of a recording, as far as it is whole, with a count of what is missing.

A recording may have been cut by the end of its process or by a loss of power, or damaged later.
Every
record that is whole on the disk is read. What lies between is counted and reported, not estimated.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import error as StructError  # noqa: N812
from typing import IO, Any, Final

from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Metadata

from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig
from mien.robot.names import printable
from mien.robot.recording import mcap_walk
from mien.robot.recording.mcap_walk import DamagedRange, McapPart, McapWalk
from mien.robot.recording.missing import Missing
from mien.robot.recording.recorder import PERSONAL, TOPICS, VERSION, checksum

FIRST_PROTOCOL: Final = "908b5eec"
"""Protocol of recordings of version 1, which do not name it."""
MAX_CHANNELS: Final = 256
_HINT: Final = "mien live --record"
_TYPES: Final[dict[str, Any]] = {
    "number": (int, float), "integer": int, "string": str, "array": list,
}  # fmt: skip
# Whatever a parser trips over in bytes that are damaged or made up.
_DAMAGE: Final = (
    McapError, ValueError, LookupError, OverflowError, EOFError, RecursionError, StructError,
)  # fmt: skip


@dataclass(frozen=True)
class Record:
    """One message. ``t`` is s since the beginning of the file."""

    topic: str
    t: float
    content: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        """One value of the message.

        Raises:
            InputError: it is not there.
        """
        if name not in self.content:
            raise InputError(f"a {self.topic} at {self.t:.3f} s has no {name}", _HINT)
        return self.content[name]


class Recording:
    """A recording to read. Iteration gives its records in the order in which they were written.

    Attributes:
        face: face of the run.
        about: description of the run.
        version: version of the file.
        protocol: hash of the wire's definition, 8 hex digits.
        persons: description of the personal data in the file.
        missing: what the file lacks; complete at the end of an iteration.

    Raises:
        InputError: no such file, no recording of mien, or cut before its first record.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.missing = path, Missing()
        self._announced_records: int | None = None  # how many records were written
        head = self._opened(self._find_head)
        try:
            self.version = int(head.get("version", "1"))
            if self.version > VERSION:
                raise InputError(
                    f"{path} has version {self.version}, this Mien reads up to {VERSION}",
                    "a newer Mien",
                )
            self.face = FaceConfig.model_validate_json(head["face"])
            self.about: dict[str, Any] = dict(json.loads(head["about"]))
            self.protocol = str(head.get("protocol", FIRST_PROTOCOL))
            known = json.loads(head["topics"]) if "topics" in head else dict(enumerate(TOPICS, 1))
            self._topics = {int(k): str(topic) for k, topic in known.items()}
            persons = json.loads(head["persons"]) if "persons" in head else _always()
            self.persons = tuple(str(line) for line in persons)
        except (*_DAMAGE, TypeError, AttributeError) as e:
            raise self._refusal(_why(e)) from e

    def __iter__(self) -> Iterator[Record]:
        """The records.

        Raises:
            InputError: a record that is whole holds what no recording of ours does.
        """
        self.missing, self._announced_records = Missing(), None
        try:
            with self.path.open("rb") as file:
                yield from self._records(McapWalk(file))
        except OSError as e:
            raise self._unreadable(e) from e
        except _DAMAGE as e:
            raise self._refusal(_why(e)) from e

    def _records(self, walk: McapWalk) -> Iterator[Record]:
        missing, sequence, start = self.missing, -1, None
        broken: float | None = None  # the last time before a damaged place
        for part in walk.parts():
            if isinstance(part, McapPart):
                try:
                    found = list(self._content(part))
                except _DAMAGE:
                    if part.cut:
                        continue
                    part = walk.damaged(part)
            if isinstance(part, DamagedRange):
                broken = (missing.until_s or 0.0) if broken is None else broken
                missing.holes.append((part.at, part.end, broken))
                continue
            for number, at, topic, data in found:
                start = at if start is None else start
                t = (at - start) / 1e9
                try:
                    content = _checked(topic, json.loads(data))
                except _DAMAGE:
                    if part.cut:  # the end of a chunk whose checksum is not there
                        break
                    raise
                if broken is not None:
                    missing.seconds += max(0.0, t - broken)
                    broken = None
                missing.records += max(0, number - sequence - 1)
                sequence, missing.until_s = max(sequence, number), t
                yield Record(topic, t, content)
        if not walk.closed:
            missing.cut_at = walk.at
        elif self._announced_records is not None:
            missing.records += max(0, self._announced_records - sequence - 1)
        elif self.version > 1:  # its end does not say how many there were: that place is damaged
            missing.holes.append((walk.at, walk.at, missing.until_s or 0.0))

    def _content(self, part: McapPart) -> Iterator[tuple[int, int, str, bytes]]:
        """(sequence, time, topic, data) of the messages of a part.

        Raises:
            ValueError and the like: it is damaged.
        """
        if part.opcode == Opcode.METADATA and not part.cut:
            found = _metadata(part)
            if found.name == "end":
                self.missing.dropped = int(found.metadata["dropped"])
                self._announced_records = int(found.metadata["records"])
        if part.opcode != Opcode.CHUNK:
            return
        for opcode, body in mcap_walk.records(mcap_walk.unpacked(part)):
            if opcode == Opcode.CHANNEL:
                channel = Channel.read(_stream(body))
                if len(self._topics) >= MAX_CHANNELS:
                    raise ValueError(f"more than {MAX_CHANNELS} channels")
                self._topics.setdefault(channel.id, channel.topic)
            elif opcode == Opcode.MESSAGE:
                number, sequence, at, data = mcap_walk.message(body)
                if number not in self._topics:
                    raise ValueError(f"channel {number} has no name")
                yield sequence, at, self._topics[number], data

    def _find_head(self, file: IO[bytes]) -> dict[str, str]:
        walk = McapWalk(file)
        found: dict[str, str] = {}
        for part in walk.parts():
            if not isinstance(part, McapPart) or part.cut or part.opcode != Opcode.METADATA:
                continue
            try:
                metadata = _metadata(part)
            except _DAMAGE:
                walk.damaged(part)
                continue
            if metadata.name == "mien" and "version" in metadata.metadata:
                return metadata.metadata
            if metadata.name == "mien":  # version 1: the description of the run follows
                found = metadata.metadata
            if metadata.name == "run" and found:
                parts = (f"{json.dumps(k)}: {v}" for k, v in metadata.metadata.items())
                return {**found, "about": "{" + ", ".join(parts) + "}"}
        if walk.at < walk.size or not walk.closed:
            raise ValueError(
                f"it is cut or damaged at byte {walk.at} of {walk.size}, before its first record: "
                "nothing can be read"
            )
        raise ValueError("it does not say whose run it is")

    def _opened(self, read_part: Any) -> dict[str, str]:
        try:
            with self.path.open("rb") as file:
                found: dict[str, str] = read_part(file)
                return found
        except OSError as e:
            raise self._unreadable(e) from e
        except _DAMAGE as e:
            raise self._refusal(_why(e)) from e

    def _unreadable(self, error: OSError) -> InputError:
        return InputError(f"cannot read {self.path}: {error.strerror}", _HINT)

    def _refusal(self, why: str) -> InputError:
        return InputError(f"{self.path} is not a whole recording of mien: {why}", _HINT)


def read(path: Path) -> Iterator[Record]:
    """The records of a file, as far as they are whole; see ``Recording``."""
    return iter(Recording(path))


def origin(path: Path) -> tuple[FaceConfig, dict[str, Any]]:
    """The face of a recording and the description of its run.

    Raises:
        InputError: as ``Recording``.
    """
    recording = Recording(path)
    return recording.face, recording.about


def _metadata(part: McapPart) -> Metadata:
    """A metadata record whose checksum is right, or that has none.

    Raises:
        ValueError and the like: it is damaged.
    """
    found: Metadata = Metadata.read(_stream(memoryview(part.body)))
    has_one = found.name == "end" or "version" in found.metadata  # version 1 had none
    if has_one and found.metadata.get("crc") != checksum(found.metadata):
        raise ValueError("a head whose checksum is another")
    return found


def _stream(body: memoryview) -> ReadDataStream:
    return ReadDataStream(io.BytesIO(bytes(body)))


def _checked(topic: str, content: Any) -> dict[str, Any]:
    """A message whose values have the types of its topic.

    Raises:
        ValueError: they have not, or the topic is unknown.
    """
    if topic not in TOPICS or not isinstance(content, dict):
        raise ValueError(f"{topic} is none of our topics")
    for name, schema in TOPICS[topic].items():
        if name in content and not isinstance(content[name], _TYPES[schema["type"]]):
            raise ValueError(f"the {name} of a {topic} is no {schema['type']}")
    return content


def _always() -> list[str]:
    """Personal data of files from before they named it."""
    return [f"{topic}: {what}" for topic, what in PERSONAL.items()]


def _why(error: Exception) -> str:
    text = str(error) if isinstance(error, ValueError) else type(error).__name__
    line = " ".join(printable(line.strip()) for line in text.splitlines())
    return line if len(line) <= 300 else f"{line[:300]}..."
