"""Opens the capture rig that ``--port`` and ``--camera`` name: simulated, or board and webcam."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

from mien.calibration.capture.capture_rig import CaptureRig, ConnectedFace
from mien.calibration.capture.dataset import Setup
from mien.calibration.capture.frame_filter import NO_FACE, CapturedFrame
from mien.models.vision import tracker_bias
from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig
from mien.robot.link.board import LEAD_S, Board
from mien.robot.sim.description import mechanism_path

CAMERAS = ("projected", "rendered")
AUTO = "auto"
DELAY_S = 0.06
"""Default time from a webcam's capture of a picture to its arrival; webcams have 0.03 to 0.08 s."""


def open_rig(
    face: FaceConfig,
    port: str = "sim",
    camera: str = AUTO,
    build: int = 0,
    seed: int = 0,
    folder: Path | None = None,
    delay_s: float = DELAY_S,
    faults: Sequence[str] = (),
) -> CaptureRig:
    """A connected capture rig. Nothing has moved yet.

    Args:
        face: the face.
        port: ``sim``, ``auto``, or the path of a serial port.
        camera: ``projected`` or ``rendered`` for the simulated rig; for a real face as in
            ``mien.robot.media.webcam.Pictures``; ``auto`` is projected or 0.
        build: seed of the simulated robot's tolerances, and of its camera's constant error.
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
    formula = ProjectedCamera(seed=seed, unit=build) if camera == "projected" else None
    simulated: Camera = formula or RenderedCamera(rig, closely=True)
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
            landmarks = tracker_bias.shipped().corrected(landmarks, simulated.reference)
        return CapturedFrame(landmarks, head, time=seen.time)

    def close() -> None:
        board.close()
        simulated.close()

    bias = "" if formula else tracker_bias.version()
    setup = Setup(face.name, face.hash, mechanism_hash(face), build, camera, bias=bias)
    noiseless = None if formula is None else lambda: rig.landmarks() + formula.bias
    at = ConnectedFace(face, board, line, setup, close)
    return SimRig(at, capture, rig.landmarks, rig.head_pose, noiseless)


def mechanism_hash(face: FaceConfig) -> str:
    """First 16 hex digits of the SHA-256 of the file that describes the face's mechanism."""
    path = mechanism_path(face.mechanism_source)
    return sha256(path.read_bytes()).hexdigest()[:16]


def _real(
    face: FaceConfig, port: str, camera: str, folder: Path | None, delay_s: float
) -> CaptureRig:
    """A board on a serial port and a webcam, on the clock of this computer."""
    if camera in CAMERAS:
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

    with ExitStack() as stack:
        pictures = stack.enter_context(Pictures(camera))
        at = stack.enter_context(opened(face, port, lead_s=LEAD_S))
        tracker = FaceTracker(load_head().neutral_landmarks, max_faces=2)
        tracking = TrackingCamera(pictures, tracker, delay_s)
        mechanism = f"hardware {identity(at.device)}".strip()
        bias = tracker_bias.version()
        setup = Setup(face.name, face.hash, mechanism, -1, pictures.name, bias=bias)
        connected = ConnectedFace(face, at.board, at.clock, setup, stack.pop_all().close)
    return HardwareRig(connected, tracking, folder)
