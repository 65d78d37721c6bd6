"""People in front of the face, observed in a process of its own: by a camera or over OSC.

The process writes the newest observation to shared memory. The voice process reads it with every
frame. A camera that dies, or a sender that falls silent, only ends the observations; the policy
then lets the person go. Pictures stay in the process, and none is stored.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network
from multiprocessing.connection import Connection
from typing import Any, Final, Self

import numpy as np

from mien.robot.errors import DeviceError, ErrorMessage, InputError, MienError
from mien.robot.expression.attention import MOST_PEOPLE, Person
from mien.robot.live.camera_view import CameraView, named, places
from mien.robot.live.face_search import FaceSearch
from mien.robot.names import quoted
from mien.robot.puppet import people as over_osc
from mien.robot.puppet.receiver import FLOOD_S, FaceMailbox, OperatorMessages, PortBound
from mien.robot.puppet.senders import LOOPBACK

CAMERA_HZ: Final = 8.0
"""Pictures a second that are searched for faces."""
MOST_FACES: Final = 4
"""Faces that the camera finds in one picture."""
SAME_S: Final = 1.0
"""Time in s after which a face that comes back is a new one."""
_PERSON: Final = 4
_VALUES: Final = 2 + _PERSON * MOST_PEOPLE + 3
"""Observation number, count, people, and three numbers for the report."""
_START_S: Final = 60.0
_POLL_S: Final = 0.25
_AGAIN_S: Final = 2.0
"""Time in s after which a camera that is gone is opened again."""


@dataclass(frozen=True)
class PeopleSetup:
    """Where observations of people come from.

    Attributes:
        camera: number, device or video file; None receives OSC.
        view: the camera's place.
        port, bind, allow: UDP port, local address, and networks that may send.
    """

    camera: str | None = None
    view: CameraView = CameraView()  # noqa: RUF009
    port: int = over_osc.PORT
    bind: str = "127.0.0.1"
    allow: tuple[IPv4Network, ...] = LOOPBACK


def parse_source(text: str) -> PeopleSetup:
    """Parse ``camera``, ``camera:1``, ``camera:FILE``, ``osc`` or ``osc:PORT``.

    Raises:
        InputError: something else.
    """
    kind, _, rest = text.partition(":")
    if kind == "camera":
        return PeopleSetup(camera=rest or "0")
    if kind == "osc" and (not rest or (rest.isdecimal() and 0 < int(rest) < 65536)):
        return PeopleSetup(port=int(rest) if rest else over_osc.PORT)
    raise InputError(f"--attend {quoted(text)}: expected camera, camera:N, osc or osc:PORT")


class PeopleSource:
    """The process that observes people.

    Raises:
        DeviceError: there is no camera, or the port cannot be bound.
    """

    def __init__(self, setup: PeopleSetup) -> None:
        context = mp.get_context("spawn")
        self.memory = FaceMailbox.memory(_VALUES)
        self._mailbox = FaceMailbox(self.memory)
        self._setup = setup
        self._pipe, far = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(far, self.memory, setup), name="mien-people", daemon=True
        )
        self._process.start()
        far.close()
        answer: object = ErrorMessage("the observer of people did not start", "mien doctor")
        try:
            if self._pipe.poll(_START_S):
                answer = self._pipe.recv()
        except EOFError:
            pass
        if not isinstance(answer, PortBound):
            self.close()
            assert isinstance(answer, ErrorMessage)
            raise DeviceError(answer.message, answer.hint)
        self.port = answer.port

    def report(self) -> dict[str, Any]:
        """Source, observations so far, and the counts of an OSC port."""
        values = self._mailbox.read()
        number, *_, taken, refused, unknown = np.zeros(_VALUES) if values is None else values
        counts = {"taken": int(taken), "refused": int(refused), "unknown": int(unknown)}
        source = "osc" if self._setup.camera is None else f"camera {self._setup.camera}"
        return {
            "source": source, "observations": int(number), "alive": self._process.is_alive(),
            **(counts if self._setup.camera is None else {}),
        }  # fmt: skip

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(3.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(1.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def reader(memory: Any) -> Callable[[], tuple[Person, ...] | None]:
    """Reads the shared memory: the people of a new observation, or None."""
    mailbox, last = FaceMailbox(memory), 0.0

    def read() -> tuple[Person, ...] | None:
        nonlocal last
        values = mailbox.read()
        if values is None or values[0] == last:
            return None
        last = values[0]
        rows = values[2 : 2 + _PERSON * MOST_PEOPLE].reshape(MOST_PEOPLE, _PERSON)
        return tuple(Person(int(name), *place) for name, *place in rows[: int(values[1])].tolist())

    return read


class _Writer:
    """Numbers observations and writes them."""

    def __init__(self, memory: Any) -> None:
        self._mailbox, self._values = FaceMailbox(memory), np.zeros(_VALUES)
        self._mailbox.write(self._values)

    def write(
        self, seen: tuple[Person, ...] | None, counts: tuple[int, int, int] = (0, 0, 0)
    ) -> None:
        if seen is not None:
            self._values[0] += 1.0
            self._values[1] = len(seen)
            rows = [tuple(asdict(p).values()) for p in seen[:MOST_PEOPLE]]
            self._values[2 : 2 + _PERSON * len(rows)] = np.array(rows, np.float64).reshape(-1)
        self._values[-3:] = counts
        self._mailbox.write(self._values)


def _serve(pipe: Connection, memory: Any, setup: PeopleSetup) -> None:
    """Run the process until the other end of ``pipe`` closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)  # loop and voice go first
    try:
        (_over_osc if setup.camera is None else _by_camera)(pipe, _Writer(memory), setup)
    except MienError as e:
        pipe.send(ErrorMessage.of(e))


