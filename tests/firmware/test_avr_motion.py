"""Poses on the way to the servos: all of them, in time, inside limits and slew, and the same."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import numpy as np
import pytest

from mien.firmware.avr.image import build_image
from mien.firmware.emulator.machine import Kind
from mien.robot import wire
from mien.robot.link import protocol
from mien.robot.link.upload import Upload
from mien.robot.wire import Fault, Msg, State
from tests.bench.firmware import bench_avr
from tests.bench.firmware.avr_compare import Twins
from tests.bench.firmware.avr_face import COUNT_US, AvrFace
from tests.firmware.avr_guard import Guard

pytestmark = [pytest.mark.avr, pytest.mark.usefixtures("avr")]


@pytest.fixture
def face() -> AvrFace:
    face = AvrFace()
    face.ready()
    face.machine.watch(Kind.RESET, Kind.CRASH, Kind.OVERRUN)
    return face


def test_33_channels_at_100_hz_lose_nothing(face: AvrFace) -> None:
    guard = Guard(face)
    for _ in face.stream(3.0, face.wave):
        guard.look()
    observed = face.telemetry()
    assert (
        observed.rx_bad,
        observed.rx_lost,
        observed.refused,
        observed.late,
        observed.tx_dropped,
    ) == (0,) * 5
    assert observed.overruns == 0
    assert face.faults() == Fault(0)
    assert guard.observed > 2.5 * 200
    assert not face.events(Kind.RESET, Kind.CRASH, Kind.OVERRUN)


def test_48_channels_at_100_hz_lose_nothing_either() -> None:
    face = AvrFace()
    begin = face.upload.begin
    spread = [
        wire.ConfigChannel(k, k // 16, k % 16, 0, 0, 0, 4400, 7600, 6000, 80, 0, 0)
        for k in range(48)
    ]
    face.upload = Upload(
        wire.ConfigBegin(
            48, 3, begin.address_0, begin.address_1, begin.address_2, 0, 50, 200, 50, 10, 2, 0
        ),
        tuple(spread),
    )
    face.outputs = list(range(48))
    face.low, face.high = np.full(48, 1100.0), np.full(48, 1900.0)
    face.safe, face.slew = np.full(48, 1500.0), np.full(48, 20.0)
    face.ready()
    guard = Guard(face)
    for _ in face.stream(1.5, face.wave):
        guard.look()
    observed = face.telemetry()
    assert (observed.rx_bad, observed.rx_lost, observed.refused, observed.late) == (0,) * 4
    assert face.machine.overruns == 0
    assert face.state() == State.ARMED


def test_pulses_follow_timed_setpoints_through_host_jitter() -> None:
    assert bench_avr.setpoint_rms(AvrFace(), bench_avr.JITTER_S, seconds=4.0) <= 5.0


def test_the_board_and_the_host_core_drive_the_same_poses() -> None:
    """Half a count of rounding, and what the sine moves while a step waits for the loop (3 ms)."""
    twins = Twins()
    twins.arm()
    ramp = twins.differences(1.0, lambda _: twins.avr.away())
    assert np.abs(ramp).max() <= COUNT_US / 2 + 1e-6
    sine = twins.differences(2.0, twins.avr.wave)
    fastest = 2 * np.pi * 0.8 * 0.45 * (twins.avr.high - twins.avr.low).max()
    assert np.abs(sine).max() <= COUNT_US / 2 + 0.003 * fastest
    assert float(np.sqrt(np.mean(sine**2))) <= 2.0
    twins.avr.run(0.4)
    twins.follow()
    silence = twins.differences(0.5, twins.avr.wave)
    assert np.abs(silence).max() <= COUNT_US / 2 + 1e-6
    assert twins.avr.state() == State.FAILSAFE == twins.core.state


def test_a_flood_at_line_rate_moves_nothing_wrong_and_resets_nothing(face: AvrFace) -> None:
    """Setpoints without a pause for a second; most must be refused, the queue holds eight."""
    guard = Guard(face)
    begin = face.rig.now()
    seq = 0
    while face.rig.now() - begin < 1.0:
        while face.machine.waiting < 500:
            at = face.talk.clock.to_board(face.rig.now() + 0.08 + seq * 1e-6)
            units = face.upload.clip(face.wave(face.rig.now()))
            face.machine.send(protocol.encode(Msg.SETPOINT, seq, protocol.setpoint(at, units)))
            seq += 1
        face.run(0.001)
        guard.look()
    face.machine.unplug()
    assert seq > 600
    assert not face.events(Kind.RESET, Kind.CRASH)
    assert face.machine.watchdog_longest_us < 30_000.0
    face.run(0.1)
    face.talk.reset()
    assert Fault.UART in face.faults()  # it cannot take that much, and says so
    assert face.state() in {State.ARMED, State.FAILSAFE}
    face.arm()
    face.hold(0.3)
    assert face.state() == State.ARMED


@pytest.mark.parametrize("kind", ["zeros", "noise", "commands"])
def test_a_flood_of_anything_else_is_survived(face: AvrFace, kind: str) -> None:
    rng = np.random.default_rng(3)
    guard = Guard(face)
    for k in range(300):
        if kind == "zeros":
            block = b"\0" * 100
        elif kind == "noise":
            block = rng.integers(0, 256, 100).astype(np.uint8).tobytes()
        else:
            block = b"".join(protocol.encode(Msg.READ_OUTPUTS, k * 12 + i) for i in range(12))
        face.machine.send(block)
        face.run(0.002)
        guard.look()
    assert not face.events(Kind.RESET, Kind.CRASH)
    assert face.machine.watchdog_longest_us < 30_000.0
    face.run(0.5)  # the last answers
    face.rig.transport.read()
    face.hello()  # sets the board's count of frames back to ours
    face.ready()
    assert face.state() == State.ARMED


@pytest.mark.parametrize("rate", [1e-4, 1e-3, 1e-2])
def test_byte_noise_never_moves_a_servo_wrong(face: AvrFace, rate: float) -> None:
    rng = np.random.default_rng(int(rate * 1e6))
    guard = Guard(face)
    write = face.rig.transport.write

    def noisy(data: bytes) -> None:
        raw = np.frombuffer(data, dtype=np.uint8)
        hit = rng.random(len(raw)) < rate
        flips = (1 << rng.integers(0, 8, len(raw))).astype(np.uint8)
        write(np.where(hit, raw ^ flips, raw).astype(np.uint8).tobytes())

    face.rig.transport.write = noisy  # type: ignore[method-assign]
    for _ in face.stream(1.5, face.wave):
        guard.look()
    face.rig.transport.write = write  # type: ignore[method-assign]
    assert guard.observed > 0
    assert not face.events(Kind.RESET, Kind.CRASH)


def test_an_idle_servo_is_let_go_and_taken_up_again() -> None:
    """Its output is switched off by the full-off bit, not by a pulse of no length."""
    face = AvrFace("hobby9")
    first = replace(face.upload.channels[0], idle=1)
    rest = [replace(channel, idle=0) for channel in face.upload.channels[1:]]
    face.upload = Upload(face.upload.begin, (first, *rest))
    face.ready()
    guard = Guard(face)
    for _ in face.stream(wire.IDLE_UNIT_MS / 1000 + 0.3, lambda _: face.safe):
        guard.look()
    pulses = face.pulses()
    assert pulses[0] == 0 and (pulses[1:] > 0).all()
    off_high = 0x06 + 4 * first.channel + 3
    assert face.machine.register(first.board, off_high) & 0x10
    assert face.telemetry().released == 1
    for _ in face.stream(0.2, lambda _: face.away()):
        guard.look()
    assert (face.pulses() > 0).all()


def address_of(name: str) -> int:
    """RAM address of a static variable, which link-time optimisation may have given a suffix."""
    table = subprocess.run(
        ["avr-nm", build_image().elf], capture_output=True, text=True, check=True
    ).stdout
    rows = [row.split() for row in table.splitlines()]
    found = [int(row[0], 16) & 0xFFFF for row in rows if row[-1].split(".")[0] == name]
    assert len(found) == 1
    return found[0]


def test_a_clock_that_wraps_is_not_noticed(face: AvrFace) -> None:
    """The board's u32 of microseconds wraps every 71 minutes; here it is set to just before."""
    near_the_end = (2**32 - 1_500_000) // 250 * 250
    face.machine.reset()
    face.machine.run(1600.0)  # memory is clear and the clock not yet started
    face.machine.poke(address_of("turn_us"), near_the_end.to_bytes(4, "little"))
    face.run(0.01)
    face.ready()
    assert face.telemetry().t_us > 2**31
    guard = Guard(face)
    for _ in face.stream(1.5, face.wave):
        guard.look()
    observed = face.telemetry()
    assert observed.t_us < 2**31
    assert (observed.refused, observed.late, observed.rx_bad) == (0, 0, 0)
    assert observed.state == State.ARMED
    assert guard.observed > 200
