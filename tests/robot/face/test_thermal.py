import numpy as np
import pytest

from mien.robot.face.config import load_face
from mien.robot.face.thermal import AMBIENT_C, BACK_OFF_C, KINDS, RELEASE_C, Thermal

FACE = load_face("morpheus33")
DT = 1 / 60


def after(seconds: float, commands: np.ndarray, thermal: Thermal | None = None) -> Thermal:
    thermal = thermal or Thermal(FACE)
    thermal.step(commands, DT)
    for _ in range(int(seconds)):
        thermal.step(commands, 1.0)
    return thermal


def posed(commands: dict[str, float]) -> np.ndarray:
    """Commands by actuator -> (n,); the rest is neutral."""
    out = np.zeros(len(FACE.names))
    for name, value in commands.items():
        out[FACE.index(name)] = value
    return out


def test_rest_stays_cold() -> None:
    assert after(3600, np.zeros(33)).celsius == pytest.approx(AMBIENT_C)


def test_a_held_pose_follows_the_first_order_law() -> None:
    jaw = FACE.index("jaw_open")
    kind = KINDS["large"]
    pose = posed({"jaw_open": 1.0})
    thermal = Thermal(FACE)
    thermal.step(pose, DT)
    for _ in range(400):
        thermal.step(pose, 1.0)
    rise = kind.stall_rise_c * kind.hold**2 * (1 - np.exp(-400 / kind.tau_s))
    assert thermal.celsius[jaw] - AMBIENT_C == pytest.approx(rise, rel=0.02)
    assert np.delete(thermal.celsius, jaw) == pytest.approx(AMBIENT_C)


def test_shaking_heats_more_than_holding() -> None:
    held, shaken = Thermal(FACE), Thermal(FACE)
    pose = posed({"brow_inner_left": 0.8})
    for k in range(60 * 120):
        held.step(pose, DT)
        shaken.step(pose * np.sin(k * 0.8), DT)
    brow = FACE.index("brow_inner_left")
    assert shaken.celsius[brow] > held.celsius[brow] + 5


def test_a_hot_servo_is_drawn_to_its_safe_pose_and_cools() -> None:
    thermal = Thermal(FACE)
    pose = np.full(33, 0.5)
    assert thermal.relieved(pose) == pytest.approx(pose)
    thermal.celsius[:] = (BACK_OFF_C + RELEASE_C) / 2
    assert thermal.relieved(pose) == pytest.approx(FACE.safe + 0.5 * (pose - FACE.safe))
    thermal.celsius[:] = RELEASE_C + 5
    assert thermal.relieved(pose) == pytest.approx(FACE.safe)
    after(3600, FACE.safe, thermal)
    assert thermal.authority == pytest.approx(1.0)


def test_relief_keeps_any_pose_out_of_the_heat_for_ever() -> None:
    """The worst that can be asked: everything shaken from end to end for two hours."""
    thermal = Thermal(FACE, ambient_c=35.0)
    for k in range(2 * 3600 * 10):
        asked = np.full(33, 1.0 if k % 2 else -1.0)
        thermal.step(thermal.relieved(asked), 0.1)
    assert thermal.celsius.max() < RELEASE_C


def test_released_servos_cool_and_do_not_remember_motion() -> None:
    thermal = Thermal(FACE)
    thermal.celsius[:] = 70.0
    thermal.step(np.ones(33), 60.0, driven=False)
    assert (thermal.celsius < 70.0).all()
    assert thermal.load(np.zeros(33), DT) == pytest.approx(0.0)
