"""Recorder of a run: one MCAP file that Foxglove opens and ``mien replay`` plays.

Messages are JSON with a schema each. A thread writes them and the loop only hands them over. When
the thread cannot keep up, records are dropped and counted. When the disk is full, the loop gets an
error.

The writer ends a chunk every ``FLUSH_S`` seconds of the run. It hands the chunk to the operating
system, so that the end of this process loses nothing before it. It waits until the disk has it, so
that the end of power loses nothing before it. ``mien.robot.recording.reading`` reads the file at
any moment.
"""

from __future__ import annotations

import errno
import json
import os
import queue
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import IO, Any, Final

from mcap.writer import CompressionType, Writer

from mien.robot.errors import MienError
from mien.robot.face.config import FaceConfig
from mien.robot.wire import PROTOCOL_HASH

VERSION: Final = 2
"""Version of the file. 1 had chunks of 1 MiB, no checksum of its head, and always ``/face``."""
MAX_QUEUED_RECORDS: Final = 1200
"""Records that may be queued: several seconds of everything."""
FLUSH_S: Final = 0.5
"""Longest time in s until the disk gets a record."""
MAX_RECORD_BYTES: Final = 1 << 20
"""Largest record in bytes."""
PATIENCE_S: Final = 10.0
"""Time in s that the end of a recording waits for a disk that does not answer."""
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
"""Topics of a recording, with the JSON schema of each message."""
PERSONAL: Final[dict[str, str]] = {
    "/face": "loudness, speech activity and mouth shapes, computed from a voice 60 times a second",
}
"""Topics with personal data, and which. They are left out unless requested."""
FOLLOWS: Final = "the face's motion, which follows whoever speaks to it or moves it"
"""Personal data of every recording of a run."""


def checksum(content: Mapping[str, str]) -> str:
    """CRC-32 of a metadata record, 8 hex digits; MCAP has none for it."""
    plain = json.dumps({k: v for k, v in content.items() if k != "crc"}, sort_keys=True)
    return f"{zlib.crc32(plain.encode()):08x}"


