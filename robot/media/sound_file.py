"""Sound files as they are found: every format at hand, lying headers, pages that are no sound."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from mien.models.face.column_text import decoded
from mien.models.files import whole
from mien.robot.errors import InputError
from mien.robot.names import quoted

HINT: Final = "mien demo    (speaks the sentence that ships with it), or --wav with another file"
MAX_SAMPLES: Final = 1 << 28
"""Samples of all channels that a file may hold: 93 minutes in stereo at 24 kHz."""
MAX_FILE_BYTES: Final = 1 << 30
"""Largest file, in bytes: as many samples as float32 in a WAV."""
_SHORT: Final = 1 << 24
_EXPANSION: Final = 64
"""Samples for each byte of a file beyond ``_SHORT``. Speech at 8 kbit/s has 48; forged files have
thousands."""
_PART: Final = "a part of it: ffmpeg -i IN -t 600 OUT.wav"
_BLOCK: Final = 1 << 18
_HEAD_BYTES: Final = 4096
_DECODE_S: Final = 300.0
_FLAC_TOTAL: Final = slice(21, 26)
"""Bytes of a FLAC file whose lowest 36 bits are the number of samples."""
_FOREIGN: Final = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
)
"""First bytes of files that people take for sound."""
_PAGES: Final = ("<!doctype html", "<html", "<head", "<body")


def read(path: Path) -> tuple[NDArray[np.float32], int]:
    """Samples (n, channels) of a sound file, and their rate in Hz.

    Reads what libsndfile reads (wav, flac, ogg, mp3, aiff) and, through ffmpeg, what else has
    sound (m4a, aac, mp4, mov, webm, mkv). The number of samples comes from the data, not from the
    header.

    Raises:
        InputError: no such file, no sound in it, or too much; the message says what the file is.
    """
    if not path.is_file():
        raise InputError(f"no sound file at {path}", HINT)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            size = os.fstat(file.fileno()).st_size
            if size > MAX_FILE_BYTES:
                raise InputError(
                    f"{path} has {size} bytes, at most {MAX_FILE_BYTES} are read", _PART
                )
            kind = foreign_kind(head)
            if kind:
                raise InputError(f"{path} is not a sound file: it is {kind}", HINT)
            stream = _corrected(file, head)
            try:
                found = _blocks(stream or path, path)
            except (soundfile.SoundFileError, RuntimeError) as e:
                found = _by_ffmpeg(path, e)
    except OSError as e:
        raise InputError(f"cannot read {path}: {e.strerror or e}", HINT) from e
    if not len(found[0]):
        raise InputError(f"{path} holds 0 samples", HINT)
    return found


def foreign_kind(head: bytes) -> str:
    """What a file is whose first bytes are those of no sound; empty where they may be sound."""
    if not head.strip(b"\0"):
        return "empty" if not head else ""
    for mark, kind in _FOREIGN:
        if head.startswith(mark):
            return kind
    try:
        text = decoded(head[: len(head) - len(head) % 4] if len(head) == _HEAD_BYTES else head)
    except UnicodeDecodeError as e:
        if e.start < len(head) - 4:  # a character may be cut at the end of the head
            return ""
        text = head[: e.start].decode("utf-8", "ignore")
    text = text.strip()
    if not text or any(not (c.isprintable() or c.isspace()) for c in text):
        return ""
    start = text[:200].lower()
    if start.startswith(_PAGES) or "<html" in start:
        return "a web page (HTML), perhaps an error page that was saved in its place"
    if start.startswith("<?xml"):
        return "XML text"
    if start[0] in "{[":
        return f"JSON text that begins with {quoted(text, 40)}"
    return f"text that begins with {quoted(text, 40)}"


def write(path: Path, samples: NDArray[np.float32], rate: int) -> None:
    """Write mono sound (n,) in -1..1 at ``rate`` Hz as WAV of 16 bits, whole or not at all.

    Raises:
        OSError: it cannot be written; libsndfile itself would not say why.
    """
    raw = io.BytesIO()
    soundfile.write(raw, samples, rate, format="WAV", subtype="PCM_16")
    with whole(path) as part:
        part.write_bytes(raw.getbuffer())


class _Forward(soundfile.SoundFile):  # type: ignore[misc]
    """A sound file that is read once from its beginning. A FLAC of unknown length cannot seek."""

    def seekable(self) -> bool:
        return False


def _blocks(source: Path | BinaryIO, path: Path) -> tuple[NDArray[np.float32], int]:
    """Read to the end of the data, whatever number of frames the header names."""
    parts: list[NDArray[np.float32]] = []
    most = min(MAX_SAMPLES, max(_SHORT, _EXPANSION * path.stat().st_size))
    total = 0
    # As bytes: a name may have letters that the encoding of this system lacks.
    with _Forward(os.fsencode(source) if isinstance(source, Path) else source) as sound:
        rate, size = int(sound.samplerate), max(1, _BLOCK // max(1, sound.channels))
        while True:
            try:
                block = sound.read(size, dtype="float32", always_2d=True)
            except (soundfile.SoundFileError, RuntimeError):
                if not parts:
                    raise
                break  # a damaged file: what came before the damage
            if not len(block):
                break
            total += block.size
            if total > most:
                raise InputError(
                    f"{path} has more than {most} samples; that is the most that is read", _PART
                )
            parts.append(block)
            if len(block) < size:
                break
        channels = sound.channels
    return np.concatenate(parts) if parts else np.zeros((0, channels), np.float32), rate


def _corrected(file: BinaryIO, head: bytes) -> io.BytesIO | None:
    """A WAV, FLAC or AU file with the true length of its data; None where it may be read as it is.

    A recorder that was interrupted leaves 0 or an old length in the header.
    """
    if head[:4] == b"fLaC" and len(head) > _FLAC_TOTAL.stop:
        file.seek(0)
        raw = bytearray(file.read())
        raw[_FLAC_TOTAL] = bytes([raw[_FLAC_TOTAL.start] & 0xF0, 0, 0, 0, 0])  # 0 is unknown
        return io.BytesIO(bytes(raw))
    if head[:4] == b".snd" and len(head) >= 24:
        file.seek(0)
        return io.BytesIO(head[:8] + b"\xff" * 4 + file.read()[12:])  # unknown
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    end = os.fstat(file.fileno()).st_size
    at = 12
    while at + 8 <= end:
        file.seek(at)
        name, size = struct.unpack("<4sI", file.read(8))
        after = at + 8 + size + size % 2
        if name == b"data":
            if after >= end - 8 or _is_chunk(file, after, end):
                return None
            file.seek(0)
            raw = bytearray(file.read())
            raw[at + 4 : at + 8] = struct.pack("<I", min(end - at - 8, 0xFFFFFFFE))
            raw[4:8] = struct.pack("<I", min(end - 8, 0xFFFFFFFE))
            return io.BytesIO(bytes(raw))
        at = after
    return None


def _is_chunk(file: BinaryIO, at: int, end: int) -> bool:
    file.seek(at)
    name, size = struct.unpack("<4sI", file.read(8))
    return all(32 <= c < 127 for c in name) and at + 8 + size <= end + 1


def ffmpeg() -> str:
    """Path of the ffmpeg program; empty where there is none."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return str(get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return shutil.which("ffmpeg") or ""


