"""The C code of ``firmware/core`` in this process."""

from __future__ import annotations

from typing import Any

import numpy as np
from mien.firmware.host._core import ffi, lib
from numpy.typing import NDArray

POWER_ON = 1  # enum mien_reset
ROOM = 4096


class HostCore:
    """One board. Time is an argument: microseconds of the board's clock, taken modulo 2^32.

    Its servo boards (PCA9685) answer, unless ``set_servo_board`` takes one off the bus. Making a
    new object is what a reset of the microcontroller is on a real board.

    Args:
        reset: enum mien_reset, the cause that the board reports.
    """

    def __init__(self, reset: int = POWER_ON) -> None:
        self._host = ffi.new("mien_host *")
        self._core = ffi.addressof(self._host, "core")
        self._now = 0
        self._room = ffi.new("uint8_t[]", ROOM)
        lib.mien_host_init(self._host, reset)

    def receive(self, data: bytes, now_us: int | None = None) -> None:
        """Receive bytes from the line, in any split. ``now_us``: arrival, default last tick."""
        now = self._now if now_us is None else now_us & 0xFFFFFFFF
        for start in range(0, len(data), 0xFFFF):
            part = data[start : start + 0xFFFF]
            lib.mien_host_receive(self._host, now, part, len(part))

    def tick(self, now_us: int) -> bool:
        """Advance the time to ``now_us``. True: a step ran, and outputs may have changed.

        Call it every 5 ms (``MIEN_STEP_US``) or more often; it runs one step at most.
        """
        self._now = now_us & 0xFFFFFFFF
        return bool(lib.mien_host_tick(self._host, self._now))

    def transmit(self) -> bytes:
        """All bytes that the core has ready to send."""
        count = lib.mien_host_transmit(self._host, self._room, ROOM)
        return bytes(ffi.buffer(self._room, count))

    def outputs(self) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
        """Pulses (n,) in 0.25 us and which are driven (n,). n is 0 before a configuration.

        A channel that is not driven keeps its last pulse.
        """
        n = lib.mien_channels(self._core)
        pulses = np.zeros(n, dtype=np.uint16)
        powered = np.zeros(n, dtype=np.bool_)
        if n:
            lib.mien_host_outputs(
                self._host,
                ffi.cast("uint16_t *", ffi.from_buffer(pulses)),
                ffi.cast("uint8_t *", ffi.from_buffer(powered)),
            )
        return pulses, powered

    @property
    def protocol_hash(self) -> int:
        """Hash of protocol.h that the board reports in HELLO."""
        return int(lib.MIEN_PROTOCOL_HASH)

    @property
    def generation(self) -> int:
        """Uploads committed since reset, modulo 256."""
        return int(lib.mien_generation(self._core))

    @property
    def stop_switch(self) -> int:
        """enum mien_switch: wiring of the emergency switch in the configuration."""
        return int(lib.mien_stop_switch(self._core))

    def pulse(self, index: int) -> int:
        """Pulse of output ``index`` (0..255) in 0.25 us, 0 where none is driven."""
        return int(lib.mien_pulse(self._core, index))

    @property
    def state(self) -> int:
        """enum mien_state, read directly from the core."""
        return int(self._core.state)

    @property
    def drive(self) -> bool:
        """The /OE line is low: outputs may be driven."""
        return bool(lib.mien_drive(self._core))

    @property
    def violations(self) -> int:
        """Calls after which a guarantee of ``mien.h`` did not hold: bugs. See ``host/watch.h``."""
        return int(self._host.broken)

    @property
    def first_violation(self) -> int:
        """enum mien_broken of the first one, 0 if there was none."""
        return int(self._host.broken_first)

    @property
    def native(self) -> Any:
        """The C struct, for tests: cffi's ``mien_core *``."""
        return self._core

    def set_servo_board(self, board: int, present: bool) -> None:
        """Connect a PCA9685 board to the bus or disconnect it."""
        bit = 1 << board
        self._host.present = (self._host.present | bit) if present else self._host.present & ~bit

    def set_probing(self, on: bool) -> None:
        """Enable or disable the probes of servo boards while nothing is driven."""
        self._host.probing = on

    def press_button(self) -> None:
        """Press the emergency button at the board's input."""
        lib.mien_host_button(self._host)

    def stop(self) -> None:
        """Stop from the hardware layer, without a frame."""
        lib.mien_host_stop(self._host)

    def uart_error(self) -> None:
        """Report bytes lost by the UART."""
        lib.mien_uart_error(self._core)

    def newest_setpoint(self) -> tuple[int, NDArray[np.uint16]]:
        """Time in us and pulses (n,) of the setpoint accepted last; zeros before the first."""
        pulses = np.zeros(lib.mien_channels(self._core), dtype=np.uint16)
        t_us = ffi.new("uint32_t *")
        buffer = ffi.cast("uint16_t *", ffi.from_buffer(pulses)) if len(pulses) else ffi.NULL
        lib.mien_host_newest(self._host, t_us, buffer)
        return int(t_us[0]), pulses
