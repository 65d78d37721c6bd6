"""``mien replay``: a recording replayed on the simulated robot and compared with the run.

A whole run is replayed byte for byte, and the robot must move identically to the last bit. A part,
a run with an older protocol and a run with damage in its middle are replayed pose by pose
(``reenact``).
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from mien.robot.errors import InputError, MienError
from mien.robot.recording.missing import Missing
from mien.robot.recording.reading import Recording
from mien.robot.recording.reenact import LIPS_MM, PULSE_US, SETTLE_S, MotionComparison, reenact
from mien.robot.wire import PROTOCOL_HASH

LONGEST_US: Final = 60_000_000
"""Longest gap in us between two records of the rig. A longer one is not from a run."""


@dataclass(frozen=True)
class ReplayResult:
    """Result of a replay.

    Attributes:
        seconds: time of the simulated robot in s.
        writes: frames put on the line; 0 in a replay by poses.
        compared: recorded states of the robot, or ticks, that were compared.
        different: how many of them differ.
        first: time in s of the first difference.
        missing: what the recording lacks.
        poses: comparison of a replay by poses; None for one by bytes.
        why: reason for a replay by poses.
    """

    seconds: float
    writes: int
    compared: int
    different: int
    first: float | None
    missing: Missing
    poses: MotionComparison | None = None
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The result under the keys of ``--json``."""
        out = {
            "replayed": "bytes" if self.poses is None else "poses",
            "seconds": self.seconds,
            "writes": self.writes,
            "compared": self.compared,
            "different": self.different,
            "first_different_s": self.first,
            **self.missing.as_dict(),
        }
        if self.poses is not None:
            lips = self.poses.lips_mm
            out |= {
                "pulse_us_max": self.poses.pulse_us,
                "lips_mm_max": None if lips != lips else lips,
            }
        return out

    def __str__(self) -> str:
        """One line for the terminal."""
        if self.poses is None:
            same = "bit for bit the same" if not self.different else f"{self.different} differ"
            states = same if self.compared else "none recorded"
            return (
                f"{self.seconds:.1f} s, {self.writes} frames put on the line; "
                f"{self.compared} states of the rig, {states}"
            )
        found = self.poses
        lips = f", lip gap {found.lips_mm:.2f} mm ({LIPS_MM:g})" if found.lips_mm >= 0 else ""
        return (
            f"{self.seconds:.1f} s, {found.poses} poses followed by a fresh robot, as {self.why}; "
            f"{self.compared} ticks compared, largest differences (allowed): "
            f"pulses {found.pulse_us:.2f} us ({PULSE_US:g}){lips}; {self.different} differ"
        )


def replay(path: Path) -> ReplayResult:
    """Replay a recording on a fresh simulated robot and compare.

    Raises:
        InputError: the file is no recording, or holds neither bytes for a board nor poses.
    """
    from mien.robot.control.connect import LIVE_LEAD_S
    from mien.robot.sim.faults import parse_faults
    from mien.robot.sim.realtime import simulated

    recording = Recording(path)
    about = recording.about
    faults, build = about.get("faults", []), about.get("build", 0)
    if not isinstance(faults, list) or not isinstance(build, int) or not 0 <= build < 2**32:
        raise InputError(f"{path} does not say on which robot it was made")
    broken = tuple(parse_faults([str(fault) for fault in faults], recording.face))
    why = _not_by_bytes(recording)
    if not why:
        found = _by_bytes(recording, simulated(recording.face, build, broken))
        if not (found.different and recording.missing.records):
            return found
        why = f"{recording.missing.records} records are missing in its middle"
    sim = simulated(recording.face, build, broken)
    comparison = reenact(recording, sim, LIVE_LEAD_S)
    return ReplayResult(
        seconds=comparison.seconds,
        writes=0,
        compared=comparison.compared,
        different=comparison.different,
        first=comparison.first,
        missing=recording.missing,
        poses=comparison,
        why=why,
    )


def _not_by_bytes(recording: Recording) -> str:
    """Why the bytes cannot be replayed on a fresh board; empty when they can."""
    if recording.about.get("piece"):
        return "a piece begins in the middle of a run"
    if recording.protocol != f"{PROTOCOL_HASH:08x}":
        return f"the board spoke protocol {recording.protocol}, today's is {PROTOCOL_HASH:08x}"
    ticks = False
    for record in recording:
        if record.topic in ("/wire", "/rig"):
            return ""
        ticks = ticks or record.topic == "/tick"
    return "it was made on hardware" if ticks else ""


def _by_bytes(recording: Recording, sim: Any) -> ReplayResult:
    """Put the recorded bytes on the line at their recorded times."""
    from mien.robot.sim.realtime import state_of

    path = recording.path
    writes = compared = different = last = 0
    first: float | None = None
    for record in recording:
        if record.topic in ("/wire", "/rig"):
            now = record["us"]
            if not 0 <= now - last <= LONGEST_US:
                raise InputError(f"{path}: the rig's time goes from {last} to {now} us")
            last = now
        if record.topic == "/wire":
            try:
                data = bytes.fromhex(record["hex"])
            except ValueError as e:
                raise InputError(f"{path}: no bytes at {last} us: {e}") from e
            sim.sleep_until(last / 1e6)
            sim.read()
            sim.write(data)
            writes += 1
        elif record.topic == "/rig":
            sim.sleep_until(last / 1e6)
            compared += 1
            if state_of(sim).crc != record["crc"]:
                different += 1
                first = sim.now() if first is None else first
    if not writes:
        lacks = f" ({recording.missing})" if not recording.missing.nothing else ""
        raise InputError(
            f"{path} holds nothing that was sent to a board{lacks}", "mien live --record"
        )
    return ReplayResult(
        seconds=sim.now(),
        writes=writes,
        compared=compared,
        different=different,
        first=first,
        missing=recording.missing,
    )


def command(
    path: Annotated[Path, typer.Argument(help="Recording made by mien live or by the panel.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout.")
    ] = False,
) -> None:
    """Play a recording on the simulated robot and compare the motion with the recorded one.

    Example: mien replay runs/recordings/take-1.mcap
    """
    found = replay(path)
    if not found.missing.nothing:
        print(f"note: {path.name} is not whole: {found.missing}", file=sys.stderr)
    print(json.dumps(found.as_dict()) if as_json else found)
    if found.different:
        raise MienError(f"the rig moved differently from {found.first:.3f} s on")
    if not found.compared:
        settling = f": the first {SETTLE_S:g} s settle" if found.poses is not None else ""
        raise MienError(
            f"nothing of {path.name} was compared, it has {found.seconds:.1f} s{settling}",
            "mien live --record",
        )
