"""Handshake before a face may move: hello, clock, upload, arm."""

from __future__ import annotations

import sys
from collections.abc import Callable

from mien.robot import wire
from mien.robot.errors import DeviceError
from mien.robot.face.config import FaceConfig
from mien.robot.link import protocol
from mien.robot.link.dialogue import Dialogue
from mien.robot.link.upload import Upload
from mien.robot.wire import Msg, Result, State

HELLO_S = 0.1
ESTOP_S = 0.005  # 0.2 ms on the wire; two lost frames are made up for within 20 ms
PINGS = 8
PROBE_S = 0.05
BUTTON_S = 0.02  # a board looks at its button more often than this
REFLASH = "mien firmware flash"
NO_SWITCH = (
    "no emergency stop switch: the face file says estop_switch: none; "
    "mien estop and the servo supply's own switch are the only ways to stop it"
)


class ServoBoardsError(DeviceError):
    """A servo board that does not answer the board which drives it."""


def hello(talk: Dialogue, face: FaceConfig, timeout_s: float) -> wire.HelloReply:
    """Find the board and compare the protocols.

    Raises:
        DeviceError: no answer, another protocol, or too few channels for ``face``.
    """
    attempts = max(1, round(timeout_s / HELLO_S))
    reply = talk.request(Msg.HELLO, b"", Msg.HELLO_REPLY, HELLO_S, attempts)
    # The hash comes first in every protocol, whatever else has changed.
    theirs = int.from_bytes(reply[:4], "little")
    if theirs != wire.PROTOCOL_HASH:
        raise DeviceError(
            f"the firmware speaks protocol {theirs:08x}, this program {wire.PROTOCOL_HASH:08x}",
            REFLASH,
        )
    found = protocol.unpack(wire.HelloReply, reply)
    if len(face.names) > found.channels_max:
        raise DeviceError(
            f"{face.name} has {len(face.names)} actuators, the board takes {found.channels_max}"
        )
    return found


def set_clock(talk: Dialogue) -> None:
    """Reset the estimate of the board's clock and measure it again.

    Raises:
        DeviceError: no ping was answered.
    """
    talk.reset()
    for _ in range(PINGS):
        talk.ping()
        talk.wait_for_pong(HELLO_S)
    if not talk.clock.known:
        raise DeviceError("the board says hello but answers no ping", "mien ports")


def send_upload(talk: Dialogue, upload: Upload) -> None:
    """Switch the outputs off and upload the whole face.

    Raises:
        DeviceError: the board refuses it or does not answer.
    """
    for type_, payload in ((Msg.DISARM, b""), *upload.messages()):
        ack = talk.command(type_, payload)
        if ack.result != Result.OK:
            raise refused(type_, ack)


def arm(
    talk: Dialogue, upload: Upload, face: FaceConfig, wait_s: float, now: Callable[[], float]
) -> None:
    """Arm the outputs. Waits up to ``wait_s`` for the check of the servo boards.

    A board without an emergency switch is reported on stderr, once for each ``talk``.

    Raises:
        DeviceError: a servo board is missing, the board is in ESTOP or holds another face.
    """
    payload = protocol.pack(wire.Arm(upload.crc))
    ack = talk.command(Msg.ARM, payload)
    for _ in range(round(wait_s / PROBE_S)):
        if ack.result != Result.BOARD:
            break
        end = now() + PROBE_S
        while talk.listen(max(0.0, end - now())) and now() < end:
            pass  # telemetry
        ack = talk.command(Msg.ARM, payload)
    if ack.result == Result.BOARD:
        missing = [a for b, a in enumerate(face.boards) if not ack.detail >> b & 1]
        raise ServoBoardsError(
            f"servo boards do not answer: {', '.join(map(hex, missing))}",
            "check the I2C wiring and the servo supply",
        )
    if ack.result != Result.OK:
        raise refused(Msg.ARM, ack)
    if ack.detail & wire.ARM_NO_SWITCH and not talk.switch_named:
        talk.switch_named = True
        print(f"mien: {NO_SWITCH}", file=sys.stderr)
    talk.telemetry = None  # the newest may be older than ARM, and be DISARMED


def estop(talk: Dialogue, patience_s: float = 0.5) -> State:
    """Switch the outputs off, latched. Returns the board's state.

    The command is repeated every 5 ms until the board confirms it.

    Raises:
        DeviceError: no answer in ``patience_s``, or the board reports another state.
    """
    attempts = max(1, round(patience_s / ESTOP_S))
    try:
        reply = talk.request(Msg.ESTOP, b"", Msg.ACK, ESTOP_S, attempts)
    except DeviceError as e:
        raise DeviceError(
            f"the e-stop is not confirmed: {e.message}", "cut the servo supply"
        ) from e
    state = State(protocol.unpack(wire.Ack, reply).state)
    if state != State.ESTOP:
        raise DeviceError(
            f"the e-stop is not confirmed: the board says {state.name}", "cut the servo supply"
        )
    return state


def clear(talk: Dialogue) -> State:
    """Leave ESTOP and clear latched faults. Returns the state after it.

    Raises:
        DeviceError: the board's own button is still pressed.
    """
    ack = talk.command(Msg.CLEAR)
    if ack.result != Result.OK:
        raise refused(Msg.CLEAR, ack)
    talk.listen(BUTTON_S)
    reply = talk.request(Msg.HELLO, b"", Msg.HELLO_REPLY)
    state = State(protocol.unpack(wire.HelloReply, reply).state)
    if state == State.ESTOP:
        raise DeviceError("the board's own button is still pressed", "release it, then mien clear")
    return state


def refused(type_: Msg, ack: wire.Ack) -> DeviceError:
    """The error for an ACK that is not OK."""
    if ack.state == State.ESTOP:
        return estopped()
    part = {Msg.CONFIG_CHANNEL: "channel", Msg.CONFIG_INTERLOCK: "interlock"}.get(type_)
    detail = f", {part} {ack.detail}" if part else ""
    return DeviceError(
        f"the board refuses {type_.name}{detail}: {Result(ack.result).name} "
        f"in state {State(ack.state).name}",
        "mien doctor",
    )


def away(seconds: float, cause: DeviceError | None) -> DeviceError:
    """The error for a link that was down for ``seconds``; ``cause`` ended the last try."""
    if isinstance(cause, ServoBoardsError):
        return ServoBoardsError(f"{cause.message} (for {seconds:.0f} s)", cause.hint)
    because = f": {cause.message}" if cause else ""
    hint = (cause.hint if cause else "") or "mien ports"
    return DeviceError(f"the board was away for {seconds:.0f} s{because}", hint)


def estopped() -> DeviceError:
    """The error for whatever ESTOP forbids."""
    return DeviceError(
        "the board is in ESTOP and stays there until it is cleared",
        "look at the face, then mien clear",
    )
