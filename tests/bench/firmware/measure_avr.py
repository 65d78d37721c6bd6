"""How fast the emulated ATmega2560 stops, over many phases of its loop and under traffic."""

from __future__ import annotations

import numpy as np

from mien.firmware.emulator.machine import Kind
from mien.robot import wire
from mien.robot.link import protocol
from mien.robot.wire import Msg, State
from tests.bench.firmware.avr_face import AvrFace

TRAFFIC_S = 0.03  # so long the line and the servo bus are busy before the switch moves
SEEN_US = 8000.0  # after it: the switch has been looked at, and the core has acted


def switch_to_oe_us(face: AvrFace, trials: int, seed: int = 0) -> list[float]:
    """Times in us from an edge of the emergency switch to /OE high.

    The face streams 33 channels at 100 Hz, so that a step of the core, a burst on the servo bus
    and a setpoint on the line are under way in turn; every third trial the line is flooded, too,
    and every fifth one carries ESTOP frames that the receive interrupt checks by itself: without
    a good CRC, for a good one would raise /OE before the switch does.

    Args:
        face: armed, its switch wired and at run. It is armed again at the end.
        trials: edges, spread over the phases of the loop at random.
        seed: of those phases.

    Returns:
        (trials,) us.

    Raises:
        AssertionError: an edge did not raise /OE, or did not stop the board.
    """
    rng = np.random.default_rng(seed)
    closed = face.upload.begin.stop_switch == wire.Switch.NC
    times = []
    for k in range(trials):
        for _ in face.stream(TRAFFIC_S, face.wave):
            pass
        if k % 3 == 0:
            face.machine.send(b"\0" + _useless(bad_stops=k % 5 == 0) * 4)
        face.setpoint(face.wave(face.rig.now()))
        face.machine.run(float(rng.uniform(0.0, 1e6 * wire.STEP_US / 1e6)))
        face.machine.watch(Kind.OE)
        moved_at = face.machine.now_us
        face.machine.stop_switch(not closed)
        face.machine.run(SEEN_US)
        rose = [e.us for e in face.machine.events() if e.value == 1]
        if len(rose) != 1:
            raise AssertionError(f"/OE rose {len(rose)} times after one edge of the switch")
        times.append(rose[0] - moved_at)
        face.machine.stop_switch(closed)
        face.follow()
        face.run(0.02)
        face.talk.reset()
        if face.state() != State.ESTOP:
            raise AssertionError(f"the switch left the board {face.state().name}")
        face.talk.command(Msg.CLEAR)
        face.arm()
    return times


def switch_to_oe_us_max(trials: int = 300) -> float:
    """The worst of `switch_to_oe_us` for the face with the most channels.

    Raises:
        DeviceError: avr-gcc or libsimavr is missing.
    """
    face = AvrFace()
    face.ready()
    return max(switch_to_oe_us(face, trials))


def _useless(bad_stops: bool) -> bytes:
    """Frames that keep the receive interrupt busy and mean nothing."""
    stop = bytearray(protocol.encode(Msg.ESTOP, 1))
    stop[-2] ^= 1  # a byte of its CRC
    return bytes(stop) * 12 if bad_stops else protocol.encode(Msg.READ_OUTPUTS, 1) * 12
