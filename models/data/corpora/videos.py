"""Any folder of videos with sound -> clips: who speaks in them is tracked through MediaPipe.

    FOLDER/anna/monday.mp4, FOLDER/anna/tuesday.mov, FOLDER/ben/talk.webm

One person in view, lips to be seen. A folder below FOLDER is a speaker; videos right in FOLDER are
one speaker's. Frames without a face, with one turned away or too small for its lips to be seen are
left out. Tracking a video takes about as long as watching it, once: its result is kept by the hash
of its content.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from mien.models.data import media, offset
from mien.models.data.labels.lips import GAP_REST, from_measures
from mien.models.data.parts import bridged, cut, filled
from mien.models.data.schema import Clip, at_60, check, frame_count
from mien.models.errors import ModelError
from mien.models.face.blendshapes import ARKIT, FPS, GROUPS, by_name, indices, lip_opening
from mien.models.face.regions import MOUTH_CORNERS, eyes_apart
from mien.models.files import whole
from mien.models.speech.phones import UNKNOWN

if TYPE_CHECKING:
    from mien.models.vision.face_tracker import FaceTracker

_log = logging.getLogger(__name__)
_VERSION: Final = 1  # of the tracking; a change tracks every video anew
LIPS: Final = (13, 14)
MIN_EYE_DISTANCE_PX: Final = 30.0
"""Pixels between the outer corners of the eyes; in a smaller face lips are a few pixels."""
MIN_FRONTAL_SHARE: Final = 0.77
"""Least share of that distance that is seen from the front: the head turns up to 40 degrees."""
_REST_PERCENTILE: Final = (
    20.0  # percentile of the gap below which a mouth is at rest, or as good as
)


@dataclass(frozen=True)
class Tracking:
    """What was seen in a video, frame k at k / fps seconds."""

    fps: float
    shapes: NDArray[np.float32]
    """(t, 52) MediaPipe's own; meaningless where not ``seen``."""
    gap: NDArray[np.float64]
    """(t,) between the lips, in distances of the outer corners of the eyes."""
    width: NDArray[np.float64]
    """(t,) of the mouth, likewise."""
    observed: NDArray[np.bool_]
    """(t,) whether a face was there that can be measured."""


