"""Sound and pictures out of any recording, on one clock: second 0 is where the file begins.

ffmpeg reads it; the package imageio-ffmpeg brings the program.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import imageio_ffmpeg
import numpy as np
import soundfile
from numpy.typing import NDArray

from mien.models.data.schema import read_audio
from mien.models.errors import ModelError
from mien.models.face.blendshapes import FPS
from mien.models.speech.features import RATE

SOUNDS: Final = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff", ".m4a", ".aac")
VIDEOS: Final = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v")
SIDE: Final = 960
"""Pixels that the longer side of a picture keeps: a face in it has enough of them for its lips."""


@dataclass(frozen=True)
class Pictures:
    """What a video shows, and how often."""

    fps: float
    """At most 60; picture k is seen at k / fps seconds."""
    seconds: float
    """As the file says; 0 if it does not."""


def look(path: Path) -> Pictures:
    """What is in the file.

    Raises:
        ModelError: it is no video.
    """
    said = subprocess.run(
        [_program(), "-nostdin", "-hide_banner", "-i", str(path)], capture_output=True, check=False
    ).stderr.decode("utf-8", "replace")
    if " Video: " not in said:
        raise ModelError(f"{path} is no video that ffmpeg reads")
    rate = re.search(r" Video: .* ([\d.]+) fps", said)
    length = re.search(r"Duration: (\d+):(\d+):([\d.]+)", said)
    hours, minutes, seconds = map(float, length.groups()) if length else (0.0, 0.0, 0.0)
    fps = float(rate[1]) if rate else 30.0
    return Pictures(min(fps, float(FPS)), 3600 * hours + 60 * minutes + seconds)


def pictures(path: Path, fps: float) -> Iterator[NDArray[np.uint8]]:
    """RGB pictures (h, w, 3), number k seen at k / ``fps`` seconds, turned upright.

    It ends where the file breaks off.
    """
    # Files of telephones have no steady rate, and pictures may begin after the sound: both are
    # made good here, so that counting is telling the time.
    scale = f"scale='min({SIDE},iw)':'min({SIDE},ih)':force_original_aspect_ratio=decrease"
    command = [_program(), "-v", "error", "-nostdin", "-i", str(path), "-an"]
    command += ["-vf", f"fps={fps}:start_time=0,{scale}:force_divisible_by=2", "-pix_fmt", "rgb24"]
    # PPM: every picture says its own size.
    command += ["-f", "image2pipe", "-c:v", "ppm", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader:
        assert reader.stdout is not None
        try:
            while reader.stdout.readline() == b"P6\n":
                width, height = map(int, reader.stdout.readline().split())
                reader.stdout.readline()
                raw = reader.stdout.read(3 * width * height)
                if len(raw) < 3 * width * height:
                    return
                yield np.frombuffer(raw, np.uint8).reshape(height, width, 3)
        finally:
            reader.kill()


def _program() -> str:
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def sound(path: Path) -> NDArray[np.int16]:
    """The sound of a recording or a video, (n,) mono at 16 kHz.

    Raises:
        ModelError: there is none in it.
    """
    if path.suffix.lower() not in VIDEOS:
        with contextlib.suppress(soundfile.SoundFileError):
            return read_audio(path)
    command = [_program(), "-v", "error", "-nostdin", "-i", str(path), "-vn"]
    # Sound that begins after the pictures waits for its time.
    command += ["-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", str(RATE)]
    done = subprocess.run([*command, "-f", "s16le", "-"], capture_output=True, check=False)
    if done.returncode or not done.stdout:
        raise ModelError(f"{path} has no sound that ffmpeg reads")
    return np.frombuffer(done.stdout, np.int16).copy()
