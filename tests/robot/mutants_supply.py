"""Changes to lines of the current budget and of the eyes' pace, each with its tests."""

from __future__ import annotations

from tests.bench.mutation import Mutant

BUDGET = ("tests/robot/face/test_supply.py",)
EYES = ("tests/robot/test_hazards.py",)
CONFIG = ("tests/robot/face/test_supply.py", "tests/robot/face/test_config.py")

MUTANTS = (
    Mutant(
        "servos start into the stall of others",
        "robot/face/currents.py",
        "during.min() >= draw.stall_a - draw.idle_a",
        "during.min() >= draw.run_a - draw.idle_a",
        BUDGET,
    ),
    Mutant(
        "nobody asks what runs later",
        "robot/face/currents.py",
        "and after.min(initial=np.inf) >= draw.run_a - draw.idle_a",
        "",
        BUDGET,
    ),
    Mutant(
        "a start is over before the servo has arrived",
        "robot/face/currents.py",
        "int(np.ceil(draw.travel_s / SLOT_S - 1e-9))",
        "int(draw.travel_s / SLOT_S)",
        BUDGET,
    ),
    Mutant(
        "those that run are forgotten",
        "robot/face/currents.py",
        "room[start + way :] -= draw.run_a - draw.idle_a",
        "pass",
        BUDGET,
    ),
    Mutant(
        "servos that wait take nothing",
        "robot/face/currents.py",
        "amps - sum(d.idle_a for d in draws) + _ROUNDING_A",
        "amps + _ROUNDING_A",
        BUDGET,
    ),
    Mutant(
        "a budget that starts nobody is taken",
        "robot/face/budget.py",
        "if amps < needed - 1e-9:",
        "if False:",
        BUDGET,
    ),
    Mutant(
        "a start beyond the wire's byte is taken",
        "robot/face/budget.py",
        "> LAST_SLOT:",
        "> 10 * LAST_SLOT:",
        BUDGET,
    ),
    Mutant(
        "a servo without a supply is taken",
        "robot/face/budget.py",
        "if lonely := [name for name in actuators if name not in fed]:",
        "if lonely := [name for name in actuators if name in ()]:",
        BUDGET,
    ),
    Mutant(
        "a servo with two supplies is taken",
        "robot/face/budget.py",
        "            if actuator in fed:",
        "            if actuator in ():",
        BUDGET,
    ),
    Mutant(
        "stall currents of another voltage",
        "robot/face/currents.py",
        "typical.stall_a * volts / TYPICAL_V",
        "typical.stall_a",
        BUDGET,
    ),
    Mutant(
        "budgets change what a self-model is tied to",
        "robot/face/config.py",
        '"supplies", "currents"',
        '"currents",',
        CONFIG,
    ),
    Mutant(
        "the first ramp does not wait for the last servo",
        "robot/control/loop.py",
        "wait = max(0.0, homed_s + 1.0 / RATE_HZ) if before else 0.0",
        "wait = 0.0",
        BUDGET,
    ),
    Mutant(
        "the board is not told when to start a servo",
        "robot/link/upload.py",
        "delay=delay,",
        "delay=0,",
        BUDGET,
    ),
    Mutant(
        "eyes flicker with the voice",
        "robot/expression/life.py",
        "return _apart(np.sort(np.concatenate([free, free[doubled] + DOUBLE_AFTER_S, chosen])))",
        "return np.sort(np.concatenate([free, free[doubled] + DOUBLE_AFTER_S, chosen]))",
        EYES,
    ),
)
