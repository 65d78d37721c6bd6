"""``mien sync``: measures by camera how late the lips are for the sound, and corrects it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Final, Protocol

import numpy as np
import typer
from numpy.typing import NDArray

from mien.models.face.blendshapes import FPS
from mien.models.face.regions import lip_gap
from mien.models.speech.metrics import lag_ms, pearson
from mien.robot.control.loop import RATE_HZ, Clock, Loop, Tick
from mien.robot.errors import InputError, MienError
from mien.robot.expression.performance import Performance, perform
from mien.robot.face import sync_store
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import Floats, load_face
from mien.robot.link.board import Board
from mien.robot.media import audio
from mien.robot.verbs.options import (
    AsJson,
    Build,
    Calibration,
    CameraDelay,
    Face,
    MeasuredPort,
    Speech,
)

GRID_HZ: Final = 240
MIN_CORRELATION: Final = 0.5
MAX_DURATION_S: Final = 12.0
_PARTS: Final = 3

Detect = Callable[[], tuple[float, Floats] | None]
"""(time in s, landmarks (478, 3) mm) of the newest image, or None when there is no new one."""


@dataclass(frozen=True)
class Offset:
    """Measured offset between lips and sound.

    Attributes:
        offset_ms: lips behind the sound in ms; negative is early.
        spread_ms: standard deviation over thirds of the sentence, ms.
        r: correlation of observed and target lip gap at that offset.
        detections: images with a face.
    """

    offset_ms: float
    spread_ms: float
    r: float
    detections: int


class Speaker(Protocol):
    """A sound output that plays the sentence."""

    def begin(self, t: float) -> None:
        """Begin the sentence at ``t`` s of the clock."""


def measure(
    calibrated: Calibrated,
    performance: Performance,
    board: Board,
    clock: Clock,
    detect: Detect,
    lag_s: float,
    speaker: Speaker | None = None,
) -> Offset:
    """Play a performance, ahead by the board's lead and ``lag_s``, and compare the lips with it.

    Raises:
        MienError: the observed lips do not follow the sentence. The face is at rest by then.
    """
    times: list[float] = []
    gaps: list[float] = []

    def observe(tick: Tick) -> None:
        start = clock.now() - tick.t - 1.0 / RATE_HZ
        if speaker is not None:
            speaker.begin(start)
        if (observed := detect()) is not None and observed[0] - start > 0:
            times.append(observed[0] - start)
            gaps.append(float(lip_gap(observed[1])))

    seconds = len(performance.commands) / FPS
    lead = board.lead_s + lag_s
    Loop(calibrated.face, board, clock, observe).play(performance.at(lead), seconds, lead)
    return compare(np.array(times), np.array(gaps), lip_gap(performance.targets))


def compare(times: Floats, gaps: Floats, target: Floats) -> Offset:
    """Offset of lip gaps (k,) mm, observed at ``times`` (k,) s, to the target at 60 fps (T,) mm.

    Raises:
        MienError: too few observations, or they do not follow the target.
    """
    frames = np.arange(len(target)) / FPS
    if len(times) < FPS:
        raise MienError(f"the camera saw the face {len(times)} times only", "mien devices")
    grid = np.arange(0.3, min(frames[-1], times[-1]) - 0.3, 1 / GRID_HZ)
    target_gap, observed = np.interp(grid, frames, target), np.interp(grid, times, gaps)
    whole = lag_ms(observed, target_gap, GRID_HZ)
    r = pearson(np.interp(grid + 1e-3 * whole, times, gaps), target_gap)
    if r < MIN_CORRELATION:
        raise MienError(
            f"the lips do not follow the sentence (r {r:.2f}, required {MIN_CORRELATION})",
            "mien calibrate, or a camera that sees the whole face",
        )
    thirds = zip(np.array_split(observed, _PARTS), np.array_split(target_gap, _PARTS), strict=True)
    spread = float(np.std([lag_ms(s, a, GRID_HZ) for s, a in thirds]))
    return Offset(whole, spread, r, len(times))


def sync(
    face: Face = "morpheus33",
    port: MeasuredPort = "sim",
    camera: Annotated[
        str, typer.Option(help="Camera in front of a real face: 0 or /dev/video0.")
    ] = "0",
    camera_delay: CameraDelay = 0.0,
    speaker: Annotated[
        str | None,
        typer.Option(help="Sound output that plays the sentence during the measurement."),
    ] = None,
    wav: Speech = None,
    calibration: Calibration = None,
    build: Build = 0,
    rendered: Annotated[
        bool, typer.Option(help="Track rendered images of the simulated robot with MediaPipe.")
    ] = False,
    store: Annotated[bool, typer.Option(help="Store the result for mien live.")] = True,
    as_json: AsJson = False,
) -> None:
    """Measure how late the lips are for the sound, correct the lag, and measure again.

    Example: mien sync --port auto --camera 0 --camera-delay 50
    """
    config = load_face(face)
    calibrated = Calibrated(config, calibration)
    samples = audio.load(wav or audio.LJ_DEMO)
    if len(samples) > MAX_DURATION_S * audio.RATE:
        raise InputError(f"the sentence is longer than {MAX_DURATION_S:g} s", "a shorter --wav")
    performance = perform(calibrated, samples)
    known = sync_store.stored_lag(config)
    lag_s = calibrated.lag_s if known is None else known

    def once(lag: float) -> Offset:
        if port == "sim":
            return _simulated(calibrated, performance, lag, build, rendered)
        return _real(
            calibrated, performance, lag, port=port, camera=camera, delay_s=1e-3 * camera_delay,
            device=speaker, samples=samples,
        )  # fmt: skip

    before = once(lag_s)
    better = lag_s + 1e-3 * before.offset_ms
    after = once(better)
    report = {
        "lag_ms": 1e3 * better,
        **{f"{k}_before": v for k, v in _reported(before).items()},
        **{f"{k}_after": v for k, v in _reported(after).items()},
    }
    if store:
        path = sync_store.store(config, better, 1e-3 * before.spread_ms)
        print(f"stored in {path}", file=sys.stderr)
    if as_json:
        print(json.dumps(report))
    else:
        print(
            f"lips {before.offset_ms:+.0f} ms for the sound (spread {before.spread_ms:.0f}, "
            f"r {before.r:.2f}); with a lag of {1e3 * better:.0f} ms: {after.offset_ms:+.0f} ms"
        )


def _reported(offset: Offset) -> dict[str, float]:
    """An offset under the keys of ``--json``."""
    numbers = asdict(offset)
    return {**numbers, "looks": numbers.pop("detections")}


def lag_in_lockstep(calibrated: Calibrated, samples: NDArray[np.float32]) -> float:
    """Lag in s that brings lips and sound (n,) at 16 kHz together on the nominal rig."""
    performance = perform(calibrated, samples)
    lag_s = calibrated.lag_s
    return lag_s + 1e-3 * _simulated(calibrated, performance, lag_s, 0, False).offset_ms


def _simulated(
    calibrated: Calibrated, performance: Performance, lag_s: float, build: int, rendered: bool
) -> Offset:
    """Measure in lock-step. The sentence begins with the loop, as with a perfect speaker."""
    from mien.robot.sim.camera import Camera, ProjectedCamera, RenderedCamera
    from mien.robot.sim.realtime import simulated

    sim = simulated(calibrated.face, build)
    board = Board(calibrated.face, sim, sim.now)
    board.connect()
    camera: Camera = RenderedCamera(sim.rig) if rendered else ProjectedCamera(seed=1)
    turn = 0

    def detect() -> tuple[float, Floats] | None:
        nonlocal turn
        turn += 1
        if turn % 2:  # a camera of 30 pictures a second
            return None
        detection = camera.detect(sim.rig)
        return None if detection.landmarks is None else (detection.time, detection.landmarks)

    try:
        return measure(calibrated, performance, board, sim, detect, lag_s)
    finally:
        camera.close()
        board.close()


def _real(
    calibrated: Calibrated,
    performance: Performance,
    lag_s: float,
    port: str,
    camera: str,
    delay_s: float,
    device: str | None,
    samples: NDArray[np.float32],
) -> Offset:
    from mien.robot.control.connect import opened
    from mien.robot.live.playout import Sentence
    from mien.robot.media.webcam import Webcam

    with opened(calibrated.face, port) as at, Webcam(camera) as cam:
        last = -np.inf
        speaker = None if device is None else Sentence(samples, device)

        def detect() -> tuple[float, Floats] | None:
            nonlocal last
            observed = cam.newest()
            if observed is None or not observed.found or observed.time <= last:
                return None
            last = observed.time
            return observed.time - delay_s, observed.landmarks

        try:
            return measure(calibrated, performance, at.board, at.clock, detect, lag_s, speaker)
        finally:
            if speaker is not None:
                speaker.close()
