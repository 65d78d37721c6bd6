"""A recording that is cut, damaged, old or made up: what is whole is read, and the rest is said."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from mien.robot.face.config import load_face
from mien.robot.recording.reading import Recording
from mien.robot.recording.recorder import (
    FLUSH_S,
    MAX_QUEUED_RECORDS,
    PERSONAL,
    Recorder,
)
from tests.bench.robot import recording as bench_recording
from tests.bench.robot.recording import chunk_ends, is_read, recording_cuts_readable, written

pytestmark = pytest.mark.realtime

FACE = load_face("hobby9")


@pytest.fixture(scope="module")
def whole() -> tuple[bytes, list[dict[str, Any]]]:
    """A recording of four seconds, and what was handed over."""
    return written(4.0)


def found(folder: Path, content: bytes) -> tuple[list[dict[str, Any]], Recording]:
    path = folder / "x.mcap"
    path.write_bytes(content)
    recording = Recording(path)
    return [record.content for record in recording], recording


def test_every_whole_record_before_a_cut_is_read() -> None:
    assert recording_cuts_readable(20, seed=3) == 20


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_fifty_cuts_of_fifty_are_read(seed: int) -> None:
    assert recording_cuts_readable(50, seed) == 50


def test_the_bench_counts_a_reader_that_forgets_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(Recording):
        def __iter__(self) -> Any:
            return iter(list(super().__iter__())[:-1])

    monkeypatch.setattr(bench_recording, "Recording", Forgetful)
    assert recording_cuts_readable(20, seed=3) < 20


def test_a_cut_at_every_place_around_a_border_is_read(
    whole: tuple[bytes, list[dict[str, Any]]], tmp_path: Path
) -> None:
    content, given = whole
    ends = [end for end, _ in chunk_ends(content)]
    places = {p + d for p in (0, 8, ends[0], ends[3], ends[-1], len(content)) for d in range(-3, 4)}
    for cut in sorted(p for p in places if 0 <= p <= len(content)):
        assert is_read(content, cut, given, tmp_path), cut


def test_a_record_waits_less_than_a_second_for_the_disk(
    whole: tuple[bytes, list[dict[str, Any]]], tmp_path: Path
) -> None:
    content, given = whole
    ends = [count for _, count in chunk_ends(content)]
    times = [g["t"] for g in given if "t" in g]
    assert 2 * FLUSH_S <= 1.0  # one waits for the chunk to end, and one for the next record
    assert max(np.diff([0.0, *(times[(n - 1) // 2] for n in ends)])) <= FLUSH_S + 1.5 / 60
    assert found(tmp_path, content)[1].missing.nothing


def test_what_a_killed_process_wrote_is_read(tmp_path: Path) -> None:
    path = tmp_path / "killed.mcap"
    code = (
        "import sys, time; from pathlib import Path; from mien.robot.face.config import load_face\n"
        "from mien.robot.recording.recorder import Recorder\n"
        "r = Recorder(Path(sys.argv[1]), load_face('hobby9')); k = 0\n"
        "while True:\n"
        "    r.put('/wire', k / 200, {'us': k * 5000, 'hex': '00'}); k += 1; time.sleep(0.005)\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], cwd=Path(__file__).parents[3]
    )
    try:
        end = time.monotonic() + 60.0
        while time.monotonic() < end and not (path.exists() and path.stat().st_size > 7500):
            time.sleep(0.05)
        os.kill(writer.pid, signal.SIGKILL)
    finally:
        writer.kill()
        writer.wait()
    recording = Recording(path)
    numbers = [record["us"] // 5000 for record in recording]
    assert len(numbers) >= 60
    assert numbers == list(range(len(numbers)))
    assert "never ended" in str(recording.missing)


@pytest.mark.parametrize("tail", [b"\0" * 5000, b"\xff" * 5000, bytes(range(256)) * 20, b"\x06"])
def test_what_follows_a_cut_is_not_taken_for_records(
    whole: tuple[bytes, list[dict[str, Any]]], tmp_path: Path, tail: bytes
) -> None:
    content, given = whole
    end, count = chunk_ends(content)[3]
    records, recording = found(tmp_path, content[: end + 40] + tail)
    assert len(records) == count
    assert records[0]["t"] == given[0]["t"]
    assert "never ended" in str(recording.missing)


def test_every_flipped_byte_costs_its_chunk_at_most_and_is_said(
    whole: tuple[bytes, list[dict[str, Any]]], tmp_path: Path
) -> None:
    content, given = whole
    ends = [0, *(count for _, count in chunk_ends(content))]
    largest = max(np.diff(ends))
    sent = {g["t"]: g["sent"] for g in given if "sent" in g}
    rng = np.random.default_rng(0)
    for at in rng.integers(8, len(content), 60):
        broken = bytearray(content)
        broken[at] ^= 1 << rng.integers(8)
        records, recording = found(tmp_path, bytes(broken))
        assert len(records) >= len(given) - largest, at
        assert all(sent[r["t"]] == r["sent"] for r in records if "sent" in r)
        if len(records) < len(given):
            assert str(recording.missing), at
            lost = recording.missing.records
            assert lost == len(given) - len(records), at


@pytest.mark.parametrize("bit", [5, 6, 7])
@pytest.mark.parametrize("kind", ["index", "chunk"])
def test_a_part_whose_length_is_damaged_swallows_no_other_chunk(
    whole: tuple[bytes, list[dict[str, Any]]], tmp_path: Path, kind: str, bit: int
) -> None:
    content, given = whole
    ends = chunk_ends(content)
    index = ends[0][0]  # what follows a chunk is its index
    at = index if kind == "index" else content.index(b"\x04\0\0\0zstd", index) - 37
    assert content[at] == {"index": 0x07, "chunk": 0x06}[kind]
    broken = bytearray(content)
    broken[at + 2] ^= 1 << bit  # 8 to 32 KiB longer, and still inside the file
    records, recording = found(tmp_path, bytes(broken))
    assert len(records) >= len(given) - (ends[1][1] - ends[0][1])
    assert str(recording.missing)


def test_a_damaged_head_is_said_and_its_copy_is_read(
    whole: tuple[bytes, list[dict[str, Any]]], tmp_path: Path
) -> None:
    content, given = whole
    at = content.index(b'"pulse_us"')
    broken = content[:at] + b'"pulse_uz"' + content[at + 10 :]
    records, recording = found(tmp_path, broken)
    assert recording.face.hash == FACE.hash
    assert len(records) == len(given)
    assert "damaged places are left out" in str(recording.missing)


def test_the_middle_of_a_file_may_be_gone(
    whole: tuple[bytes, list[dict[str, Any]]], tmp_path: Path
) -> None:
    content, given = whole
    (begin, before), (end, after) = chunk_ends(content)[2], chunk_ends(content)[4]
    for damage in (b"", b"\0" * (end - begin), os.urandom(3000)):
        records, recording = found(tmp_path, content[: begin + 5] + damage + content[end - 5 :])
        missing = recording.missing
        assert len(records) + missing.records == len(given)
        assert missing.records >= after - before
        assert missing.seconds > 0.9
        assert "damaged places" in str(missing)


class Stuck(io.BytesIO):
    """A disk that takes the head of a file and then nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.armed, self.stuck, self.go = False, Event(), Event()

    def write(self, data: Any) -> int:
        if self.armed:
            self.stuck.set()
            self.go.wait(60.0)
        return super().write(data)

    def close(self) -> None:
        self.content = self.getvalue()


