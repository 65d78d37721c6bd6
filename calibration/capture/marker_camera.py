"""Cameras before a face with dots on its skin, simulated or real, and what is said about the dots.

The printed sheet (``mien calibrate markers-sheet``) tells where the dots belong.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mien.calibration.capture.frame_filter import NO_LANDMARKS, UNKNOWN_POSE, CapturedFrame
from mien.calibration.capture.tracking_camera import FROZEN_S, MAX_DELAY_S, PictureSource
from mien.calibration.plan.excitation import mixtures
from mien.models.errors import ModelError
from mien.models.face.regions import eyes_apart
from mien.models.self_model import model as self_model
from mien.models.self_model import prior as design_prior
from mien.models.self_model.model import SelfModel
from mien.models.vision.markers import layout
from mien.models.vision.markers.tracker import Marked, MarkerTracker
from mien.robot.errors import DeviceError, MienError
from mien.robot.face.config import FaceConfig, Floats

REST_PICTURES = 3
"""Pictures of the face at rest from which cameras and dots are found."""
_OFTEN_HIDDEN, _OFTEN_ODD, _MANY_EXTRA = 0.5, 0.1, 3.0
_FEW_PICTURES = 10
_LISTED, _MIXTURES = 8, 256
REMEDY = "look at the dots beside the sheet of mien calibrate markers-sheet, and light them evenly"


class DotStatistics:
    """Counts the dots that are missing, swapped or too many, in all pictures of a session."""

    def __init__(self) -> None:
        self._pictures = 0
        self._hidden = np.zeros(len(layout.dots()))
        self._odd = np.zeros(len(layout.dots()))
        self._extra = 0

    def add(self, marked: Marked) -> None:
        """Count the dots of one moment."""
        if not marked.faces:
            return
        self._pictures += 1
        self._hidden += ~marked.seen.any(0)
        self._odd += marked.odd
        self._extra += marked.extra

    def remarks(self) -> list[str]:
        """What is wrong with the dots, one sentence each."""
        if self._pictures < _FEW_PICTURES:
            return []
        out = []
        for counts, often, what in (
            (self._hidden, _OFTEN_HIDDEN, "were not found in most pictures: replace them"),
            (self._odd, _OFTEN_ODD, "often do not fit the others: they are swapped, double, or "
             "loose"),
        ):  # fmt: skip
            at = np.flatnonzero(counts > often * self._pictures)
            if len(at):
                names = ", ".join(str(layout.dots()[k].number) for k in at[:_LISTED])
                more = f" and {len(at) - _LISTED} more" if len(at) > _LISTED else ""
                out.append(f"dots {names}{more} {what}")
        if self._extra > _MANY_EXTRA * self._pictures:
            out.append(
                f"{self._extra / self._pictures:.0f} green spots a picture are no dots: "
                "reflections, or dots that the sheet does not have"
            )
        return out

    def report(self) -> dict[str, float]:
        """Means over the pictures, for ``metrics.json``."""
        pictures = max(self._pictures, 1)
        return {
            "dots_hidden": float(self._hidden.sum()) / pictures,
            "dots_odd": float(self._odd.sum()) / pictures,
            "dots_extra": self._extra / pictures,
        }


def frame_of(marked: Marked, at: float) -> CapturedFrame:
    """The captured frame at time ``at`` (s)."""
    unusable = "dots" if marked.faces == 1 and not marked.found else ""
    eyes_px = eyes_apart(marked.pixels) if np.isfinite(marked.pixels).all() else float("nan")
    return CapturedFrame(
        marked.landmarks, marked.head, marked.faces, at, eyes_px=eyes_px, unusable=unusable
    )


class MarkerCamera:
    """Webcams before a face with dots. Their pictures are taken while the face is still.

    Args:
        sources: open.
        tracker: of the dots.
        delay_s: estimated time (s) from the capture of a picture to its arrival.
        now: clock of the pictures' arrival times, s.
    """

    def __init__(
        self,
        sources: Sequence[PictureSource],
        tracker: MarkerTracker,
        delay_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sources, self._tracker, self._now = sources, tracker, now
        self._delay, self._wait = delay_s, max(delay_s, MAX_DELAY_S)
        self._used = [-np.inf for _ in sources]
        self._rest: list[list[NDArray[np.uint8]]] = []
        self.statistics = DotStatistics()
        self.bias: Floats = np.zeros((len(NO_LANDMARKS), 3))

    def capture(self, since: float, sure: bool = True) -> CapturedFrame:
        """New pictures of all cameras, captured at time ``since`` (s) or later, and their dots.

        The first pictures are those of the face at rest; from them cameras and dots are found.

        Raises:
            DeviceError: a camera gives no picture, or too few dots are found at rest.
        """
        arrived = since + (self._wait if sure else self._delay)
        pictures, times = [], []
        for k, source in enumerate(self._sources):
            timeout = max(0.0, arrived - self._now()) + FROZEN_S
            picture = source.after(max(arrived, self._used[k]), timeout)
            if picture is None:
                raise DeviceError(
                    f"the camera {source.path} gave no picture for {FROZEN_S:g} s"
                    + (f": {source.error}" if source.error else ""),
                    "unplug it and plug it in again",
                )
            self._used[k] = picture.time
            pictures.append(picture.image)
            times.append(picture.time)
        if not self._tracker.settled:
            self._rest.append(pictures)
            if len(self._rest) == REST_PICTURES:
                settle(self._tracker, self._rest)
                self._rest.clear()
            return CapturedFrame(NO_LANDMARKS, UNKNOWN_POSE, faces=1, unusable="dots")
        marked = self._tracker.track(pictures)
        self.statistics.add(marked)
        return frame_of(marked, float(np.mean(times)) - self._delay)

    def settle(self, count: int) -> None:
        """Nothing to do: the dots' own places at rest are known."""

    def register(self, count: int) -> None:
        """Nothing to do: see ``settle``."""

    def report(self) -> dict[str, float]:
        """Counters of the dots, for ``metrics.json``."""
        return self.statistics.report()

    def close(self) -> None:
        """Release cameras and trackers."""
        for source in self._sources:
            source.close()
        self._tracker.close()


