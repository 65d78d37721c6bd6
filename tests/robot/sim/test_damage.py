"""Every fault has one effect, and the damage adds up."""

from __future__ import annotations

import numpy as np

from mien.robot.sim.damage import BLINDING, EFFECTS, Damage
from mien.robot.sim.faults import KINDS, Fault
from mien.robot.sim.sim_board import LINE_DAMAGE

NAMES = ("jaw", "cheek_left", "cheek_right")


def test_every_fault_acts_on_one_part() -> None:
    tables = {"robot": EFFECTS, "camera": BLINDING, "line": LINE_DAMAGE}
    for name, kind in KINDS.items():
        part = kind.part if kind.part in tables else "robot"
        assert [k for k, table in tables.items() if name in table] == [part], name
    assert set().union(*tables.values()) == set(KINDS)


def test_damage_adds_up_and_leaves_the_others_alone() -> None:
    damage = Damage(NAMES, NAMES[1:])
    faults = (
        Fault("stuck", "jaw"),
        Fault("slow", "jaw", 0.0),
        Fault("slack", "cheek_right", 2.0),
        Fault("slack", "cheek_right", 1.5),
        Fault("torn", "cheek_left"),
        Fault("slip", "cheek_left", 90.0),
        Fault("brownout", "", 0.5),
        Fault("camera_lost", "", 1.0),
        Fault("bytes_lost", "", 0.1),
    )
    for fault in faults:
        damage.add(fault, 3.0)
    assert damage.jammed.tolist() == [True, False, False]
    assert damage.dead.tolist() == [False] * 3
    assert damage.speed.tolist() == [0.01, 1.0, 1.0]
    assert damage.slip.tolist() == [0.0, np.pi / 2, 0.0]
    assert (damage.torn.tolist(), damage.slack_mm.tolist()) == ([True, False], [0.0, 3.5])
    assert damage.dark_until == 3.5
