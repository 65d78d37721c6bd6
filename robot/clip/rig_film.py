"""Film of the simulated robot while it plays."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.robot.media.audio import RATE
from mien.robot.media.film import Film, film
from mien.robot.sim.render import Renderer
from mien.robot.sim.render_options import FILM_LIGHT, FILM_VIEW
from mien.robot.sim.rig import Rig

FILM_FPS: Final = 30


class _Unfilmed:
    def frame(self, image: NDArray[np.uint8]) -> None:
        """Discard the image."""


def filming(
    rig: Rig, height: int, samples: NDArray[np.float32], path: Path
) -> AbstractContextManager[tuple[Callable[[], NDArray[np.uint8]], Film]]:
    """A function that draws the rig, and the film that takes the images; none for height 0."""
    if not height:
        blank = np.zeros((1, 1, 3), np.uint8)
        return nullcontext((lambda: blank, _Unfilmed()))
    return _Camera(rig, height - height % 2, samples, path)


class _Camera(AbstractContextManager[Any]):
    def __init__(self, rig: Rig, side: int, samples: NDArray[np.float32], path: Path) -> None:
        self._rig = rig
        self._renderer = Renderer(rig.head, side, side)
        self._film = film(path, (side, side), FILM_FPS, samples, RATE)

    def __enter__(self) -> tuple[Callable[[], NDArray[np.uint8]], Film]:
        return self._shoot, self._film.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._film.__exit__(*error)
        self._renderer.close()

    def _shoot(self) -> NDArray[np.uint8]:
        state = self._rig.skin_state()
        parts = self._rig.skin.deform(state)
        image: NDArray[np.uint8] = self._renderer.render(parts, state.head, FILM_VIEW, FILM_LIGHT)
        return image
