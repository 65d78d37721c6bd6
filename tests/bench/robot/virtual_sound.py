"""A sound card that is not there: a private PulseAudio with a microphone that plays what you like.

The speaker ``voice`` is a null sink and its monitor is the microphone, so PortAudio opens a real
stream. What Mien itself plays goes to a second one, ``room``, which can be listened to. Used by
tests and by ``mien bench live``; it touches neither the user's sound server nor their settings.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from mien.robot.errors import DeviceError
from mien.robot.media.audio import RATE

PROGRAMS: Final = ("pulseaudio", "pactl", "parec", "pacat")
INSTALL: Final = (
    "apt-get install --no-install-recommends pulseaudio pulseaudio-utils libasound2-plugins"
)
_START_S: Final = 10.0
_SAMPLE: Final = np.dtype("<i2")


def missing() -> list[str]:
    """Programs that this machine lacks."""
    return [p for p in PROGRAMS if shutil.which(p) is None]


class VirtualSound:
    """The daemon, while it is entered. Sets the environment of this process and its children.

    Raises:
        DeviceError: PulseAudio is not installed or does not start.
    """

    def __enter__(self) -> Self:
        if lacking := missing():
            raise DeviceError(f"no {', '.join(lacking)}", INSTALL)
        self._home = Path(tempfile.mkdtemp(prefix="mien-sound-"))
        self._home.chmod(0o700)
        changed = {
            "HOME": str(self._home),
            "XDG_RUNTIME_DIR": str(self._home),
            "XDG_CONFIG_HOME": str(self._home),
            "PULSE_SERVER": f"unix:{self._home}/pulse/native",
        }
        self._before = {k: os.environ.get(k) for k in changed}
        os.environ.update(changed)
        self._players: list[subprocess.Popen[bytes]] = []
        self._module = ""
        self._daemon = self._spawn(
            "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--disallow-exit",
            "--use-pid-file=no", "-L", "module-native-protocol-unix",
            "-L", f"module-null-sink sink_name=room rate={RATE} channels=1",
        )  # fmt: skip
        end = time.monotonic() + _START_S
        while subprocess.run(["pactl", "info"], capture_output=True, check=False).returncode:
            if time.monotonic() > end or self._daemon.poll() is not None:
                self.__exit__(None, None, None)
                raise DeviceError("PulseAudio did not start", INSTALL)
            time.sleep(0.05)
        self.plug()
        self._pactl("set-default-sink", "room")
        return self

    def plug(self) -> None:
        """The microphone is there. Somebody listens already, or its first block comes late."""
        self._module = self._pactl(
            "load-module", "module-null-sink", "sink_name=voice", f"rate={RATE}", "channels=1"
        )
        self._pactl("set-default-source", "voice.monitor")
        self._players.append(
            self._spawn("parec", "--latency-msec=10", "-d", "voice.monitor", "--raw")
        )

    def unplug(self) -> None:
        """The microphone is gone, as when its cable is pulled."""
        self._pactl("unload-module", self._module)

    def play(self, samples: NDArray[np.float32], ahead_ms: int = 20) -> subprocess.Popen[bytes]:
        """Say samples (n,) at 16 kHz into the microphone; returns at once. Wait for it or not.

        The player hands over ``ahead_ms`` before they are due, and is not needed for so long.
        """
        path = self._home / f"play-{len(self._players)}.raw"
        path.write_bytes((np.clip(samples, -1, 1) * 32767).astype(_SAMPLE).tobytes())
        player = self._spawn(
            "pacat", "--playback", "-d", "voice", "--raw", "--format=s16le", f"--rate={RATE}",
            "--channels=1", f"--latency-msec={ahead_ms}", str(path),
        )  # fmt: skip
        self._players.append(player)
        return player

    def listen(self, source: str = "room.monitor") -> Listener:
        """Record what comes out of a source, until the listener is stopped."""
        listener = Listener(source)
        self._players.append(listener.process)
        return listener

    def kill(self) -> None:
        """The sound server dies."""
        self._daemon.kill()
        self._daemon.wait()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in [*self._players, self._daemon]:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in [*self._players, self._daemon]:
            try:
                process.wait(3.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for key, value in self._before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
        shutil.rmtree(self._home, ignore_errors=True)

    def _pactl(self, *words: str) -> str:
        done = subprocess.run(["pactl", *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise DeviceError(f"pactl {' '.join(words)}: {done.stderr.strip()}", INSTALL)
        return done.stdout.strip()

    @staticmethod
    def _spawn(*words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


class Listener:
    """``parec`` with the host's time of every sample. ``stop`` gives what was heard."""

    def __init__(self, source: str) -> None:
        self.process = subprocess.Popen(
            ["parec", "--latency-msec=10", "-d", source, "--raw", "--format=s16le",
             f"--rate={RATE}", "--channels=1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
        )  # fmt: skip
        self._heard = tempfile.TemporaryFile()  # noqa: SIM115 (closed in stop; memory is measured)
        self._starts: list[float] = []
        self._thread = Thread(target=self._read, name="listener", daemon=True)
        self._thread.start()

    def stop(self) -> tuple[float, NDArray[np.float32]]:
        """Host time in s of the first sample, and the samples (n,) at 16 kHz.

        What was read late is not what came late: the lower tenth of the estimates is the time.
        """
        self.process.terminate()
        self._thread.join(5.0)
        self.process.wait()
        with self._heard:
            self._heard.seek(0)
            data = self._heard.read()
        whole = data[: len(data) // 2 * 2]
        start = float(np.quantile(self._starts, 0.1)) if self._starts else 0.0
        return start, np.frombuffer(whole, _SAMPLE).astype(np.float32) / 32768.0

    def _read(self) -> None:
        pipe = self.process.stdout
        size = 0
        while pipe is not None and (data := pipe.read(4096)):
            self._heard.write(data)
            size += len(data)
            self._starts.append(time.monotonic() - size / 2 / RATE)
