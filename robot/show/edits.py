"""Edits: what of a take a changed show may change. All else keeps its bits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.curves import CURVES
from mien.models.face.emotion import TIMINGS
from mien.models.face.minimum_jerk import minimum_jerk
from mien.models.manner.style_file import Style
from mien.robot.expression.emotion.feel import understood
from mien.robot.show.feelings import cues_of, source
from mien.robot.show.generator import Curves, columns_of
from mien.robot.show.keyframes import beside
from mien.robot.show.poses import HeldPose
from mien.robot.show.scene import Scene
from mien.robot.show.schema import MAX_S, Show

EDGE_FRAMES: Final = 15
"""Frames at 60 fps around an edit over which a kept take and a new one are joined, at most. Where
both agree, as they do with one version of Mien, nothing changes there."""


@dataclass(frozen=True)
class Item:
    """One thing of a show that shapes a part of a take.

    Attributes:
        kind: emotion, keyframe or regenerate.
        start, end: time in s of what it changes.
        columns: of ``CURVES`` that it changes.
        content: what it is, as JSON; equal items have equal content.
    """

    kind: str
    start: float
    end: float
    columns: tuple[int, ...]
    content: str

    def record(self) -> dict[str, Any]:
        """The item for a file."""
        return {
            "kind": self.kind, "start_s": self.start, "end_s": self.end,
            "curves": [CURVES[k] for k in self.columns], "content": self.content,
        }  # fmt: skip

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Item:
        """The item of a file.

        Raises:
            KeyError, TypeError, ValueError: the record is none.
        """
        columns = tuple(CURVES.index(str(name)) for name in record["curves"])
        start, end = float(record["start_s"]), float(record["end_s"])
        if not (np.isfinite(start) and np.isfinite(end)):
            raise ValueError("a span without beginning or end")
        return cls(str(record["kind"]), start, end, columns, str(record["content"]))


def items(show: Show, poses: tuple[HeldPose, ...]) -> list[Item]:
    """The items of a show. What a pose or an emotion means is part of them."""
    out = []
    for cue in show.emotions:
        single = cues_of(cue)
        end = max((c.end + TIMINGS[c.emotion].offset_s for c in single), default=cue.end)
        content = cue.model_dump(exclude_none=True)
        if cue.feel is not None:  # a newer network may understand it in another way
            content |= {"means": {c.emotion: c.strength for c in single}}
        # An emotion also turns the head, and the fusion lets it move all of the face.
        out.append(_item("emotion", cue.start, end, range(len(CURVES)), content))
    whole = source(show)
    if whole is not None:
        content = {"feel": show.feel, "means": dict(understood(whole.point))}
        out.append(_item("feel", 0.0, MAX_S, range(len(CURVES)), content))
    for frame, pose in zip(show.keyframes, poses, strict=True):
        content = {"values": {CURVES[k]: v for k, v in pose.values.items()}, "at": frame.at}
        content |= {"hold": frame.hold, "ease": frame.ease}
        start, end = frame.at - frame.ease, frame.at + frame.hold + frame.ease
        out.append(_item("keyframe", start, end, {*pose.values, *beside(pose)}, content))
    for span in show.regenerate:
        columns = columns_of(span.region).tolist()
        out.append(_item("regenerate", span.start, span.end, columns, span.model_dump()))
    return out


def _item(kind: str, start: float, end: float, columns: Any, content: Mapping[str, Any]) -> Item:
    text = json.dumps(content, sort_keys=True)
    return Item(kind, max(start, 0.0), end, tuple(sorted(int(c) for c in columns)), text)


def basis(
    show: Show, scene: Scene, take: int, generator: str, style: Style | None = None
) -> dict[str, Any]:
    """What all of a take depends on: with another basis it is made anew."""
    shown = None if style is None else hashlib.sha256(style.text.encode()).hexdigest()
    return {
        "sound": scene.hash, "seed": show.seed, "take": take, "generator": generator,
        "head_gain": list(scene.head_gain), "text": show.text, "style": shown,
    }  # fmt: skip


def changed(before: list[Item], now: list[Item], times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a take may change: (T, 55) for items that are in one of two shows only."""
    out = np.zeros((len(times), len(CURVES)), np.bool_)
    old, new = {(i.kind, i.content): i for i in before}, {(i.kind, i.content): i for i in now}
    for key in old.keys() ^ new.keys():
        item = old.get(key) or new[key]
        at = (times > item.start) & (times < item.end)
        out[np.ix_(at, np.array(item.columns, np.intp))] = True
    return out


def joined(kept: Curves, made: Curves, mask: NDArray[np.bool_]) -> Curves:
    """The kept take with the new one where ``mask`` (T, 55) is set.

    Where the two differ at the border of an edit, which a newer Mien or a hand may have caused, the
    new one fades in over ``EDGE_FRAMES`` outside. Everything beyond has the bits of the kept take.
    """
    share = np.zeros(mask.shape)
    for column in np.flatnonzero(mask.any(axis=0)):
        apart = _distance(mask[:, column])
        share[:, column] = minimum_jerk(np.clip(1.0 - apart / (EDGE_FRAMES + 1), 0.0, 1.0))
    out = kept.copy()
    partly = (share > 0.0) & (share < 1.0)
    out[partly] += (share[partly] * (made[partly] - kept[partly])).astype(np.float32)
    out[mask] = made[mask]
    return out


def _distance(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Frames (T,) to the nearest set one."""
    at = np.flatnonzero(mask)
    frames = np.arange(len(mask))
    after = np.clip(np.searchsorted(at, frames), 0, len(at) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.minimum(np.abs(at[after] - frames), np.abs(frames - at[before]))
    return np.asarray(nearest, np.float64)


def describe(mask: NDArray[np.bool_]) -> str:
    """What of a take was made anew, for a person."""
    if not mask.any():
        return "nothing changed"
    rows, columns = np.flatnonzero(mask.any(axis=1)), int(mask.any(axis=0).sum())
    if mask.all():
        return "all of it is new"
    return f"{len(rows)} of {len(mask)} frames are new in {columns} of {len(CURVES)} curves"
