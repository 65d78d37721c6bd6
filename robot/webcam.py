"""A camera, or a video file played in real time, looked at by the face tracker in its own thread.

Pictures come through the ffmpeg program that the package imageio-ffmpeg brings.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from threading import Event, Thread
from typing import Final, Self

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe

from models.face_tracker import FaceTracker, Tracked
from robot.errors import DeviceError
from robot.sim.head import load_head

WIDTH, HEIGHT, RATE = 640, 480, 30
_START_S: Final = 15.0


class Webcam:
    """The newest look at whoever is in front of it.

    Args:
        source: 0 or /dev/video0 for a camera, or the path of a video.

    Raises:
        DeviceError: there is none, or it gives no picture (when entered).
    """

    def __init__(self, source: str) -> None:
        path = Path(f"/dev/video{source}") if source.isdigit() else Path(source)
        if not path.exists():
            raise DeviceError(f"no camera at {path}", "mien devices")
        self._path, self._camera = path, path.is_char_device()
        self._stop, self._first = Event(), Event()
        self._newest: Tracked | None = None
        self._error = ""
        self.ended = False
        self._thread = Thread(target=self._run, name="webcam", daemon=True)

    def newest(self) -> Tracked | None:
        """The last picture that was looked at; its ``time`` is on the monotonic clock."""
        return self._newest

    def __enter__(self) -> Self:
        self._thread.start()
        self._first.wait(_START_S)
        if self._newest is None:
            self._stop.set()
            raise DeviceError(f"no picture from {self._path}: {self._error}", "mien devices")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let it go."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(3.0)

    def _run(self) -> None:
        size = WIDTH * HEIGHT * 3
        try:
            with (
                self._pictures() as program,
                FaceTracker(load_head().neutral_landmarks, video=True) as tracker,
            ):
                pipe, last = program.stdout, -1.0
                while pipe and not self._stop.is_set() and len(raw := pipe.read(size)) == size:
                    now = max(time.monotonic(), last + 0.002)  # the tracker wants rising ms
                    image = np.frombuffer(raw, np.uint8).reshape(HEIGHT, WIDTH, 3)
                    self._newest, last = tracker.track(image, now), now
                    self._first.set()
                program.kill()
                said = program.stderr.read() if program.stderr else b""
                self._error = said.decode(errors="replace").strip().rpartition("\n")[2]
        except OSError as e:
            self._error = str(e)
        finally:
            self.ended = True
            self._first.set()

    def _pictures(self) -> subprocess.Popen[bytes]:
        camera = ["-f", "v4l2", "-video_size", f"{WIDTH}x{HEIGHT}", "-framerate", str(RATE)]
        fitted = (
            f"scale={WIDTH}:{HEIGHT}:force_original_aspect_ratio=decrease,"
            f"pad={WIDTH}:{HEIGHT}:(ow-iw)/2:(oh-ih)/2"
        )
        return subprocess.Popen(
            [
                get_ffmpeg_exe(), "-v", "error", *(camera if self._camera else ["-re"]),
                "-i", str(self._path), "-vf", fitted, "-pix_fmt", "rgb24", "-f", "rawvideo", "-",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
