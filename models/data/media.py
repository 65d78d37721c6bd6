"""Sound and pictures of a recording on one clock: second 0 is the start of the file.

ffmpeg decodes the file. The package imageio-ffmpeg provides the program.
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
MAX_SIDE_PX: Final = 960
"""Largest length of a picture's longer side, pixels. Lips are still measurable at this size."""


@dataclass(frozen=True)
class Pictures:
    """Frame rate and length of a video."""

    fps: float
    """Pictures per second, at most 60. Picture k has the time k / fps seconds."""
    seconds: float
    """Length in seconds from the file's header; 0 if the header has none."""


def probe(path: Path) -> Pictures:
    """Read frame rate and length of a video file.

    Raises:
        ModelError: the file is not a video.
    """
    report = subprocess.run(
        [_program(), "-nostdin", "-hide_banner", "-i", str(path)], capture_output=True, check=False
    ).stderr.decode("utf-8", "replace")
    if " Video: " not in report:
        raise ModelError(f"{path} is no video that ffmpeg reads")
    rate = re.search(r" Video: .* ([\d.]+) fps", report)
    length = re.search(r"Duration: (\d+):(\d+):([\d.]+)", report)
    hours, minutes, seconds = map(float, length.groups()) if length else (0.0, 0.0, 0.0)
    fps = float(rate[1]) if rate else 30.0
    return Pictures(min(fps, float(FPS)), 3600 * hours + 60 * minutes + seconds)


def pictures(path: Path, fps: float) -> Iterator[NDArray[np.uint8]]:
    """Upright RGB pictures (h, w, 3) uint8; picture k has the time k / ``fps`` seconds.

    The iterator ends where a damaged file ends.
    """
    # Videos of telephones have a variable frame rate, and pictures may begin after the sound.
    # The filter resamples both, so that the index of a picture gives its time.
    side = f"'min({MAX_SIDE_PX},iw)':'min({MAX_SIDE_PX},ih)'"
    scale = f"scale={side}:force_original_aspect_ratio=decrease"
    command = [_program(), "-v", "error", "-nostdin", "-i", str(path), "-an"]
    command += ["-vf", f"fps={fps}:start_time=0,{scale}:force_divisible_by=2", "-pix_fmt", "rgb24"]
    # PPM: every picture carries its size.
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
        ModelError: the file has no sound.
    """
    if path.suffix.lower() not in VIDEOS:
        with contextlib.suppress(soundfile.SoundFileError):
            return read_audio(path)
    command = [_program(), "-v", "error", "-nostdin", "-i", str(path), "-vn"]
    # Sound that begins after the pictures is padded with silence.
    command += ["-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", str(RATE)]
    done = subprocess.run([*command, "-f", "s16le", "-"], capture_output=True, check=False)
    if done.returncode or not done.stdout:
        raise ModelError(f"{path} has no sound that ffmpeg reads")
    return np.frombuffer(done.stdout, np.int16).copy()
