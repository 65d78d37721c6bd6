"""Counts the machine instructions of a live frame, to estimate its time on another machine.

    python -m tests.tools.frame_operations [FACE ...]

Needs valgrind. Vectors of 128 bits are used, as on an ARM core. A count is the difference of two
runs of different length, so that imports and set-up do not count.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Final

SHORT, LONG = 20, 60
"""Frames of both runs."""
PARTS: Final = ("speech", "inverse")
PI5_HZ: Final = 2.4e9
PER_CYCLE: Final = (1.0, 2.0)
"""Instructions a cycle of a Cortex-A76 in such code: a cautious guess, and a usual one."""
NARROW: Final = {
    "OPENBLAS_CORETYPE": "Nehalem", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F", "PYTHONHASHSEED": "0",
}  # fmt: skip


def frames(part: str, count: int, face: str) -> None:
    """Compute ``count`` frames of one part of the live path."""
    from mien.robot.expression.speech import SpeechStream
    from mien.robot.face.calibrated import Calibrated
    from mien.robot.face.config import load_face
    from mien.robot.face.solver import FaceSolver
    from mien.robot.media import audio

    sound = audio.load(audio.LJ_DEMO)[: 3 * audio.RATE]
    stream, solver = SpeechStream(), FaceSolver(Calibrated(load_face(face)))
    solver.warm_up()
    shapes = stream.push(sound)[30 : 30 + count]
    hop = audio.RATE // 60
    stream = SpeechStream()
    for k in range(count):
        if part == "speech":
            stream.push(sound[k * hop : (k + 1) * hop])
        else:
            solver.solve(shapes[k], None, 1 / 60)


def instructions(part: str, count: int, face: str) -> int:
    """Instructions of a program that computes ``count`` frames."""
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    command += [sys.executable, "-m", "tests.tools.frame_operations", part, str(count), face]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | NARROW
    )
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if found is None:
        raise ValueError(f"valgrind counted nothing: {done.stderr[-300:]}")
    return int(found[1].replace(",", ""))


def main() -> None:
    """Print instructions a frame by face and part, and the estimate."""
    for face in sys.argv[1:] or ["morpheus33", "hobby9"]:
        counts = {}
        for part in PARTS:
            more = instructions(part, LONG, face) - instructions(part, SHORT, face)
            counts[part] = more / (LONG - SHORT)
        total = sum(counts.values())
        slow, fast = (1000 * total / (PI5_HZ * per) for per in PER_CYCLE)
        each = ", ".join(f"{part} {count / 1e6:.1f} M" for part, count in counts.items())
        print(f"{face}: {each} a frame; a Raspberry Pi 5, estimated: {fast:.1f} to {slow:.1f} ms")


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in PARTS:
        frames(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    else:
        main()
