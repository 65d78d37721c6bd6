"""What a loop shows to its panel."""

from typing import Any

from mien.robot.face.config import load_face

N = len(load_face("morpheus33").names)
STATE: dict[str, Any] = {
    "level_db": -21.0, "gate": 1.0, "network_ms": 3.2, "delay_ms": 104.0, "late_frames": 7,
    "lookahead_ms": 95.8, "lips_ms": 158.0, "monitored": True,
    "deadline_met": 0.9987, "connected": True,
    "link": {
        "frames_sent": 4321.0, "frames_bad": 2.0, "retries": 3.0, "reconnects": 1.0,
        "trip_s": 0.0021, "uptime_s": 3665.4, "board_rx_lost": 11.0, "board_rx_bad": 12.0,
        "board_late": 13.0, "board_starved": 14.0, "board_state": 2.0, "board_faults": 0.0,
    },
    "recording": {"name": "", "seconds": 0.0, "dropped": 0, "message": ""},
    "playback": {"name": "", "seconds": 0.0, "message": ""},
    "celsius": [30.0 + k for k in range(N)], "duty": [0.25] * N,
}  # fmt: skip
