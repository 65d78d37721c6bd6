"""How long the stop takes on the machine's clock, in a quiet run and in one under a flood.

Real processes: one asks for the stop, one sends panel messages as fast as the pipe takes them, one
sends UDP packets as fast as the system takes them. For ``mien bench safety``.
"""

from __future__ import annotations

import multiprocessing as mp
import random
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.models.face.blendshapes import ARKIT
from mien.robot.control.connect import opened
from mien.robot.control.estop_socket import EstopSocket, request
from mien.robot.control.loop import Tick
from mien.robot.errors import EmergencyStopError, MienError
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import load_face
from mien.robot.live.face import LiveFace
from mien.robot.live.jitter_buffer import CommandFrame
from mien.robot.live.puppet_input import PuppetInput
from mien.robot.media.livelink_takes import ROTATIONS
from mien.robot.panel.messages import SetEmotion, SetGaze, SetPlayback, SetPose, SetRecording
from mien.robot.puppet.livelink_udp import LiveLinkPacket, encode
from mien.robot.puppet.receiver import Receiver
from mien.robot.wire import State

FACE: Final = "hobby9"
LATEST_S: Final = 2.5
"""The stop is asked for within so long after the run has begun: ramp, first poses, following."""
_AT_ONCE: Final = 32
_PATIENCE_S: Final = 30.0


class Mute:
    """A voice that says nothing."""

    lookahead_s = 0.0
    monitored = False
    ended = False

    def poll(self, now: float) -> list[CommandFrame]:  # noqa: ARG002
        """No frames."""
        return []

    def wait(self, seconds: float) -> None:
        """Nothing to wait for."""

    def set_emotion(self, intensities: dict[str, float]) -> None:
        """Nobody feels."""

    def set_gaze(self, yaw: float, pitch: float) -> None:
        """Nobody looks."""

    def set_style(self, name: str) -> None:
        """Everybody speaks alike."""

    def delay_sound(self, seconds: float) -> None:
        """Nobody listens."""


class Shouting:
    """A panel whose process never stops asking for something."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.heard = 0

    def commands(self) -> list[tuple[Any, ...]]:
        """As many as a panel hands over in a tick."""
        out: list[tuple[Any, ...]] = []
        while len(out) < _AT_ONCE and self._pipe.poll():
            out.append(self._pipe.recv())
        self.heard += len(out)
        return out

    def show(self, t: float, tick: Tick, state: dict[str, Any]) -> None:
        """Nobody watches."""


def estop_live_ms(trials: int = 10, seed: int = 0) -> float:
    """The longest time from asking to the board's word that the outputs are off, ms; quiet run."""
    return _worst(trials, seed, flooded=False)


def estop_flood_ms(trials: int = 10, seed: int = 0) -> float:
    """The same while panel messages and UDP packets flood the run."""
    return _worst(trials, seed, flooded=True)


def _worst(trials: int, seed: int, flooded: bool) -> float:
    draw, worst = random.Random(seed), 0.0
    calibrated = Calibrated(load_face(FACE))
    with ExitStack() as stack:
        panel, puppet = None, None
        if flooded:
            inlet = stack.enter_context(Receiver("livelink", 0))
            puppet = PuppetInput(calibrated, inlet)
            _child(stack, _packets, inlet.port)
            here, there = mp.get_context("spawn").Pipe()
            _child(stack, _messages, there, len(calibrated.face.names))
            panel = Shouting(here)
            if not here.poll(_PATIENCE_S):
                raise MienError("the flood did not start")
        for _ in range(trials):
            worst = max(worst, _stopped_ms(calibrated, panel, puppet, draw.uniform(0.0, LATEST_S)))
    return worst


def _stopped_ms(calibrated: Calibrated, panel: Any, puppet: Any, moment: float) -> float:
    """One run that is stopped ``moment`` s after its board was opened; ms for whoever asked."""
    with ExitStack() as stack:
        heard = stack.enter_context(EstopSocket())
        here, there = mp.get_context("spawn").Pipe()
        _child(stack, _ask, there, heard.path)
        if not here.poll(_PATIENCE_S):
            raise MienError("nobody there to ask for the stop")
        here.recv()
        more = {"puppet": puppet} if puppet else {}
        try:
            with opened(calibrated.face, "sim", estop=heard) as at:
                assert at.rig is not None
                core = at.rig.sim.core
                here.send(moment)
                LiveFace(calibrated.face, at.board, at.clock, Mute(), panel=panel, **more).run()
        except EmergencyStopError as e:
            if State(core.state) != State.ESTOP or core.outputs()[1].any():  # type: ignore[attr-defined]
                raise MienError(f"not stopped: {e.message}") from e
        if not here.poll(_PATIENCE_S):
            raise MienError("whoever asked got no answer")
        state, ms = here.recv()
        if state != State.ESTOP.name:
            raise MienError(f"whoever asked was told {state}")
        return float(ms)


def _child(stack: ExitStack, target: Callable[..., None], *args: object) -> None:
    process = mp.get_context("spawn").Process(target=target, args=args, daemon=True)
    process.start()
    stack.callback(process.join)
    stack.callback(process.kill)


def _ask(pipe: Connection, path: Path) -> None:
    pipe.send("ready")
    time.sleep(pipe.recv())
    began = time.monotonic()
    try:
        state = request(path, 10.0)
    except MienError as e:
        state = e.message
    pipe.send((state, 1e3 * (time.monotonic() - began)))
    pipe.close()


def _messages(pipe: Connection, count: int) -> None:
    draw = np.random.default_rng(0)
    flood: list[object] = [
        *[SetPose(draw.uniform(-1, 1, count).tolist()) for _ in range(20)],
        SetGaze(0.5, 0.5), SetEmotion({"happiness": 1.0}), SetEmotion({"none": 1.0}), SetPose(None),
        SetRecording("../x"), SetPlayback(None), SetPose([float("nan")] * count), ("update_cb", []),
    ]  # fmt: skip
    try:
        while True:
            for message in flood:
                pipe.send(message)
    except OSError:
        return


def _packets(port: int) -> None:
    """Whole packets and cut ones, in turn."""
    draw = np.random.default_rng(0)
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    number = 0
    while True:
        number += 1
        weights = draw.uniform(0, 1, len(ARKIT)).astype(np.float32)
        rotations = draw.uniform(-0.3, 0.3, len(ROTATIONS)).astype(np.float32)
        packet = encode(
            LiveLinkPacket("flood", "flood", number, weights=weights, rotations=rotations)
        )
        with suppress(OSError):
            for data in (packet, *[packet[: draw.integers(1, 60)] for _ in range(20)]):
                line.sendto(data, ("127.0.0.1", port))
