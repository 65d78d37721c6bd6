"""How much of a recording can be read that was cut at a random byte, against what was written."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from mcap.data_stream import ReadDataStream
from mcap.reader import make_reader
from mcap.records import Chunk, Message
from mcap.stream_reader import breakup_chunk

from mien.robot.errors import InputError
from mien.robot.face.config import load_face
from mien.robot.recording.reading import Recording
from mien.robot.recording.recorder import Recorder

CUTS: Final = 50
SECONDS: Final = 8.0
RATE_HZ: Final = 60


class _Kept(io.BytesIO):
    """A file in memory that can be read after it was closed."""

    content = b""

    def close(self) -> None:
        self.content = self.getvalue()
        super().close()


def written(seconds: float = SECONDS, seed: int = 0) -> tuple[bytes, list[dict[str, Any]]]:
    """A recording as a run makes it, and what was handed over."""
    face, rng = load_face("hobby9"), np.random.default_rng(seed)
    file = _Kept()
    recorder = Recorder(Path("memory.mcap"), face, file=file)
    given = []
    for k in range(round(seconds * RATE_HZ)):
        t = k / RATE_HZ
        sent = rng.normal(size=len(face.names))
        content = {"t": t, "late_s": float(rng.random()), "wanted": sent, "sent": sent}
        recorder.put("/tick", t, content)
        recorder.put("/wire", t, {"us": round(1e6 * t), "hex": rng.bytes(60).hex()})
        given.append({**content, "wanted": sent.tolist(), "sent": sent.tolist()})
        given.append({"us": round(1e6 * t), "hex": ""})
    recorder.close()
    return file.content, given


def chunk_ends(whole: bytes) -> list[tuple[int, int]]:
    """(byte after it, records in it and before) of every chunk, as the library finds them."""
    summary = make_reader(io.BytesIO(whole)).get_summary()
    out, count = [], 0
    for index in summary.chunk_indexes if summary else []:
        end = index.chunk_start_offset + index.chunk_length
        body = io.BytesIO(whole[index.chunk_start_offset + 9 : end])  # after opcode and length
        inside = breakup_chunk(Chunk.read(ReadDataStream(body)))
        count += sum(isinstance(record, Message) for record in inside)
        out.append((end, count))
    return out


def is_read(whole: bytes, cut: int, given: Sequence[dict[str, Any]], folder: Path) -> bool:
    """Whether every whole record before the cut comes back as it was, and the rest is said."""
    path = folder / "cut.mcap"
    path.write_bytes(whole[:cut])
    wanted = max((count for end, count in chunk_ends(whole) if end <= cut), default=0)
    try:
        recording = Recording(path)
        found = [record.content for record in recording]
    except InputError as e:
        return wanted == 0 and "nothing can be read" in e.message
    if len(found) < wanted or (cut < len(whole)) != bool(str(recording.missing)):
        return False
    return all(
        got == put if "sent" in put else got["us"] == put["us"]
        for got, put in zip(found, given, strict=False)
    )


def recording_cuts_readable(cuts: int = CUTS, seed: int = 0) -> int:
    """Of ``cuts`` cuts at random bytes, those of which every whole record before the cut is read.

    Where there is none, that has to be said.
    """
    whole, given = written(seed=seed)
    places = np.random.default_rng(seed).integers(0, len(whole), cuts)
    with tempfile.TemporaryDirectory() as folder:
        return sum(is_read(whole, int(cut), given, Path(folder)) for cut in places)
