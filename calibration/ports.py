"""Opens what ``--port`` and ``--camera`` name: the simulated rig, or a board and a webcam."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from calibration.dataset import Setup
from calibration.frames import NOBODY, Frame
from calibration.studio import Studio
from robot import sim
from robot.config import FaceConfig
from robot.errors import InputError
from robot.link.board import Board

CAMERAS = ("projected", "rendered")


def open_studio(
    face: FaceConfig, port: str = "sim", camera: str = "projected", build: int = 0, seed: int = 0
) -> Studio:
    """A connected board with a camera before it; nothing has moved yet.

    Raises:
        InputError: a port or camera that calibration cannot use.
        DeviceError: the rendered camera without OpenGL.
    """
    if camera not in CAMERAS:
        raise InputError(f"no camera {camera!r}; there are {', '.join(CAMERAS)}")
    if port != "sim":
        raise InputError(
            f"cannot calibrate on port {port!r}: only the simulated rig has a camera so far",
            f"mien calibrate all --face {face.name} --port sim",
        )
    # MuJoCo takes a second to import and is not needed to fit or report.
    from robot.sim.board import SimBoard
    from robot.sim.camera import Camera, ProjectedCamera, RenderedCamera
    from robot.sim.rig import Rig

    rig = Rig(face, build)
    eye: Camera = ProjectedCamera(seed=seed) if camera == "projected" else RenderedCamera(rig)
    line = SimBoard(rig)
    board = Board(face, line, line.now)
    board.connect()

    def sight() -> Frame:
        seen = eye.look(rig)
        if seen.landmarks is None:
            return NOBODY
        return Frame(seen.landmarks, rig.head_pose(), time=seen.time)

    def close() -> None:
        board.close()
        eye.close()

    setup = Setup(face.name, face.hash, mechanism_hash(face), build, camera)
    return Studio(face, board, line, sight, setup, truth=rig.landmarks, close=close)


def mechanism_hash(face: FaceConfig) -> str:
    """16 hex digits of the file that describes the face's rig."""
    path = Path(sim.__file__).parent / "mechanisms" / f"{face.mechanism}.yaml"
    return sha256(path.read_bytes()).hexdigest()[:16]
