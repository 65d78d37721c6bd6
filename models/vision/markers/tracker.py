"""Tracks a face by the dots on it, in pictures of one or two cameras taken at the same time.

A face tracker tells roughly where each dot is, in every picture alone. The dots that are found
there are triangulated, and the skin between them is interpolated. Irises have no dots; they are
tracked as discs between the lids (``mien.models.vision.irises``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.face.regions import COUNT
from mien.models.threads import one_thread
from mien.models.vision.face_tracker import RIGID, FaceTracker
from mien.models.vision.markers import layout
from mien.models.vision.markers.blobs import find_blobs
from mien.models.vision.markers.eyes import UNSEEN, Eyes, EyesAtRest
from mien.models.vision.markers.field import PUPILS, SkinField, dot_correlation
from mien.models.vision.markers.identify import identify
from mien.models.vision.markers.views import View, adjusted, head_motion, resected, triangulated

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]

PLACED_MM = 1.5
"""Standard deviation of how far a dot is from where the sheet wants it."""
_SPREAD = 0.016  # of the predicted dots, in picture heights
_MIN_SHARE = 0.5  # of the dots that must be found
_MAX_MISS_PX = 2.0  # of a dot that two cameras see
_ODD, _ODD_ROUNDS = 5.0, 4  # standard deviations from what the other dots tell
_MIN_STEADY, _REFERENCE_PX = 6, 4.0  # dots that tell where the head is, and how well
_MIN_FACING = 0.1  # cosine between the skin and the line of sight, below which a dot is hidden


@dataclass(frozen=True, eq=False)
class Marked:
    """The face in pictures taken at the same time.

    Attributes:
        faces: largest number of faces in a picture.
        landmarks: (478, 3) mm in the head frame, NaN without a face or with too few dots.
        head: (4, 4) pose of the head in the frame of the first camera, mm.
        pixels: (478, 2) landmarks in the first picture.
        seen: (cameras, D) whether a camera saw a dot.
        extra: number of blobs that are no dot.
        odd: (D,) dots that were seen and left out, because they do not fit: swapped or wrong.
    """

    faces: int
    landmarks: Floats
    head: Floats
    pixels: Floats
    seen: NDArray[np.bool_]
    extra: int
    odd: NDArray[np.bool_]

    @property
    def found(self) -> bool:
        """Whether the face was measured."""
        return bool(np.isfinite(self.landmarks).all())


@dataclass(eq=False)
class _Camera:
    """One camera at rest.

    Attributes:
        view: the camera.
        tracked: (478, 2) pixels, landmarks of the face tracker.
        dots: (D, 2) pixels.
        eyes: irises and pupils.
    """

    view: View
    tracked: Floats
    dots: Floats
    eyes: EyesAtRest


class MarkerTracker:
    """Tracks the dots of ``mien.models.vision.markers.layout``.

    Args:
        neutral: (478, 3) mm, landmarks of the face at rest.
        skin: (V, 3) mm, points of its skin.
        cameras: number of cameras.
        modes: (r, 1434) mm, how the landmarks of this design move; see ``SkinField``.

    Attributes:
        places: (D, 3) mm, where the dots belong.
        points: (D, 3) mm, where they are at rest, once settled; NaN for a dot that is not there.
    """

    def __init__(
        self, neutral: Floats, skin: NDArray[np.floating], cameras: int, modes: Floats | None = None
    ) -> None:
        self.neutral, self._modes = neutral, modes
        self.places = layout.places(neutral, skin)
        self.points = np.full_like(self.places, np.nan)
        self._outward = layout.outward(self.places, skin)
        self._trackers = [FaceTracker(None, max_faces=2) for _ in range(cameras)]
        self._cameras: list[_Camera] = []
        self._motion = np.eye(4)
        self._eyes = Eyes(neutral)
        self._smooth = dot_correlation(neutral, self.places)

    @property
    def settled(self) -> bool:
        """Whether the face at rest is known."""
        return bool(self._cameras)

    @property
    def views(self) -> list[View]:
        """The cameras, once settled."""
        return [camera.view for camera in self._cameras]

    @one_thread
    def settle(self, rest: Sequence[Sequence[Picture]]) -> None:
        """Find cameras and dots in pictures of the face at rest.

        Args:
            rest: for each moment the pictures of all cameras, RGB.

        Raises:
            ModelError: a camera sees no face, or too few dots.
        """
        shots = list(zip(*rest, strict=True))  # by camera
        tracked = [self._at_rest(k, pictures) for k, pictures in enumerate(shots)]
        sizes = [pictures[0].shape[:2] for pictures in shots]
        views = [
            resected(self.neutral, at, (size[0], size[1]))
            for at, size in zip(tracked, sizes, strict=True)
        ]
        blobs = [[find_blobs(p).pixels for p in pictures] for pictures in shots]
        points, spread = self.places, _SPREAD
        for _ in range(2):
            pixels = []
            for view, size, found in zip(views, sizes, blobs, strict=True):
                expected = self._in_sight(view, view.project(points))
                named = [identify(b, expected, self._smooth, spread * size[0]) for b in found]
                pixels.append(np.array(named)[0] if len(named) == 1 else _median(named))
            self._require(pixels)
            views, points = adjusted(views, pixels, self.places, PLACED_MM)
            spread = _SPREAD / 3
        anywhere = np.asarray(np.isfinite(pixels).all(2)).any(0)
        self.points = np.where(anywhere.reshape(-1, 1), points, np.nan)
        self.field = SkinField(self.neutral, self.points, self._modes)
        for k, pictures in enumerate(shots):
            dots = np.where(np.isfinite(pixels[k]), pixels[k], views[k].project(points))
            eyes = self._eyes.at_rest(pictures, views[k], tracked[k])
            self._cameras.append(_Camera(views[k], tracked[k], dots, eyes))

    @one_thread
    def track(self, pictures: Sequence[Picture]) -> Marked:
        """The face in pictures of all cameras, RGB.

        Raises:
            ModelError: the face at rest is not known yet.
        """
        if not self.settled:
            raise ModelError("the face at rest is not known yet")
        dots, faces = len(self.places), 0
        pixels, looks = [], []
        spots = [np.zeros((0, 2)) for _ in self._cameras]
        first = np.full((COUNT, 2), np.nan)
        for k, (camera, picture) in enumerate(zip(self._cameras, pictures, strict=True)):
            found = self._trackers[k].track(picture)
            faces = max(faces, found.faces)
            if found.faces != 1:
                pixels.append(np.full((dots, 2), np.nan))
                looks.append(UNSEEN)
                continue
            at = found.pixels[:, :2]
            first = at if k == 0 else first
            blobs = find_blobs(picture).pixels
            named = identify(
                blobs, self._expected(camera, at), self._smooth, _SPREAD * picture.shape[0]
            )
            pixels.append(named)
            spots[k] = blobs
            looks.append(self._eyes.shift(camera.eyes, camera.view, picture, at))
        if faces == 1:
            self._name_reference(pixels, spots)
        extra = sum(map(len, spots)) - int(np.isfinite(pixels).all(2).sum())
        seen = np.asarray(np.isfinite(pixels).all(2))
        none = np.full((COUNT, 3), np.nan)
        lost = Marked(
            faces, none, np.full((4, 4), np.nan), first, seen, extra, np.zeros(dots, bool)
        )
        reference = layout.is_reference() & np.isfinite(self.points).all(1)
        enough = seen.any(0).sum() >= _MIN_SHARE * np.isfinite(self.points).all(1).sum()
        if faces != 1 or not enough or seen[:, reference].any(0).sum() < 4:
            return lost
        at_reference = [p[reference] for p in pixels]
        motion = head_motion(self.views, at_reference, self.points[reference], self._motion)
        self._motion = motion
        views = [view.moved(motion) for view in self.views]
        moved, information = triangulated(views, pixels, np.nan_to_num(self.points))
        odd = np.zeros(dots, dtype=bool)
        for view, named in zip(views, pixels, strict=True):
            miss = np.linalg.norm(view.project(moved) - named, axis=1)
            odd |= miss > _MAX_MISS_PX
        skin = self.field.on_skin
        information[odd] = 0.0
        off = np.where(odd[:, None], 0.0, moved - np.nan_to_num(self.points))[skin]
        gaze, certain = self._eyes.displacement(self.views, views, looks)
        known = np.concatenate([information[skin], certain])
        off = np.concatenate([off, gaze])
        for _ in range(_ODD_ROUNDS):
            displaced, strange = self.field.landmarks(off, known)
            worst = strange > max(_ODD, 0.7 * float(strange.max()))
            if not worst.any():
                break
            odd[np.flatnonzero(skin)[worst[: -len(PUPILS)]]] = True
            left_out = np.flatnonzero(worst)
            known[left_out], off[left_out] = 0.0, 0.0
        landmarks = self.neutral + displaced
        self._eyes.turn(landmarks)
        head = self._cameras[0].view.matrix() @ motion
        return replace(lost, landmarks=landmarks, head=head, odd=odd)

    def close(self) -> None:
        """Release the face trackers."""
        for tracker in self._trackers:
            tracker.close()

    def _at_rest(self, camera: int, pictures: Sequence[Picture]) -> Floats:
        """Landmarks (478, 2) of the face tracker, median of the pictures."""
        found = [self._trackers[camera].track(picture) for picture in pictures]
        good = [f.pixels[:, :2] for f in found if f.faces == 1]
        if not good:
            several = any(f.faces > 1 for f in found)
            raise ModelError(
                f"camera {camera + 1} sees {'several faces' if several else 'no face'} at rest"
            )
        return np.asarray(np.median(good, axis=0))

    def _require(self, pixels: list[Floats]) -> None:
        """Check that every camera found enough dots."""
        for k, named in enumerate(pixels):
            count = int(np.isfinite(named).all(1).sum())
            if count < _MIN_SHARE * len(self.places):
                raise ModelError(
                    f"camera {k + 1} finds {count} of the {len(self.places)} dots on the face at "
                    f"rest, at least {int(np.ceil(_MIN_SHARE * len(self.places)))} are needed"
                )

    def _expected(self, camera: _Camera, tracked: Floats) -> Floats:
        """Pixels (D, 2) where the dots on the skin are expected, by the face tracker's landmarks
        (478, 2); NaN for all others."""
        at, rigid, view = layout.landmarks(), list(RIGID), camera.view
        seen = view.project(self.neutral[rigid]) + tracked[rigid] - camera.tracked[rigid]
        turned = head_motion([view], [seen], self.neutral[rigid], self._motion)
        skin = camera.dots + tracked[at] - camera.tracked[at]
        expected = np.where(layout.is_reference()[:, None], np.nan, skin)
        return self._in_sight(view.moved(turned), expected)

    def _name_reference(self, pixels: list[Floats], spots: list[Floats]) -> None:
        """Name the reference dots among the spots that no dot on the skin has, in place.

        Dots on forehead, temples and bridge of the nose move least, and tell where the head is.
        """
        fixed = layout.is_reference()
        points = np.where(np.isfinite(self.points), self.points, self.places)
        steady = np.isin(layout.landmarks(), layout.STEADY) & ~fixed
        views, motion = self.views, self._motion
        found = sum(int(np.isfinite(p[steady]).all(1).sum()) for p in pixels)
        if found >= _MIN_STEADY:
            motion = head_motion(views, [p[steady] for p in pixels], points[steady], motion)
        for view, named, blobs in zip(views, pixels, spots, strict=True):
            taken = {tuple(pixel) for pixel in named[np.isfinite(named).all(1)]}
            free = np.array([b for b in blobs if tuple(b) not in taken]).reshape(-1, 2)
            turned = view.moved(motion)
            expected = self._in_sight(turned, turned.project(points))[fixed]
            inner = self._smooth[np.ix_(fixed, fixed)]
            named[fixed] = identify(free, expected, inner, _REFERENCE_PX)

    def _in_sight(self, view: View, expected: Floats) -> Floats:
        """Expected pixels (D, 2), NaN for the dots on skin that faces away from a camera."""
        ray = self.places - view.place
        ray /= np.linalg.norm(ray, axis=1)[:, None]
        facing = -np.einsum("di,di->d", ray, self._outward)
        return np.asarray(np.where(facing[:, None] > _MIN_FACING, expected, np.nan))


def _median(rows: list[Floats]) -> Floats:
    """Median of the pixels (D, 2) that are known; NaN where at most half of the pictures know."""
    known = np.isfinite(rows).all(2)
    often = 2 * known.sum(0) > len(rows)
    out = np.full(rows[0].shape, np.nan)
    out[often] = np.nanmedian(np.array(rows)[:, often], axis=0)
    return out
