"""A supply is never asked for more than its budget when servos start, and a bad budget is told."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mien.robot.control.loop import RATE_HZ, Loop
from mien.robot.errors import ConfigError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import FaceConfig, load_face, shipped
from mien.robot.face.currents import TYPICAL, Draw, least_a, start_slots
from mien.robot.face.safety import ramp_seconds
from mien.robot.face.supply import (
    draws_of,
    feeds,
    start_delays_s,
)
from mien.robot.link.upload import upload_of
from tests.robot.face.supply_estimates import assumed_a, by_supply, currents_a, power_up_s

HASHES = {"hobby9": "828e5866d27bb518", "morpheus33": "2157d763aaa72ae5"}


def tree(servos: list[str], **fields: Any) -> dict[str, Any]:
    """A face with one servo per entry, ten to a board."""
    actuators = {
        f"a{k}": {"kind": "rigid", "region": "mouth", "servo": servo, "board": k // 10,
                  "channel": k % 10, "pulse_us": [1000, 1500, 2000], "speed": 8.0}
        for k, servo in enumerate(servos)
    }  # fmt: skip
    boards = [0x40 + b for b in range(1 + (len(servos) - 1) // 10)]
    return {"face": "tiny", "mechanism": "tiny", "boards": boards, "actuators": actuators} | fields


def refused(tmp_path: Path, face: dict[str, Any]) -> str:
    path = tmp_path / "face.yaml"
    path.write_text(yaml.safe_dump(face, sort_keys=False))
    with pytest.raises(ConfigError) as caught:
        load_face(path)
    return caught.value.message


@st.composite
def faces(draw: st.DrawFn) -> FaceConfig:
    servos = draw(st.lists(st.sampled_from(sorted(TYPICAL)), min_size=1, max_size=30))
    volts = draw(st.floats(4.0, 8.4))
    own = st.fixed_dictionaries(
        {}, optional={"stall_a": st.floats(1.0, 9.0), "travel_s": st.floats(0.01, 1.3)}
    )
    chosen = draw(st.lists(st.integers(0, len(servos) - 1), unique=True, max_size=6))
    written = {f"a{k}": draw(own) for k in chosen}
    split = draw(st.integers(0, len(servos)))
    names = [f"a{k}" for k in range(len(servos))]
    groups = [g for g in (names[:split], names[split:]) if g]
    rich = [{"name": f"s{i}", "volts": volts, "amps": 500.0, "actuators": g}
            for i, g in enumerate(groups)]  # fmt: skip
    free = FaceConfig.model_validate(tree(servos, supplies=rich, currents=written))
    spare = draw(st.floats(1.0, 2.0))
    tight = [s | {"amps": min(500.0, 1.0001 * spare * least_a(f.draws))}
             for s, f in zip(rich, feeds(free), strict=True)]  # fmt: skip
    try:
        return FaceConfig.model_validate(tree(servos, supplies=tight, currents=written))
    except ValueError as e:  # slow servos one after the other may not fit into the wire's byte
        assume("the board waits" not in str(e))
        raise


@settings(max_examples=60, deadline=None)
@given(faces())
def test_at_every_moment_after_arming_the_servos_of_a_supply_stay_within_its_budget(
    face: FaceConfig,
) -> None:
    delays, draws = start_delays_s(face), draws_of(face)
    assert np.allclose(delays / 0.05, np.rint(delays / 0.05))
    assert delays.max() <= 12.75
    for supply in face.supplies:
        fed = [face.index(n) for n in supply.actuators]
        moments = np.arange(0.001, 15.0, 0.01)  # never on a boundary, where either may hold
        total = np.zeros_like(moments)
        for k in fed:
            since, one = moments - delays[k], draws[k]
            driven = np.where(since < one.travel_s, one.stall_a, one.run_a)
            total += np.where(since < 0.0, one.idle_a, driven)
        assert total.max() <= supply.amps + 1e-6, supply.name


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 1.0), st.floats(1.0, 3.0)), min_size=1, max_size=6))
def test_no_order_of_starting_gets_by_with_less_than_the_least_budget(
    currents: list[tuple[float, float]],
) -> None:
    draws = [Draw(0.0, run, stall, 0.1) for run, stall in currents]
    needed = least_a(draws)
    for order in (draws, draws[::-1], sorted(draws, key=lambda d: d.stall_a)):
        running, peak = 0.0, 0.0
        for one in order:
            peak = max(peak, running + one.stall_a)
            running += one.run_a
        assert peak >= needed - 1e-9
    start_slots(draws, needed)
    with pytest.raises(ValueError, match="least budget"):
        start_slots(draws, needed - 0.01)


def test_who_fits_starts_at_once_and_the_rest_as_soon_as_it_does() -> None:
    draws = [Draw(0.0, 0.3, 0.8, 0.4)] * 5
    assert start_slots(draws, 4.0).tolist() == [0, 0, 0, 0, 0]
    assert start_slots(draws, 2.5).tolist() == [0, 0, 0, 8, 8]
    assert start_slots(draws, 2.2).tolist() == [0, 0, 8, 8, 16]


def test_a_face_without_supplies_starts_as_ever() -> None:
    face = FaceConfig.model_validate(tree(["micro"] * 3))
    assert not feeds(face)
    assert start_delays_s(face).tolist() == [0.0, 0.0, 0.0]
    assert power_up_s(face) == 0.0


def test_typical_stall_currents_follow_the_voltage_and_written_ones_do_not() -> None:
    supply = {"name": "s", "volts": 3.0, "amps": 50.0, "boards": [0]}
    own = {"large": {"stall_a": 4.0}, "a2": {"stall_a": 5.0, "run_a": 0.2}}
    face = FaceConfig.model_validate(
        tree(["micro", "large", "large"], supplies=[supply], currents=own)
    )
    micro, large, single = draws_of(face)
    assert micro.stall_a == pytest.approx(TYPICAL["micro"].stall_a / 2)
    assert (large.stall_a, large.run_a) == (4.0, TYPICAL["large"].run_a)
    assert (single.stall_a, single.run_a) == (5.0, 0.2)


S = {"name": "s", "volts": 6.0, "amps": 50.0, "boards": [0]}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"supplies": [S | {"boards": [1]}]}, r"supplies\.0\.boards: has 1, but 1 servo boards"),
        ({"supplies": [S | {"boards": [], "actuators": ["a0", "no"]}]},
         r"supplies\.0\.actuators: no such actuator as no"),
        ({"supplies": [S | {"boards": [], "actuators": ["a0"]}]}, r"supplies: nothing feeds a1"),
        ({"supplies": [S, S | {"boards": [], "actuators": ["a1"]}]},
         r"supplies\.1: a1 is already fed by s"),
        ({"supplies": [S, S | {"boards": []}]}, r"supplies\.1: s feeds nothing"),
        ({"supplies": [S, S]}, r"supplies\.1\.name: s is given twice"),
        ({"supplies": [S | {"amps": 0.5}]},
         r"supplies\.0\.amps: is 0\.5, but its 2 servos take 0\.6 A .* and 1\.1 A while the last"),
        ({"supplies": [S | {"amps": 1.1}], "currents": {"micro": {"travel_s": 5.0}}, "wide": 6},
         r"supplies\.0\.amps: is 2\.3, with which the last servo starts 15 s after"),
        ({"supplies": [S | {"amps": float("nan")}]}, r"supplies\.0\.amps"),
        ({"supplies": [S | {"amps": 1e9}]}, r"supplies\.0\.amps: .*500"),
        ({"supplies": [S | {"fuse": 3}]}, r"supplies\.0\.fuse: .*unknown key"),
        ({"supplies": [S | {"name": "../x"}]}, r"supplies\.0\.name: .*pattern"),
        ({"supplies": [{"name": "s", "boards": [0]}]}, r"supplies\.0\.volts: .*required"),
        ({"currents": {"ear": {"run_a": 0.1}}}, r"currents\.ear: no such actuator"),
        ({"currents": {"a0": {"run_a": -0.1}}}, r"currents\.a0\.run_a"),
        ({"supplies": [S], "currents": {"a0": {"run_a": 2.0}}},
         r"currents: a0 must have idle <= run <= stall"),
    ],
)  # fmt: skip
def test_a_fault_of_the_budget_is_named_with_its_numbers(
    tmp_path: Path, fields: dict[str, Any], said: str
) -> None:
    wide = fields.get("wide", 2)
    face = tree(["micro"] * wide, **{k: v for k, v in fields.items() if k != "wide"})
    if wide > 2:
        face["supplies"] = [S | {"amps": 2.3}]
    assert re.search(said, message := refused(tmp_path, face)), message


def test_all_faults_of_the_budget_are_listed_at_once_and_beside_others(tmp_path: Path) -> None:
    face = tree(["micro", "micro"], supplies=[S | {"amps": 0.5}, S | {"boards": [7]}],
                currents={"ear": {}}, nonsense=1)  # fmt: skip
    said = refused(tmp_path, face)
    for part in ("supplies.0.amps", "supplies.1.boards", "supplies.1.name", "currents.ear",
                 "supplies.1: s feeds nothing", "nonsense"):  # fmt: skip
        assert part in said


@pytest.mark.parametrize("junk", [None, 3, "x", [None], [[1]], [{"boards": [[]]}], [{"name": {}}]])
def test_junk_in_place_of_supplies_is_refused_without_a_crash(tmp_path: Path, junk: Any) -> None:
    for key in ("supplies", "currents"):
        assert key in refused(tmp_path, tree(["micro"], **{key: junk}))


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_face_has_a_supply_that_carries_it_and_what_was_made_for_it_still_fits(
    name: str,
) -> None:
    face = load_face(name)
    assert HASHES[name] in face.hashes
    assert {k for feed in feeds(face) for k in feed.actuators} == set(range(len(face.names)))
    for feed in feeds(face):
        worst = max(assumed_a(feed, t) for t in np.arange(0.0, 5.0, 0.01))
        assert worst <= feed.amps
    assert power_up_s(face) == {"hobby9": 0.0, "morpheus33": pytest.approx(0.4)}[name]


def test_a_budget_does_not_change_what_a_self_model_is_tied_to() -> None:
    plain = FaceConfig.model_validate(tree(["micro"] * 2))
    other = FaceConfig.model_validate(
        tree(["micro"] * 2, supplies=[S], currents={"micro": {"run_a": 0.2}})
    )
    assert plain.hash == other.hash


@pytest.mark.parametrize("name", shipped())
def test_the_first_ramp_is_within_the_budget_by_estimate_and_a_full_stall_is_not(name: str) -> None:
    face = load_face(name)
    rng = np.random.default_rng(1)
    amps = {feed.name: feed.amps for feed in feeds(face)}
    for _ in range(20):
        goal = rng.uniform(face.limits[:, 0], face.limits[:, 1])
        speed = 1.875 * np.abs(goal) / ramp_seconds(face, face.safe, goal)
        estimate = by_supply(face, currents_a(face, goal, speed, np.zeros_like(goal)))
        assert all(estimate[s] <= amps[s] for s in amps)
    hard = np.full(len(face.names), 1e6)
    stalled = by_supply(face, currents_a(face, np.full_like(hard, 1e3), hard, hard))
    for feed in feeds(face):
        assert stalled[feed.name] == pytest.approx(sum(d.stall_a for d in feed.draws))


class Still:
    """A board and its clock that write down when each setpoint came; nothing else."""

    lead_s = 0.0

    def __init__(self, face: FaceConfig) -> None:
        self.t, self.armed_at, self.homed_at = 10.0, np.nan, np.nan
        self._last_start_s = power_up_s(face)
        self.sent: list[tuple[float, np.ndarray]] = []

    def now(self) -> float:
        return self.t

    def sleep_until(self, t: float) -> None:
        self.t = max(self.t, t)

    def arm(self) -> None:
        self.armed_at, self.homed_at = self.t, self.t + self._last_start_s

    def pace(self, _t: float) -> float:
        return 1.0

    def send(self, t: float, pulses: np.ndarray) -> np.ndarray:
        self.sent.append((t - self.armed_at, pulses))
        return pulses

    def read(self) -> None:
        """Nothing comes."""

    def disarm(self) -> None:
        """It lets go."""


def test_the_first_ramp_begins_when_the_last_servo_has_started() -> None:
    face = load_face("morpheus33")
    small = face.supplies[0].model_copy(update={"amps": 15.0})
    face = face.model_copy(update={"supplies": [small]})
    still, last = Still(face), power_up_s(face)
    Loop(face, still, still).play(lambda _: face.limits[:, 1], 0.5)
    safe = to_pulses(face, face.safe)
    moved = [t for t, pulses in still.sent if np.abs(pulses - safe).max() > 1e-6]
    assert last > 0.5
    assert last - 1e-9 <= moved[0] <= last + 2 / RATE_HZ
    assert still.sent[0][0] == 0.0  # it is not silent meanwhile


def test_the_board_is_told_when_each_servo_starts() -> None:
    face = load_face("morpheus33")
    told = [channel.delay * 0.05 for channel in upload_of(face).channels]
    assert max(told) > 0.0
    np.testing.assert_allclose(told, start_delays_s(face))
