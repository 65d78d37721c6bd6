"""Where the bench of each area is: what ``mien bench`` finds in a checkout."""

from __future__ import annotations

from typing import Final

BENCHES: Final = {
    "calibration": "tests.bench.calibration.bench_calibration:calibration",
    "docs": "tests.bench.docs.bench_docs:bench",
    "emotion": "tests.bench.robot.bench_emotion:bench",
    "faces": "tests.bench.robot.bench_faces:bench",
    "firmware": "tests.bench.firmware.bench_firmware:bench",
    "inverse": "tests.bench.models.bench_inverse:inverse",
    "life": "tests.bench.robot.bench_life:bench",
    "live": "tests.bench.robot.bench_live:live",
    "manner": "tests.bench.robot.bench_manner:bench",
    "rig": "tests.bench.robot.bench_rig:bench",
    "safety": "tests.bench.robot.bench_safety:bench",
    "soak": "tests.bench.robot.soak_hours:bench",
    "song": "tests.bench.robot.bench_song:bench",
    "speech": "tests.bench.models.bench_speech:bench_speech",
    "style": "tests.bench.models.bench_style:bench",
}
