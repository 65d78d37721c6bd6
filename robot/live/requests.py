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

MAX_PER_TICK: Final = 64
"""Messages that are handled per tick. Of more, the newest are."""
MAX_PIECE_ROWS: Final = 4096
MAX_NAME_LENGTH: Final = 200
Request = tuple[Any, ...]


def accepted_requests(face: FaceConfig, messages: Sequence[object]) -> tuple[list[Request], int]:
    """Valid requests of a tick in their order, and the number of refused messages.

    An E-STOP comes before all others. Of poses, emotions and gaze targets only the newest counts.
    Every number is finite and within its range.
    """
    if ("estop",) in [m for m in messages if type(m) is tuple and len(m) == 1]:
        return [("estop",)], 0
    accepted: list[Request] = []
    refused = max(0, len(messages) - MAX_PER_TICK)
    for message in messages[-MAX_PER_TICK:]:
        request = _checked(face, message)
        if request is None:
            refused += 1
            continue
        if request[0] in _NEWEST:
            accepted = [other for other in accepted if other[0] != request[0]]
        accepted.append(request)
    return accepted, refused


def _checked(face: FaceConfig, message: object) -> Request | None:
    if type(message) is not tuple or not message or not isinstance(message[0], str):
        return None
    kind, *rest = message
    try:
        found = _KINDS[kind](face, *rest)
    except (KeyError, TypeError, ValueError):
        return None
    return (kind, *found)


def _emotion(_face: FaceConfig, intensities: dict[str, float]) -> Request:
    if not isinstance(intensities, dict) or any(name not in EMOTIONS for name in intensities):
        raise ValueError(f"emotions by name, of {', '.join(EMOTIONS)}")
    return ({name: _share(value, 0.0) for name, value in intensities.items()},)


def _gaze(_face: FaceConfig, yaw: float, pitch: float) -> Request:
    return _share(yaw, -1.0), _share(pitch, -1.0)


def _tune(face: FaceConfig, pose: object) -> Request:
    return (None if pose is None else np.clip(numbers(pose, (len(face.names),)), *face.limits.T),)


def _name(_face: FaceConfig, name: str | None) -> Request:
    if name is not None and not (isinstance(name, str) and 0 < len(name) <= MAX_NAME_LENGTH):
        raise ValueError(name)
    return (name,)


def _piece(face: FaceConfig, times: list[float], rows: list[list[float]]) -> Request:
    if not (isinstance(times, list) and isinstance(rows, list) and len(times) <= MAX_PIECE_ROWS):
        raise ValueError("a piece is two lists")
    at = numbers(times, (len(times),))
    poses = numbers(rows, (len(times), len(face.names))) if times else np.zeros((0, 0))
    return at.tolist(), poses.tolist()


def _bare(_face: FaceConfig) -> Request:
    return ()


_KINDS: Final[dict[str, Callable[..., Request]]] = {
    "feel": _emotion, "look": _gaze, "tune": _tune, "record": _name, "replay": _name,
    "piece": _piece, "played": _bare, "stop": _bare,
}  # fmt: skip
_NEWEST: Final = ("feel", "look", "tune")


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
