"""``mien replay``: a recording played back on the rig, byte for byte, and compared with the run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from robot.errors import InputError, MienError
from robot.live import reading

LONGEST_US: Final = 60_000_000
"""A rig hears something many times a second; a leap of a minute is no recording of one."""


@dataclass(frozen=True)
class Replayed:
    """What a replay found.

    Attributes:
        seconds: of the rig's time. writes: frames put on the line.
        compared: states of the rig that the recording holds, 0 when it was made on hardware.
        different: how many of them are not the same to the last bit.
        first: rig's time in s of the first that differs.
    """

    seconds: float
    writes: int
    compared: int
    different: int
    first: float | None

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "seconds": self.seconds,
            "writes": self.writes,
            "compared": self.compared,
            "different": self.different,
            "first_different_s": self.first,
        }


def replay(path: Path) -> Replayed:
    """Put the recorded bytes on the line of a fresh rig at their recorded times.

    Raises:
        InputError: the file is no recording, only a piece of one, or holds no bytes for a board.
    """
    from robot.live.rig import simulated, state_of
    from robot.sim.faults import parse_faults

    face, about = reading.origin(path)
    if about.get("piece"):
        raise InputError(
            f"{path} begins in the middle of a run, where no fresh rig can join it",
            "play it on a face in mien panel, or record from the start with mien live --record",
        )
    faults = tuple(parse_faults(list(about.get("faults", [])), face))
    sim = simulated(face, int(about.get("build", 0)), faults)
    writes = compared = different = last = 0
    first: float | None = None
    for record in reading.read(path):
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
        raise InputError(f"{path} holds nothing that was sent to a board", "mien live --record")
    return Replayed(sim.now(), writes, compared, different, first)


def command(
    path: Annotated[Path, typer.Argument(help="A recording of mien live.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Play a recording on the rig and say whether it moves as it did, to the last bit."""
    import json

    found = replay(path)
    if as_json:
        print(json.dumps(found.as_dict()))
    else:
        same = "bit for bit the same" if not found.different else f"{found.different} differ"
        print(
            f"{found.seconds:.1f} s, {found.writes} frames; {found.compared} states of the rig, "
            + (same if found.compared else "none recorded: it ran on hardware")
        )
    if found.different:
        raise MienError(f"the rig moved differently from {found.first:.3f} s on")
