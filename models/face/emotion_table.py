"""Definition of the emotions: one table, which a user's YAML file extends.

An emotion is a row with action units, timing, arousal, valence, head posture and everyday words.
The user's file adds rows or replaces rows. Its path is ``MIEN_EMOTIONS``, or ``emotions.yaml`` in
the configuration folder (``~/.config/mien``)::

    version: 1
    emotions:
      smug:
        words: [self_satisfied]
        units: [{unit: 12, strength: 0.5, side: right}, {unit: 43, strength: 0.3}]
        timing: {onset_s: 0.8, settle_s: 3.0, settle: 0.9, offset_s: 1.0}
        arousal: 0.1
        valence: 0.5
        head: {yaw: 0.1, pitch: 0.2, roll: -0.1}
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError, field_validator

from mien.models.errors import ModelError
from mien.models.face.action_units import UNITS, Action
from mien.models.reading.bounded import FileError, excerpt
from mien.models.reading.strict import Strict, fault_lines, listed
from mien.models.reading.yaml_file import at_lines, key_lines, read_yaml
from mien.models.user_folders import config_folder

VERSION: Final = 1
MAX_FILE_BYTES: Final = 65536
_NAME: Final = r"^[a-z][a-z0-9_]{0,39}$"

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Signed = Annotated[float, Field(ge=-1.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.05, le=60.0)]
Name = Annotated[str, Field(pattern=_NAME)]


class Timing(Strict):
    """Durations of the phases of an emotion.

    Attributes:
        onset_s: time from 0 to the apex, s.
        settle_s: time constant of the relaxation after the apex, s.
        settle: share of the apex after the relaxation, 0..1.
        offset_s: time from there to 0, s. The offset of real faces is slower than the onset.
    """

    onset_s: Seconds = 0.5
    settle_s: Seconds = 2.0
    settle: Share = 0.9
    offset_s: Seconds = 0.8


class Posture(Strict):
    """Neck commands at intensity 1, in -1..1."""

    yaw: Signed = 0.0
    pitch: Signed = 0.0
    roll: Signed = 0.0


class _Unit(Strict):
    unit: int
    strength: Share
    side: Literal["both", "left", "right"] = "both"

    @field_validator("unit")
    @classmethod
    def _known(cls, number: int) -> int:
        if number not in UNITS:
            raise ValueError(f"no action unit {number}; there are {sorted(UNITS)}")
        return number


class Emotion(Strict):
    """One emotion.

    Attributes:
        units: action units at intensity 1.
        timing: durations of onset, settling and offset.
        arousal, valence: position on Russell's circumplex (1980), rounded, -1..1.
        head: posture of the head at intensity 1.
        grade: power of the share that is shown below intensity 1, and again of the mouth's: above 1
            for an emotion that people read from its first movements.
        words: everyday words for this emotion.
    """

    units: Annotated[tuple[_Unit, ...], Field(max_length=40)] = ()
    timing: Timing = Timing()
    arousal: Signed = 0.0
    valence: Signed = 0.0
    head: Posture = Posture()
    grade: Annotated[float, Field(ge=1.0, le=4.0)] = 1.0
    words: Annotated[tuple[Name, ...], Field(max_length=20)] = ()

    @property
    def actions(self) -> tuple[Action, ...]:
        """The action units."""
        return tuple(Action(u.unit, u.strength, u.side) for u in self.units)


class _File(Strict):
    version: Literal[1]
    emotions: Annotated[dict[Name, Emotion], Field(min_length=1, max_length=64)]


def _units(**sides: dict[int, float]) -> tuple[_Unit, ...]:
    return tuple(
        _Unit.model_validate({"unit": unit, "strength": strength, "side": side})
        for side, units in sides.items()
        for unit, strength in units.items()
    )


# Action units: EMFACS (Friesen & Ekman 1983; the usual table is in Ekman, Friesen & Hager 2002).
# Timing: viewers find 0.24 to 3 s realistic, by emotion (Hoffmann et al. 2010, Cogn. Emot.
# 24:1369); sadness is read best when slow, disgust when fast to moderate, the rest does not mind
# (Recio et al. 2013, Cogn. Emot. 27:1486); the onset of a spontaneous smile takes about half a
# second, whatever the context (Schmidt, Cohn & Tian 2003, Biol. Psychol. 65:49). The numbers are
# ours. Head: down in sadness, back in disgust and contempt, as actors do (Wallbott 1998, Eur. J.
# Soc. Psychol. 28:879); the sizes and the rest are ours.
SHIPPED: Final[dict[str, Emotion]] = {
    "neutral": Emotion(
        timing=Timing(onset_s=0.5, settle_s=2.0, settle=1.0, offset_s=0.7),
        words=("calm",),
    ),
    # EMFACS 6+12; 25 as in FACS 1978 table 11-1 (6+12+25), with traces of 10 and 26: a smile that
    # shows the upper teeth. 6 is less than full: on this face it only closes the eyes further.
    "happiness": Emotion(
        units=_units(both={6: 0.7, 12: 1.0, 25: 1.0, 10: 0.4, 26: 0.15}),
        timing=Timing(onset_s=0.55, settle_s=2.5, settle=0.85, offset_s=0.9),
        arousal=0.5,
        valence=0.9,
        head=Posture(pitch=0.10, roll=0.18),
        words=("happy", "joy"),
    ),
    # EMFACS 1+4+15; 17 and 64 are frequent beside them (FACS 2002), 43 droops the lid. The inner
    # brow is full, and the gaze low only a little: a face that looks at nobody is not read.
    "sadness": Emotion(
        units=_units(both={1: 1.0, 4: 0.45, 15: 1.0, 17: 0.4, 64: 0.2, 43: 0.15}),
        timing=Timing(onset_s=1.1, settle_s=4.0, settle=0.95, offset_s=1.5),
        arousal=-0.5,
        valence=-0.7,
        head=Posture(yaw=0.05, pitch=-0.25, roll=0.12),
        words=("sad",),
    ),
    # EMFACS 4+5+7 with the open, square mouth of 10+16+25+26 (FACS 1978 table 11-1) and not the
    # closed one of 23+24: pressed lips were read as calm by every judge, on every build. 9 lowers
    # the inner ends of the brows as far as they go. Without 5: the lids of this face cannot be
    # raised and tight, and raised ones are read as fear. 20 keeps the mouth square.
    "anger": Emotion(
        units=_units(both={4: 1.0, 7: 0.5, 9: 0.8, 10: 0.9, 16: 0.8, 20: 0.4, 25: 0.6, 26: 0.25}),
        timing=Timing(onset_s=0.5, settle_s=3.0, settle=0.9, offset_s=0.8),
        arousal=0.9,
        valence=-0.6,
        head=Posture(pitch=-0.20),
        words=("angry",),
    ),
    # EMFACS 1+2+4+5+20+26; 16 because 20 parts the lips. 4 is higher than 2: inner ends up and
    # together are what tells this brow from that of surprise. Without 7: the lids stay wide.
    "fear": Emotion(
        units=_units(both={1: 1.0, 2: 0.5, 4: 0.8, 5: 1.0, 16: 0.4, 20: 1.0, 26: 0.35}),
        timing=Timing(onset_s=0.35, settle_s=1.5, settle=0.8, offset_s=0.8),
        arousal=0.7,
        valence=-0.7,
        head=Posture(yaw=0.08, pitch=0.10, roll=-0.05),
        words=("afraid", "fearful", "scared"),
    ),
    # EMFACS 9+15; 10 as in FACS 2002, full, and an open mouth: the bared upper teeth tell it from
    # anger's square mouth. 6, 7 and 43 narrow the eyes, which 9 does on people.
    # 1 beside a weak 4: full brows that only sink are read as anger on this face.
    "disgust": Emotion(
        units=_units(
            both={
                9: 1.0,
                10: 1.0,
                15: 0.5,
                17: 0.3,
                6: 1.0,
                7: 1.0,
                43: 0.3,
                1: 0.3,
                4: 0.2,
                25: 0.5,
                26: 0.35,
            }
        ),
        timing=Timing(onset_s=0.45, settle_s=1.5, settle=0.8, offset_s=0.7),
        arousal=0.2,
        valence=-0.7,
        head=Posture(yaw=-0.08, pitch=0.05, roll=-0.08),
        words=("disgusted",),
    ),
    # EMFACS 1+2+5+26; 22 and 18 round the mouth, which a jaw alone leaves wide. 5 is full:
    # with less of it a wider mouth reads as less surprise. Half of it was read as all of it; how
    # far the jaw drops tells how much (Ekman & Friesen 1975, Unmasking the Face).
    "surprise": Emotion(
        units=_units(both={1: 0.9, 2: 1.0, 5: 1.0, 26: 0.65, 22: 0.35, 18: 0.2}),
        timing=Timing(onset_s=0.25, settle_s=0.7, settle=0.75, offset_s=0.6),
        arousal=0.8,
        valence=0.1,
        head=Posture(pitch=0.12),
        grade=2.0,
        words=("surprised",),
    ),
    # EMFACS R12A+R14A, stronger than A so that a face without skin folds shows it. The raised
    # brow of the other side and the lowered lids are stage practice and not in EMFACS.
    "contempt": Emotion(
        units=_units(right={12: 0.75, 14: 0.8, 4: 0.3}, left={2: 0.6}, both={43: 0.25}),
        timing=Timing(onset_s=0.6, settle_s=2.0, settle=0.9, offset_s=0.8),
        arousal=-0.1,
        valence=-0.5,
        head=Posture(yaw=0.30, pitch=0.32, roll=-0.12),
        words=("contemptuous",),
    ),
}
"""The eight shipped emotions. Comments name the additions to EMFACS."""


@cache
def table() -> dict[str, Emotion]:
    """Name -> emotion: the eight shipped ones in their order, then those of the user's file.

    Raises:
        ModelError: the user's file has faults. The message lists all of them.
    """
    path = user_file()
    return dict(SHIPPED) if path is None else extended(path)


def user_file() -> Path | None:
    """Path of the user's file: ``MIEN_EMOTIONS``, or ``emotions.yaml`` in the configuration folder.

    Returns:
        The path. None if there is no file, or if ``MIEN_EMOTIONS`` is empty.
    """
    named = os.environ.get("MIEN_EMOTIONS")
    if named is not None:
        return Path(named) if named else None
    path = config_folder() / "emotions.yaml"
    return path if path.is_file() else None


def extended(path: Path) -> dict[str, Emotion]:
    """The shipped emotions and those of a file. The file replaces emotions of the same name.

    Raises:
        ModelError: the file cannot be read or has faults. The message lists each by its line.
    """
    hint = f"correct {path}, or set MIEN_EMOTIONS to an empty string"
    try:
        added = _File.model_validate(read_yaml(path, MAX_FILE_BYTES)).emotions
    except OSError as e:
        raise ModelError(f"cannot read emotions from {path}: {e.strerror}", hint) from e
    except FileError as e:
        raise ModelError(e.message, hint) from e
    except ValidationError as e:
        faults = [(text.split(": ")[0], text) for text in fault_lines(e)]
        raise _refusal(path, faults, hint) from e
    out = {**SHIPPED, **added}
    faults = [("emotions.neutral", "neutral cannot be replaced")] * ("neutral" in added)
    taken: dict[str, str] = {}
    for name in sorted(out, key=added.__contains__):  # those of the file last
        for word in (name, *out[name].words):
            if taken.setdefault(word, name) != name:
                text = f"{excerpt(word)} is a word of both {taken[word]} and {name}"
                faults.append((f"emotions.{name}.words", text))
    if faults:
        raise _refusal(path, faults, hint)
    return out


def _refusal(path: Path, faults: list[tuple[str, str]], hint: str) -> ModelError:
    """An error that lists faults. Only here the lines are looked up: most files have none."""
    lines = key_lines(path, MAX_FILE_BYTES)
    return ModelError(f"{path} has faults:\n{listed(at_lines(lines, faults))}", hint)
