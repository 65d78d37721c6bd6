"""Clip sequence: clips played one after the other on one simulated robot, observed by cameras."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from mien.models.face.regions import lip_gap
from mien.robot.control.loop import RATE_HZ, Loop, Tick
from mien.robot.expression.performance import Performance
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import Floats
from mien.robot.link.board import Board
from mien.robot.sim.camera import Camera, ProjectedCamera, RenderedCamera
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard

CameraKind = Literal["projected", "rendered", "both"]
PROJECT_EVERY_TICKS: Final = 6
"""Ticks between two detections: ten a second are enough for a sentence."""
RENDER_EVERY_TICKS: Final = 12
"""The same with rendered images."""


@dataclass(frozen=True)
class ClipObservation:
    """Observation of one clip.

    Attributes:
        lip_gap: (T,) mm at 60 fps, true lip gap above that of closed lips.
        landmarks: by camera, (K, 478, 3) mm; NaN where no face was found.
    """

    lip_gap: Floats
    landmarks: dict[str, NDArray[np.float32]]


class ClipSequence:
    """One simulated robot that stays powered between clips, as its tendons have hysteresis.

    Args:
        calibrated: the face.
        build: seed of the robot's tolerances.
        cameras: cameras that observe the robot.

    Attributes:
        rest: by camera, (478, 3) mm, landmarks at neutral.
        closed_mm: true lip gap in mm of closed lips on this robot.
    """

    def __init__(self, calibrated: Calibrated, build: int, cameras: CameraKind) -> None:
        self._calibrated, self._rig = calibrated, Rig(calibrated.face, build)
        self._sim = SimBoard(self._rig)
        self._board = Board(calibrated.face, self._sim, self._sim.now)
        self._board.connect()
        self._loop = Loop(calibrated.face, self._board, self._sim, self._observe)
        self._cameras: dict[str, Camera] = {}
        if cameras in ("projected", "both"):
            self._cameras["projected"] = ProjectedCamera(seed=build)
        if cameras in ("rendered", "both"):
            self._cameras["rendered"] = RenderedCamera(self._rig, seed=build)
        self._open = [*self._cameras]
        self._gap: list[float] = []
        self.closed_mm = 0.0
        self._landmarks: dict[str, list[NDArray[np.float32]]] = {}
        self.rest = self._rest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for camera in self._cameras.values():
            camera.close()
        self._board.close()

    def play(self, performance: Performance, rendered: bool = True) -> ClipObservation:
        """Play a clip ahead by the board's lead and the face's lag, and observe it.

        Args:
            performance: the clip.
            rendered: False leaves out the rendered camera, which is slow, if there is another one.
        """
        self._open = [k for k in self._cameras if rendered or k != "rendered"] or [*self._cameras]
        lead = self._board.lead_s + self._calibrated.lag_s
        seconds = len(performance.commands) / RATE_HZ
        self._clear()
        self._loop.play(performance.at(lead), seconds, lead)
        return self._observation()

    def _rest(self) -> dict[str, Floats]:
        """Landmarks at neutral by camera, (478, 3) mm: the mean over one second."""
        self._clear()
        names = self._calibrated.face.names
        self._loop.play(lambda _t: np.zeros(len(names)), 1.5)
        self.closed_mm = float(np.median(self._gap[len(self._gap) // 3 :]))
        landmarks = self._observation().landmarks
        return {
            k: np.nanmean(v[len(v) // 3 :].astype(np.float64), axis=0) for k, v in landmarks.items()
        }

    def _clear(self) -> None:
        self._gap, self._landmarks = [], {name: [] for name in self._open}

    def _observation(self) -> ClipObservation:
        return ClipObservation(
            np.array(self._gap) - self.closed_mm,
            {k: np.stack(v) for k, v in self._landmarks.items()},
        )

    def _observe(self, tick: Tick) -> None:
        if tick.t < -1e-9:
            return
        self._gap.append(float(lip_gap(self._rig.landmarks())))
        for name in self._open:
            if len(self._gap) % (RENDER_EVERY_TICKS if name == "rendered" else PROJECT_EVERY_TICKS):
                continue
            found = self._cameras[name].detect(self._rig).landmarks
            none = np.full((478, 3), np.nan)
            self._landmarks[name].append((none if found is None else found).astype(np.float32))
