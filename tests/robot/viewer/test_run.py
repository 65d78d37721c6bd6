"""The rig's view as a run: it follows the page, and however it ends the servos are let go."""

import socket
import subprocess
import sys
from threading import Thread
from typing import Any

import numpy as np
import pytest

from mien.robot.control.connect import connected
from mien.robot.control.estop_socket import EstopSocket, request
from mien.robot.control.loop import Loop, Tick
from mien.robot.errors import EmergencyStopError, MienError
from mien.robot.face.config import load_face
from mien.robot.panel.messages import SetPose
from mien.robot.panel.process import PanelProcess
from mien.robot.panel.window import Window
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard
from mien.robot.stopping import Stop
from mien.robot.viewer.run import RequestedPose, ViewProcess, run
from mien.robot.wire import State
from tests.robot.boards import state_of
from tests.robot.viewer.rigs import FACE, pulled

pytestmark = pytest.mark.realtime


class Unseen(PanelProcess):
    """A view without a browser: asks for one pose, and keeps what it is shown."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.window = window
        self.face = load_face(window.face)
        self.skin: Any = None
        self.shown: list[Any] = []
        self.stop = ""
        self.closed = False

    def start(self) -> str:
        return "nowhere"

    def watch(self, skin: Any) -> None:
        self.skin = skin

    def commands(self) -> list[object]:
        pose = np.zeros(len(self.face.names))
        pose[self.face.index("jaw_open")] = 0.5
        return [SetPose(pose.tolist())]

    def show(self, t: float, tick: Tick, state: dict[str, Any]) -> None:
        self.shown.append((t, tick, state))

    def close(self, reason: str = "", stop: str = "") -> None:
        del reason
        self.closed, self.stop = True, stop


def test_paced_to_the_clock_it_follows_the_view_and_lets_go_at_the_end() -> None:
    views: list[Unseen] = []
    stop, jaw = Stop(200.0), load_face("hobby9").index("jaw_open")

    class Arrived(Unseen):
        def show(self, t: float, tick: Tick, state: dict[str, Any]) -> None:
            super().show(t, tick, state)
            stop.signalled = tick.sent[jaw] > 0.5 - 1e-6  # however long the machine takes

    def made(window: Window) -> Unseen:
        views.append(Arrived(window))
        return views[0]

    said: list[str] = []
    run(Window("hobby9", port=0), (), stop, said.append, made)
    (view,) = views
    assert said == ["nowhere"]
    assert view.shown[-1][1].sent[jaw] == pytest.approx(0.5)
    assert view.shown[-1][2]["load"].shape == (len(view.face.names),)
    assert view.closed
    rig = view.skin.__self__
    assert abs(rig.servo_angles()[jaw]) < 0.05  # back at rest
    assert not rig.machine.model.actuator_gainprm[:, 0].any()  # and without power


class Pressed(Unseen):
    """Somebody presses E-STOP on the page while the face moves."""

    answer = ""

    def show(self, t: float, tick: Tick, state: dict[str, Any]) -> None:
        super().show(t, tick, state)
        if len(self.shown) == 5:
            assert self.window.estop is not None
            self.asking = Thread(target=self.press, args=(self.window.estop,))
            self.asking.start()

    def press(self, path: Any) -> None:
        self.answer = request(path, timeout_s=30.0)


def test_the_stop_of_the_page_ends_the_run_without_a_ramp() -> None:
    views: list[Pressed] = []

    def made(window: Window) -> Pressed:
        views.append(Pressed(window))
        return views[0]

    with pytest.raises(EmergencyStopError):
        run(Window("hobby9", port=0), (), Stop(60.0), lambda _: None, made)
    (view,) = views
    view.asking.join()
    assert view.answer == "ESTOP"
    assert view.closed
    assert view.stop == "done"  # what the page says
    sent = [tick.sent for _, tick, _ in view.shown]
    assert len(sent) < 600  # it was the stop that ended it, not the time


@pytest.mark.slow
def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        view = ViewProcess(Window("morpheus33", port=taken.getsockname()[1]))
        try:
            with pytest.raises(MienError, match="taken"):
                view.start()
        finally:
            view.close()


@pytest.mark.slow
def test_the_view_opens_on_a_face_without_tendons_whose_every_actuator_shows() -> None:
    words = ["sim", "--view", "--face", "hobby9", "--seconds", "1", "--port-number", "0"]
    done = subprocess.run(
        [sys.executable, "-m", "mien.robot.verbs.cli", *words],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert "http://127.0.0.1:" in done.stdout + done.stderr


def test_in_lock_step_no_servo_has_power_after_the_stop() -> None:
    rig = Rig(FACE)
    line = SimBoard(rig)
    requested, ticks = RequestedPose(FACE), list[Tick]()
    with EstopSocket() as heard:

        def observe(tick: Tick) -> None:
            ticks.append(tick)
            if np.abs(tick.sent).max() > 0.2:  # in the middle of a move
                assert line.powered.all()
                heard.requested.set()

        with (
            pytest.raises(EmergencyStopError),
            connected(FACE, line, line, heard) as (board, clock),
        ):
            messages = [SetPose(pulled().tolist())]
            Loop(FACE, board, clock, observe).follow(lambda _: requested.update(messages))
    assert state_of(line) == State.ESTOP
    line.advance(0.05)
    assert not line.powered.any()
    assert not rig.machine.model.actuator_gainprm[:, 0].any()
