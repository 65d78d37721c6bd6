"""Opens what ``--port`` and ``--camera`` name: the simulated rig, or a board and a webcam."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

from mien.calibration.capture.dataset import Setup
from mien.calibration.capture.frame_filter import NOBODY, Frame
from mien.calibration.capture.rig import RIG_SETTLE_S, Studio
from mien.robot import sim
from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig
from mien.robot.link.board import LEAD_S, Board

CAMERAS = ("projected", "rendered")
AUTO = "auto"
DELAY_S = 0.06
"""How long before its arrival a webcam's picture was taken: they have 30 to 80 ms."""


def open_studio(
    face: FaceConfig,
    port: str = "sim",
    camera: str = AUTO,
    build: int = 0,
    seed: int = 0,
    folder: Path | None = None,
    delay_s: float = DELAY_S,
    faults: Sequence[str] = (),
) -> Studio:
    """A connected board with a camera before it; nothing has moved yet.

    Args:
        face: the face.
        port: ``sim``, ``auto``, or the path of a serial port.
        camera: before the rig ``projected`` or ``rendered``, before a real face as of
            ``mien.robot.media.webcam.Pictures``; ``auto`` is projected or 0.
        build, seed: of the rig and its camera.
        folder: of the calibration: where a real face's rest is kept.
        delay_s: of a real camera.
        faults: of the rig, as of ``mien.robot.sim.faults``.

    Raises:
        InputError: a port or camera that calibration cannot use.
        DeviceError: no board, no camera, or the rendered one without OpenGL.
    """
    if port != "sim":
        if faults:
            raise InputError(
                f"faults ({', '.join(faults)}) are for the simulated rig, not for a face on {port}",
                f"mien calibrate all --face {face.name} --port {port}",
            )
        return _real(face, port, "0" if camera == AUTO else camera, folder, delay_s)
    camera = CAMERAS[0] if camera == AUTO else camera
    if camera not in CAMERAS:
        raise InputError(
            f"no camera {camera!r} before the rig; there are {', '.join(CAMERAS)}",
            f"mien calibrate all --face {face.name} --port auto --camera {camera}, for a real face",
        )
    # MuJoCo takes a second to import and is not needed to fit or report.
    from mien.robot.sim.board import SimBoard
    from mien.robot.sim.camera import Camera, ProjectedCamera, RenderedCamera
    from mien.robot.sim.faults import parse_faults
    from mien.robot.sim.rig import Rig

    rig = Rig(face, build, parse_faults(list(faults), face))
    formula = ProjectedCamera(seed=seed) if camera == "projected" else None
    eye: Camera = formula or RenderedCamera(rig, closely=True)
    line = SimBoard(rig)
    board = Board(face, line, line.now)
    board.connect()

    def sight() -> Frame:
        seen = eye.detect(rig)
        if seen.landmarks is None:
            return NOBODY
        head = rig.head_pose() if seen.head is None else seen.head
        return Frame(seen.landmarks, head, time=seen.time)

    def close() -> None:
        board.close()
        eye.close()

    setup = Setup(face.name, face.hash, mechanism_hash(face), build, camera)
    clear = None if formula is None else lambda: rig.landmarks() + formula.bias
    return Studio(
        face,
        board,
        line,
        sight,
        setup,
        truth=rig.landmarks,
        true_head=rig.head_pose,
        clear=clear,
        settle_s=RIG_SETTLE_S,
        close=close,
    )


def mechanism_hash(face: FaceConfig) -> str:
    """16 hex digits of the file that describes the face's rig."""
    path = Path(sim.__file__).parent / "mechanisms" / f"{face.mechanism}.yaml"
    return sha256(path.read_bytes()).hexdigest()[:16]


def _real(face: FaceConfig, port: str, camera: str, folder: Path | None, delay_s: float) -> Studio:
    """A board on a serial port and a webcam, both on the machine's clock."""
    if camera in CAMERAS:
        raise InputError(
            f"the camera {camera!r} sees the simulated rig only, not a face on {port}",
            f"mien devices, then mien calibrate all --face {face.name} --port {port} --camera 0",
        )
    # MediaPipe takes seconds to import.
    from mien.calibration.capture.camera import Eyes
    from mien.calibration.capture.live import LiveStudio
    from mien.models.vision.face_tracker import FaceTracker
    from mien.robot.control.connect import opened
    from mien.robot.link.discovery import board_device, identity
    from mien.robot.media.webcam import Pictures
    from mien.robot.sim.head import load_head

    with ExitStack() as held:
        pictures = held.enter_context(Pictures(camera))
        device = board_device() if port == AUTO else port
        at = held.enter_context(opened(face, device, lead_s=LEAD_S))
        tracker = FaceTracker(load_head().neutral_landmarks, max_faces=2)
        eyes = Eyes(pictures, tracker, delay_s)
        mechanism = f"hardware {identity(device)}".strip()
        setup = Setup(face.name, face.hash, mechanism, -1, pictures.name)
        close = held.pop_all().close
    return LiveStudio(face, at.board, at.clock, eyes, setup, folder, close)
