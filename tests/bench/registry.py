"""Where the bench of each area is: what ``mien bench`` finds in a checkout."""

from __future__ import annotations

from typing import Final

BENCHES: Final = {
    "calibration": "tests.bench.calibration.bench:calibration",
    "emotion": "tests.bench.robot.emotion:bench",
    "firmware": "tests.bench.firmware.bench:bench",
    "inverse": "tests.bench.models.bench_inverse:inverse",
    "live": "tests.bench.robot.live:live",
    "rig": "tests.bench.robot.rig:bench",
    "safety": "tests.bench.robot.safety:bench",
    "speech": "tests.bench.models.bench_speech:bench_speech",
}
