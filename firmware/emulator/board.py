# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated board with the face of `mien.firmware.host.HostCore`: bytes and time in, pulses
out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.firmware.avr.image import build_image
from mien.firmware.emulator.machine import CHANNELS, Machine

BOOT_US = 5000.0  # until the UART listens, with room to spare
UNITS_PER_US = 4


class EmulatedAvr:
    """The firmware image on an emulated ATmega2560 with its servo boards, in lock-step.

    It can stand wherever a `HostCore` stands. The differences are those of the real thing: bytes
    take 20 us each, the bus takes 4 ms for a pose, pulses are whole counts of the PCA9685, and the
    board's clock starts when the object is made.

    Args:
        outputs: for each channel, board * 16 + output of that board.
        boards: I2C addresses.
        machine: a machine to use; one with the firmware of this checkout if not given.

    Raises:
        BuildError: avr-gcc or libsimavr is missing.
    """

    def __init__(
        self,
        outputs: Sequence[int],
        boards: Sequence[int] = (0x40, 0x41, 0x42),
        machine: Machine | None = None,
    ) -> None:
        self.machine = machine if machine is not None else Machine(build_image().bin, boards)
        self._outputs = np.asarray(outputs, dtype=np.intp)
        self._last = np.zeros(len(self._outputs), dtype=np.uint16)
        self.machine.run_until(BOOT_US)
        self._offset: float | None = None  # machine time minus the caller's

    def receive(self, data: bytes, now_us: int | None = None) -> None:
        """Put bytes on the line, the first one at ``now_us`` or at the last tick."""
        if now_us is not None:
            self.tick(now_us)
        self.machine.send(data)

    def tick(self, now_us: int) -> bool:
        """Run until ``now_us``. True: time has passed. A time in the past has no effect."""
        if self._offset is None:
            self._offset = self.machine.now_us - now_us
        before = self.machine.now_us
        self.machine.run_until(now_us + self._offset)
        return self.machine.now_us > before

    def transmit(self) -> bytes:
        """All bytes that the board has sent completely."""
        return self.machine.take()

    def outputs(self) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
        """Pulses (n,) in 0.25 us as the PCA9685 make them, and which are driven (n,).

        A channel that is not driven keeps its last pulse.
        """
        pulses = self.machine.pulses().ravel()[self._outputs]
        powered = pulses > 0.0
        self._last[powered] = np.rint(pulses[powered] * UNITS_PER_US).astype(np.uint16)
        return self._last.copy(), powered

    @property
    def drive(self) -> bool:
        """The /OE line is low: outputs may be driven."""
        return not self.machine.oe_high

    def set_servo_board(self, board: int, present: bool) -> None:
        """Switch the power of a servo board off or on."""
        self.machine.board_power(board, present)

    def press_button(self) -> None:
        """Open the emergency switch for 10 ms; it is wired as `nc`."""
        self.machine.stop_switch(False)
        self.machine.run(10_000.0)
        self.machine.stop_switch(True)


def flat_outputs(board_channels: Sequence[tuple[int, int]]) -> list[int]:
    """(board, output) pairs to what `EmulatedAvr` takes."""
    return [board * CHANNELS + channel for board, channel in board_channels]
