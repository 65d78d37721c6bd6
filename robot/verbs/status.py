"""``mien status``: one line of health for each run of this user."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from mien.robot.service.arming import NO_REPORT
from mien.robot.service.status_file import (
    SILENT_S,
    STARTS,
    Foreign,
    Found,
    Gone,
    Status,
    read_all,
    silent_s,
)
from mien.robot.verbs.options import AsJson

HEALTHY: Final = 0
UNWELL: Final = 1
FOREIGN: Final = 2
ABSENT: Final = 3
_START_S: Final = 60.0


def status(as_json: AsJson = False) -> None:
    """Print the health of every run of mien live, in one line each.

    Exit codes: 0 healthy, 1 a run is not or starts, 2 a status file that cannot be believed,
    3 nothing runs.

    Example: mien status --json
    """
    found = list(read_all().values())
    code = exit_code(found)
    if as_json:
        print(
            json.dumps(
                {"healthy": code == HEALTHY, "exit_code": code, "runs": list(map(_plain, found))}
            )
        )
    else:
        for one in found:
            print(line(one))
        if not any(isinstance(one, Status) for one in found):
            print("nothing runs; next: mien live, or systemctl --user start mien")
    if code:
        sys.exit(code)


def exit_code(found: list[Found]) -> int:
    """Of several findings the one that matters most: foreign, then unwell, then absent."""
    if any(isinstance(one, Foreign) for one in found):
        return FOREIGN
    running = [one for one in found if isinstance(one, Status)]
    if not running:
        return ABSENT
    return UNWELL if any(map(problems, running)) or len(running) < len(found) else HEALTHY


def problems(one: Status) -> tuple[str, ...]:
    """What is wrong with a run, a sentence each."""
    age = silent_s(one)
    if age <= SILENT_S:
        return one.problems
    return (f"it has said nothing for {age:.0f} s", *one.problems)


def starting(one: Status) -> bool:
    """Whether a run is only unwell because it has just begun."""
    return one.uptime_s < _START_S and {NO_REPORT, STARTS}.issuperset(problems(one) or ("",))


def line(one: Found) -> str:
    """The health line."""
    if isinstance(one, Gone):
        return f"stale: {one}"
    if isinstance(one, Foreign):
        return f"not believed: {one}"
    wrong = problems(one)
    begins = "starting" if starting(one) else "NOT HEALTHY"
    frame = "none yet" if one.frame_age_s is None else f"{one.frame_age_s:.2f} s ago"
    volts = "not measured" if one.voltage_v is None else f"{one.voltage_v:.1f} V"
    faults = f" ({', '.join(one.faults)} latched)" if one.faults else ""
    parts = (
        f"{begins}: {'; '.join(wrong)}" if wrong else "healthy",
        f"{one.face} on {one.port} {_motion(one)}",
        f"last frame {frame}",
        f"board {one.board or 'unknown'}{faults}",
        f"hottest servo {one.hottest_c:.0f} C (estimated)",
        f"supply {volts}",
        f"drops {sum(one.drops.values())}",
        f"disk {one.disk_free_mb / 1000:.1f} GB free",
        f"up {one.uptime_s / 3600:.1f} h",
        f"mien {one.mien}",
    )
    return " | ".join(parts)


def _motion(one: Status) -> str:
    if one.armed:
        return "armed"
    return f"at rest ({one.rests or 'until somebody speaks'})"


def _plain(one: Found) -> dict[str, Any]:
    if not isinstance(one, Status):
        return {"state": type(one).__name__.lower(), "message": str(one)}
    content = one.model_dump(mode="json")
    wrong = problems(one)
    return {"state": "running", "healthy": not wrong, **content, "problems": list(wrong),
            "starting": starting(one), "silent_s": silent_s(one)}  # fmt: skip