def _by_ffmpeg(path: Path, error: Exception) -> tuple[NDArray[np.float32], int]:
    """The first sound track of anything that ffmpeg reads."""
    program = ffmpeg()
    if not program:
        raise InputError(
            f"{path} is no wav, flac, ogg, mp3 or aiff, and ffmpeg, which reads others, is missing",
            "pip install imageio-ffmpeg",
        ) from error
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "sound.wav"
        # One protocol only: a playlist must not make this machine fetch anything.
        command = [
            program, "-v", "error", "-nostdin", "-protocol_whitelist", "file", "-i", f"file:{path}",
            "-vn", "-sn", "-map", "0:a:0", "-c:a", "pcm_f32le", "-fs", str(4 * MAX_SAMPLES + 4096),
            str(out),
        ]  # fmt: skip
        try:
            ended = subprocess.run(command, capture_output=True, timeout=_DECODE_S, check=False)
        except subprocess.TimeoutExpired as e:
            raise InputError(f"{path} was not decoded within {_DECODE_S:g} s", HINT) from e
        said = ended.stderr.decode("utf-8", "replace")
        if out.is_file() and out.stat().st_size > 0:
            return _blocks(out, path)
    if "matches no streams" in said:
        raise InputError(f"{path} has pictures but no sound", HINT) from error
    reason = said.strip().rpartition("\n")[2].rpartition("] ")[2].replace(f"file:{path}: ", "")
    raise InputError(
        f"{path} is not a sound file that can be read: {reason or error}", HINT
    ) from error
