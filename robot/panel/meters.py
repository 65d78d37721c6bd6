"""What the panel's meters say, as Markdown: pure functions of the state that the loop shows."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from robot.link.wire import Fault, State

_QUIETEST_DB: Final = -60
_HOT_C: Final = 60.0


def voice(state: dict[str, Any]) -> str:
    """Level, latency and deadlines."""
    level = max(0, min(20, round((state["level_db"] - _QUIETEST_DB) / 3)))
    heard = "as late, by the monitor" if state["monitored"] else "at once"
    return (
        f"`{'█' * level}{'·' * (20 - level)}` {state['level_db']:.0f} dB"
        f" {'**voice**' if state['gate'] > 0.5 else ''}\n\n"
        "| latency | |\n|---|---|\n"
        f"| look-ahead | {state['lookahead_ms']:.0f} ms |\n"
        f"| sound to setpoint | {state['delay_ms']:.0f} ms |\n"
        f"| lips behind voice | {state['lips_ms']:.0f} ms |\n"
        f"| the voice is heard | {heard} |\n"
        f"| network | {state['network_ms']:.1f} ms a block |\n"
        f"| deadlines met | {100 * state['deadline_met']:.2f} % |\n"
        f"| late frames | {state['late_frames']} |\n"
    )


def serial(state: dict[str, Any], line: str, baud: int) -> str:
    """The line and the board at its end."""
    link = state["link"]
    up = int(link.get("uptime_s", 0))
    board = _of_state(link) if state["connected"] else "**LOST**, it is being looked for"
    return (
        "| board | |\n|---|---|\n"
        f"| port | {'simulated' if line == 'sim' else line} |\n"
        f"| baud | {baud} |\n"
        f"| state | {board} |\n"
        f"| faults | {_faults(link)} |\n"
        f"| up | {up // 3600}:{up // 60 % 60:02}:{up % 60:02} |\n"
        f"| frames sent | {link['frames_sent']:.0f} |\n"
        f"| lost on the way | {link.get('board_rx_lost', 0):.0f} |\n"
        f"| setpoints too late | {link.get('board_late', 0):.0f} |\n"
        f"| queue ran empty | {link.get('board_starved', 0):.0f} |\n"
        f"| CRC errors there | {link.get('board_rx_bad', 0):.0f} |\n"
        f"| CRC errors here | {link['frames_bad']:.0f} |\n"
        f"| repeats | {link['retries']:.0f} |\n"
        f"| reconnects | {link['reconnects']:.0f} |\n"
        f"| round trip | {1e3 * link['trip_s']:.1f} ms |\n"
    )


def servos(state: dict[str, Any], names: tuple[str, ...]) -> str:
    """Load and estimated temperature of every servo, the warmest first."""
    celsius, duty = np.array(state["celsius"]), np.array(state["duty"])
    rows = []
    for k in np.argsort(-celsius, kind="stable"):
        warm = f"**{celsius[k]:.0f}**" if celsius[k] >= _HOT_C else f"{celsius[k]:.0f}"
        load = max(0, min(10, round(10 * duty[k])))
        bar = "█" * load + "·" * (10 - load)
        rows.append(f"| {names[k]} | {warm} | `{bar}` {100 * duty[k]:.0f} |")
    return "| servo (estimates) | °C | load % |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def tape(state: dict[str, Any]) -> str:
    """What is recorded and played, and what went wrong with that."""
    on, played = state["tape"], state["playback"]
    lines = []
    if on["name"]:
        lost = f", {on['dropped']} records lost" if on["dropped"] else ""
        lines.append(f"**● recording** {on['name']}, {on['seconds']:.0f} s{lost}")
    if on["said"]:
        lines.append(on["said"])
    if played["name"]:
        lines.append(f"**▶ playing** {played['name']}, {played['seconds']:.0f} s")
    if played["said"]:
        lines.append(played["said"])
    return "\n\n".join(lines) or "nothing is recorded or played"


def _of_state(link: dict[str, float]) -> str:
    if "board_state" not in link:
        return "connected"
    return State(int(link["board_state"])).name


def _faults(link: dict[str, float]) -> str:
    latched = Fault(int(link.get("board_faults", 0)))
    return ", ".join(str(f.name) for f in latched) or "none"
