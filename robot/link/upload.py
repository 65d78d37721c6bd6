"""A face as the board gets it: limits, speeds and tendons of every channel, in wire units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mien.robot import wire
from mien.robot.face.actuator_kinds import KINDS, ChannelPulses, PulseSettings
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.supply import start_delays_s
from mien.robot.link.interlocks import Lock, locks_of
from mien.robot.link.protocol import UNITS_PER_US, crc16, pack, to_units

TELEMETRY_MS = 50
IDLE_MAX = 255  # of the wire's byte
SWITCH = {"nc": wire.Switch.NC, "no": wire.Switch.NO, "none": wire.Switch.NONE}


@dataclass(frozen=True)
class Upload:
    """Contents of CONFIG_BEGIN, CONFIG_CHANNEL and CONFIG_INTERLOCK for one face."""

    begin: wire.ConfigBegin
    channels: tuple[wire.ConfigChannel, ...]
    locks: tuple[Lock, ...] = ()

    @cached_property
    def crc(self) -> int:
        """CRC that CONFIG_COMMIT and ARM name."""
        crc = crc16(pack(self.begin))
        for channel in self.channels:
            crc = crc16(pack(channel), crc)
        for lock in self.locks:
            crc = crc16(lock.payload, crc)
        return crc

    def messages(self) -> Iterator[tuple[wire.Msg, bytes]]:
        """Type and payload of each frame of the upload, in order."""
        yield wire.Msg.CONFIG_BEGIN, pack(self.begin)
        for channel in self.channels:
            yield wire.Msg.CONFIG_CHANNEL, pack(channel)
        for lock in self.locks:
            yield wire.Msg.CONFIG_INTERLOCK, lock.payload
        yield wire.Msg.CONFIG_COMMIT, pack(wire.ConfigCommit(self.crc))

    @cached_property
    def bounds(self) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        """Lowest and highest pulse (n,) in 0.25 us that a taut channel is driven to."""
        low = [c.min if c.flags != wire.Flag.TENDON else c.floor for c in self.channels]
        down = wire.Flag.TENDON | wire.Flag.PULL_DOWN
        high = [c.floor if c.flags == down else c.max for c in self.channels]
        return np.array(low, dtype=np.uint16), np.array(high, dtype=np.uint16)

    def homing_s(self, units: NDArray[np.uint16]) -> float:
        """Longest time from ARM until every channel has started and stands at its safe pulse, s.

        The board moves there at a quarter of the slew limit, from ``units`` (n,) in 0.25 us or from
        the loose end of a tendon, whichever is farther.
        """
        return max(
            _homing_s(channel, int(pulse))
            for channel, pulse in zip(self.channels, units, strict=True)
        )

    def clip(self, pulses_us: Floats) -> NDArray[np.uint16]:
        """Pulses (n,) in us -> 0.25 us, as the board will drive them."""
        return np.clip(to_units(pulses_us), *self.bounds)


def upload_of(face: FaceConfig) -> Upload:
    """Wire form of ``face``.

    The limits are the pulses of each actuator's command limits. A tendon's floor is
    ``floor_us`` beyond neutral in the direction of pull; its loose end, from which the board winds
    it in after power-up, lies ``slack_us`` behind that, within the servo's own range.

    Raises:
        ConfigError: the safe pose, with the tendons at their floor, breaks an interlock.
    """
    ends = np.sort(to_units(to_pulses(face, face.limits.T)), axis=0)  # (2, n)
    safe = to_units(to_pulses(face, face.safe))
    delay = np.rint(start_delays_s(face) * 1000 / wire.DELAY_UNIT_MS)
    channels = tuple(
        _channel(face, k, ends[:, k], int(safe[k]), int(delay[k])) for k in range(len(face.names))
    )
    locks = locks_of(face, channels)
    address = [*face.boards, 0, 0, 0, 0]
    begin = wire.ConfigBegin(
        len(face.names),
        len(face.boards),
        address[0],
        address[1],
        address[2],
        address[3],
        round(face.pwm_hz),
        face.timeout_ms,
        TELEMETRY_MS,
        face.failsafe_hold_s,
        SWITCH[face.estop_switch],
        len(locks),
    )
    return Upload(begin, channels, locks)


def _homing_s(channel: wire.ConfigChannel, units: int) -> float:
    way = max(abs(units - channel.safe), abs(channel.safe - channel.floor) + channel.slack)
    if channel.flags == wire.Flag(0):
        way = abs(units - channel.safe)
    steps = np.ceil(way / max(1, channel.slew // 4)) + 1
    delay_s = channel.delay * wire.DELAY_UNIT_MS / 1e3
    return float(delay_s + steps * wire.STEP_US / 1e6)


def _channel(
    face: FaceConfig, index: int, ends: NDArray[np.uint16], safe: int, delay: int
) -> wire.ConfigChannel:
    actuator = face.actuators[face.names[index]]
    lowest, neutral, highest = (int(u) for u in to_units(face.pulses[index]))
    kind = KINDS["rigid"] if actuator.absent else actuator.kind  # no tendon is wound in
    pulses = kind.channel(
        ChannelPulses(int(ends[0]), int(ends[1]), safe),
        PulseSettings(
            lowest,
            neutral,
            highest,
            rising=actuator.direction > 0,
            slack=round(actuator.slack_us * UNITS_PER_US),
            floor=round(actuator.floor_us * UNITS_PER_US),
        ),
    )
    half = max(highest - neutral, neutral - lowest)
    slew = int(actuator.speed * half * wire.STEP_US / 1e6 + 1e-9)
    return wire.ConfigChannel(
        index=index,
        board=actuator.board,
        channel=actuator.channel,
        flags=pulses.flags,
        idle=min(IDLE_MAX, int(np.ceil(actuator.idle_release_s * 1000 / wire.IDLE_UNIT_MS))),
        delay=delay,
        min=pulses.min,
        max=pulses.max,
        safe=pulses.safe,
        slew=max(1, slew),
        slack=pulses.slack,
        floor=pulses.floor,
    )
