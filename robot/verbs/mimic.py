"""``mien mimic``: the face copies the expression of a person in front of a camera."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
import typer
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien.models.face.blendshapes import ARKIT, INDEX, MIRROR
from mien.robot.media.livelink_takes import ROTATIONS
from mien.robot.puppet.datagrams import CapturedFace
from mien.robot.verbs.options import AsJson, Duration, Face, Port

if TYPE_CHECKING:
    from mien.models.vision.face_tracker import Tracked

_HEAD: Final = [ROTATIONS.index(f"Head{axis}") for axis in ("Yaw", "Pitch", "Roll")]
REST_S: Final = 1.0
"""Duration in s of the reference observation of the neutral expression."""


class CameraInlet:
    """Blendshapes and head pose of a person, relative to the first second of tracking.

    Args:
        newest: returns the latest result of the face tracker.
        mirrored: the robot's left does what the person's right does, as a mirror would.
    """

    def __init__(self, newest: Callable[[], Tracked | None], mirrored: bool = False) -> None:
        self._newest, self._mirrored = newest, mirrored
        self._last: Tracked | None = None
        self._captured: CapturedFace | None = None
        self._rest: list[tuple[NDArray[np.float32], NDArray[np.float64]]] = []
        self._since = 0.0

    def poll(self, now: float) -> CapturedFace | None:
        """The newest face, or None before the first."""
        tracked = self._newest()
        if tracked is None or tracked is self._last:
            return self._captured
        self._last = tracked
        if not tracked.found:
            blank = np.zeros(len(ARKIT), np.float32)
            self._captured = CapturedFace(now, blank, np.zeros(len(ROTATIONS), np.float32), False)
            return self._captured
        weights, turned = weights_of(tracked), angles_of(tracked.head)
        if not self._rest:
            self._since = tracked.time
        if tracked.time - self._since <= REST_S:
            self._rest.append((weights, turned))
        still = np.median([w for w, _ in self._rest], axis=0)
        ahead = np.median([a for _, a in self._rest], axis=0)
        # A neutral weight of 0.2 leaves a range of 0.8, which is scaled to 0..1.
        above = np.clip((weights - still) / np.maximum(1.0 - still, 0.2), 0.0, 1.0)
        angles = turned - ahead
        if self._mirrored:
            above, angles = above[list(MIRROR)], angles * np.array([-1.0, 1.0, -1.0])
        rotations = np.zeros(len(ROTATIONS), np.float32)
        rotations[_HEAD] = angles
        self._captured = CapturedFace(now, above.astype(np.float32), rotations, True)
        return self._captured


def weights_of(tracked: Tracked) -> NDArray[np.float32]:
    """MediaPipe's scores as (52,) weights; what it does not know is 0."""
    weights = np.zeros(len(ARKIT), np.float32)
    for name, value in tracked.scores.items():
        if name in INDEX:
            weights[INDEX[name]] = value
    return weights


def angles_of(head: NDArray[np.float64]) -> NDArray[np.float64]:
    """Yaw to the left, pitch up and roll to the left shoulder (3,) rad of a 4x4 head pose."""
    y, x, z = Rotation.from_matrix(head[:3, :3]).as_euler("YXZ")
    return np.array([y, -x, -z])


def mimic(
    camera: Annotated[
        str, typer.Option(help="Camera number, /dev/video0, or path of a video file.")
    ] = "0",
    mirrored: Annotated[bool, typer.Option(help="Swap left and right, as a mirror does.")] = True,
    face: Face = "morpheus33",
    port: Port = "sim",
    panel: Annotated[bool, typer.Option(help="Open the panel in the browser.")] = False,
    seconds: Duration = 0.0,
    as_json: AsJson = False,
) -> None:
    """Copy the expression of a person in front of a camera.

    The expression of the first second counts as the person's neutral expression.

    Example: mien mimic --camera 0 --port sim --panel
    """
    from mien.robot.live.run import Options
    from mien.robot.live.voice_setup import VoiceSetup
    from mien.robot.media.webcam import Webcam
    from mien.robot.panel.window import Window
    from mien.robot.verbs.running import run_and_print

    with Webcam(camera) as webcam:
        window = Window(face, None, 0 if port == "sim" else None, line=port) if panel else None
        options = Options(
            VoiceSetup(face, source="quiet"),
            port=port,
            inlet=CameraInlet(webcam.newest, mirrored),
            window=window,
        )
        run_and_print(options, seconds, as_json)
