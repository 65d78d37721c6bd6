"""Telemetry: what the board reports while the simulated face opens its mouth and rests again."""

from mien import load_face
from mien.robot.control.loop import Loop
from mien.robot.link.board import Board
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard
from mien.robot.wire import State, Telemetry


class Watched(Board):
    """A board that prints each report which the loop takes in."""

    def read(self) -> Telemetry | None:
        """The newest report, or None."""
        report = super().read()
        if report is not None:
            print(f"{State(report.state).name:10} late {report.late}  bad {report.rx_bad}")
        return report


face = load_face("hobby9")
rig = SimBoard(Rig(face))  # as fast as it can; mien.connect("sim") runs in real time
board = Watched(face, rig, rig.now)
board.connect()
pose = face.safe.copy()
pose[face.index("jaw_open")] = 0.3
Loop(face, board, rig).play(lambda _t: pose, seconds=0.5)