class Recorder:
    """Writes one recording.

    Args:
        path: file, made anew.
        face: face of the run. Its whole configuration goes into the file.
        about: what a reader needs to repeat the run (build, faults, seed).
        file: open file that replaces ``path``; it is closed at the end.
        persons: also record the topics of ``PERSONAL``.
        waits: make the file before returning. Otherwise the thread makes it, and an error is in
            ``failed``.

    Raises:
        MienError: the file cannot be made.
    """

    def __init__(
        self,
        path: Path,
        face: FaceConfig,
        about: Mapping[str, Any] | None = None,
        file: IO[bytes] | None = None,
        persons: bool = False,
        waits: bool = True,
    ) -> None:
        self.path, self._late, self._unfit = path, 0, 0
        self._persons, self._own = persons, file is None
        self.failed: OSError | None = None
        self._begin = partial(self._made, file, face, dict(about or {}))
        self._queue: queue.Queue[tuple[str, float, dict[str, Any]] | None] = queue.Queue(
            MAX_QUEUED_RECORDS
        )
        self._epoch = time.time()
        self._count = 0
        self._file: IO[bytes] | None = None
        if waits:
            try:
                self._begin()
            except OSError as e:
                raise MienError(
                    f"cannot record to {path}: {e.strerror}", "--record elsewhere"
                ) from e
        self._thread = Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def _made(self, file: IO[bytes] | None, face: FaceConfig, about: Mapping[str, Any]) -> None:
        """Make the file and write its head."""
        self._file = file or self.path.open("wb")
        self._writer = Writer(self._file, compression=CompressionType.ZSTD)
        self._writer.start(profile="mien", library=f"mien {VERSION}")
        self._ids = {topic: self._register(topic) for topic in TOPICS}
        head = self._head(face, about)
        for _ in range(2):  # without it nothing can be read, so one sector may go
            self._writer.add_metadata("mien", head)
        self._file.flush()

    @property
    def queued(self) -> int:
        """Records that are not written yet."""
        return self._queue.qsize()

    @property
    def dropped(self) -> int:
        """Records missing in the file: the disk was too slow, or JSON cannot hold them."""
        return self._late + self._unfit

    def put(self, topic: str, t: float, content: dict[str, Any]) -> None:
        """Hand over a message of a topic of ``TOPICS`` at ``t`` s since the start. Never blocks.

        Personal topics are left out unless they were requested. Lists may be numpy arrays. Numbers
        are
        read back exactly.
        """
        if topic in PERSONAL and not self._persons:
            return
        try:
            self._queue.put_nowait((topic, t, content))
        except queue.Full:
            self._late += 1

    def check(self) -> None:
        """Check that the file can be written.

        Raises:
            MienError: the file can no longer be written.
        """
        if self.failed is not None:
            raise MienError(
                f"recording to {self.path} stopped: {self.failed.strerror}", "free the disk"
            ) from self.failed

    def close(self) -> None:
        """Write the remaining records and end the file. A full disk raises nothing here."""
        with suppress(queue.Full):  # the writer hangs in the disk: what waits is lost with it
            self._queue.put(None, timeout=PATIENCE_S)
        self._thread.join(PATIENCE_S)
        if self._thread.is_alive():
            self.failed = self.failed or OSError(errno.EIO, "the disk does not answer")
            return
        try:
            if self.failed is None:
                self._writer.flush()  # type: ignore[no-untyped-call]
                end = {"records": str(self._count), "dropped": str(self.dropped)}
                self._writer.add_metadata("end", {**end, "crc": checksum(end)})
                self._writer.finish()  # type: ignore[no-untyped-call]
                self._flush()
            if self._file is not None:
                self._file.close()
        except OSError as e:
            self.failed = self.failed or e

    def _head(self, face: FaceConfig, about: Mapping[str, Any]) -> dict[str, str]:
        persons = [
            FOLLOWS,
            *(f"{topic}: {what}" for topic, what in PERSONAL.items() if self._persons),
        ]
        head = {
            "version": str(VERSION),
            "face": face.model_dump_json(),
            "about": json.dumps(dict(about)),
            "topics": json.dumps({str(number): topic for topic, number in self._ids.items()}),
            "persons": json.dumps(persons),
            "protocol": f"{PROTOCOL_HASH:08x}",
        }
        return {**head, "crc": checksum(head)}

    def _register(self, topic: str) -> int:
        schema = {"type": "object", "properties": TOPICS[topic]}
        name = "mien." + topic.removeprefix("/")
        number = self._writer.register_schema(name, "jsonschema", json.dumps(schema).encode())
        return self._writer.register_channel(topic, "json", number)

    def _run(self) -> None:
        try:
            if self._file is None:
                self._begin()
        except OSError as e:
            self.failed = e
        self._sync_folder()
        since: float | None = None  # time of the first record that the disk does not have
        while True:
            try:
                item = self._queue.get(timeout=None if since is None else FLUSH_S)
            except queue.Empty:
                self._safe()
                since = None
                continue
            if item is None:
                return
            if self.failed is not None:
                continue  # keep emptying the queue
            topic, t, content = item
            try:
                at = round((self._epoch + t) * 1e9)
                number, data = self._ids[topic], _packed(content)
            except (TypeError, ValueError, AttributeError, LookupError):
                self._unfit += 1
                continue
            try:
                self._writer.add_message(number, at, data, at, self._count & 0xFFFFFFFF)
                self._count += 1
            except OSError as e:
                self.failed = e
            since = t if since is None else since
            if abs(t - since) >= FLUSH_S:
                self._safe()
                since = None

    def _safe(self) -> None:
        """Give what was written to the disk, and wait for it."""
        try:
            if self.failed is None:
                self._writer.flush()  # type: ignore[no-untyped-call]
                self._flush()
        except OSError as e:
            self.failed = e

    def _flush(self) -> None:
        assert self._file is not None
        self._file.flush()
        if self._own:
            os.fdatasync(self._file.fileno())

    def _sync_folder(self) -> None:
        """The file's name too is to be there after a loss of power."""
        try:
            if self._own:
                folder = os.open(self.path.parent, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
        except OSError:
            return  # some file systems cannot; the records themselves are on the disk


def _packed(content: dict[str, Any]) -> bytes:
    data = json.dumps(content, default=_plain, separators=(",", ":")).encode()
    if len(data) > MAX_RECORD_BYTES:
        raise ValueError(f"a record of {len(data)} bytes")
    return data


def _plain(value: Any) -> Any:
    return value.tolist()
