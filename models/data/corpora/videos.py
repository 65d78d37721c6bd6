"""A folder of videos with sound -> clips, by tracking the speaker's face with MediaPipe.

    FOLDER/anna/monday.mp4, FOLDER/anna/tuesday.mov, FOLDER/ben/talk.webm

Each video shows one person with visible lips. Each subfolder of FOLDER is a speaker; videos in
FOLDER itself belong to one speaker. Frames without a face, with a face that is turned away, or with
a face that is too small are dropped. Tracking takes about the length of the video. Its result is
stored under the hash of the file's content.
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
from rich.markup import escape
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
"""Smallest distance of the outer eye corners, pixels. The lips of a smaller face are
unmeasurable."""
MIN_FRONTAL_SHARE: Final = 0.77
"""Smallest ratio of that distance in the image to the distance in 3D: 40 degrees of yaw."""
_REST_PERCENTILE: Final = 20.0  # of the lip gap; below it the mouth counts as at rest


@dataclass(frozen=True)
class Tracking:
    """Tracked face of a video, frame k at k / fps seconds."""

    fps: float
    shapes: NDArray[np.float32]
    """(t, 52) MediaPipe's shapes, undefined outside ``observed``."""
    gap: NDArray[np.float64]
    """(t,) lip gap, in distances of the outer eye corners."""
    width: NDArray[np.float64]
    """(t,) mouth width, in the same unit."""
    observed: NDArray[np.bool_]
    """(t,) mask of the frames with a measurable face. Its key in stored files is ``seen``."""


def files(folder: Path) -> list[Path]:
    """Every video in a folder and its subfolders, in name order."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in media.VIDEOS and p.is_file())


def clips(folder: Path, cache: Path) -> list[Clip]:
    """Every part of every video with a measurable face.

    An unusable video is skipped with a warning.

    Raises:
        ModelError: no video is usable.
    """
    found = files(folder)
    table = offset.from_table(folder)
    out: list[Clip] = []
    for k, path in enumerate(found):
        _log.info("video %d of %d: %s", k + 1, len(found), path.relative_to(folder))
        try:
            out += from_video(path, folder, cache, table)
        except ModelError as e:
            _log.warning("skipped: %s", e.message)
    if not out:
        kinds = " ".join(media.VIDEOS)
        raise ModelError(
            f"no video in {folder} shows a face that speaks ({len(found)} files of {kinds})",
            "one person in view, visible lips, with sound",
        )
    return out


def from_video(path: Path, folder: Path, cache: Path, table: dict[str, float]) -> list[Clip]:
    """The clips of one video. ``table`` holds offsets by name, s.

    Raises:
        ModelError: not a video, no sound, or a face for less than 1 s.
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
    # Frame times of the sound, shifted by the delay of the face.
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
    """Shapes (t, 52) that agree with the measured lips, in the scale of the other corpora.

    The tracker's gap of closed lips differs between faces. It is subtracted.
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
    """Track the face of a video, or read the stored result for the same content.

    Raises:
        ModelError: the file is not a video.
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
        rows = list(tracked_rows(path, about, tracker))
    if not rows:
        raise ModelError(f"{path} contains no picture")
    shapes, gap, width, observed = (np.asarray(column) for column in zip(*rows, strict=True))
    out = Tracking(about.fps, shapes.astype(np.float32), gap, width, observed.astype(np.bool_))
    with whole(kept) as part, part.open("wb") as file:
        np.savez(
            file, fps=out.fps, shapes=out.shapes, gap=out.gap, width=out.width, seen=out.observed
        )
    return out


_Row = tuple[NDArray[np.float32], float, float, bool]


def tracked_rows(path: Path, about: media.Pictures, tracker: FaceTracker) -> Iterator[_Row]:
    """For each picture: blendshapes (52,), lip gap, mouth width, and whether a face was found."""
    nobody: _Row = (np.zeros(len(ARKIT), np.float32), 0.0, 0.0, False)
    total = round(about.seconds * about.fps) or None
    pictures = track(
        media.pictures(path, about.fps),
        escape(f"tracking {path.name}"),
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
    # In 3D with MediaPipe's predicted depth, so that a turn of the head does not change the mouth.
    return float(np.linalg.norm(points[pair[0]] - points[pair[1]]))