def files(folder: Path) -> list[Path]:
    """Every video at or below a folder, in name order."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in media.VIDEOS and p.is_file())


def clips(folder: Path, cache: Path) -> list[Clip]:
    """Every stretch of every video in which somebody can be seen speaking.

    A video that cannot be used is named and left out.

    Raises:
        ModelError: not one can be used.
    """
    found = files(folder)
    table = offset.from_table(folder)
    out: list[Clip] = []
    for k, path in enumerate(found):
        _log.info("video %d of %d: %s", k + 1, len(found), path.relative_to(folder))
        try:
            out += from_video(path, folder, cache, table)
        except ModelError as e:
            _log.warning("left out: %s", e.message)
    if not out:
        kinds = " ".join(media.VIDEOS)
        raise ModelError(
            f"no video in {folder} shows a face that speaks ({len(found)} looked at, of {kinds})",
            "one person in view, lips to be seen, with sound",
        )
    return out


def from_video(path: Path, folder: Path, cache: Path, table: dict[str, float]) -> list[Clip]:
    """The clips of one video; ``table`` holds offsets that are known.

    Raises:
        ModelError: not a video, no sound, or hardly ever a face.
    """
    tracking = tracked(path, cache)
    observed = bridged(tracking.observed, tracking.fps)
    share = float(tracking.observed.mean()) if len(observed) else 0.0
    if tracking.observed.sum() < tracking.fps:
        raise ModelError(f"{path} shows a face for less than a second")
    if share < 0.9:
        _log.info("%s: a face can be measured in %.0f %% of it", path.name, 100 * share)
    samples = media.sound(path)
    frames = frame_count(len(samples))
    shapes = agreeing(tracking)
    # An own time for every frame: that of the video, less by how much the face is late.
    inside = at_60(observed[:, None].astype(np.float64), tracking.fps, frames)[:, 0] > 0.999
    late = offset.of(
        path.stem, table, samples, lip_opening(at_60(shapes, tracking.fps, frames)), inside
    )
    times = np.arange(frames) / FPS + late
    shapes60 = _at(shapes, tracking.fps, times).astype(np.float16)
    inside = _at(observed[:, None].astype(np.float64), tracking.fps, times)[:, 0] > 0.999
    inside &= (times >= 0) & (times <= (len(observed) - 1) / tracking.fps)
    given = np.zeros(len(ARKIT), np.bool_)
    given[indices((*GROUPS["jaw"], *GROUPS["mouth"]))] = True
    name = str(path.relative_to(folder))
    speaker = str(path.parent.relative_to(folder.parent))
    labels = np.full(frames, UNKNOWN, np.int8)
    whole = Clip(
        name, f"videos-{folder.name}", speaker, "tracked", samples, shapes60, given, labels
    )
    check(whole)
    return cut(whole, inside)


def agreeing(tracking: Tracking) -> NDArray[np.float32]:
    """(t, 52) shapes that say what was measured on the lips, by the scale of every other corpus.

    What the tracker reads from closed lips differs from face to face and is taken off.
    """
    observed = tracking.observed
    gap, width = filled(tracking.gap, observed), filled(tracking.width, observed)
    closed = float(np.percentile(gap[observed], 2))
    gap = gap - max(min(closed, 0.04) - GAP_REST, 0.0)
    resting = observed & (gap <= np.percentile(gap[observed], _REST_PERCENTILE))
    shapes = filled(tracking.shapes, observed)
    return from_measures(shapes, gap, width, float(np.median(width[resting])))


def _at(
    values: NDArray[np.floating], fps: float, times: NDArray[np.float64]
) -> NDArray[np.float64]:
    source = np.arange(len(values)) / fps
    return np.stack([np.interp(times, source, column) for column in values.T], axis=1)


def tracked(path: Path, cache: Path) -> Tracking:
    """What is seen in a video, from the cache if these very bytes were tracked before.

    Raises:
        ModelError: it is no video.
    """
    with path.open("rb") as f:
        digest = hashlib.file_digest(f, "sha256").hexdigest()[:16]
    kept = cache / f"tracked-{_VERSION}-{digest}.npz"
    if kept.is_file():
        with np.load(kept) as f:
            return Tracking(float(f["fps"]), f["shapes"], f["gap"], f["width"], f["seen"])
    # MediaPipe takes seconds to load.
    from mien.models.vision.face_tracker import FaceTracker

    about = media.probe(path)
    with FaceTracker(None) as tracker:
        rows = list(_rows(path, about, tracker))
    if not rows:
        raise ModelError(f"{path} shows not a single picture")
    shapes, gap, width, observed = (np.asarray(column) for column in zip(*rows, strict=True))
    out = Tracking(about.fps, shapes.astype(np.float32), gap, width, observed.astype(np.bool_))
    with whole(kept) as part, part.open("wb") as file:
        np.savez(
            file, fps=out.fps, shapes=out.shapes, gap=out.gap, width=out.width, seen=out.observed
        )
    return out


_Row = tuple[NDArray[np.float32], float, float, bool]


def _rows(path: Path, about: media.Pictures, tracker: FaceTracker) -> Iterator[_Row]:
    nobody: _Row = (np.zeros(len(ARKIT), np.float32), 0.0, 0.0, False)
    total = round(about.seconds * about.fps) or None
    pictures = track(
        media.pictures(path, about.fps),
        f"tracking {path.name}",
        total,
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
    for k, picture in enumerate(pictures):
        found = tracker.track(picture, k / about.fps)
        row = nobody
        if found.found:
            eyes, flat = eyes_apart(found.pixels), eyes_apart(found.pixels[:, :2])
            if flat >= MIN_EYE_DISTANCE_PX and flat >= MIN_FRONTAL_SHARE * eyes:
                names = list(found.scores)
                scores, _ = by_name(names, np.asarray([found.scores[n] for n in names]))
                pairs = LIPS, MOUTH_CORNERS
                gap, width = (_distance(found.pixels, pair) / eyes for pair in pairs)
                row = scores, gap, width, True
        yield row


def _distance(points: NDArray[np.float64], pair: tuple[int, int]) -> float:
    # With MediaPipe's guess of the depth, so that a head that turns does not change its mouth.
    return float(np.linalg.norm(points[pair[0]] - points[pair[1]]))
