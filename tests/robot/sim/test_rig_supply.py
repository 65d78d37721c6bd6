"""Started in groups, the simulated servos stay within the supply; started at once they do not."""

import numpy as np
import pytest

from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import Floats, load_face
from mien.robot.face.safety import ramp, ramp_seconds
from mien.robot.face.supply import draws_of, feeds, start_delays_s
from mien.robot.sim.description import load_mechanism
from mien.robot.sim.rig import Rig
from tests.robot.face.supply_estimates import assumed_a, power_up_s


def drawn_a(rig: Rig) -> float:
    """Current of all motors: torque as a share of stall torque, times the stall current."""
    face = rig.face
    kinds = load_mechanism(face.mechanism_source).servos
    torque = np.array([kinds[a.servo].stall_torque for a in face.actuators.values()])
    amps = np.array([d.stall_a for d in draws_of(face)])
    return float(np.sum(np.abs(rig.loads()) / torque * amps))


def power_up(rig: Rig, delays_s: Floats) -> Floats:
    """Currents (steps,) A of a face that stands at its ends and is sent to its safe pose."""
    face = rig.face
    rig.reset()
    away, safe = to_pulses(face, face.limits[:, 1]), to_pulses(face, face.safe)
    for _ in range(round(0.6 / rig.dt)):
        rig.step(away)
    drawn = []
    for k in range(round((power_up_s(face) + 0.5) / rig.dt)):
        on = k * rig.dt >= delays_s
        rig.step(np.where(on, safe, away), on)
        drawn.append(drawn_a(rig))
    return np.array(drawn)


@pytest.mark.parametrize(
    ("name", "amps"),
    [("hobby9", 5.0), pytest.param("morpheus33", 20.0, marks=pytest.mark.slow)],
)
def test_a_small_supply_carries_the_power_up_only_in_groups(name: str, amps: float) -> None:
    shipped = load_face(name)
    small = [s.model_copy(update={"amps": amps}) for s in shipped.supplies]
    face = shipped.model_copy(update={"supplies": small})
    rig, (feed,) = Rig(face), feeds(face)
    staggered = power_up(rig, start_delays_s(face))
    assumed = [assumed_a(feed, k * rig.dt) for k in range(len(staggered))]
    assert np.all(staggered <= np.array(assumed) + 1e-9)
    assert staggered.max() <= amps
    assert power_up(rig, np.zeros(len(face.names))).max() > amps


def test_a_first_ramp_of_all_servos_draws_less_than_they_are_taken_to_run_with() -> None:
    face = load_face("hobby9")
    rig, goal = Rig(face), face.limits[:, 1]
    drawn = []
    for k in range(round(ramp_seconds(face, face.safe, goal) / rig.dt)):
        rig.step(to_pulses(face, ramp(face, face.safe, goal, k * rig.dt)))
        drawn.append(drawn_a(rig))
    assert max(drawn) <= sum(d.run_a for d in draws_of(face))
