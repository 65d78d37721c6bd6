# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated board in lock-step: it runs exactly to a given time."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.firmware.emulator.library import load

CYCLES_PER_US = 16
CHANNELS = 16
_RAM_FROM, _RAM_SIZE = 0x200, 0x2000
EEPROM_SIZE = 4096
_PAINT = 0xC5


class Kind(IntEnum):
    """Kind of an event. Names in brackets are the fields with its detail."""

    RESET = 1  # value: 1 power-on, 2 reset pin, 4 brown-out, 8 watchdog
    OE = 2  # value: level of /OE, 1 = outputs off
    START = 3  # value: 1 when repeated
    ADDRESS = 4  # reg: address byte, value: 1 when acknowledged
    REGISTER = 5  # board, reg, value
    STOP = 6
    ALL_OFF = 7  # board
    OVERRUN = 8  # value: the byte that was lost
    CRASH = 9
    MARK = 10  # value: what the program wrote to GPIOR0
    EEPROM = 11  # board, reg: high and low byte of the address, value: what the cell now holds


class Event(NamedTuple):
    """Something that happened at ``us`` microseconds after the machine was made."""

    us: float
    kind: Kind
    board: int
    reg: int
    value: int


_EVENT = np.dtype(
    [("cycle", "<u8"), ("kind", "u1"), ("board", "u1"), ("reg", "u1"), ("value", "u1"), ("", "V4")]
)


class CrashError(RuntimeError):
    """The program did something illegal. The message has the address."""


