"""Servo electronics: counts, wraps, dead band, saturation, direction."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import load_face
from mien.robot.sim.builds import Build
from mien.robot.sim.description import load_mechanism
from mien.robot.sim.servo import COUNTS, ServoBank

FACE = load_face("morpheus33")
KINDS = load_mechanism(FACE.mechanism_source).servos
N = len(FACE.names)
DT = 0.002
ZERO = np.zeros(N)


def _bank(seed: int = 0, **changed: float) -> ServoBank:
    kinds = [KINDS[a.servo].model_copy(update=changed) for a in FACE.actuators.values()]
    return ServoBank(FACE, kinds, Build(seed), DT)


@given(st.floats(400.0, 2600.0))
def test_a_pulse_is_a_whole_number_of_counts_and_half_a_count_off_at_most(us: float) -> None:
    count_us = 1e6 / (FACE.pwm_hz * COUNTS)
    made = _bank().quantised(np.full(N, us))
    assert np.allclose(made / count_us, np.rint(made / count_us), atol=1e-6)
    assert np.all(np.abs(made - us) <= count_us / 2 + 1e-9)


def test_a_pulse_that_a_pca9685_already_quantised_stays_as_it_is() -> None:
    bank = _bank()
    once = bank.quantised(np.linspace(900.0, 2100.0, N))
    assert np.array_equal(bank.quantised(once), once)


def test_new_pulses_wait_for_the_wrap_of_the_counter() -> None:
    bank, moved = _bank(), FACE.pulses[:, 1] + 200.0
    bank.drive(FACE.pulses[:, 1], ZERO, ZERO)  # a wrap: neutral is latched
    taken = []
    for step in range(25):
        bank.drive(moved, ZERO, ZERO)
        if np.any(np.abs(bank.latched_us - FACE.pulses[:, 1]) > 100.0):
            taken.append(step)
    assert taken[0] == 9  # 20 ms after the first wrap
    assert len(taken) == 16


def test_nothing_happens_within_the_dead_band() -> None:
    bank = _bank()
    at_rest = FACE.pulses[:, 1]
    inside = np.deg2rad(0.09) * 2.0  # 2 us; the narrowest dead band is 3
    volts = bank.drive(at_rest, np.full(N, inside) + _offset(bank), ZERO)
    assert np.all(volts == 0.0)
    volts = bank.drive(at_rest, np.full(N, 5 * inside) + _offset(bank), ZERO)
    assert np.all(volts < 0.0)


def _offset(bank: ServoBank) -> np.ndarray:
    """Where the neutral pulse, made of whole counts, aims (rad)."""
    shift = bank.quantised(FACE.pulses[:, 1]) - FACE.pulses[:, 1]
    return np.asarray(np.deg2rad(0.09) * shift * FACE.direction)


def test_a_positive_command_drives_every_servo_forwards_and_voltage_saturates() -> None:
    bank = _bank()
    pulses = to_pulses(FACE, np.ones(N))
    for _ in range(40):
        volts = bank.drive(pulses, ZERO, ZERO)
    assert np.all(volts == 1.0)


def test_snapshot_restores_the_state() -> None:
    bank, pulses = _bank(), FACE.pulses[:, 2]
    for _ in range(7):
        bank.drive(pulses, ZERO, ZERO)
    state = bank.snapshot()
    first = [bank.drive(pulses, ZERO, ZERO) for _ in range(20)]
    bank.restore(state)
    again = [bank.drive(pulses, ZERO, ZERO) for _ in range(20)]
    assert np.array_equal(first, again)


def test_boards_of_a_build_have_clocks_of_their_own() -> None:
    bank = _bank(seed=5)
    for _ in range(12):
        bank.drive(FACE.pulses[:, 1], ZERO, ZERO)
    share = bank.latched_us / bank.quantised(FACE.pulses[:, 1])
    boards = np.array([a.board for a in FACE.actuators.values()])
    for board in np.unique(boards):
        assert np.ptp(share[boards == board]) < 1e-12
    assert len(np.unique(np.round(share, 9))) == 3


def test_a_motor_crosses_the_play_before_it_pushes_the_other_way() -> None:
    bank = _bank(backlash=4.0)
    forwards, backwards = to_pulses(FACE, np.ones(N)), to_pulses(FACE, -np.ones(N))
    for _ in range(40):
        bank.drive(forwards, ZERO, ZERO)
    volts = np.array([bank.drive(backwards, ZERO, ZERO)[0] for _ in range(60)])
    assert volts[-1] == -1.0
    assert np.sum(volts == 0.0) in {2, 3, 4}  # steps of 2 ms: 4 degrees at 600 degrees/s
    assert np.all(np.diff(np.sign(volts)) <= 0.0)


def test_a_horn_that_is_moved_within_its_play_is_not_noticed() -> None:
    bank = _bank()
    for _ in range(40):
        bank.drive(FACE.pulses[:, 1], ZERO + _offset(bank), ZERO)
    nudge = np.deg2rad(0.15)
    assert not bank.drive(FACE.pulses[:, 1], ZERO + _offset(bank) + nudge, ZERO).any()
    assert bank.drive(FACE.pulses[:, 1], ZERO + _offset(bank) + 10 * nudge, ZERO).all()
