"""Schema of a show: sound or text, emotions, keyframes and what is to be generated again.

A show is a YAML file. Every key is documented here, and an unknown one is refused::

    sound: hello.wav            # or text: "Good morning!", with voice: auto, hibari or flite
    seed: 1
    head_gain: 1.0
    emotions:
      - {start: 0.4, end: 1.8, emotion: happiness, strength: 0.6, region: face}
      - {start: 2.0, end: 2.8, feel: she just lost her keys and laughs about it}
    keyframes:
      - {at: 0.9, pose: look_up, strength: 0.8, hold: 0.3}
      - {at: 2.2, shapes: {browInnerUp: 0.7}, head: {yaw: 8}, hold: 0.2, ease: 0.2}
    regenerate: 1.2-2.0 upper
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from mien.models.errors import ModelError
from mien.models.face.blendshapes import indices
from mien.models.face.emotion import EMOTIONS, named
from mien.models.feeling.words import MAX_CHARACTERS, words_of
from mien.models.reading.bounded import excerpt
from mien.models.reading.strict import Strict
from mien.robot.expression.emotion.track import NAMED_REGIONS
from mien.robot.face.solver import HEAD_RANGE_DEG

VERSION: Final = 1
MAX_S: Final = 600.0
"""Longest show in s."""
MAX_ITEMS: Final = 2000
"""Most emotions, keyframes and spans to regenerate, each."""
EASE_S: Final = 0.25
"""Time in s in which a keyframe is reached and left, unless it says otherwise: 15 frames."""
REGIONS: Final = (*NAMED_REGIONS, "head", "all")
"""Regions that can be generated again: those of emotions, the head, and all of it."""
_SPAN: Final = re.compile(
    r"\s*(\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)(?:\s+([A-Za-z_]+))?(?:\s+(\d{1,6}))?\s*", re.ASCII
)


def _error(text: str) -> PydanticCustomError:
    return PydanticCustomError("show", "{why}", {"why": text})


def _shape(name: str) -> str:
    try:
        indices([name])
    except KeyError as e:
        raise _error(str(e.args[0])) from e
    return name


def _emotion(name: str) -> str:
    try:
        return named(name)
    except ModelError as e:
        why = f"{excerpt(name)} is not an emotion; use one of {', '.join(EMOTIONS)}"
        raise _error(why) from e


def _words(text: str) -> str:
    if not words_of(text).words:
        raise _error(f"{excerpt(text)} has no English word; describe the feeling in words")
    return text


Time: TypeAlias = Annotated[float, Field(strict=True, ge=0.0, le=MAX_S)]
Share: TypeAlias = Annotated[float, Field(strict=True, ge=0.0, le=1.0)]
Shapes: TypeAlias = dict[Annotated[str, AfterValidator(_shape)], Share]
Feeling: TypeAlias = Annotated[
    str, Field(min_length=1, max_length=MAX_CHARACTERS), AfterValidator(_words)
]
PoseName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
_Yaw, _Pitch, _Roll = (
    Annotated[float, Field(strict=True, ge=-degrees, le=degrees)] for degrees in HEAD_RANGE_DEG
)


class HeadPose(Strict):
    """Turn of the head in degrees; an axis that is not given stays generated."""

    yaw: _Yaw | None = None  # type: ignore[valid-type]
    pitch: _Pitch | None = None  # type: ignore[valid-type]
    roll: _Roll | None = None  # type: ignore[valid-type]

    @property
    def axes(self) -> dict[int, float]:
        """Axis (0 yaw, 1 pitch, 2 roll) -> degrees, of those that are given."""
        given: tuple[Any, ...] = (self.yaw, self.pitch, self.roll)
        return {k: float(v) for k, v in enumerate(given) if v is not None}


class PoseSpec(Strict):
    """A pose of the user's own: shapes in 0..1, and a turn of the head."""

    shapes: Shapes = Field(default_factory=dict)
    head: HeadPose = HeadPose()

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.shapes and not self.head.axes:
            raise _error("give shapes or head, such as shapes: {browInnerUp: 0.8}")
        return self


