"""The emulated ATmega2560 beside the host core: same bytes at the same times, how far apart?"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mien.firmware.host import HostCore
from mien.robot import wire
from mien.robot.link import protocol
from tests.bench.firmware.avr_face import AvrFace

Floats = NDArray[np.float64]
BYTE_US = 20.0
TICK_US = 1000
EARLY_US = 500.0  # after a step of the core
STEPS_BACK = 4
UNDRIVEN_US = 400.0  # no pulse is shorter, so such a difference is one against none


class Twins:
    """A face on the emulated board, and a host core that hears every byte when that board does.

    The host core's clock is the emulated board's: it starts when that one's first tick ran, so both
    have the same steps. What is left between them: the board takes a step when its loop comes to
    it, up to 3 ms late, and interpolates for that moment; a pose needs 4 ms on the bus; and the
    PCA9685 rounds to its counts.
    """

    def __init__(self, face: str = "morpheus33") -> None:
        self.avr = AvrFace(face)
        self.core = HostCore()
        self._line = self.avr.rig.transport.write
        self._coming: list[tuple[float, bytes]] = []  # (machine time of the last bit, bytes)
        self.avr.rig.transport.write = self._write  # type: ignore[method-assign]
        self._free_at = 0.0
        self._start = self._board_start()
        self._ticked = 0
        self.core.tick(0)

    def _board_start(self) -> float:
        """Machine time in us at which the board's clock was 0, from its own answer."""
        before = self.avr.machine.now_us
        token = self.avr.talk.send(wire.Msg.PING, protocol.pack(wire.Ping(7)))
        heard_at = before + len(protocol.encode(wire.Msg.PING, token, b"\7\0\0\0")) * BYTE_US
        self.avr.run(0.01)
        frames = protocol.Deframer().feed(self.avr.rig.transport.read())
        pong = next(f for f in frames if f.type == wire.Msg.PONG)
        return heard_at + BYTE_US - protocol.unpack(wire.Pong, pong.payload).t_us

    def _write(self, data: bytes) -> None:
        self._line(data)
        start = max(self._free_at, self.avr.machine.now_us)
        self._free_at = start + len(data) * BYTE_US
        self._coming.append((self._free_at, data))

    def follow(self) -> None:
        """Run the host core up to the board's time."""
        now = self.avr.machine.now_us - self._start
        while self._ticked + TICK_US <= now:
            self._ticked += TICK_US
            while self._coming and self._coming[0][0] - self._start <= self._ticked:
                at, data = self._coming.pop(0)
                self.core.receive(data, int(at - self._start))
            self.core.tick(self._ticked)

    def arm(self) -> None:
        """Configure and arm both, ARM early in a step, so that both see it before the next one.

        An ARM that arrives at the end of a step is handled in that step by the core, and in the
        next one by the board, which then stays one step behind until the ramp is over.
        """
        self.avr.configure()
        self.avr.run(0.1)
        board_us = self.avr.machine.now_us - self._start
        self.avr.run((wire.STEP_US - board_us % wire.STEP_US + EARLY_US) / 1e6)
        self.follow()
        self.avr.arm()
        self.follow()

    def differences(self, seconds: float, pose: Callable[[float], Floats]) -> Floats:
        """Play ``pose`` and look every millisecond.

        Each servo board holds the pose of one step, and which one depends on when its burst came.
        So each is compared with the core's last ``STEPS_BACK`` steps, and the nearest counts.

        Returns:
            (m, n) us, board minus core.

        Raises:
            AssertionError: a channel is driven by one of the two only.
        """
        wired = np.array([a.board for a in self.avr.face.actuators.values()])
        steps: deque[Floats] = deque(maxlen=STEPS_BACK)
        found, last_step = [], -1
        for _ in self.avr.stream(seconds, pose):
            self.follow()
            step = self._ticked // wire.STEP_US
            if step != last_step:
                last_step = step
                pulses, powered = self.core.outputs()
                steps.append(np.where(powered, pulses / protocol.UNITS_PER_US, 0.0))
            if len(steps) < STEPS_BACK:
                continue
            board = self.avr.pulses()
            apart = np.empty_like(board)
            for b in np.unique(wired):
                mine = wired == b
                options = [board[mine] - core[mine] for core in steps]
                apart[mine] = min(options, key=lambda d: float(np.abs(d).max()))
            if np.abs(apart).max() > UNDRIVEN_US:
                raise AssertionError("a channel is driven by one of the two only")
            found.append(apart)
        return np.array(found)
