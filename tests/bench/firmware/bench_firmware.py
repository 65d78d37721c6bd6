"""``mien bench firmware``: what is promised of the firmware, in numbers."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from tests.bench import mutation
from tests.bench.firmware import compile as build
from tests.bench.firmware import measure
from tests.bench.firmware.bench_avr import bench_avr
from tests.bench.firmware.measure_link import frames_lost, setpoint_rms_us

NOISE_FRAMES, FUZZ_RUNS = 1_000_000, 2_000_000
QUICK = 50  # times fewer

Numbers = dict[str, float | int | str | None]


def bench(
    quick: Annotated[
        bool, typer.Option(help="A fiftieth of the frames and of the fuzzing.")
    ] = False,
) -> Numbers:
    """Faults, noise, timing, fuzzing and mutants of the core; size and speed of the AVR build.

    Keys with ``core_`` are of the core in this process. The same keys without it are of the
    emulated ATmega2560 where that can be built, and else of the core. A number that this machine
    cannot measure is None: it lacks a compiler, or it has no checkout with the tests.
    """
    share = QUICK if quick else 1
    core: Numbers = {
        "failsafe_ms_max": measure.failsafe_ms(),
        "failsafe_timeout_ms": measure.TIMEOUT_MS,
        "estop_ms_max": measure.estop_ms(),
        "frames_lost": frames_lost(),
        "setpoint_rms_us": setpoint_rms_us(jitter_s=0.010),
        "setpoint_rms_us_jitter_0ms": setpoint_rms_us(jitter_s=0.0),
    }
    numbers: Numbers = dict(measure.noise(NOISE_FRAMES // share))
    numbers["fuzz_execs"] = _fuzz(FUZZ_RUNS // share)
    numbers |= _mutants()
    avr = bench_avr(10.0 if quick else 60.0)
    best = {key: core.get(key) if value is None else value for key, value in avr.items()}
    return numbers | core | best | {f"core_{key}": value for key, value in core.items()}


def _fuzz(runs: int) -> int | None:
    if not build.have("clang"):
        return None
    with TemporaryDirectory() as folder:
        return build.fuzz(build.fuzzer(Path(folder) / "fuzz"), Path(folder), runs)


def _mutants() -> Numbers:
    if not build.have("gcc"):
        return {"mutants_killed": None, "mutants": None}
    try:
        chosen = [m for m in mutation.tables()[0] if m.file.startswith("firmware/core/")]
    except FileNotFoundError:
        return {"mutants_killed": None, "mutants": None}
    noticed = mutation.run(chosen)
    return {"mutants_killed": sum(noticed.values()), "mutants": len(noticed)}