def _over_osc(pipe: Connection, writer: _Writer, setup: PeopleSetup) -> None:
    with over_osc.PeoplePort(setup.port, setup.bind, setup.allow) as port:
        pipe.send(PortBound(port.port))
        messages = OperatorMessages("people", _print)
        inputs: list[Any] = [port.inlet, pipe]
        while pipe not in select.select(inputs, [], [], _POLL_S)[0]:
            now = time.monotonic()
            seen, counts = port.poll(now), port.counts
            refused = counts.malformed + counts.foreign + counts.over
            writer.write(seen, (counts.taken, refused, counts.unknown))
            messages.update(now, port.inlet.control.holder, counts, port.inlet.fault)
            if port.inlet.full:
                time.sleep(FLOOD_S)


def _by_camera(pipe: Connection, writer: _Writer, setup: PeopleSetup) -> None:
    from mien.models.vision.face_tracker import FaceTracker
    from mien.robot.media.webcam import Pictures

    assert setup.camera is not None
    Pictures(setup.camera)  # says that there is none before MediaPipe takes its seconds to load
    opened, free = False, 0
    with FaceTracker(None, max_faces=MOST_FACES) as tracker:
        search = FaceSearch(tracker.find)
        while not pipe.poll(_AGAIN_S if opened else 0.0):  # true when the run has ended
            try:
                with Pictures(setup.camera) as pictures:
                    if opened:
                        _print(f"note: {pictures.name} is back")
                    else:
                        pipe.send(PortBound(0))
                    opened = True
                    free = _watch(pipe, writer, setup.view, pictures, search, free)
            except DeviceError:
                if not opened:
                    raise
                continue
            if pipe.poll(0.0):
                return
            _print("note: the camera that looks for people is gone; it is opened again")


def _watch(
    pipe: Connection,
    writer: _Writer,
    view: CameraView,
    pictures: Any,
    search: FaceSearch,
    free: int,
) -> int:
    """Observe until pictures or run end, or no picture comes. Returns the next free name."""
    people: tuple[Person, ...] = ()
    seen_at = next_at = last = time.monotonic()
    while not pictures.ended and time.monotonic() - last < _AGAIN_S:
        if pipe.poll(max(next_at - time.monotonic(), 0.0)):
            break
        picture = pictures.after(last, _POLL_S)
        if picture is None:
            continue
        last, next_at = picture.time, max(next_at + 1 / CAMERA_HZ, picture.time)
        faces = search(picture.image)
        before = people if picture.time - seen_at < SAME_S else ()
        found, free = named(places(faces, picture.image.shape[:2], view), before, free)
        if found:
            people, seen_at = found, picture.time
        writer.write(found)
    return free


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
