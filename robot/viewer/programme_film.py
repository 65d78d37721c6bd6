"""A programme on the simulated rig, in lock-step through the real firmware, on film."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mien.robot.clip.rig_film import FILM_FPS
from mien.robot.control.loop import RATE_HZ, Loop, Tick
from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig
from mien.robot.link.board import Board
from mien.robot.media.film import film
from mien.robot.sim.render import Renderer
from mien.robot.sim.render_options import FILM_LIGHT, FILM_VIEW
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard
from mien.robot.viewer.programme import Programme

_SILENCE_HZ: Final = 8000
INK: Final = (250, 235, 120)


def check(path: Path) -> None:
    """Whether a film can be put there, before anything takes time.

    Raises:
        InputError: not an mp4, or no such folder.
    """
    if path.suffix.lower() != ".mp4":
        raise InputError(f"{path}: the film is an mp4", f"--render {path.with_suffix('.mp4')}")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}", f"mkdir -p {path.parent}")


def shoot(
    face: FaceConfig,
    rig: Rig,
    programme: Programme,
    path: Path,
    side: int,
    progress: Callable[[float], None] = lambda _: None,
) -> int:
    """Film a programme to ``path``, ``side`` x ``side`` pixels; returns the number of frames.

    The rig runs as fast as the machine can. The same rig and programme give the same pictures.

    Raises:
        InputError: nothing can be written there. DeviceError: no OpenGL.
    """
    check(path)
    side -= side % 2
    sim = SimBoard(rig)
    board = Board(face, sim, sim.now)
    silence = np.zeros(int(programme.seconds * _SILENCE_HZ), np.float32)
    frames = 0
    with (
        Renderer(rig.head, side, side) as renderer,
        film(path, (side, side), FILM_FPS, silence, _SILENCE_HZ) as writer,
    ):

        def observe(tick: Tick) -> None:
            nonlocal frames
            if tick.t < 0 or round(tick.t * RATE_HZ) % (RATE_HZ // FILM_FPS):
                return
            state = rig.skin_state()
            picture = renderer.render(rig.skin.deform(state), state.head, FILM_VIEW, FILM_LIGHT)
            writer.frame(captioned(picture, programme.label(tick.t)))
            frames += 1
            progress(min(1.0, tick.t / programme.seconds))

        board.connect()
        try:
            Loop(face, board, sim, observe).play(programme.commands, programme.seconds)
        finally:
            board.close()
    return frames


def captioned(picture: NDArray[np.uint8], label: str) -> NDArray[np.uint8]:
    """The picture (h, w, 3) with a line of text at its top left."""
    image = Image.fromarray(picture)
    ImageDraw.Draw(image).text((8, 6), label, fill=INK, font_size=max(10, len(picture) // 26))
    return np.asarray(image, dtype=np.uint8)
