"""Opens the capture rig that ``--port`` and ``--camera`` name: simulated, or board and webcam."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from mien.calibration.capture.bias_correction import BiasCorrection
from mien.calibration.capture.capture_rig import CaptureRig, ConnectedFace
from mien.calibration.capture.dataset import Setup
from mien.calibration.capture.frame_filter import NO_FACE, CapturedFrame
from mien.models.vision import tracker_bias
from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig
from mien.robot.link.board import LEAD_S, Board
from mien.robot.sim.description import mechanism_path

if TYPE_CHECKING:
    from mien.models.vision.markers.tracker import MarkerTracker
    from mien.robot.sim.builds import Build
    from mien.robot.sim.dot_cameras import DotCameras
    from mien.robot.sim.rig import Rig

MARKERS = "markers"
CAMERAS = ("projected", "rendered", MARKERS)
AUTO = "auto"
DELAY_S = 0.06
"""Default time from a webcam's capture of a picture to its arrival; webcams have 0.03 to 0.08 s."""


def open_rig(
    face: FaceConfig,
    port: str = "sim",
    camera: str = AUTO,
    build: int | Build = 0,
    seed: int = 0,
    folder: Path | None = None,
    delay_s: float = DELAY_S,
    faults: Sequence[str] = (),
) -> CaptureRig:
    """A connected capture rig. Nothing has moved yet.

    Args:
        face: the face.
        port: ``sim``, ``auto``, or the path of a serial port.
        camera: ``projected``, ``rendered`` or ``markers`` for the simulated rig; for a real face as
            in ``mien.robot.media.webcam.Pictures``, or ``markers:0,1`` for dots on its skin and two
            such cameras; ``auto`` is projected or 0.
        build: the simulated robot, or the seed of its tolerances, which is also the seed of its
            camera's constant error.
        seed: of the simulated camera's noise.
        folder: of the calibration; it keeps the reference observation of a real face at rest.
        delay_s: time (s) from the capture of a real camera's picture to its arrival.
        faults: of the simulated rig, as in ``mien.robot.sim.faults``.

    Raises:
        InputError: calibration cannot use this port or camera.
        DeviceError: no board, no camera, or no OpenGL for the rendered camera.
    """
    if port != "sim":
        if faults:
            raise InputError(
                f"faults ({', '.join(faults)}) are for the simulated rig, not for {port}; "
                "leave out --fault"
            )
        return _real(face, port, "0" if camera == AUTO else camera, folder, delay_s)
    camera = CAMERAS[0] if camera == AUTO else camera
    if camera not in CAMERAS:
        raise InputError(
            f"the simulated rig has no camera {camera!r}; it has {', '.join(CAMERAS)}; "
            "the camera of a real face needs --port, too"
        )
    # MuJoCo takes a second to import, and a real face does not need it.
    from mien.calibration.capture.sim_rig import SimRig
    from mien.robot.sim.camera import Camera, ProjectedCamera, RenderedCamera
    from mien.robot.sim.faults import parse_faults
    from mien.robot.sim.rig import Rig
    from mien.robot.sim.sim_board import SimBoard

    rig = Rig(face, build, parse_faults(list(faults), face))
    build = rig.build.seed
    if camera == MARKERS:
        return _with_dots(face, rig, build, seed)
    formula = ProjectedCamera(seed=seed, unit=build) if camera == "projected" else None
    simulated: Camera = formula or RenderedCamera(rig, closely=True)
    correct = BiasCorrection()
    line = SimBoard(rig)
    board = Board(face, line, line.now)
    board.connect()

    def capture() -> CapturedFrame:
        seen = simulated.detect(rig)
        if seen.landmarks is None:
            return NO_FACE
        head = rig.head_pose() if seen.head is None else seen.head
        landmarks = seen.landmarks
        if isinstance(simulated, RenderedCamera):
            landmarks = correct(landmarks, simulated.reference)
        return CapturedFrame(landmarks, head, time=seen.time)

    def close() -> None:
        board.close()
        simulated.close()

    bias = "" if formula else tracker_bias.version()
    setup = Setup(face.name, face.hash, mechanism_hash(face), build, camera, bias=bias)
    noiseless = None if formula is None else lambda: rig.landmarks() + formula.bias
    at = ConnectedFace(face, board, line, setup, close, correct.remarks)
    return SimRig(at, capture, rig.landmarks, rig.head_pose, noiseless)


def _with_dots(face: FaceConfig, rig: Rig, build: int, seed: int) -> CaptureRig:
    """The simulated face with dots on its skin, before two cameras."""
    from mien.calibration.capture.marker_camera import DotStatistics, frame_of
    from mien.calibration.capture.sim_rig import SimRig
    from mien.robot.sim.sim_board import SimBoard

    with ExitStack() as stack:
        cameras, tracker = settled_dots(face, rig, seed)
        stack.callback(cameras.close)
        stack.callback(tracker.close)
        line = SimBoard(rig)
        board = Board(face, line, line.now)
        board.connect()
        stack.callback(board.close)
        close = stack.pop_all().close
    statistics = DotStatistics()

    def capture() -> CapturedFrame:
        if rig.blind:
            return NO_FACE
        marked = tracker.track(cameras.pictures(rig))
        statistics.add(marked)
        return frame_of(marked, rig.time)

    setup = Setup(face.name, face.hash, mechanism_hash(face), build, MARKERS)
    at = ConnectedFace(face, board, line, setup, close, statistics.remarks)
    return SimRig(at, capture, rig.landmarks, rig.head_pose)


