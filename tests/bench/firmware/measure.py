"""What is measured of the core for ``mien bench firmware``, all on a clock of its own."""

from __future__ import annotations

from random import Random

import numpy as np
from numpy.typing import NDArray

from mien.robot import wire
from mien.robot.face.config import load_face
from mien.robot.link import protocol
from mien.robot.link.upload import upload_of
from mien.robot.wire import Msg, State
from tests.bench.firmware.lockstep import Lockstep, plain_upload
from tests.bench.firmware.noise import damaged

CHANNELS = 33
TIMEOUT_MS = 200  # of the plain upload
BYTE_US = 20  # 10 bits at 500 000 baud
PERIOD_US = 10_000
HOLD_S = 2
RAMP_STEPS_MAX = 4000


def noise(corrupted: int, seed: int = 1) -> dict[str, int]:
    """Feed ``corrupted`` damaged setpoint frames to an armed core, with good ones between them.

    Returns:
        noise_frames: damaged frames sent.
        noise_torn_poses: poses that the core accepted and nobody had sent.
        limit_violations: calls after which the watch (``host/watch.h``) found a guarantee broken.
    """
    rng = Random(seed)
    rig = Lockstep(plain_upload(CHANNELS)).ready()
    pool = np.random.default_rng(seed).integers(3000, 9000, (997, CHANNELS)).astype(np.uint16)
    sent: dict[int, bytes] = {}  # time -> pose
    good = rig.frame(Msg.SETPOINT, protocol.setpoint(rig.now, pool[0]))
    torn = 0
    last = rig.core.newest_setpoint()[0]
    for k in range(corrupted):
        pose = pool[k % len(pool)]
        t = rig.now + 40_000 + k % 7
        frame = rig.frame(Msg.SETPOINT, protocol.setpoint(t, pose))
        sent[t & 0xFFFFFFFF] = pose.tobytes()
        line = damaged(frame, good, rng)
        # Half of the frames have no zero before them: what is left of the last one spoils them too.
        rig.core.receive(line + b"\0" if k % 2 else b"\0" + line, rig.now)
        torn, last = _judge(rig, sent, torn, last)
        if k % 8 == 0:
            rig.core.receive(b"\0" + frame, rig.now)
            good = frame
            torn, last = _judge(rig, sent, torn, last)
            rig.ping()
            rig.tick()
            if len(sent) > 64:
                sent = dict(list(sent.items())[-32:])
        if rig.state != State.ARMED:
            rig.core.receive(b"\0" + rig.frame(Msg.CLEAR), rig.now)
            rig.send(Msg.DISARM)
            rig.frames.clear()
            rig.ready()
            last = rig.core.newest_setpoint()[0]
        rig.frames.clear()
    return {
        "noise_frames": corrupted,
        "noise_torn_poses": torn,
        "limit_violations": rig.core.violations,
    }


def _judge(rig: Lockstep, sent: dict[int, bytes], torn: int, last: int) -> tuple[int, int]:
    """Count the newest setpoint as torn if it is new and nobody sent it."""
    t, pose = rig.core.newest_setpoint()
    if t == last:
        return torn, last
    return torn + (sent.get(t) != pose.tobytes()), t


def failsafe_ms(runs: int = 200, seed: int = 2) -> float:
    """Longest time in ms from the last heartbeat to FAILSAFE, over random phases and loop times.

    The timeout of the upload is ``TIMEOUT_MS``.
    """
    rng = Random(seed)
    worst = 0.0
    for _ in range(runs):
        rig = Lockstep(plain_upload(CHANNELS), rng.randrange(2**32))
        rig.configure()
        rig.arm()
        rig.run(rng.randrange(10, 100))
        rig.now += rng.randrange(5000)
        rig.setpoint(7000, 20_000)
        heard = rig.now
        while rig.state == State.ARMED:
            rig.tick(rng.randrange(200, wire.STEP_US))
        worst = max(worst, (rig.now - heard) / 1000)
    return worst


def estop_ms(runs: int = 500, seed: int = 3) -> float:
    """Longest time from the host's write of ESTOP to outputs off, in ms.

    The bytes take their time on the line, behind a setpoint frame that is already on its way, and
    the board looks at its receive buffer every 0.5 ms.
    """
    rng = Random(seed)
    worst = 0.0
    rig = Lockstep(plain_upload(CHANNELS)).ready()
    pose = np.full(CHANNELS, 7000, np.uint16)
    for _ in range(runs):
        under_way = rig.frame(Msg.SETPOINT, protocol.setpoint(rig.now + 20_000, pose))
        line = under_way[rng.randrange(len(under_way)) :] + b"\0" + rig.frame(Msg.ESTOP)
        start = rig.now
        seen = 0
        poll = start + rng.randrange(500)
        while rig.core.drive:
            rig.now = poll
            arrived = min(len(line), (rig.now - start) // BYTE_US)
            rig.raw(line[seen:arrived])
            seen = arrived
            poll += 500
        worst = max(worst, (rig.now - start) / 1000)
        rig.send(Msg.CLEAR)
        rig.ready()
    return worst


def best_delay_rms(
    t: NDArray[np.float64], pulses: NDArray[np.float64], amplitude: float, hertz: float
) -> tuple[float, float]:
    """RMS in us of ``pulses`` against ``amplitude sin(2 pi hertz (t - d))``; the best d in s."""
    delays = np.linspace(0.0, 0.2, 4001)
    ideal = amplitude * np.sin(2 * np.pi * hertz * (t[None, :] - delays[:, None]))
    errors = np.sqrt(np.mean((pulses[None, :] - ideal) ** 2, axis=1))
    best = int(errors.argmin())
    return float(errors[best]), float(delays[best])


def full(value: int) -> NDArray[np.uint16]:
    """A pose (33,) with one pulse for all channels."""
    return np.full(CHANNELS, value, np.uint16)


def released_after_silence(trials: int = 20, seed: int = 4) -> int:
    """1 if each trial ended with all channels released, within the hold + 1 s after the ramp.

    The face is the shipped one with tendons and interlocks; the host falls silent in the middle of
    random motion, at a random phase. The hold is its own but short, for it is on the clock of the
    simulation anyway.
    """
    face = load_face("morpheus33").model_copy(update={"failsafe_hold_s": HOLD_S})
    upload = upload_of(face)
    rng = np.random.default_rng(seed)
    low = np.array([c.min for c in upload.channels])
    high = np.array([c.max for c in upload.channels])
    for _ in range(trials):
        rig = Lockstep(upload).ready()
        for _ in range(int(rng.integers(1, 40))):
            rig.setpoint(rng.integers(low, high + 1).astype(np.uint16), 20_000)
            rig.run(10, heartbeat=False)
        rig.tick(int(rng.integers(1, wire.STEP_US)))
        if not _released(rig, HOLD_S):
            return 0
    return 1


def _released(rig: Lockstep, hold_s: int) -> bool:
    """All channels are let go within ``hold_s`` + 1 s after the ramp, and not before ``hold_s``."""
    safe = np.array([c.safe for c in rig.upload.channels])
    arrived_us = None
    for _ in range(RAMP_STEPS_MAX):
        rig.tick()
        if arrived_us is None and (rig.pulses == safe).all() and rig.state == State.FAILSAFE:
            arrived_us = rig.now
        if (rig.pulses == 0).all():
            break
    if arrived_us is None or (rig.pulses != 0).any() or rig.core.drive or rig.core.violations:
        return False
    return hold_s <= (rig.now - arrived_us) / 1e6 <= hold_s + 1.0
