"""Everything that a live run does, in one MCAP file that Foxglove opens and ``mien replay`` plays.

Messages are JSON with a schema each. A thread of its own writes; the loop only hands over. When the
writer cannot keep up, records are dropped and counted, and when the disk is full the loop is told.
"""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from struct import error as StructError  # noqa: N812
from threading import Thread
from typing import IO, Any, Final

from mcap.exceptions import McapError
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer
from zstandard import ZstdError

from robot.config import FaceConfig
from robot.errors import InputError, MienError

DEPTH: Final = 1200
"""Records that may wait: several seconds of everything."""
_NUMBERS: Final = {"type": "array", "items": {"type": "number"}}
_NUMBER: Final = {"type": "number"}
_INTEGER: Final = {"type": "integer"}
TOPICS: Final[dict[str, dict[str, Any]]] = {
    "/tick": {
        "t": _NUMBER, "late_s": _NUMBER, "wanted": _NUMBERS, "sent": _NUMBERS,
        "pulses_us": _NUMBERS, "clipped": _INTEGER, "slowed": _INTEGER,
        "locked": {"type": "array", "items": {"type": "string"}},
    },
    "/face": {"t": _NUMBER, "sound_t": _NUMBER, "weights": _NUMBERS, "level_db": _NUMBER,
              "gate": _NUMBER, "network_ms": _NUMBER},
    "/thermal": {"t": _NUMBER, "celsius": _NUMBERS, "duty": _NUMBERS},
    "/telemetry": {"t": _NUMBER},
    "/wire": {"us": _INTEGER, "hex": {"type": "string"}},
    "/rig": {"us": _INTEGER, "crc": _INTEGER, "lip_gap_mm": _NUMBER},
    "/event": {"t": _NUMBER, "what": {"type": "string"}},
}  # fmt: skip
"""What is written, with the JSON schema of each message."""
_TYPES: Final[dict[str, Any]] = {
    "number": (int, float), "integer": int, "string": str, "array": list,
}  # fmt: skip
# Whatever the reader trips over in a file that is cut, flipped or made up.
_DAMAGE: Final = (
    McapError,
    ZstdError,
    ValueError,
    LookupError,
    OverflowError,
    EOFError,
    StructError,
)


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
            raise InputError(
                f"a {self.topic} at {self.t:.3f} s has no {name}", "mien live --record"
            )
        return self.content[name]


class Recorder:
    """Writes one file.

    Args:
        path: made anew.
        face: whose run it is; its whole configuration goes into the file.
        about: what else a reader needs to repeat it (build, faults, seed).
        file: instead of opening ``path``; it is closed at the end.

    Raises:
        MienError: the file cannot be made.
    """

    def __init__(
        self,
        path: Path,
        face: FaceConfig,
        about: Mapping[str, Any] | None = None,
        file: IO[bytes] | None = None,
    ) -> None:
        self.path, self.dropped = path, 0
        self.failed: OSError | None = None
        try:
            self._file = file or path.open("wb")
            self._writer = Writer(self._file, compression=CompressionType.ZSTD)
            self._writer.start(profile="mien", library="mien")
            self._ids = {topic: self._register(topic) for topic in TOPICS}
            self._writer.add_metadata("mien", {"face": face.model_dump_json()})
            self._writer.add_metadata("run", {k: json.dumps(v) for k, v in (about or {}).items()})
        except OSError as e:
            raise MienError(f"cannot record to {path}: {e.strerror}", "--record elsewhere") from e
        self._queue: queue.Queue[tuple[str, float, dict[str, Any]] | None] = queue.Queue(DEPTH)
        self._epoch = time.time()
        self._count = 0
        self._thread = Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def put(self, topic: str, t: float, content: dict[str, Any]) -> None:
        """Hand over a message of a topic of ``TOPICS``; ``t`` s since the start. Never blocks.

        Numbers of a list may be numpy's. They come back exactly as they were.
        """
        try:
            self._queue.put_nowait((topic, t, content))
        except queue.Full:
            self.dropped += 1

    def check(self) -> None:
        """Raises:
        MienError: the file can no longer be written.
        """
        if self.failed is not None:
            raise MienError(
                f"recording to {self.path} stopped: {self.failed.strerror}", "free the disk"
            ) from self.failed

    def close(self) -> None:
        """Write what waits and end the file. A disk that is full does not raise again here."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join(10.0)
        try:
            if self.failed is None:
                self._writer.finish()  # type: ignore[no-untyped-call]
            self._file.close()
        except OSError as e:
            self.failed = self.failed or e

    def _register(self, topic: str) -> int:
        schema = {"type": "object", "properties": TOPICS[topic]}
        name = "mien." + topic.removeprefix("/")
        number = self._writer.register_schema(name, "jsonschema", json.dumps(schema).encode())
        return self._writer.register_channel(topic, "json", number)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if self.failed is not None:
                continue  # keep emptying, so that nobody waits
            topic, t, content = item
            at = round((self._epoch + t) * 1e9)
            try:
                data = json.dumps(content, default=_plain, separators=(",", ":")).encode()
                self._writer.add_message(self._ids[topic], at, data, at, self._count)
                self._count += 1
            except OSError as e:
                self.failed = e


def read(path: Path) -> Iterator[Record]:
    """The messages of a file in the order in which they were handed over.

    Raises:
        InputError: no such file, or not a whole recording of ours.
    """
    try:
        with path.open("rb") as file:
            start: int | None = None
            messages = make_reader(file).iter_messages(log_time_order=False)
            for _, channel, message in messages:
                start = message.log_time if start is None else start
                content = _checked(channel.topic, json.loads(message.data))
                yield Record(channel.topic, (message.log_time - start) / 1e9, content)
    except OSError as e:
        raise InputError(f"cannot read {path}: {e.strerror}", "mien live --record") from e
    except _DAMAGE as e:
        raise _damaged(path, e) from e


def origin(path: Path) -> tuple[FaceConfig, dict[str, Any]]:
    """The face and what else was said about the run.

    Raises:
        InputError: as ``read``.
    """
    try:
        with path.open("rb") as file:
            found = {m.name: m.metadata for m in make_reader(file).iter_metadata()}
        face = FaceConfig.model_validate_json(found["mien"]["face"])
        return face, {k: json.loads(v) for k, v in found["run"].items()}
    except OSError as e:
        raise InputError(f"cannot read {path}: {e.strerror}", "mien live --record") from e
    except _DAMAGE as e:
        raise _damaged(path, e) from e


def _checked(topic: str, content: Any) -> dict[str, Any]:
    """A message in which everything is of the kind that its topic promises.

    Raises:
        ValueError: it is not, or nobody knows the topic.
    """
    if topic not in TOPICS or not isinstance(content, dict):
        raise ValueError(f"{topic} is none of our topics")
    for name, schema in TOPICS[topic].items():
        if name in content and not isinstance(content[name], _TYPES[schema["type"]]):
            raise ValueError(f"the {name} of a {topic} is no {schema['type']}")
    return content


def _damaged(path: Path, error: Exception) -> InputError:
    what = str(error) if isinstance(error, ValueError) else type(error).__name__
    return InputError(f"{path} is not a whole recording of mien ({what})", "mien live --record")


def _plain(value: Any) -> Any:
    return value.tolist()
