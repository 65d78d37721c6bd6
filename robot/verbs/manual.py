"""The hand on the face: ``mien neutral``, ``release``, ``set``, ``tune``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from shlex import quote
from threading import Thread
from typing import Annotated, Final, TextIO

import numpy as np
import typer

from mien.robot.control.connect import Opened, opened
from mien.robot.control.loop import Loop
from mien.robot.errors import InputError
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import FaceConfig, Floats, load_face
from mien.robot.stopping import stopping
from mien.robot.verbs.options import Face, Port

Hold = Annotated[
    float,
    typer.Option("--hold", min=0, help="Seconds of holding. 0 holds until Ctrl-C."),
]

STEP: Final = 0.05
HELP: Final = "a number sets it, + and - step, s NUMBER sets the step, z neutral, q ends"


def neutral(face: Face = "morpheus33", port: Port = "auto", hold: Hold = 1.0) -> None:
    """Move gently to the neutral pose, hold it, come to rest and release."""
    config = load_face(face)
    _hold(config, port, np.zeros(len(config.names)), hold, f"{config.name} is at its neutral pose")


def set_(
    name: Annotated[str, typer.Argument(help="An actuator.")],
    value: Annotated[float, typer.Argument(help="Its command, -1 to 1.")],
    face: Face = "morpheus33",
    port: Port = "auto",
    hold: Hold = 0.0,
) -> None:
    """Move one actuator, everything else neutral, until Ctrl-C; then rest and release."""
    config = load_face(face)
    pose = pose_with(config, name, value)
    pulse = to_pulses(config, pose)[config.index(name)]
    _hold(config, port, pose, hold, f"{name} is at {value:+g} ({pulse:.1f} us)")


def release(face: Face = "morpheus33", port: Port = "auto") -> None:
    """Let all servos go at once, without a move."""
    with opened(load_face(face), port) as at:
        at.board.disarm()
        print(f"all servos of {at.board.face.name} are released")


def tune(
    name: Annotated[str, typer.Argument(help="An actuator.")],
    face: Face = "morpheus33",
    port: Port = "auto",
) -> None:
    """Move one actuator by hand from the keyboard and read its pulse; rests at the end."""
    config = load_face(face)
    config.index(name)
    keys = Keyboard(sys.stdin)
    hand = Hand(config, name)
    print(HELP, file=sys.stderr)
    with _following(config, port) as follow:
        follow(lambda: hand.step(keys.lines()))


def pose_with(face: FaceConfig, name: str, value: float) -> Floats:
    """The neutral pose (n,) with one command.

    Raises:
        ConfigError: no such actuator. InputError: outside its limits; they are named.
    """
    low, high = face.limits[face.index(name)]
    if face.absent[face.index(name)]:
        raise InputError(
            f"{name} is absent: true in the YAML of {face.name}: nothing moves it",
            f"mien face check {quote(face.given)}",
        )
    if not low <= value <= high:  # also refuses NaN
        raise InputError(f"{name} is {value}, allowed are {low:g} to {high:g}", f"mien tune {name}")
    pose = np.zeros(len(face.names))
    pose[face.index(name)] = value
    return pose


@dataclass
class Hand:
    """Turns lines from a keyboard into a pose."""

    face: FaceConfig
    name: str
    value: float = 0.0
    size: float = STEP

    def step(self, lines: list[str]) -> Floats | None:
        """The pose (n,) after these lines, or None at ``q``."""
        low, high = self.face.limits[self.face.index(self.name)]
        for line in lines:
            word = line.strip()
            if word == "q":
                return None
            try:
                if word in {"+", "-"}:
                    self.value += self.size if word == "+" else -self.size
                elif word == "z":
                    self.value = 0.0
                elif word.startswith("s "):
                    self.size = abs(float(word[2:]))
                elif word:
                    typed = float(word)
                    self.value = typed if np.isfinite(typed) else self.value
            except ValueError:
                print(HELP, file=sys.stderr)
                continue
            self.value = min(max(self.value, low), high)
            print(f"{self.name} {self.value:+.3f}  {self._pulse():.1f} us")
        return pose_with(self.face, self.name, self.value)

    def _pulse(self) -> float:
        at = self.face.index(self.name)
        return float(to_pulses(self.face, pose_with(self.face, self.name, self.value))[at])


class Keyboard:
    """Lines of a stream, read beside the loop; its end counts as ``q``."""

    def __init__(self, stream: TextIO) -> None:
        self._lines: SimpleQueue[str] = SimpleQueue()
        Thread(target=self._read, args=(stream,), name="keyboard", daemon=True).start()

    def lines(self) -> list[str]:
        """What was typed since the last call."""
        out = []
        while True:
            try:
                out.append(self._lines.get_nowait())
            except Empty:
                return out

    def _read(self, stream: TextIO) -> None:
        for line in stream:
            self._lines.put(line)
        self._lines.put("q")


Follow = Callable[[Callable[[], Floats | None]], None]


@contextmanager
def _following(face: FaceConfig, port: str, seconds: float = 0.0) -> Iterator[Follow]:
    """A function that follows poses until they end, a signal comes, or the time is over."""
    with stopping() as stop, opened(face, port) as at:

        def follow(pose: Callable[[], Floats | None]) -> None:
            follow_pose(face, at, pose, seconds, lambda: stop.signalled)

        yield follow


def follow_pose(
    face: FaceConfig,
    at: Opened,
    pose: Callable[[], Floats | None],
    seconds: float,
    stopped: Callable[[], bool],
) -> None:
    """Follow a pose for a time after the face has reached it.

    Args:
        face: the face.
        at: its board.
        pose: gives the commands (n,) now, or None to end.
        seconds: time at the pose, s; 0 has no end.
        stopped: whether to end early.
    """
    reached: list[float] = []

    def commands(t: float) -> Floats | None:
        target = pose()
        reached.append(t)
        # The first call only asks where to go; the time counts from the second, when it is there.
        if len(reached) > 1 and seconds and t - reached[1] > seconds:
            return None
        del reached[2:]
        return None if stopped() else target

    Loop(face, at.board, at.clock).follow(commands)


def _hold(face: FaceConfig, port: str, pose: Floats, seconds: float, reached: str) -> None:
    """Hold a pose. ``reached`` is printed when it is reached, with how it ends."""
    end = f"for {seconds:g} s" if seconds else "until Ctrl-C"
    asked = 0

    def at_pose() -> Floats:
        nonlocal asked
        asked += 1
        if asked == 2:  # the first call only asks where to go
            print(f"{reached}, {end}; then it rests and is released", flush=True)
        return pose

    with _following(face, port, seconds) as follow:
        follow(at_pose)
