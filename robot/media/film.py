"""Film: images and sound to an mp4 file."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from mien.robot.errors import MienError
from mien.robot.media import sound_file


class Film(Protocol):
    """A film being written."""

    def frame(self, image: NDArray[np.uint8]) -> None:
        """Append one (h, w, 3) RGB image."""


@contextlib.contextmanager
def film(
    path: Path, size: tuple[int, int], fps: int, sound: NDArray[np.float32], rate: int
) -> Iterator[Film]:
    """Write H.264 and AAC to ``path``. The first frame and the first sample share time 0.

    Args:
        size: (width, height) in pixels, both even.
        sound: (n,) mono samples in -1..1 at ``rate`` Hz.

    Raises:
        MienError: ffmpeg failed (a full disk, most often).
    """
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "sound.wav"
        sound_file.write(wav, sound, rate)
        writer = imageio_ffmpeg.write_frames(
            str(path), size, fps=fps, quality=7, macro_block_size=2, pix_fmt_out="yuv420p",
            audio_path=str(wav), audio_codec="aac", output_params=["-movflags", "+faststart"],
            ffmpeg_log_level="error",
        )  # fmt: skip
        writer.send(None)
        try:
            yield _Writer(writer, path)
        finally:
            with contextlib.suppress(OSError):
                writer.close()


class _Writer:
    def __init__(self, generator: object, path: Path) -> None:
        self._generator, self._path = generator, path

    def frame(self, image: NDArray[np.uint8]) -> None:
        try:
            self._generator.send(np.ascontiguousarray(image))  # type: ignore[attr-defined]
        except OSError as e:
            raise MienError(f"cannot write {self._path}: {e}", "free some space, then again") from e
