"""Validation of panel messages in the process of the loop.

The panel checks its messages against a schema in its own process, which a browser talks to. This
module checks them again, so that no message can end a run. Invalid messages are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from mien.models.face.emotion import EMOTIONS
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.names import is_name
from mien.robot.panel.messages import (
    NEWEST,
    EndRun,
    Estop,
    PlaybackPoses,
    PlaybackSent,
    Request,
    SetEmotion,
    SetGaze,
    SetPlayback,
    SetPose,
    SetRecording,
    SetStyle,
)

MAX_PER_TICK: Final = 64
"""Messages that are handled per tick. Of more, the newest are."""
MAX_PIECE_ROWS: Final = 4096
MAX_NAME_LENGTH: Final = 200


def accepted_requests(face: FaceConfig, messages: Sequence[object]) -> tuple[list[Request], int]:
    """Valid requests of a tick in their order, and the number of refused messages.

    An E-STOP comes before all others. Of poses, emotions, gaze targets and styles only the
    newest counts.
    Every number is finite and within its range.
    """
    if any(type(m) is Estop for m in messages):
        return [Estop()], 0
    accepted: list[Request] = []
    refused = max(0, len(messages) - MAX_PER_TICK)
    for message in messages[-MAX_PER_TICK:]:
        request = _checked(face, message)
        if request is None:
            refused += 1
            continue
        if type(request) in NEWEST:
            accepted = [other for other in accepted if type(other) is not type(request)]
        accepted.append(request)
    return accepted, refused


def _checked(face: FaceConfig, message: object) -> Request | None:
    check = _CHECKS.get(type(message))
    if check is None:
        return None
    try:
        return check(face, message)
    except (AttributeError, TypeError, ValueError):
        return None


def _emotion(_face: FaceConfig, message: SetEmotion) -> Request:
    intensities = message.intensities
    if not isinstance(intensities, dict) or any(name not in EMOTIONS for name in intensities):
        raise ValueError(f"emotions by name, of {', '.join(EMOTIONS)}")
    return SetEmotion({name: _share(value, 0.0) for name, value in intensities.items()})


def _gaze(_face: FaceConfig, message: SetGaze) -> Request:
    return SetGaze(_share(message.yaw, -1.0), _share(message.pitch, -1.0))


def _style(_face: FaceConfig, message: SetStyle) -> Request:
    if not is_name(message.name):
        raise ValueError(message.name)
    return message


def _pose(face: FaceConfig, message: SetPose) -> Request:
    if message.commands is None:
        return message
    commands = numbers(message.commands, (len(face.names),))
    return SetPose(np.clip(commands, *face.limits.T))


def _named(_face: FaceConfig, message: SetRecording | SetPlayback) -> Request:
    name = message.name
    if name is not None and not (isinstance(name, str) and 0 < len(name) <= MAX_NAME_LENGTH):
        raise ValueError(name)
    return message


def _poses(face: FaceConfig, message: PlaybackPoses) -> Request:
    times, rows = message.times, message.rows
    if not (isinstance(times, list) and isinstance(rows, list) and len(times) <= MAX_PIECE_ROWS):
        raise ValueError("poses are two lists")
    at = numbers(times, (len(times),))
    poses = numbers(rows, (len(times), len(face.names))) if times else np.zeros((0, 0))
    return PlaybackPoses(at.tolist(), poses.tolist())


def _empty(_face: FaceConfig, message: PlaybackSent | EndRun) -> Request:
    return message


_CHECKS: Final[dict[type, Callable[[FaceConfig, Any], Request]]] = {
    SetEmotion: _emotion,
    SetGaze: _gaze,
    SetPose: _pose,
    SetStyle: _style,
    SetRecording: _named,
    SetPlayback: _named,
    PlaybackPoses: _poses,
    PlaybackSent: _empty,
    EndRun: _empty,
}


def _share(value: object, low: float) -> float:
    return float(np.clip(numbers(value, ()), low, 1.0))


def numbers(value: object, shape: tuple[int, ...]) -> Floats:
    """Finite numbers of this shape, as float64.

    Raises:
        ValueError: anything else.
    """
    try:
        found = np.asarray(value)
    except (TypeError, OverflowError) as e:
        raise ValueError(f"not {shape} numbers") from e
    if found.shape != shape or found.dtype.kind not in "fiu" or not np.isfinite(found).all():
        raise ValueError(f"not {shape} numbers")
    return found.astype(np.float64)
