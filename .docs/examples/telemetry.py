"""Telemetry: what the board reports while the simulated face opens its mouth and rests again."""

from mien import load_face
from mien.robot.control.connect import opened
from mien.robot.control.loop import Loop, Tick
from mien.robot.wire import State

face = load_face("hobby9")
pose = face.safe.copy()
pose[face.index("jaw_open")] = 0.3
states: list[str] = []

with opened(face, "sim") as at:  # or the serial port of your board

    def look(tick: Tick) -> None:
        """Called after each tick of the loop. It must not block."""
        report = tick.telemetry
        if report is not None and State(report.state).name not in states:
            states.append(State(report.state).name)
            print(f"{tick.t:6.2f} s  {states[-1]}  late {report.late}  damaged {report.rx_bad}")

    Loop(face, at.board, at.clock, look).play(lambda _t: pose, seconds=0.5)

assert "ARMED" in states
