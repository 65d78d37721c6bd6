"""What is measured on the emulated ATmega2560 for ``mien bench firmware``."""

from __future__ import annotations

import time
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.firmware.avr.image import build_image
from mien.firmware.emulator.machine import Kind
from mien.firmware.tools.cache import BuildError
from mien.robot import wire
from mien.robot.errors import DeviceError
from mien.robot.link import protocol
from mien.robot.wire import Msg
from tests.bench.firmware.avr_compare import Twins
from tests.bench.firmware.avr_face import LEAD_S, RATE, AvrFace

Floats = NDArray[np.float64]
Numbers: TypeAlias = dict[str, float | int | None]

KEYS = (
    *("flash_bytes", "ram_bytes", "stack_free_bytes"),
    *("estop_ms_max", "estop_oe_ms_max", "failsafe_ms_max", "failsafe_timeout_ms"),
    *("frames_lost", "uart_overruns", "loop_max_us", "emulator_realtime_factor"),
    *("setpoint_rms_us", "avr_host_diff_us_max"),
)
SWING_HZ, SWING_US = 0.8, 200.0
JITTER_S = 0.010  # standard deviation of the host's lateness
SAMPLE_S = 0.001
START_S = 1.0  # left out of a measurement: the ramp after ARM


def bench_avr(seconds: float = 60.0, stops: int = 200) -> Numbers:
    """Every number of the AVR side; all None where avr-gcc or libsimavr is missing.

    Args:
        seconds: length of the stream of 33 channels at 100 Hz.
        stops: how many emergency stops, spread over all phases of the loop.
    """
    try:
        image = build_image()
        face = AvrFace()
    except (BuildError, DeviceError) as e:
        if not e.hint:  # everything is there, and does not compile
            raise
        return dict.fromkeys(KEYS)
    numbers: Numbers = {"flash_bytes": image.flash_bytes, "ram_bytes": image.ram_bytes}
    numbers |= stream(face, seconds)
    numbers["stack_free_bytes"] = face.machine.ram_never_used()
    numbers |= emergency_stops(AvrFace(), stops)
    numbers |= silences(AvrFace(), max(4, stops // 10))
    numbers["setpoint_rms_us"] = setpoint_rms(AvrFace(), JITTER_S)
    numbers["avr_host_diff_us_max"] = host_difference(5.0)
    return {key: numbers[key] for key in KEYS}


def stream(face: AvrFace, seconds: float) -> Numbers:
    """33 channels at 100 Hz for so long: what was lost on the way, and the emulator's speed.

    The speed is in seconds of the board for one second of CPU time, so that whatever else the
    machine does is left out.
    """
    face.ready()
    before = face.telemetry().setpoints
    started = time.process_time()
    sent = 0
    begin = face.rig.now()
    loop_max = 0
    while face.rig.now() - begin < seconds:
        face.setpoint(face.wave(face.rig.now()))
        sent += 1
        face.run(begin + sent / RATE - face.rig.now())
        face.talk.listen()
        if face.talk.telemetry is not None:
            loop_max = max(loop_max, face.talk.telemetry.loop_max_us)
    took = time.process_time() - started
    accepted = (face.telemetry().setpoints - before) & 0xFFFF
    return {
        "frames_lost": sent - accepted,
        "uart_overruns": face.machine.overruns,
        "loop_max_us": loop_max,
        "emulator_realtime_factor": seconds / took,
    }


def emergency_stops(face: AvrFace, stops: int) -> Numbers:
    """Longest time from the first bit of an ESTOP to /OE high, and to all outputs off, in ms."""
    face.ready()
    rng = np.random.default_rng(0)
    to_oe, to_off = [], []
    for k in range(stops):
        for _ in face.stream(0.03, face.wave):
            pass
        face.run(0.010 * (k + float(rng.uniform())) / stops)
        face.machine.watch(Kind.OE, Kind.ALL_OFF)
        sent_at = max(face.machine.now_us, face.machine.now_us + 20.0 * face.machine.waiting)
        face.talk.send(Msg.ESTOP)
        face.run(0.02)
        events = face.events(Kind.OE, Kind.ALL_OFF)
        to_oe.append(next(e.us for e in events if e.kind == Kind.OE and e.value == 1) - sent_at)
        off = {e.board: e.us for e in reversed(events) if e.kind == Kind.ALL_OFF}
        to_off.append(max(off[board] for board in range(face.machine.boards)) - sent_at)
        face.talk.command(Msg.CLEAR)
        face.arm()
    return {"estop_ms_max": max(to_off) / 1000, "estop_oe_ms_max": max(to_oe) / 1000}


def silences(face: AvrFace, runs: int) -> Numbers:
    """Longest time from the last byte of the host to the first step of the ramp, in ms.

    Seen at the servo boards: the first pulse that leaves a held pose.
    """
    rng = np.random.default_rng(1)
    worst = 0.0
    face.ready()
    for _ in range(runs):
        face.hold(0.8, face.away())
        face.run(float(rng.uniform(0.0, 0.01)))
        face.talk.ping()
        heard_at = face.machine.now_us + 20.0 * face.machine.waiting
        held = face.pulses()
        while np.array_equal(face.pulses(), held) and face.machine.now_us - heard_at < 1e6:
            face.machine.run(100.0)
        worst = max(worst, face.machine.now_us - heard_at)
        face.run(face.machine.now_us / 1e6 - face.rig.now())
        face.arm()
        face.hold(0.5)
    return {"failsafe_ms_max": worst / 1000, "failsafe_timeout_ms": face.face.timeout_ms}


def setpoint_rms(face: AvrFace, jitter_s: float, seconds: float = 10.0) -> float:
    """RMS in us between sine commands and the pulses of the servo boards, late host included.

    Every frame names its own time 60 ms ahead and is sent late by up to three times ``jitter_s``
    either way, in order. One constant delay, the same for all channels, is fitted and taken out.
    """
    face.ready()
    rng = np.random.default_rng(2)
    phase = np.arange(len(face.safe), dtype=np.float64)
    middle = (face.low + face.high) / 2
    fastest = face.slew * 1e6 / wire.STEP_US / (2 * np.pi * SWING_HZ)  # what the slew lets pass
    swing = np.min(
        [np.full_like(middle, SWING_US), 0.45 * (face.high - face.low), 0.8 * fastest], 0
    )

    def ideal(t: Floats | float) -> Floats:
        angle = 2 * np.pi * SWING_HZ * np.asarray(t)[..., None] + phase
        return np.asarray(middle + swing * np.sin(angle))

    start = face.rig.now()
    due = start + np.arange(round(seconds * RATE)) / RATE
    late = np.clip(rng.normal(0.0, jitter_s, len(due)), -3 * jitter_s, 3 * jitter_s)
    sending = np.maximum.accumulate(due + late)
    times, seen = [], []
    frame = 0
    while face.rig.now() < start + seconds:
        now = face.rig.now()
        while frame < len(due) and sending[frame] <= now:
            at = face.talk.clock.to_board(due[frame] + LEAD_S)
            pulses = face.upload.clip(ideal(due[frame]))
            face.talk.send(Msg.SETPOINT, protocol.setpoint(at, pulses))
            frame += 1
        face.run(SAMPLE_S)
        face.talk.listen()
        times.append(face.rig.now())
        seen.append(face.pulses())
    after = np.array(times) > start + START_S
    t, pulses_us = np.array(times)[after], np.array(seen)[after]
    delays = np.arange(0.04, 0.10, 0.0005)
    return min(float(np.sqrt(np.mean((pulses_us - ideal(t - d)) ** 2))) for d in delays)


def host_difference(seconds: float) -> float:
    """Largest difference in us between the emulated board and the host core, same bytes."""
    twins = Twins()
    twins.arm()
    return float(np.abs(twins.differences(seconds, twins.avr.wave)).max())
