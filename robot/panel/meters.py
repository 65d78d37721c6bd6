"""The panel's meters as rows of words: pure functions of the state that the loop sends.

A row is (label, value, whether it is a warning). The page writes it as text, so that no name can
become markup.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from mien.robot.wire import Fault, State

Row = tuple[str, str, bool]
_QUIETEST_DB: Final = -60
_HOT_C: Final = 60.0
_ENDED: Final = frozenset({"ESTOP"})
_WELL: Final = frozenset({"ARMED", "DISARMED", "connected"})


def level(state: dict[str, Any]) -> dict[str, Any]:
    """The voice's level: share of the bar 0..1, words, whether somebody speaks."""
    db = float(state["level_db"])
    share = min(1.0, max(0.0, (db - _QUIETEST_DB) / -_QUIETEST_DB))
    return {"share": round(share, 3), "text": f"{db:.0f} dB", "voice": state["gate"] > 0.5}


def voice(state: dict[str, Any]) -> list[Row]:
    """Latency and deadlines."""
    return [
        ("look-ahead", f"{state['lookahead_ms']:.0f} ms", False),
        ("sound to setpoint", f"{state['delay_ms']:.0f} ms", False),
        ("lips behind voice", f"{state['lips_ms']:.0f} ms", False),
        ("the voice is heard", "with the lips" if state["monitored"] else "at once", False),
        ("network", f"{state['network_ms']:.1f} ms a block", False),
        ("deadlines met", f"{100 * state['deadline_met']:.2f} %", state["deadline_met"] < 0.99),
        ("late frames", str(state["late_frames"]), False),
    ]


def serial(state: dict[str, Any], line: str, baud: int) -> list[Row]:
    """The line and the board at its end."""
    link = state["link"]
    up = int(link.get("uptime_s", 0))
    board = board_state(state)
    faults = _faults(link)
    return [
        ("port", "simulated" if line == "sim" else line, False),
        ("baud", str(baud), False),
        ("state", board or "LOST, it is being looked for", board not in _WELL),
        ("faults", faults or "none", bool(faults)),
        ("up", f"{up // 3600}:{up // 60 % 60:02}:{up % 60:02}", False),
        ("frames sent", f"{link['frames_sent']:.0f}", False),
        ("lost on the way", f"{link.get('board_rx_lost', 0):.0f}", False),
        ("setpoints too late", f"{link.get('board_late', 0):.0f}", False),
        ("queue ran empty", f"{link.get('board_starved', 0):.0f}", False),
        ("CRC errors there", f"{link.get('board_rx_bad', 0):.0f}", False),
        ("CRC errors here", f"{link['frames_bad']:.0f}", False),
        ("repeats", f"{link['retries']:.0f}", False),
        ("reconnects", f"{link['reconnects']:.0f}", False),
        ("round trip", f"{1e3 * link['trip_s']:.1f} ms", False),
    ]


def board_state(state: dict[str, Any]) -> str:
    """Name of the board's state: ``connected`` before its first report, empty while it is lost."""
    if not state["connected"]:
        return ""
    if "board_state" not in state["link"]:
        return "connected"
    return State(int(state["link"]["board_state"])).name


def board(state: dict[str, Any]) -> dict[str, Any]:
    """What the page always shows of the board: its state, whether that is a warning, and whether
    its outputs are off until somebody clears it."""
    name = board_state(state)
    return {"state": name, "warning": name not in _WELL, "stopped": name in _ENDED}


def servos(state: dict[str, Any], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Load and estimated temperature of every servo, the warmest first.

    Loads are percent of what the servo can do; ``share`` is the bar's, 0..1.
    """
    celsius, duty = np.array(state["celsius"]), np.array(state["duty"])
    return [
        {
            "name": names[k],
            "celsius": f"{celsius[k]:.0f}",
            "hot": bool(celsius[k] >= _HOT_C),
            "load": f"{100 * duty[k]:.0f}",
            "share": round(float(min(1.0, max(0.0, duty[k]))), 3),
        }
        for k in np.argsort(-celsius, kind="stable")
    ]


def recording_lines(state: dict[str, Any]) -> list[str]:
    """What is recorded and played, and what went wrong with that, in lines."""
    on, played = state["recording"], state["playback"]
    lines = []
    if on["name"]:
        lost = f", {on['dropped']} records lost" if on["dropped"] else ""
        lines.append(f"● recording {on['name']}, {on['seconds']:.0f} s{lost}")
    if on["message"]:
        lines.append(on["message"])
    if played["name"]:
        lines.append(f"▶ playing {played['name']}, {played['seconds']:.0f} s")
    if played["message"]:
        lines.append(played["message"])
    return lines or ["nothing is recorded or played"]


def _faults(link: dict[str, float]) -> str:
    return ", ".join(str(f.name) for f in Fault(int(link.get("board_faults", 0))))
