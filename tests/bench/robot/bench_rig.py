"""``mien bench rig``: how fast the simulated rig is, and what kind of robot it is."""

from __future__ import annotations

import time
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from mien.robot.control.loop import RATE_HZ
from mien.robot.face.actuators import to_pulses
from mien.robot.face.config import FaceConfig, load_face
from mien.robot.face.safety import Limiter
from mien.robot.link.board import Board
from mien.robot.sim.camera import Optics, ProjectedCamera, RenderedCamera
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard
from tests.bench.robot.rig_measures import LinearMap, hysteresis, landmarks_at, motion, random_poses

F64 = NDArray[np.float64]
CAMERA_HZ = 30
TRAIN = 0.75  # share of the poses that a map is fitted to; the others judge it


def bench(
    face: Annotated[str, typer.Option(help="A face's name or file.")] = "morpheus33",
    seconds: Annotated[float, typer.Option(help="Simulated time for the real-time factor.")] = 20.0,
    poses: Annotated[int, typer.Option(help="Random poses for maps and tracking.")] = 500,
    builds: Annotated[int, typer.Option(help="Other robots to compare with build 0.")] = 20,
    render: Annotated[bool, typer.Option(help="Draw and track the poses (needs OpenGL).")] = True,
) -> dict[str, float | int | str | None]:
    """Measure the rig on this machine."""
    config = load_face(face)
    rig = Rig(config)
    out: dict[str, float | int | str | None] = {"face": config.name, "poses": poses}
    out["realtime_factor"] = round(realtime_factor(config, seconds), 2)
    if rig.machine.tendons:
        shares = hysteresis(rig)
        out["hysteresis_pct"] = round(100.0 * float(np.mean(list(shares.values()))), 2)
    asked = random_poses(config, poses, seed=1)
    out |= _seen(rig, asked) if render else {"render_ms_p50": None, "tracked_fraction": None}
    rig.reset()
    reached = landmarks_at(rig, asked)
    out |= _maps(config, asked, reached, builds)
    return out


def realtime_factor(face: FaceConfig, seconds: float) -> float:
    """Simulated time over the time of one core: firmware, 60 Hz setpoints, 30 Hz landmarks.

    Processor time and not the wall's, so that whatever else the machine does is left out.
    """
    rig = Rig(face)
    line, camera = SimBoard(rig), ProjectedCamera()
    board = Board(face, line, line.now)
    board.connect()
    board.arm()
    camera.detect(rig)  # the skin's weights are made with the first detection
    limiter, pose = Limiter(face), face.safe.copy()
    goals = random_poses(face, int(seconds * 4.0) + 2, seed=2)
    start, began = line.now(), time.process_time()
    for k in range(round(seconds * RATE_HZ)):
        t = start + k / RATE_HZ
        pose = limiter(goals[int(4.0 * k / RATE_HZ)], pose, 1.0 / RATE_HZ).commands
        board.send(t, to_pulses(face, pose))
        board.read()
        line.sleep_until(t + 1.0 / RATE_HZ)
        if k * CAMERA_HZ % RATE_HZ == 0:
            camera.detect(rig)
    return seconds / (time.process_time() - began)


def _seen(rig: Rig, asked: F64) -> dict[str, float | int | str | None]:
    from mien.models.vision.face_tracker import FaceTracker  # MediaPipe takes seconds to load

    camera = RenderedCamera(rig, Optics(blur=0.0, noise=0.0))
    tracker = FaceTracker(rig.head.neutral_landmarks, fov_deg=camera.optics.view.fov_deg)
    spent, found = [], []

    def look(moved: Rig) -> None:
        began = time.perf_counter()
        image = camera.picture(moved)
        spent.append(time.perf_counter() - began)
        found.append(tracker.track(image).found)

    rig.reset()
    landmarks_at(rig, asked, look)
    camera.close()
    tracker.close()
    return {
        "render_ms_p50": round(1e3 * float(np.median(spent)), 2),
        "tracked_fraction": round(float(np.mean(found)), 4),
    }


def _maps(
    face: FaceConfig, asked: F64, reached: F64, builds: int
) -> dict[str, float | int | str | None]:
    """Maps of displacements from each robot's own neutral, so that identity does not count."""
    split = int(TRAIN * len(asked))
    neutral = Rig(face).landmarks()
    fitted = LinearMap(asked[:split], reached[:split] - neutral)
    own = fitted.residual(asked[split:], reached[split:] - neutral)
    out: dict[str, float | int | str | None] = {
        "motion_mm": round(motion(reached), 3),
        "nonlinearity_pct": round(100.0 * own / motion(reached[split:]), 2),
    }
    others = []
    for seed in range(1, builds + 1):
        other = Rig(face, build=seed)
        rest = other.landmarks()
        moved = landmarks_at(other, asked[split:]) - rest
        others.append(fitted.residual(asked[split:], moved))
    spread = 100.0 * (float(np.mean(others)) / own - 1.0) if others else None
    out["build_spread_pct"] = None if spread is None else round(spread, 2)
    return out
