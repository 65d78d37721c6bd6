"""What this machine computes, for a comparison with another one.

    python arm64_probe.py make OUT.npz < PCM     raw 16-bit mono sound, 16 kHz
    python arm64_probe.py compare A.npz B.npz    exit code 1: they differ by more than 1e-4

Needs an installed Mien, the core alone. All runs in lock-step, so a slow machine gives what a
fast one does.
"""

from __future__ import annotations

import platform
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

import mien
from mien.firmware.host import HostCore
from mien.robot.control.connect import LIVE_LEAD_S
from mien.robot.expression.speech import SpeechStream
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import load_face
from mien.robot.face.solver import FaceSolver
from mien.robot.link.board import Board
from mien.robot.link.transport import CoreTransport
from mien.robot.live.capture.recorded import blocks
from mien.robot.live.face import LiveFace
from mien.robot.live.speech_to_commands import SpeechToCommands
from mien.robot.live.streaming_layers import LiveExpression

TOLERANCE: Final = 1e-4
"""Of blendshapes and commands, which go from 0 or -1 to 1."""
FACES: Final = ("morpheus33", "hobby9")


class Still:
    """A clock that goes on when somebody waits."""

    def __init__(self) -> None:
        self.t = 100.0

    def now(self) -> float:
        """Seconds."""
        return self.t

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.t += seconds

    def sleep_until(self, t: float) -> None:
        """Let the time pass until ``t`` s."""
        self.t = max(self.t, t)


class Voice:
    """The product's pipeline of a voice, from sound on standard input."""

    monitored = False

    def __init__(self, calibrated: Calibrated, sound: NDArray[np.float32], clock: Still) -> None:
        self._clock = clock
        self._converter = SpeechToCommands(calibrated, SpeechStream, LiveExpression(), clock.now)
        self.lookahead_s = SpeechStream().lookahead_s
        self._blocks = list(blocks(sound, clock.now()))

    @property
    def ended(self) -> bool:
        """Whether all of the sound was heard."""
        return not self._blocks

    def poll(self, now: float) -> list[object]:
        """Frames of the sound that was there by ``now``."""
        out: list[object] = []
        while self._blocks and self._blocks[0].end <= now:
            out += self._converter.push(self._blocks.pop(0))
        return out

    def wait(self, seconds: float) -> None:
        """Nothing comes in while the clock stands."""
        self._clock.sleep(seconds)

    def set_emotion(self, _intensities: dict[str, float]) -> None:
        """Nobody asks."""

    def set_gaze(self, _yaw: float, _pitch: float) -> None:
        """Nobody asks."""

    def delay_sound(self, _seconds: float) -> None:
        """Nobody listens."""


def live(name: str, sound: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Commands (T, n) and pulses (T, n) in us of a live run on the firmware core."""
    calibrated, clock = Calibrated(load_face(name)), Still()
    face = calibrated.face
    core = HostCore()
    board = Board(face, CoreTransport(core, clock.now, clock.sleep), clock.now, LIVE_LEAD_S)
    board.connect()
    ticks = []
    voice = Voice(calibrated, sound, clock)
    LiveFace(face, board, clock, voice, watch=ticks.append).run()
    assert core.violations == 0
    return np.array([t.sent for t in ticks]), np.array([t.pulses for t in ticks])


def make(out: Path) -> None:
    """Compute and write everything."""
    raw = np.frombuffer(sys.stdin.buffer.read(), np.dtype("<i2"))
    sound = raw.astype(np.float32) / 32768.0
    took: dict[str, float] = {}
    began = time.process_time()

    def lap(what: str) -> None:
        nonlocal began
        took[what] = time.process_time() - began
        began = time.process_time()

    found: dict[str, NDArray[np.generic]] = {"blendshapes": mien.blendshapes(sound)}
    lap("blendshapes")
    for name in FACES:
        solver = FaceSolver(Calibrated(load_face(name)))
        lap(f"load {name}")
        frames = found["blendshapes"][::4]
        head = np.zeros(3)
        found[f"inverse {name}"] = np.array([solver.solve(f, head).commands for f in frames])
        lap(f"inverse {name}, {len(frames)} frames")
        found[f"live {name}"], found[f"pulses {name}"] = live(name, sound)
        lap(f"live {name}")
    np.savez(out, **found)
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
    for what, seconds in took.items():
        print(f"  {what:32}{seconds:8.2f} s of CPU")


def compare(first: Path, second: Path) -> int:
    """Print the largest differences. Returns the exit code."""
    a, b = np.load(first), np.load(second)
    code = int(set(a.files) != set(b.files))
    for name in a.files:
        # Pulses are quarters of a microsecond, and one rounds up where the other rounds down.
        most = 0.25 if name.startswith("pulses") else TOLERANCE
        same = a[name].shape == b[name].shape
        apart = float(np.abs(a[name] - b[name]).max()) if same else float("inf")
        code |= not apart <= most
        print(f"{name:24}{a[name].shape!s:>14}  {apart:9.2e}  of {most:g}")
    return code


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", path]:
            make(Path(path))
        case ["compare", one, other]:
            sys.exit(compare(Path(one), Path(other)))
        case _:
            sys.exit(__doc__)
