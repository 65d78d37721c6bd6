import errno
import io
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.robot.errors import InputError, MienError
from mien.robot.face.config import load_face
from mien.robot.recording import reading
from mien.robot.recording.recorder import MAX_QUEUED_RECORDS, TOPICS, Recorder

FACE = load_face("hobby9")


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=40))
def test_numbers_come_back_to_the_last_bit(numbers: list[float]) -> None:
    out = Kept()
    recording = Recorder(Path("memory"), FACE, file=out)
    recording.put("/tick", 0.0, {"wanted": np.array(numbers), "sent": numbers})
    recording.close()
    path = Path(out.saved())
    try:
        content = next(reading.read(path)).content
    finally:
        path.unlink()
    assert content["wanted"] == numbers
    assert content["sent"] == numbers


class Kept(io.BytesIO):
    """A file in memory that can be looked at after it was closed."""

    def close(self) -> None:
        self.content = self.getvalue()

    def saved(self) -> str:
        import tempfile

        with tempfile.NamedTemporaryFile(suffix=".mcap", delete=False) as f:
            f.write(self.content)
        return f.name


def test_face_run_and_order_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    recording = Recorder(path, FACE, {"build": 3, "faults": ["stuck:brow_left@1"]})
    for k in range(100):
        recording.put("/wire" if k % 3 else "/rig", k / 60, {"us": k, "hex": "00"})
    recording.close()
    face, about = reading.origin(path)
    assert face.hash == FACE.hash
    assert about == {"build": 3, "faults": ["stuck:brow_left@1"]}
    records = list(reading.read(path))
    assert [r.content["us"] for r in records] == list(range(100))
    assert records[60].t == pytest.approx(1.0)
    assert recording.dropped == 0


def test_the_file_opens_in_other_readers(tmp_path: Path) -> None:
    from mcap.reader import make_reader

    path = tmp_path / "a.mcap"
    recording = Recorder(path, FACE)
    recording.put("/event", 0.0, {"t": 0.0, "what": "awake"})
    recording.close()
    with path.open("rb") as f:
        summary = make_reader(f, validate_crcs=True).get_summary()
    assert summary is not None
    assert {c.topic for c in summary.channels.values()} == set(TOPICS)
    assert all(s.encoding == "jsonschema" for s in summary.schemas.values())


class FullDisk(io.BytesIO):
    """Takes the head of a file and then nothing more."""

    room = 40_000

    def write(self, data: object) -> int:
        if self.tell() + len(data) > self.room:  # type: ignore[arg-type]
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)  # type: ignore[arg-type]


def test_a_full_disk_is_told_and_blocks_nobody() -> None:
    recording = Recorder(Path("full.mcap"), FACE, file=FullDisk())
    rng = np.random.default_rng(0)
    for k in range(20 * MAX_QUEUED_RECORDS):
        recording.put("/tick", k / 60, {"wanted": rng.normal(size=400)})
        if recording.failed:
            break
        if k % 100 == 0:
            time.sleep(0.001)
    recording.close()
    with pytest.raises(MienError, match="No space left"):
        recording.check()


@pytest.mark.parametrize("content", [b"", b"not mcap at all", b"\x89MCAP0\r\n"])
def test_what_is_no_recording_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.mcap"
    path.write_bytes(content)
    with pytest.raises(InputError, match="recording"):
        list(reading.read(path))
    with pytest.raises(InputError, match="recording"):
        reading.origin(path)
    with pytest.raises(InputError, match="cannot read"):
        reading.origin(tmp_path / "none.mcap")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(MienError, match="nowhere"):
        Recorder(tmp_path / "nowhere" / "a.mcap", FACE)


@pytest.mark.parametrize(
    ("topic", "content", "says"),
    [
        ("/wire", {"us": 10}, "has no hex"),
        ("/wire", {"us": 10, "hex": "zz"}, "no bytes at 10 us"),
        ("/wire", {"us": -5, "hex": "00"}, "goes from 0 to -5"),
        ("/wire", {"us": 10**18, "hex": "00"}, "the rig's time goes"),
        ("/wire", {"us": "soon", "hex": "00"}, "is no integer"),
        ("/rig", {"us": 10, "lip_gap_mm": 0.0}, "has no crc"),
    ],
)
def test_a_made_up_recording_is_refused_and_hangs_nothing(
    tmp_path: Path, topic: str, content: dict[str, object], says: str
) -> None:
    from mien.robot.recording.replay import replay

    path = tmp_path / "evil.mcap"
    recording = Recorder(path, FACE)
    recording.put(topic, 0.0, content)
    recording.close()
    with pytest.raises(InputError, match=says):
        replay(path)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), min_size=1, max_size=8),
    st.floats(0, 1),
)
def test_a_damaged_file_is_said_to_be_one_and_nothing_else(
    flips: list[tuple[float, int]], kept: float
) -> None:
    out = Kept()
    recording = Recorder(Path("memory"), FACE, file=out)
    for k in range(30):
        recording.put("/event", k / 60, {"t": k / 60, "what": str(k)})
    recording.close()
    whole = bytearray(out.content)
    for share, bits in flips:
        whole[int(share * (len(whole) - 1))] ^= bits
    out.content = bytes(whole[: int(kept * len(whole))])
    path = Path(out.saved())
    try:
        for look in (lambda: reading.origin(path), lambda: list(reading.read(path))):
            with suppress(InputError):
                look()
    finally:
        path.unlink()
