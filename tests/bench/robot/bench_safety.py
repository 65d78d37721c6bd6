"""``mien bench safety``: what is promised of stop, panel, recordings and tests, in numbers."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated, TypeAlias

import typer

from mien.firmware.tools.cache import BuildError
from mien.robot.errors import DeviceError

Number: TypeAlias = float | int | None


def bench(
    mutants: Annotated[
        bool, typer.Option(help="Break every line of the tables; takes some minutes.")
    ] = True,
) -> dict[str, Number]:
    """The worst stop of all trials, strangers let in, cut recordings read, mutants that survived.

    Times are on the simulated clock where the board decides, and on this machine's where the host
    does: load_before and load_after say how quiet it was. A number that this machine cannot
    measure is None: it lacks avr-gcc or libsimavr, or it has no checkout with the tests.
    """
    out: dict[str, Number] = {"load_before": os.getloadavg()[0]}
    out |= {name: measure() for name, measure in MEASURES.items()}
    stops = [v for k, v in out.items() if k in ANY_MOMENT and v is not None]
    out["estop_any_moment_ms_max"] = max(stops, default=None)
    out["load_after"] = os.getloadavg()[0]
    if mutants:
        out |= broken()
    return out


def broken() -> dict[str, Number]:
    """Mutants tried, survived, and left out because they are proved to change nothing."""
    from tests.bench import mutation

    try:
        chosen, equivalent = mutation.tables()
    except FileNotFoundError:
        return dict.fromkeys(("mutants", "mutants_survived", "mutants_equivalent"))
    found = mutation.run(chosen, jobs=os.cpu_count() or 1)
    return {
        "mutants": len(found),
        "mutants_survived": sum(not noticed for noticed in found.values()),
        "mutants_equivalent": len(equivalent),
    }


def _simulated() -> Number:
    from tests.bench.robot.stop_trials import estop_any_moment_ms

    return estop_any_moment_ms()


def _live() -> Number:
    from tests.bench.robot.live_flood import estop_live_ms

    return estop_live_ms()


def _flood() -> Number:
    from tests.bench.robot.live_flood import estop_flood_ms

    return estop_flood_ms()


def _arrivals() -> Number:
    from tests.bench.robot.panel_flood import arrivals_ms

    return max(arrivals_ms())


def _switch() -> Number:
    from tests.bench.firmware import measure_avr

    try:
        return measure_avr.switch_to_oe_us_max()
    except (BuildError, DeviceError):  # no avr-gcc, or no libsimavr
        return None


def _foreign() -> Number:
    from tests.bench.robot.foreign import foreign_accepted

    return foreign_accepted()


def _cuts() -> Number:
    from tests.bench.robot.recording import recording_cuts_readable

    return recording_cuts_readable()


def _silence() -> Number:
    from tests.bench.firmware.measure import released_after_silence

    return released_after_silence()


ANY_MOMENT = ("estop_simulated_ms_max", "estop_live_ms_max")
"""In lock-step at many moments of many courses, and with real processes on this machine."""

MEASURES: dict[str, Callable[[], Number]] = {
    "estop_simulated_ms_max": _simulated,
    "estop_live_ms_max": _live,
    "estop_flood_ms_max": _flood,
    "panel_to_run_flood_ms_max": _arrivals,
    "switch_to_oe_us_max": _switch,
    "foreign_accepted": _foreign,
    "recording_cuts_readable": _cuts,
    "released_after_silence": _silence,
}