def test_what_a_slow_disk_has_no_room_for_is_counted_and_said_in_the_file(tmp_path: Path) -> None:
    disk = Stuck()
    recorder = Recorder(Path("memory.mcap"), FACE, file=disk)
    disk.armed = True
    recorder.put("/event", 0.0, {"t": 0.0, "what": "a"})
    recorder.put("/event", FLUSH_S, {"t": FLUSH_S, "what": "b"})  # ends the chunk
    assert disk.stuck.wait(60.0)
    for k in range(MAX_QUEUED_RECORDS + 7):
        recorder.put("/event", 1.0 + k, {"t": 1.0 + k, "what": str(k)})
    assert recorder.dropped == 7
    disk.go.set()
    recorder.close()
    records, recording = found(tmp_path, disk.content)
    assert len(records) == MAX_QUEUED_RECORDS + 2
    assert recording.missing.dropped == 7
    assert "7 records were dropped" in str(recording.missing)


def test_what_json_cannot_hold_is_counted_and_ends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    recorder = Recorder(path, FACE)
    recorder.put("/event", 0.0, {"t": 0.0, "what": object()})
    recorder.put("/event", float("nan"), {"t": 0.0, "what": "when?"})
    recorder.put("/nowhere", 0.0, {})
    recorder.put("/event", 0.0, {"t": 0.0, "what": "x" * 2_000_000})
    recorder.put("/event", 0.0, {"t": 0.0, "what": "last"})
    recorder.close()
    recording = Recording(path)
    assert [r["what"] for r in recording] == ["last"]
    assert recorder.dropped == recording.missing.dropped == 4


def test_nothing_of_a_voice_is_recorded_unless_somebody_asked(tmp_path: Path) -> None:
    for persons in (False, True):
        path = tmp_path / f"{persons}.mcap"
        recorder = Recorder(path, FACE, persons=persons)
        recorder.put("/face", 0.0, {"t": 0.0, "weights": np.zeros(52)})
        recorder.put("/event", 0.1, {"t": 0.1, "what": "awake"})
        recorder.close()
        recording = Recording(path)
        assert ("/face" in {r.topic for r in recording}) == persons
        assert any("/face" in line for line in recording.persons) == persons
        assert any("motion" in line for line in recording.persons)
        assert recorder.dropped == 0
    assert set(PERSONAL) == {"/face"}
