"""What the firmware of a simulated board says of itself."""

from mien.firmware.host import HostCore
from mien.robot.sim.sim_board import SimBoard
from mien.robot.wire import State


def state_of(board: SimBoard) -> State:
    """The state of the board's firmware, which runs in this process."""
    assert isinstance(board.core, HostCore)
    return State(board.core.state)
