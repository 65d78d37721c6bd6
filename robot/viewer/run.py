"""The simulated rig kept to the clock and shown in the browser: the loop's side of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any, Final

import numpy as np

from mien.robot.control.connect import opened
from mien.robot.control.estop_socket import EstopSocket
from mien.robot.control.loop import Loop, Tick
from mien.robot.face.config import FaceConfig, Floats, load_face
from mien.robot.live.requests import numbers
from mien.robot.panel.messages import SetPose
from mien.robot.panel.process import PanelProcess
from mien.robot.panel.window import Window
from mien.robot.sim.rig import Rig
from mien.robot.stopping import Stop
from mien.robot.viewer.panel import run as run_view

RELEASE_S: Final = 0.05


class RequestedPose:
    """The pose that the browser requests; the limiter decides how fast the face gets there."""

    def __init__(self, face: FaceConfig) -> None:
        self.pose: Floats = np.zeros(len(face.names))

    def update(self, messages: Iterable[object]) -> Floats:
        """The pose (n,) after these messages: of each ``SetPose`` with n numbers. Others change
        nothing."""
        for message in messages:
            if isinstance(message, SetPose):
                with suppress(AttributeError, TypeError, ValueError):
                    self.pose = numbers(message.commands, self.pose.shape)
        return self.pose


class Effort:
    """What a rig's servos and tendons bear."""

    def __init__(self, rig: Rig) -> None:
        machine = rig.machine
        kinds = machine.plan.servos
        self._rig = rig
        self._stall = np.array([kinds[a.servo].stall_torque for a in rig.face.actuators.values()])
        nodes = {s.actuator: s.node for s in machine.plan.tendons.values()}
        names = {s.actuator: name for name, s in machine.plan.tendons.items()}
        self._sites = np.array(
            [
                [
                    machine.model.site(f"guide:{names[a]}").id,
                    machine.model.site(f"skin:{nodes[a]}").id,
                ]
                for a in machine.tendons
            ],
            dtype=np.int64,
        ).reshape(-1, 2)

    def state(self) -> dict[str, Any]:
        """Loads as shares of the stall torque (n,), tensions in N by actuator, and each tendon's
        visible part (S, 2, 3), from guide to skin, in mm in the frame of the robot's base."""
        rig = self._rig
        return {
            "t": rig.time,
            "load": np.abs(rig.loads()) / self._stall,
            "tension": rig.tensions(),
            "tendons": 1e3 * rig.data.site_xpos[self._sites],
        }


class ViewProcess(PanelProcess):
    """The panel's process, with the rig's view in it instead of the panel."""

    def target(self) -> Callable[[Connection, Window], None]:
        """What the process runs."""
        return run_view


def run(
    window: Window,
    faults: tuple[str, ...],
    stop: Stop,
    ready: Callable[[str], None],
    process: Callable[[Window], PanelProcess] = ViewProcess,
) -> None:
    """Show the rig until ``stop`` is requested; then it ramps to its safe pose and is released.

    Args:
        ready: called with the address to open.

    Raises:
        InputError: an unknown fault. DeviceError: the address cannot be bound, or needs a token.
    """
    face = load_face(window.face)
    with ExitStack() as stack:
        estop = stack.enter_context(EstopSocket())
        view = process(replace(window, estop=estop.path))
        stack.push(view.leave)
        with opened(face, "sim", window.build or 0, faults, estop=estop) as at:
            assert at.rig is not None
            rig = at.rig.sim.rig
            effort, requested = Effort(rig), RequestedPose(face)
            view.watch(rig.skin_state)
            ready(view.start())
            stop.begin()

            def commands(_t: float) -> Floats | None:
                return None if stop.requested() else requested.update(view.commands())

            def observe(tick: Tick) -> None:
                board = {"link": at.board.report(), "connected": at.board.connected}
                view.show(tick.t, tick, {**effort.state(), **board})

            Loop(face, at.board, at.clock, observe).follow(commands)
            # The release is still on the line, and a rig lives only while somebody waits for it.
            at.clock.sleep_until(at.clock.now() + RELEASE_S)