def settle(tracker: MarkerTracker, rest: Sequence[Sequence[NDArray[np.uint8]]]) -> None:
    """Find cameras and dots in pictures of the face at rest.

    Raises:
        DeviceError: a camera sees no face, or too few dots.
    """
    try:
        tracker.settle(rest)
    except ModelError as e:
        raise DeviceError(str(e), REMEDY) from e


def design_modes(face: FaceConfig, mechanism: str) -> Floats | None:
    """How the landmarks of this design move, as a factor (r, 1434) mm of their covariance.

    None where neither a prior of the face and its mechanism (hash ``mechanism``) nor a self-model
    of the face ships.
    """
    model = _design(face, mechanism)
    if model is None:
        return None
    latents = model.latents(model.network_inputs(mixtures(face, _MIXTURES, 0)))
    latents = latents - model.latents(np.zeros((1, len(model.inputs))))
    values, vectors = np.linalg.eigh(latents.T @ latents / len(latents))
    return np.asarray((np.sqrt(np.maximum(values, 0.0)) * vectors).T @ model.decoder)


def _design(face: FaceConfig, mechanism: str) -> SelfModel | None:
    """The mean robot of the design, or the robot whose self-model ships; None without either."""
    try:
        prior = design_prior.load(design_prior.shipped(face.name))
    except ModelError:
        pass
    else:
        of_face = prior.names == face.names and prior.meta.get("face_hash") in face.hashes
        if of_face and prior.meta.get("mechanism") == mechanism:
            return prior.nominal()
    # The directions in which skin moves hardly depend on the lengths of the levers under it.
    try:
        return self_model.load(self_model.shipped(face.name), face.name, face.hashes)
    except (ModelError, MienError):
        return None
