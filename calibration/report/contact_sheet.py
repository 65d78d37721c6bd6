"""The contact sheet of a report: the calibrated robot beside the nominal one, asked for the same.

Numbers do not say whether a smile is a smile. Each robot is simulated and driven by its own
self-model: the calibrated one, and the robot of the design with the model that ships for it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mien.calibration.capture.capture_rig import ConnectedFace
from mien.calibration.capture.dataset import Setup
from mien.calibration.capture.frame_filter import NO_FACE
from mien.calibration.capture.sim_rig import SimRig
from mien.calibration.verify.asked_takes import still_weights
from mien.models.face.emotion import EMOTIONS, blend, mix
from mien.models.self_model.model import SelfModel
from mien.robot.face.calibrated import FittedFace
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.solver import FaceSolver
from mien.robot.link.board import Board
from mien.robot.sim.render import CameraView, Renderer
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard

Robot = tuple[str, SelfModel, int]
"""Caption, self-model and build of a robot."""
WIDTH, HEIGHT, COLUMNS = 150, 180, 7
_VIEW: Final = CameraView(position=(0.0, -22.0, 960.0), target=(0.0, -24.0, 0.0), fov_deg=13.5)
SHAPES: Final[dict[str, dict[str, float]]] = {
    "rest": {},
    "blink": {"eyeBlink": 1.0},
    "smile": {"mouthSmile": 1.0},
    "jaw": {"jawOpen": 1.0},
    "pucker": {"mouthPucker": 1.0},
    "lips closed": {"jawOpen": 0.6, "mouthClose": 0.6},
    "brows up": {"browInnerUp": 1.0},
}
_INK, _PAPER = (28, 39, 51), (255, 255, 255)
_CAPTION_PX = 16
_QUALITY = 88  # of the JPEG


def contact_sheet(face: FaceConfig, robots: Sequence[Robot], sentence: Floats) -> bytes:
    """A JPEG with a row of pictures for each robot, over all poses.

    Args:
        face: the face.
        robots: one row each.
        sentence: (S, 52) weights of frames of a sentence.

    Raises:
        DeviceError: this machine has no OpenGL.
    """
    asked = {name: still_weights(shape) for name, shape in SHAPES.items()}
    asked |= {name: blend(mix({name: 1.0})) for name in EMOTIONS}
    asked |= {f"sentence {k + 1}": weights for k, weights in enumerate(sentence)}
    weights = np.stack(list(asked.values()))
    rows = [_pictures(face, model, build, weights) for _, model, build in robots]
    bands = -(-len(asked) // COLUMNS)
    tall = len(robots) * (HEIGHT + _CAPTION_PX) + _CAPTION_PX
    sheet = Image.new("RGB", (COLUMNS * WIDTH, bands * tall), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for k, name in enumerate(asked):
        x, y = k % COLUMNS * WIDTH, k // COLUMNS * tall
        pen.text((x + 4, y + 2), name, fill=_INK)
        for (caption, _, _), pictures in zip(robots, rows, strict=True):
            y += _CAPTION_PX
            pen.text((x + 4, y + 2), caption, fill=_INK)
            sheet.paste(Image.fromarray(pictures[k]), (x, y + _CAPTION_PX))
            y += HEIGHT
    out = io.BytesIO()
    sheet.save(out, format="JPEG", quality=_QUALITY)
    return out.getvalue()


def _pictures(
    face: FaceConfig, model: SelfModel, build: int, weights: Floats
) -> list[NDArray[np.uint8]]:
    """Pictures (HEIGHT, WIDTH, 3) of a robot that is asked for weights (P, 52), one by one."""
    commands = FaceSolver(FittedFace(face, model)).still(weights)
    simulated = Rig(face, build)
    line = SimBoard(simulated)
    board = Board(face, line, line.now)
    board.connect()
    setup = Setup(face.name, face.hash, "", build, "")
    at = ConnectedFace(face, board, line, setup, board.close)
    rig = SimRig(at, lambda: NO_FACE, simulated.landmarks, simulated.head_pose)
    out = []
    try:
        rig.start()
        with Renderer(simulated.head, WIDTH, HEIGHT) as renderer:
            for sent in commands:
                rig.move_to(face.safe)
                rig.move_to(sent)
                rig.settle()
                state = simulated.skin_state()
                out.append(renderer.render(simulated.skin.deform(state), state.head, _VIEW))
    finally:
        rig.stop()
    return out
