"""The numbers of ``mien bench safety``: each promised one is there, and each is what it is for."""

import pytest

from mien.firmware.tools.cache import BuildError
from mien.robot.errors import DeviceError
from tests.bench.robot import bench_safety

ASKED = {
    "estop_simulated_ms_max", "estop_live_ms_max", "estop_flood_ms_max", "switch_to_oe_us_max",
    "foreign_accepted", "recording_cuts_readable", "released_after_silence",
}  # fmt: skip


def test_every_number_that_was_asked_for_is_measured_and_the_load_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert set(bench_safety.MEASURES) >= ASKED
    fixed = {name: (lambda k=k: k) for k, name in enumerate(bench_safety.MEASURES)}
    monkeypatch.setattr(bench_safety, "MEASURES", fixed)
    out = bench_safety.bench(mutants=False)
    assert {k: v for k, v in out.items() if k in fixed} == {n: k for k, n in enumerate(fixed)}
    assert set(out) - set(fixed) == {"load_before", "load_after", "estop_any_moment_ms_max"}
    numbers = {k: v for k, v in out.items() if v is not None}
    assert set(numbers) == set(out)
    slowest = max(numbers[k] for k in bench_safety.ANY_MOMENT)
    assert numbers["estop_any_moment_ms_max"] == slowest


def test_a_chip_that_cannot_be_built_here_is_none_and_hides_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lacking() -> float:
        raise BuildError("avr-gcc is not installed")

    monkeypatch.setattr("tests.bench.firmware.measure_avr.switch_to_oe_us_max", lacking)
    switch = {k: bench_safety.MEASURES[k] for k in ("switch_to_oe_us_max",)}
    monkeypatch.setattr(bench_safety, "MEASURES", {**switch, "b": lambda: 1.0})
    out = bench_safety.bench(mutants=False)
    assert (out["switch_to_oe_us_max"], out["b"]) == (None, 1.0)


def test_a_measure_that_finds_a_broken_promise_is_no_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> float:
        raise DeviceError("the panel did not start")

    monkeypatch.setattr(bench_safety, "MEASURES", {"a": broken})
    with pytest.raises(DeviceError, match="did not start"):
        bench_safety.bench(mutants=False)


def test_a_wheel_without_tests_has_no_mutants(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr("tests.bench.mutation.ROOT", tmp_path)
    assert set(bench_safety.broken().values()) == {None}
