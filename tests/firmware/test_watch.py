"""The observer sees what it is there to see: the core's memory is bent, and it says what broke."""

from collections.abc import Callable

import pytest

from mien.robot.wire import Flag, Msg
from tests.bench.firmware.lockstep import Lockstep, plain_upload

LIMIT, SLEW, STILL, FLOOR, DRIVE, QUEUE, _, STATE = range(1, 9)  # enum mien_broken
TENDON = plain_upload(1, flags=int(Flag.TENDON), floor=5000, slack=400, slew=2000)


def jump(pulse: int) -> Callable[[Lockstep], None]:
    def bend(rig: Lockstep) -> None:
        rig.core.native.motion[0].pulse = pulse
        rig.tick()

    return bend


def move_between_steps(rig: Lockstep) -> None:
    rig.core.native.motion[0].pulse += 1
    rig.ping()


def drive_without_upload(rig: Lockstep) -> None:
    rig.core.native.committed = False
    rig.ping()


def overfill(rig: Lockstep) -> None:
    rig.core.native.queued = 9
    rig.ping()


def disorder(rig: Lockstep) -> None:
    """Two setpoints wait; the board's place in its ring is then wrong by as many."""
    rig.setpoint(6000, 20_000)
    rig.setpoint(6000, 30_000)
    rig.core.native.queued = 5
    rig.ping()


def no_state(rig: Lockstep) -> None:
    rig.core.native.state = 7
    rig.ping()


def leap(rig: Lockstep) -> None:
    rig.core.native.state = 4
    rig.tick()


@pytest.mark.parametrize(
    ("bend", "broken"),
    [
        (jump(3000), LIMIT),
        (jump(9000), LIMIT),
        (jump(7000), SLEW),
        (move_between_steps, STILL),
        (drive_without_upload, DRIVE),
        (overfill, QUEUE),
        (disorder, QUEUE),
        (no_state, STATE),
        (leap, STATE),
    ],
)
def test_bent_memory_is_seen(bend: Callable[[Lockstep], None], broken: int) -> None:
    rig = Lockstep().ready()
    assert rig.core.violations == 0
    bend(rig)
    assert rig.core.first_violation == broken


def test_a_string_let_go_is_seen() -> None:
    rig = Lockstep(TENDON).ready()
    rig.core.native.motion[0].pulse = 4000  # the step winds it in by 500, to 4500: still loose
    rig.tick()
    assert rig.core.first_violation == FLOOR


def test_many_steps_of_a_normal_life_are_not() -> None:
    rig = Lockstep().ready()
    for k in range(200):
        rig.setpoint(4000 + 20 * k, 20_000)
        rig.tick()
    rig.run(500, heartbeat=False)
    rig.send(Msg.DISARM)
    rig.ready()
    assert rig.core.violations == 0
