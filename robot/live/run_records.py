"""Records of a live run: each tick, and twice a second what changes slowly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from mien.robot.control.loop import Tick
from mien.robot.face.thermal import Thermal
from mien.robot.live.jitter_buffer import CommandFrame

Put: TypeAlias = Callable[[str, float, dict[str, Any]], None]
"""``put(topic, t, content)`` of a recording session."""


def put_tick(put: Put, t: float, tick: Tick, frame: CommandFrame | None, began: float) -> None:
    """Record a tick at ``t`` s of the run, with the frame that it shows.

    Args:
        put: takes the records.
        t: time of the tick since the start of the run, s.
        tick: what the loop did.
        frame: the frame that is shown; None shows none.
        began: time in s of the start of the run, on the clock of ``frame``.
    """
    put("/tick", t, {
        "t": t, "late_s": tick.late_s, "wanted": tick.target, "sent": tick.sent,
        "pulses_us": tick.pulses, "clipped": int(tick.clipped.sum()),
        "slowed": int(tick.slowed.sum()), "locked": list(tick.locked),
    })  # fmt: skip
    if frame is not None:
        put("/face", t, {
            "t": t, "sound_t": frame.t - began, "weights": frame.weights,
            "level_db": frame.level_db, "gate": frame.gate, "network_ms": frame.network_ms,
        })  # fmt: skip


def put_slow(put: Put, t: float, thermal: Thermal, link: Mapping[str, float]) -> None:
    """Record temperatures and telemetry at ``t`` s of the run."""
    celsius, duty = thermal.celsius.copy(), thermal.duty.copy()
    put("/thermal", t, {"t": t, "celsius": celsius, "duty": duty})
    put("/telemetry", t, {"t": t, **link})
