"""Generated from firmware/core/protocol.h by ``python -m mien.firmware.tools.wire``."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from struct import Struct

PROTOCOL_HASH = 0xF1487CA4
CHANNELS_MAX = 48
BOARDS_MAX = 4
BOARD_CHANNELS = 16
QUEUE_DEPTH = 8
STEP_US = 5000
LEAD_MAX_US = 1000000
LATE_MAX_US = 100000
TIMEOUT_MIN_MS = 20
TIMEOUT_MAX_MS = 2000
INTERLOCKS_MAX = 16
INTERLOCK_TERMS = 14
TERMS_MAX = 48
INTERLOCK_SUM = 1073741823
PULSE_MIN = 1600
PULSE_MAX = 10400
IDLE_UNIT_MS = 1000
DELAY_UNIT_MS = 50
SOFT_START_MS = 500
RAMP_MAX_MS = 60000
SLACKEN_MS = 800
BUS_FAILURES_MAX = 5
PAYLOAD_MAX = 108
FRAME_MAX = 114
ARM_NO_SWITCH = 128


class Msg(IntEnum):
    """Message types: host to board below 0x80, board to host above."""

    HELLO = 0x01
    PING = 0x02
    CONFIG_BEGIN = 0x10
    CONFIG_CHANNEL = 0x11
    CONFIG_COMMIT = 0x12
    CONFIG_INTERLOCK = 0x13
    ARM = 0x20
    DISARM = 0x21
    ESTOP = 0x22
    CLEAR = 0x23
    SETPOINT = 0x30
    READ_OUTPUTS = 0x31
    HELLO_REPLY = 0x81
    PONG = 0x82
    ACK = 0x90
    TELEMETRY = 0xB0
    OUTPUTS = 0xB1


class State(IntEnum):
    """States of the board."""

    UNCONFIGURED = 0x00
    DISARMED = 0x01
    ARMED = 0x02
    FAILSAFE = 0x03
    ESTOP = 0x04
    RELEASED = 0x05


class Result(IntEnum):
    """Answer of the board to a command."""

    OK = 0x00
    UNKNOWN = 0x01
    LENGTH = 0x02
    STATE = 0x03
    RANGE = 0x04
    ORDER = 0x05
    CRC = 0x06
    BOARD = 0x07


class Fault(IntFlag):
    """Latched faults."""

    LINK = 0x01
    BOARD = 0x02
    BUS = 0x04
    OVERRUN = 0x08
    WATCHDOG = 0x10
    BROWNOUT = 0x20
    BUTTON = 0x40
    UART = 0x80


class Reset(IntEnum):
    """Cause of the board's last reset."""

    UNKNOWN = 0x00
    POWER = 0x01
    EXTERNAL = 0x02
    BROWNOUT = 0x03
    WATCHDOG = 0x04


class Switch(IntEnum):
    """Wiring of the emergency switch at the board's input."""

    NC = 0x00
    NO = 0x01
    NONE = 0x02


class Flag(IntFlag):
    """Flags of a channel."""

    TENDON = 0x01
    PULL_DOWN = 0x02


@dataclass(frozen=True, slots=True)
class Ping:
    """Payload of PING."""

    token: int


@dataclass(frozen=True, slots=True)
class ConfigBegin:
    """Payload of CONFIG_BEGIN."""

    channels: int
    boards: int
    address_0: int
    address_1: int
    address_2: int
    address_3: int
    pwm_hz: int
    timeout_ms: int
    telemetry_ms: int
    hold_s: int
    stop_switch: int
    interlocks: int


@dataclass(frozen=True, slots=True)
class ConfigChannel:
    """Payload of CONFIG_CHANNEL."""

    index: int
    board: int
    channel: int
    flags: int
    idle: int
    delay: int
    min: int
    max: int
    safe: int
    slew: int
    slack: int
    floor: int


@dataclass(frozen=True, slots=True)
class ConfigInterlock:
    """Payload of CONFIG_INTERLOCK."""

    index: int
    terms: int
    limit: int


@dataclass(frozen=True, slots=True)
class InterlockTerm:
    """Payload of INTERLOCK_TERM."""

    channel: int
    neutral: int
    below: int
    above: int


@dataclass(frozen=True, slots=True)
class ConfigCommit:
    """Payload of CONFIG_COMMIT."""

    crc: int


@dataclass(frozen=True, slots=True)
class Arm:
    """Payload of ARM."""

    crc: int


@dataclass(frozen=True, slots=True)
class Setpoint:
    """Payload of SETPOINT."""

    t_us: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class HelloReply:
    """Payload of HELLO_REPLY."""

    protocol_hash: int
    t_us: int
    channels_max: int
    queue_depth: int
    step_us: int
    state: int
    channels: int
    config_crc: int
    faults: int
    boards: int
    reset: int


@dataclass(frozen=True, slots=True)
class Pong:
    """Payload of PONG."""

    token: int
    t_us: int


@dataclass(frozen=True, slots=True)
class Ack:
    """Payload of ACK."""

    type: int
    result: int
    state: int
    detail: int


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Payload of TELEMETRY."""

    t_us: int
    state: int
    queued: int
    faults: int
    boards: int
    released: int
    rx_frames: int
    rx_bad: int
    rx_lost: int
    setpoints: int
    late: int
    refused: int
    starved: int
    clamped: int
    locked: int
    bus_errors: int
    overruns: int
    loop_max_us: int
    tx_dropped: int


@dataclass(frozen=True, slots=True)
class Outputs:
    """Payload of OUTPUTS."""

    t_us: int
    count: int
    powered_0: int
    powered_1: int
    powered_2: int
    powered_3: int
    powered_4: int
    powered_5: int


PING_LAYOUT = Struct("<I")
CONFIG_BEGIN_LAYOUT = Struct("<BBBBBBHHHBBB")
CONFIG_CHANNEL_LAYOUT = Struct("<BBBBBBHHHHHH")
CONFIG_INTERLOCK_LAYOUT = Struct("<BBi")
INTERLOCK_TERM_LAYOUT = Struct("<BHhh")
CONFIG_COMMIT_LAYOUT = Struct("<H")
ARM_LAYOUT = Struct("<H")
SETPOINT_LAYOUT = Struct("<IBB")
HELLO_REPLY_LAYOUT = Struct("<IIBBHBBHHBB")
PONG_LAYOUT = Struct("<II")
ACK_LAYOUT = Struct("<BBBB")
TELEMETRY_LAYOUT = Struct("<IBBHBBHHHHHHHHHHHHH")
OUTPUTS_LAYOUT = Struct("<IBBBBBBB")
