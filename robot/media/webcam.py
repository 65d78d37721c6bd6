"""Webcam: the newest image of a camera or video file, and the face tracked in it.

Images come through the ffmpeg program of the package imageio-ffmpeg. A thread reads them, so that
the newest image is never older than the frame period of the camera.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Event, Thread
from typing import IO, Final, Self

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe
from numpy.typing import NDArray

from mien.models.vision.face_tracker import FaceTracker, Tracked
from mien.robot.errors import DeviceError
from mien.robot.link.permission import may_open, refusal
from mien.robot.sim.head import load_head

WIDTH, HEIGHT, RATE = 640, 480, 30
_START_S: Final = 15.0
_POLL_S: Final = 0.5


@dataclass(frozen=True, eq=False)
class Picture:
    """One image, (480, 640, 3) uint8 RGB, and its arrival time in s (monotonic)."""

    image: NDArray[np.uint8]
    time: float


class Pictures:
    """Images of a camera.

    Args:
        source: 0 or /dev/video0 for a camera, or the path of a video file.

    Attributes:
        name: the system's name of the camera.
        ended: whether there are no more images.
        error: message of ffmpeg at the end.

    Raises:
        DeviceError: there is no camera, or it gives no image (when entered).
    """

    def __init__(self, source: str) -> None:
        self.path = Path(f"/dev/video{source}") if source.isdigit() else Path(source)
        if not self.path.exists():
            raise DeviceError(f"no camera at {self.path}", "mien devices")
        self.name = _name_of(self.path)
        self.ended, self.error = False, ""
        self._stop, self._arrived = False, Condition()
        self._newest: Picture | None = None
        self._program: subprocess.Popen[bytes] | None = None
        self._thread = Thread(target=self._run, name="camera", daemon=True)

    def newest(self) -> Picture | None:
        """The newest image, None before the first."""
        return self._newest

    def after(self, t: float, timeout_s: float) -> Picture | None:
        """The newest image that arrived later than ``t`` s; None after ``timeout_s``."""

        def there() -> bool:
            return self.ended or (self._newest is not None and self._newest.time > t)

        with self._arrived:
            self._arrived.wait_for(there, timeout_s)
            newest = self._newest
        return newest if newest is not None and newest.time > t else None

    def __enter__(self) -> Self:
        self._thread.start()
        if self.after(-np.inf, _START_S) is None:
            self.close()
            if not may_open(str(self.path)):
                raise DeviceError(*refusal(str(self.path), "video"))
            raise DeviceError(f"no picture from {self.path}: {self.error}", "mien devices")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the camera."""
        self._stop = True
        if self._program is not None:
            self._program.kill()
        if self._thread.is_alive():
            self._thread.join(3.0)

    def _run(self) -> None:
        size = WIDTH * HEIGHT * 3
        try:
            # A file, not a pipe: cheap cameras make ffmpeg complain of every picture.
            with tempfile.TemporaryFile() as complaints, self._ffmpeg(complaints) as program:
                self._program, pipe = program, program.stdout
                while pipe and not self._stop and len(raw := pipe.read(size)) == size:
                    image = np.frombuffer(raw, np.uint8).reshape(HEIGHT, WIDTH, 3)
                    with self._arrived:
                        self._newest = Picture(image, time.monotonic())
                        self._arrived.notify_all()
                program.kill()
                complaints.seek(0)
                text = complaints.read().decode(errors="replace").strip()
                self.error = text.rpartition("\n")[2]
        except OSError as e:
            self.error = str(e)
        finally:
            with self._arrived:
                self.ended = True
                self._arrived.notify_all()

    def _ffmpeg(self, complaints: IO[bytes]) -> subprocess.Popen[bytes]:
        camera = ["-f", "v4l2", "-video_size", f"{WIDTH}x{HEIGHT}", "-framerate", str(RATE)]
        fitted = (
            f"scale={WIDTH}:{HEIGHT}:force_original_aspect_ratio=decrease,"
            f"pad={WIDTH}:{HEIGHT}:(ow-iw)/2:(oh-ih)/2"
        )
        live = camera if self.path.is_char_device() else ["-re"]
        return subprocess.Popen(
            [
                get_ffmpeg_exe(), "-v", "error", *live,
                "-i", str(self.path), "-vf", fitted, "-pix_fmt", "rgb24", "-f", "rawvideo", "-",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints,
        )  # fmt: skip


class Webcam:
    """The newest tracked face of a camera.

    Args:
        source: as in ``Pictures``.

    Raises:
        DeviceError: there is no camera, or it gives no image (when entered).
    """

    def __init__(self, source: str) -> None:
        self._pictures = Pictures(source)
        self._stop, self._first = Event(), Event()
        self._newest: Tracked | None = None
        self.ended = False
        self._thread = Thread(target=self._run, name="webcam", daemon=True)

    def newest(self) -> Tracked | None:
        """The newest result of the face tracker. Its ``time`` is monotonic."""
        return self._newest

    def __enter__(self) -> Self:
        self._pictures.__enter__()
        self._thread.start()
        self._first.wait(_START_S)
        if self._newest is None:
            self.close()
            raise DeviceError(f"no tracked image from {self._pictures.path}", "mien doctor")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the camera."""
        self._stop.set()
        self._pictures.close()
        if self._thread.is_alive():
            self._thread.join(3.0)

    def _run(self) -> None:
        try:
            with FaceTracker(load_head().neutral_landmarks, video=True) as tracker:
                newest = last = -1.0
                while not self._stop.is_set():
                    picture = self._pictures.after(newest, _POLL_S)
                    if picture is None:
                        if self._pictures.ended:
                            break
                        continue
                    newest = picture.time
                    last = max(newest, last + 0.002)  # the tracker requires rising ms
                    self._newest = tracker.track(picture.image, last)
                    self._first.set()
        finally:
            self.ended = True
            self._first.set()


def _name_of(path: Path) -> str:
    """Name of a camera, such as ``HD Webcam C920``; file name of a video."""
    try:
        return (Path("/sys/class/video4linux") / path.resolve().name / "name").read_text().strip()
    except OSError:
        return path.name
