"""A live run from a verb: until the end, a signal or the time; then its numbers and notes."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mien.robot.errors import MienError
from mien.robot.live.capture.conditioning import SILENT_S, silence_message
from mien.robot.puppet.receiver import NAMES
from mien.robot.stopping import INTERRUPTED, Stop, stopping

if TYPE_CHECKING:
    from mien.robot.service.supervisor import Supervisor

RETRY_S: Final = 10.0
"""Time in s from a missing board to the next try of an unattended run."""
_NUMBERS: Final = ("seconds", "deadline_met", "mic_to_setpoint_ms_p99", "late_frames")
_FATES: Final = {
    "taken": "used", "stale": "late", "malformed": "malformed", "foreign": "of other senders",
    "over": "over the budget", "unknown": "with parts not understood",
}  # fmt: skip


def run_and_print(
    options: Any, seconds: float, as_json: bool, unattended: Path | None = None
) -> None:
    """Run live until the end, a signal or the time, and print the numbers.

    ``unattended`` is a file with the rule by which the face may move.
    """
    from mien.robot.face.config import load_face
    from mien.robot.service.settings import load_settings
    from mien.robot.service.supervisor import Supervisor

    settings = None if unattended is None else load_settings(unattended)
    face = load_face(options.setup.face)
    with stopping(seconds) as stop:
        with Supervisor(face, options.port, settings) as supervisor:
            report = run_patiently(options, stop, supervisor)
        if report is None:
            sys.exit(INTERRUPTED)
        if as_json:
            print(json.dumps(report))
        else:
            for key in _NUMBERS:
                value = report[key]
                print(f"{key:<24}{value:.6g}" if isinstance(value, float) else f"{key:<24}{value}")
            if report["puppet"]:
                print(f"{'puppet':<24}{puppet_line(report['puppet'])}")
        for note in notes(report):
            print(f"note: {note}", file=sys.stderr)
        if stop.signalled:
            sys.exit(INTERRUPTED)


def run_patiently(options: Any, stop: Stop, supervisor: Supervisor) -> dict[str, Any] | None:
    """Run live; an unattended run without a board waits for one. None: it was asked to stop.

    Raises:
        MienError: see ``mien.robot.live.run.run``.
    """
    from mien.robot.live.run import run

    while True:
        try:
            return run(replace(options, supervisor=supervisor), stop)
        except MienError as e:
            if not supervisor.patient(e):
                raise
        again = time.monotonic() + RETRY_S
        while time.monotonic() < again:
            if stop.requested():
                return None
            time.sleep(0.1)


def puppet_line(counts: dict[str, Any]) -> str:
    """Datagrams of a puppeteer by their fate, on one line."""
    fates = ", ".join(f"{counts[key]} {fate}" for key, fate in _FATES.items() if counts.get(key))
    return f"{NAMES[counts['kind']]}: {fates or 'no datagram arrived'}"


def notes(report: dict[str, Any]) -> list[str]:
    """What a user should know after a run, a sentence each."""
    out = []
    if report["source_zeros_s"] >= SILENT_S:
        out.append(silence_message(report["source"] or "the source", report["source_zeros_s"]))
    for key, what in (("source_lost", "source of sound"), ("monitor_lost", "sound output")):
        if report.get(key):
            out.append(f"the {what} was lost and opened again, this often: {report[key]}")
    if report["rig_slips"]:
        out.append(
            f"this machine was too slow for the simulated robot {report['rig_slips']} times; "
            "motion and times of this run are not those of a robot"
        )
    return out