class Keyframe(Strict):
    """A pose that holds from a time on.

    Attributes:
        at: time in s at which it is reached.
        pose: name of a pose (``mien.robot.show.poses``), of an emotion, or one of the show's own.
        shapes: ARKit shapes in 0..1. They come before those of ``pose``.
        head: turn of the head in degrees.
        strength: factor of shapes and turn.
        hold: time in s for which it is held.
        ease: time in s in which it is reached and left.
    """

    at: Time
    pose: PoseName | None = None
    shapes: Shapes = Field(default_factory=dict)
    head: HeadPose = HeadPose()
    strength: Share = 1.0
    hold: Annotated[float, Field(strict=True, ge=0.0, le=60.0)] = 0.2
    ease: Annotated[float, Field(strict=True, ge=0.05, le=5.0)] = EASE_S

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.pose is None and not self.shapes and not self.head.axes:
            raise _error("give pose, shapes or head, such as pose: look_up")
        return self


class EmotionCue(Strict):
    """An emotion with a beginning and an end in s; the same keys as in a timeline file.

    Attributes:
        start, end: time in s.
        emotion: name of an emotion, or
        feel: a feeling in words.
        strength: intensity of the emotion, or factor of what the words mean. Left out, it is 0.7
            of an emotion and 1 of words.
        region: of the face.
    """

    start: Time
    end: Time
    emotion: Annotated[str, AfterValidator(_emotion)] | None = None
    feel: Feeling | None = None
    strength: Share = 0.7
    region: Literal[tuple(NAMED_REGIONS)] = "face"  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            raise _error(f"end {self.end:g} is not after start {self.start:g}")
        if (self.emotion is None) == (self.feel is None):
            raise _error("give either emotion or feel, such as emotion: happiness")
        return self

    @model_validator(mode="before")
    @classmethod
    def _words_as_they_are(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and given.get("feel") is not None:
            return {"strength": 1.0, **given}
        return given


class Regenerate(Strict):
    """A span in s of a region that is generated again; another ``attempt`` gives another result."""

    start: Time
    end: Time
    region: Literal[REGIONS] = "all"  # type: ignore[valid-type]
    attempt: Annotated[int, Field(strict=True, ge=1)] = 1

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            raise _error(f"end {self.end:g} is not after start {self.start:g}")
        return self


def _span(given: Any) -> Any:
    """``12.0-14.5 upper 2`` -> the keys of ``Regenerate``."""
    if isinstance(given, Regenerate | Mapping):
        return given
    found = _SPAN.fullmatch(given) if isinstance(given, str) and len(given) < 100 else None
    if found is None:
        raise _error(
            f"{excerpt(given)} is no span: write START-END REGION in s, such as 12.0-14.5 upper"
        )
    start, end, region, attempt = found.groups()
    return {
        "start": float(start), "end": float(end),
        "region": region or "all", "attempt": int(attempt or 1),
    }  # fmt: skip


def _spans(given: Any) -> Any:
    return given if isinstance(given, list | tuple) else [given]


class Show(Strict):
    """A whole show.

    Attributes:
        sound: path of a sound file, from the folder of the show.
        text: text to speak, with tags such as ``[happy 0.6]``.
        voice: speech synthesiser of ``text``.
        style: name of a style, or path of a style or of a clip (Live Link Face CSV) to imitate.
        feel: a feeling in words, for all of it. Cues and tags come first.
        seed: of everything that is generated.
        generator: of brows, lids and head: rules, or the manner network. None takes the default.
        head_gain: factor of the generated motion of the head, 0 to 2.
        emotions: emotions in time.
        keyframes: poses that hold.
        regenerate: spans to generate again.
        poses: poses of the show's own, by name.
    """

    version: Literal[1] = VERSION
    sound: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    text: Annotated[str, Field(min_length=1, max_length=20_000)] | None = None
    voice: Literal["auto", "hibari", "flite"] = "auto"
    style: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    feel: Feeling | None = None
    seed: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)] = 0
    generator: Literal["rules", "manner"] | None = None
    head_gain: Annotated[float, Field(strict=True, ge=0.0, le=2.0)] = 1.0
    emotions: Annotated[tuple[EmotionCue, ...], Field(max_length=MAX_ITEMS)] = ()
    keyframes: Annotated[tuple[Keyframe, ...], Field(max_length=MAX_ITEMS)] = ()
    regenerate: Annotated[
        tuple[Annotated[Regenerate, BeforeValidator(_span)], ...],
        BeforeValidator(_spans),
        Field(max_length=MAX_ITEMS),
    ] = ()
    poses: dict[PoseName, PoseSpec] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.sound is None) == (self.text is None):
            raise _error(
                f"give either sound or text, {'not both' if self.sound else 'such as text: Hello.'}"
            )
        return self