class Machine:
    """An ATmega2560 with an image in its flash, and three PCA9685 at 0x40, 0x41 and 0x42.

    Args:
        image: raw binary of the flash, from address 0.
        boards: I2C addresses of the PCA9685, at most four.
        eeprom: (4096,) what the EEPROM holds, as `eeprom` of another machine gave it; erased (0xFF)
            if not given, as in a chip from the factory.

    Raises:
        BuildError: the emulator cannot be compiled here.
        CrashError: libsimavr is not the version that the models need.
    """

    def __init__(
        self,
        image: Path | bytes,
        boards: Sequence[int] = (0x40, 0x41, 0x42),
        eeprom: bytes | None = None,
    ) -> None:
        self._library = load()
        content = image if isinstance(image, bytes) else image.read_bytes()
        self._machine = self._library.emulator_new(content, len(content))
        if not self._machine:
            raise CrashError(
                "libsimavr is not the 1.6 that the models need: apt install libsimavr-dev"
            )
        self._library.emulator_boards(self._machine, bytes(boards), len(boards))
        self.boards = len(boards)
        if eeprom is not None:
            self.load_eeprom(eeprom)

    def close(self) -> None:
        """Free the machine. It cannot be used afterwards."""
        if self._machine:
            self._library.emulator_free(self._machine)
            self._machine = None

    def __del__(self) -> None:
        if getattr(self, "_machine", None):
            self.close()

    # --- time
    @property
    def now_us(self) -> float:
        """Microseconds since the machine was made. A reset does not set them back."""
        return int(self._library.emulator_now(self._machine)) / CYCLES_PER_US

    def run_until(self, us: float) -> None:
        """Run to the first instruction boundary at or after ``us``.

        Raises:
            CrashError: the program crashed.
        """
        if not self._library.emulator_run(self._machine, round(us * CYCLES_PER_US)):
            raise CrashError(self._library.emulator_message(self._machine).decode())

    def run(self, us: float) -> None:
        """Run for ``us`` microseconds."""
        self.run_until(self.now_us + us)

    def reset(self, cause: int = 2) -> None:
        """Reset the processor alone: 1 power-on, 2 reset pin, 4 brown-out, 8 watchdog.

        RAM and EEPROM keep their content. A byte that is being written to the EEPROM is finished
        after 2 and 8, and stays half written after 1 and 4.
        """
        self._library.emulator_reset(self._machine, cause)

    # --- serial line
    def send(self, data: bytes, at_us: float = 0.0) -> None:
        """Put bytes on the line, 20 us each at 500 kbaud, none of them before ``at_us``."""
        self._library.emulator_send(self._machine, data, len(data), round(at_us * CYCLES_PER_US))

    def take(self) -> bytes:
        """The bytes that the board has completely sent since the last call."""
        return bytes(value for value, _ in self.take_timed())

    def take_timed(self) -> list[tuple[int, float]]:
        """The same as (byte, time of the end of its stop bit in us)."""
        taken: list[tuple[int, float]] = []
        data = (ctypes.c_uint8 * 1024)()
        cycles = (ctypes.c_uint64 * 1024)()
        while count := self._library.emulator_take(self._machine, data, cycles, 1024):
            taken += [(data[i], cycles[i] / CYCLES_PER_US) for i in range(count)]
        return taken

    @property
    def waiting(self) -> int:
        """Bytes of `send` that have not yet arrived."""
        return int(self._library.emulator_waiting(self._machine))

    def unplug(self) -> None:
        """Discard the bytes that have not yet arrived."""
        self._library.emulator_unplug(self._machine)

    @property
    def overruns(self) -> int:
        """Bytes that the UART lost because the program read them too late."""
        return int(self._library.emulator_overruns(self._machine))

    def host_baud(self, baud: int) -> None:
        """Rate of the host's side of the line; 500 000 unless set."""
        self._library.emulator_host_baud(self._machine, baud)

    # --- what the servos see
    def pulses(self) -> NDArray[np.float64]:
        """(boards, 16): pulse widths in us, 0 where nothing is driven. /OE counts."""
        pulses = np.zeros((self.boards, CHANNELS))
        self._library.emulator_outputs(self._machine, pulses.ctypes.data)
        return pulses

    @property
    def oe_high(self) -> bool:
        """Level of the /OE line; high means that all outputs are off."""
        return bool(self._library.emulator_oe_high(self._machine))

    # --- the ways in which things fail
    def oe_wired(self, wired: bool) -> None:
        """Whether /OE is connected; if not, only the registers of the boards turn outputs off."""
        self._library.emulator_oe_wired(self._machine, wired)

    def stop_switch(self, closed: bool) -> None:
        """Close or open the emergency switch of the board; it is closed at first.

        A switch wired as `nc` is closed while all is well, one wired as `no` is open.
        """
        self._library.emulator_stop_switch(self._machine, closed)

    def board_power(self, board: int, on: bool) -> None:
        """Switch the power of a board off or on. After power-on it has its reset values."""
        self._library.emulator_board_power(self._machine, board, on)

    def board_refuse(self, board: int, refuse: bool) -> None:
        """Unplug the bus cable of a board: it drives on and acknowledges nothing."""
        self._library.emulator_board_refuse(self._machine, board, refuse)

    def board_refuse_after(self, board: int, count: int) -> None:
        """Let a board acknowledge ``count`` more bytes and then nothing; 65535 ends that."""
        self._library.emulator_board_refuse_after(self._machine, board, count)

    def board_oscillator(self, board: int, hz: float) -> None:
        """Rate of a board's own oscillator; 25 MHz unless set."""
        self._library.emulator_board_oscillator(self._machine, board, hz)

    def board_upset(self, board: int, reg: int, value: int) -> None:
        """Change MODE1 (0), MODE2 (1) or PRE_SCALE (0xFE) as no message on the bus did."""
        self._library.emulator_board_upset(self._machine, board, reg, value)

    def register(self, board: int, reg: int) -> int:
        """Value of a register."""
        return int(self._library.emulator_board_register(self._machine, board, reg))

    def hold_sda(self, held: bool, clocks: int = 0) -> None:
        """Hold SDA low, until ``clocks`` pulses of SCL have been given by hand or until let go."""
        self._library.emulator_hold_sda(self._machine, held, clocks)

    def hold_scl(self, held: bool) -> None:
        """Hold SCL low until let go."""
        self._library.emulator_hold_scl(self._machine, held)

    # --- what outlives a reset
    @property
    def eeprom(self) -> bytes:
        """Contents (4096,) of the EEPROM."""
        cells = (ctypes.c_uint8 * EEPROM_SIZE)()
        self._library.emulator_eeprom(self._machine, cells)
        return bytes(cells)

    def load_eeprom(self, content: bytes) -> None:
        """Set what the EEPROM holds, (4096,), as a programmer does.

        Raises:
            ValueError: another length.
        """
        if len(content) != EEPROM_SIZE:
            raise ValueError(f"an EEPROM holds {EEPROM_SIZE} bytes, not {len(content)}")
        self._library.emulator_eeprom_load(self._machine, content)

    # --- what happened
    def watch(self, *kinds: Kind) -> None:
        """Record only events of these kinds from now on, and discard earlier ones."""
        self.events()
        self._library.emulator_event_mask(self._machine, sum(1 << kind for kind in set(kinds)))

    def events(self) -> list[Event]:
        """Events since the last call; the newest 65536 of them."""
        block = np.zeros(65536, dtype=_EVENT)
        count = self._library.emulator_events(self._machine, block.ctypes.data, len(block))
        return [
            Event(cycle / CYCLES_PER_US, Kind(kind), board, reg, value)
            for cycle, kind, board, reg, value, _ in block[:count].tolist()
        ]

    @property
    def transfers(self) -> int:
        """START conditions on the bus so far."""
        return int(self._library.emulator_transfers(self._machine))

    @property
    def watchdog_longest_us(self) -> float:
        """Longest time between two resets of the hardware watchdog."""
        return int(self._library.emulator_watchdog_longest(self._machine)) / CYCLES_PER_US

    @property
    def pc(self) -> int:
        """Program counter, a byte address in the flash: sampled often, it makes a profile."""
        return int(self._library.emulator_pc(self._machine))

    def poke(self, address: int, data: bytes) -> None:
        """Write to the RAM or a register, for states that take too long to reach, and upsets."""
        self._library.emulator_poke(self._machine, address, data, len(data))

    def ram_never_used(self) -> int:
        """Length in bytes of the longest stretch of RAM that nothing has ever written."""
        ram = np.zeros(_RAM_SIZE, dtype=np.uint8)
        self._library.emulator_ram(self._machine, ram.ctypes.data, _RAM_FROM, _RAM_SIZE)
        edges = np.flatnonzero(np.diff(np.concatenate(([0], ram == _PAINT, [0])).astype(int)))
        runs = edges[1::2] - edges[::2]
        return int(runs.max(initial=0))