def settled_dots(face: FaceConfig, rig: Rig, seed: int) -> tuple[DotCameras, MarkerTracker]:
    """Cameras before a rig at rest with dots on its skin, and their tracker. Both must be closed.

    Raises:
        DeviceError: no OpenGL, or too few dots are found.
    """
    from mien.calibration.capture.marker_camera import REST_PICTURES, design_modes, settle
    from mien.models.vision.markers.tracker import MarkerTracker
    from mien.robot.sim.dot_cameras import DotCameras

    with ExitStack() as stack:
        cameras = DotCameras(rig, seed=seed)
        stack.callback(cameras.close)
        tracker = MarkerTracker(
            rig.head.neutral_landmarks,
            rig.head.parts["skin"].vertices,
            len(cameras.optics.views),
            design_modes(face, mechanism_hash(face)),
        )
        stack.callback(tracker.close)
        settle(tracker, [cameras.pictures(rig) for _ in range(REST_PICTURES)])
        stack.pop_all()
    return cameras, tracker


def mechanism_hash(face: FaceConfig) -> str:
    """First 16 hex digits of the SHA-256 of the file that describes the face's mechanism."""
    path = mechanism_path(face.mechanism_source)
    return sha256(path.read_bytes()).hexdigest()[:16]


def webcams(camera: str) -> list[str] | None:
    """The webcams that ``--camera`` names: ``markers`` is 0 and 1, ``markers:0`` or
    ``markers:0,2`` are others; None where it names no markers."""
    name, _, given = camera.partition(":")
    if name != MARKERS:
        return None
    return [one.strip() for one in given.split(",") if one.strip()] or ["0", "1"]


def _real(
    face: FaceConfig, port: str, camera: str, folder: Path | None, delay_s: float
) -> CaptureRig:
    """A board on a serial port and a webcam, on the clock of this computer."""
    dotted = webcams(camera)
    if camera in CAMERAS and not dotted:
        raise InputError(
            f"the camera {camera!r} is part of the simulated rig; it cannot see a face on {port}: "
            "--camera 0 is the first camera of this computer",
            "mien devices",
        )
    # MediaPipe takes seconds to import.
    from mien.calibration.capture.hardware_rig import HardwareRig
    from mien.calibration.capture.tracking_camera import TrackingCamera
    from mien.models.vision.face_tracker import FaceTracker
    from mien.robot.control.connect import opened
    from mien.robot.link.discovery import identity
    from mien.robot.media.webcam import Pictures
    from mien.robot.sim.head import load_head

    if dotted:
        return _real_with_dots(face, port, dotted, folder, delay_s)
    with ExitStack() as stack:
        pictures = stack.enter_context(Pictures(camera))
        at = stack.enter_context(opened(face, port, lead_s=LEAD_S))
        tracker = FaceTracker(load_head().neutral_landmarks, max_faces=2)
        tracking = TrackingCamera(pictures, tracker, delay_s, at.clock.now)
        mechanism = f"hardware {identity(at.device)}".strip()
        bias = tracker_bias.version()
        setup = Setup(face.name, face.hash, mechanism, -1, pictures.name, bias=bias)
        close = stack.pop_all().close
    connected = ConnectedFace(face, at.board, at.clock, setup, close, tracking.remarks)
    return HardwareRig(connected, tracking, folder)


def _real_with_dots(
    face: FaceConfig, port: str, cameras: list[str], folder: Path | None, delay_s: float
) -> CaptureRig:
    """A board on a serial port, and webcams before a face with dots on its skin."""
    from mien.calibration.capture.hardware_rig import HardwareRig
    from mien.calibration.capture.marker_camera import MarkerCamera, design_modes
    from mien.models.vision.markers.tracker import MarkerTracker
    from mien.robot.control.connect import opened
    from mien.robot.link.discovery import identity
    from mien.robot.media.webcam import Pictures
    from mien.robot.sim.head import load_head

    with ExitStack() as stack:
        pictures = [stack.enter_context(Pictures(camera)) for camera in cameras]
        at = stack.enter_context(opened(face, port, lead_s=LEAD_S))
        head = load_head()
        skin = head.parts["skin"].vertices
        tracker = MarkerTracker(
            head.neutral_landmarks, skin, len(cameras), design_modes(face, mechanism_hash(face))
        )
        seen = MarkerCamera(pictures, tracker, delay_s, at.clock.now)
        mechanism = f"hardware {identity(at.device)}".strip()
        name = f"{MARKERS} {' '.join(p.name for p in pictures)}"
        setup = Setup(face.name, face.hash, mechanism, -1, name)
        close = stack.pop_all().close
    connected = ConnectedFace(face, at.board, at.clock, setup, close, seen.statistics.remarks)
    return HardwareRig(connected, seen, folder)
