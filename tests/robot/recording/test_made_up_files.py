"""Recordings that somebody made, and old ones: refused in one sentence, or read."""

from __future__ import annotations

import json
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import zstandard
from mcap.writer import CompressionType, Writer

from mien.robot.errors import InputError
from mien.robot.face.config import load_face
from mien.robot.recording.mcap_walk import MAGIC, MAX_CHUNK_BYTES
from mien.robot.recording.reading import MAX_CHANNELS, Recording
from mien.robot.recording.recorder import (
    TOPICS,
    VERSION,
    checksum,
)
from tests.bench.robot.recording import chunk_ends

FACE = load_face("hobby9")


def part(opcode: int, body: bytes, length: int | None = None) -> bytes:
    return struct.pack("<BQ", opcode, len(body) if length is None else length) + body


def text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode()


def chunk(data: bytes, size: int | None = None, packing: str = "zstd") -> bytes:
    packed = zstandard.compress(data) if packing == "zstd" else data
    head = struct.pack("<QQQI", 0, 0, len(data) if size is None else size, zlib.crc32(data))
    return part(6, head + text(packing) + struct.pack("<Q", len(packed)) + packed)


def begun(**more: str) -> bytes:
    """The head of a recording of ours."""
    content = {"version": str(VERSION), "face": FACE.model_dump_json(), "about": "{}",
               "topics": '{"1": "/event"}', "persons": "[]", "protocol": "0"} | more  # fmt: skip
    content["crc"] = checksum(content)
    pairs = b"".join(text(k) + text(v) for k, v in content.items())
    body = text("mien") + struct.pack("<I", len(pairs)) + pairs
    return MAGIC + part(1, text("mien") + text("mien")) + part(12, body)


def event(content: bytes, number: int = 0, channel: int = 1) -> bytes:
    return part(5, struct.pack("<HIQQ", channel, number, 10**9, 0) + content)


GOOD = event(b'{"t": 0.0, "what": "awake"}')


MADE_UP = {
    "length of a part": begun() + part(6, b"x", 2**63),
    "length of every part": begun() + b"".join(part(k, b"", 2**62) for k in range(1, 16)),
    "size of a chunk": begun() + chunk(GOOD, 2**40),
    "bomb": begun() + chunk(b"\0" * (4 * MAX_CHUNK_BYTES), MAX_CHUNK_BYTES),
    "bomb that is announced": begun() + chunk(b"\0" * (4 * MAX_CHUNK_BYTES)),
    "channels": begun() + chunk(b"".join(
        part(4, struct.pack("<HH", k % 65536, 0) + text(f"/c{k}") + text("json") + b"\0" * 4)
        for k in range(60_000)) + GOOD),
    "packing": begun() + chunk(GOOD, packing="lz4"),
    "signs": begun() + b"".join(
        part(6, b"\0" * 28 + b"\x04\0\0\0zstd", 2**20) for _ in range(20_000)),
    "metadata": MAGIC + part(12, text("mien") + struct.pack("<I", 2**32 - 1) + b"x" * 1000),
    "keys": MAGIC + part(12, text("mien") + struct.pack("<I", 200_000) + b"\0" * 200_000),
    "zeros": MAGIC + b"\0" * 2_000_000,
}  # fmt: skip


@pytest.mark.parametrize("name", MADE_UP)
def test_a_made_up_file_costs_neither_memory_nor_a_crash(tmp_path: Path, name: str) -> None:
    path = tmp_path / "evil.mcap"
    path.write_bytes(MADE_UP[name])
    tracemalloc.start()
    try:
        recording = Recording(path)
        assert list(recording) == []
        assert str(recording.missing)
    except InputError as e:
        assert e.exit_code == 2
        assert e.message.isprintable()
        assert len(e.message) < 600
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 6 * MAX_CHUNK_BYTES


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b'{"t": ' + b"9" * 5000 + b"}", b"{}" * 3, b"\xff", b'["t"]', b"1"]
)
def test_a_message_that_is_none_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "evil.mcap"
    path.write_bytes(begun() + chunk(event(content)))
    with pytest.raises(InputError, match="not a whole recording") as caught:
        list(Recording(path))
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "more",
    [
        {"version": "soon"}, {"version": str(VERSION + 1)}, {"face": "{}"}, {"about": "[1]"},
        {"topics": "[]"}, {"topics": '{"x": "/tick"}'}, {"about": "[" * 10_000}, {"persons": "7"},
    ],
)  # fmt: skip
def test_a_head_that_makes_no_sense_is_one_sentence(tmp_path: Path, more: dict[str, str]) -> None:
    path = tmp_path / "evil.mcap"
    path.write_bytes(begun(**more) + chunk(GOOD))
    with pytest.raises(InputError) as caught:
        list(Recording(path))
    assert "\n" not in caught.value.message


def test_more_channels_than_anybody_needs_are_refused() -> None:
    assert len(TOPICS) < MAX_CHANNELS < 1000


def first_version(path: Path, count: int, end: bool = True, chunk_size: int = 1 << 20) -> None:
    """A recording as Mien wrote it before files said their version."""
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=chunk_size, compression=CompressionType.ZSTD)
        writer.start(profile="mien", library="mien")
        ids = {}
        for topic, fields in TOPICS.items():
            schema = json.dumps({"type": "object", "properties": fields}).encode()
            number = writer.register_schema("mien." + topic[1:], "jsonschema", schema)
            ids[topic] = writer.register_channel(topic, "json", number)
        writer.add_metadata("mien", {"face": FACE.model_dump_json()})
        writer.add_metadata("run", {"build": "3", "faults": "[]", "source": '"wav"'})
        rng = np.random.default_rng(0)
        for k in range(count):
            data = json.dumps({"us": k, "hex": rng.bytes(200).hex()}).encode()
            writer.add_message(ids["/wire"], 10**18 + k * 10**7, data, 0, k)
        if end:
            writer.finish()  # type: ignore[no-untyped-call]


def test_an_old_recording_is_read_and_says_what_it_tells_of_persons(tmp_path: Path) -> None:
    path = tmp_path / "old.mcap"
    first_version(path, 300)
    recording = Recording(path)
    assert [r["us"] for r in recording] == list(range(300))
    assert recording.missing.nothing
    assert recording.version == 1
    assert recording.about == {"build": 3, "faults": [], "source": "wav"}
    assert recording.face.hash == FACE.hash
    assert any("voice" in line for line in recording.persons)


def test_an_old_recording_that_was_never_ended_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "old.mcap"
    first_version(path, 8000)  # chunks of one MiB
    content = path.read_bytes()
    ends = chunk_ends(content)
    assert len(ends) == 4
    path.write_bytes(content[: ends[2][0] + (ends[3][0] - ends[2][0]) // 2])
    recording = Recording(path)
    numbers = [r["us"] for r in recording]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > ends[2][1]  # and some of the chunk that was cut
    assert "never ended" in str(recording.missing)
