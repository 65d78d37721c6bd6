"""Intents, the requests of a browser: each is checked against a schema before it is handled.

A browser never names an object or an attribute here. A message is one JSON object with the name of
an intent and that intent's own fields; more fields, other types, NaN and names that do not exist
are refused, and only the browser that sent them gets the reason.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)

from mien.models.face.emotion import EMOTIONS
from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig

LONGEST: Final = 16384
"""Bytes of a message from a browser; a pose of 255 actuators has fewer."""
_SLACK: Final = 1e-6
"""Beyond a limit a slider may be, by rounding."""


class Intent(BaseModel):
    """One request of a browser. ``called`` is its name in a message."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )
    called: ClassVar[str]
    intent: str = Field(exclude=True)


def _of_face(values: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
    face = info.context
    assert isinstance(face, FaceConfig)
    if len(values) != len(face.names):
        raise ValueError(f"{face.name} has {len(face.names)} actuators, not {len(values)}")
    bounds = face.limits.tolist()
    for name, value, (low, high) in zip(face.names, values, bounds, strict=True):
        if not low - _SLACK <= value <= high + _SLACK:
            raise ValueError(f"{name} is {value:g}, allowed {low:g} to {high:g}")
    return tuple(min(max(v, low), high) for v, (low, high) in zip(values, bounds, strict=True))


def _emotion(value: str) -> str:
    if value not in EMOTIONS:
        raise ValueError(f"no such emotion; there are {', '.join(EMOTIONS)}")
    return value


Commands = Annotated[
    tuple[float, ...], Field(strict=False, max_length=255), AfterValidator(_of_face)
]
"""A command for every actuator of the face, within its limits."""
Emotion = Annotated[str, Field(max_length=40), AfterValidator(_emotion)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Turn = Annotated[float, Field(ge=-1.0, le=1.0)]
Name = Annotated[str, Field(min_length=1, max_length=80)]


class EmotionIntent(Intent):
    """Show this emotion from now on."""

    called = "feel"
    emotion: Emotion
    intensity: Share


class GazeIntent(Intent):
    """Look there: left to right and down to up, -1..1."""

    called = "look"
    yaw: Turn
    pitch: Turn


class StyleIntent(Intent):
    """Speak in this style from now on."""

    called = "style"
    style: Name


class TuneIntent(Intent):
    """Hold this pose instead of that of the voice; None gives the face back."""

    called = "tune"
    pose: Commands | None


class RecordIntent(Intent):
    """Record a piece under a name; None ends it."""

    called = "record"
    recording: Name | None


class ReplayIntent(Intent):
    """Play a recording; None ends it."""

    called = "replay"
    recording: Name | None


class RestIntent(Intent):
    """Come to rest and end the run."""

    called = "rest"


class Schema:
    """The intents of one page, checked for one face."""

    def __init__(self, face: FaceConfig, *intents: type[Intent]) -> None:
        self._face = face
        self._kinds = {kind.called: TypeAdapter(kind) for kind in intents}
        self._named = TypeAdapter(dict[str, Any])

    def read(self, message: str) -> Intent:
        """The intent in a browser's message.

        Raises:
            InputError: too long, no JSON object, an unknown intent, or one with wrong fields.
        """
        if len(message) > LONGEST:
            raise InputError(f"a message of {len(message)} characters, allowed {LONGEST}")
        try:
            name = self._named.validate_json(message).get("intent")
        except ValidationError:
            raise InputError("a message is one JSON object") from None
        kind = self._kinds.get(name) if isinstance(name, str) else None
        if kind is None:
            raise InputError(f"no such intent; there are {', '.join(self._kinds)}")
        try:
            return kind.validate_json(message, context=self._face)
        except ValidationError as e:
            first = e.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"][:2])
            raise InputError(f"{name}: {where} {first['msg']}"[:300]) from None
