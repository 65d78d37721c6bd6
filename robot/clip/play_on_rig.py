"""Play a performance on the simulated face, through the real firmware, with film and metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mien.models.checkpoint import content_hash
from mien.models.face.blendshapes import FPS
from mien.models.face.regions import lip_gap, mouth_width
from mien.models.speech.phone_track import estimate
from mien.robot.clip import figure
from mien.robot.clip.rig_film import FILM_FPS, filming
from mien.robot.clip.trace import Trace, jaw_opening, lag_and_correlation, loudness
from mien.robot.control.loop import RATE_HZ, Loop, Tick
from mien.robot.errors import InputError
from mien.robot.expression import speech
from mien.robot.expression.performance import Performance
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import FaceConfig, Floats
from mien.robot.face.provenance import origin
from mien.robot.link.board import Board
from mien.robot.media import livelink_takes as livelink
from mien.robot.media.audio import RATE
from mien.robot.runs import write_json
from mien.robot.sim.faults import parse_faults
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import Core, SimBoard

PREROLL_S = 0.25
"""Time at the first frame of the clip before the sound begins."""
BoardKind = Literal["host", "avr"]
QUIET_DB = 35.0
"""A clip is silent so far below its highest level."""


@dataclass(frozen=True)
class PlayOptions:
    """Options of a play on the rig.

    Attributes:
        build: seed of the rig's tolerances; 0 has none.
        faults: faults by name, see ``mien.robot.sim.faults``.
        board: host runs the firmware in this process, avr on an emulated ATmega2560.
        height: height of the film in pixels; 0 makes no film.
    """

    build: int = 0
    faults: tuple[str, ...] = ()
    board: str = "host"
    height: int = 640


@dataclass(frozen=True)
class PlayResult:
    """Result of a play on the rig.

    Attributes:
        trace: ticks and landmarks.
        rest: (478, 3) mm, landmarks of the rig at neutral before the play.
        link: counters of the serial link.
        realtime_factor: simulated seconds per second of computing.
        render_ms: time of each rendered image in ms.
    """

    trace: Trace
    rest: Floats
    link: dict[str, float]
    realtime_factor: float
    render_ms: Floats


def play(
    calibrated: Calibrated,
    performance: Performance,
    samples: NDArray[np.float32],
    options: PlayOptions,
    folder: Path,
    progress: Callable[[float], None] = lambda _: None,
) -> PlayResult:
    """Play on the rig in lock-step, through limiter, serial frames and firmware.

    Commands are sent ahead by the board's lead and the face's lag, so that the skin is in time with
    the
    sound. The film is ``folder/film.mp4``, unless ``options.height`` is 0.

    Args:
        calibrated: the face.
        performance: the clip.
        samples: (n,) sound at 16 kHz.
        options: where and how to play.
        folder: folder of the film.
        progress: called with the share that is done, 0 to 1.

    Raises:
        InputError: unknown board or fault.
        DeviceError: no OpenGL, or no emulator for ``avr``.
    """
    return play_motion(
        calibrated.face,
        lambda lead_s: performance.at(lead_s + calibrated.lag_s - PREROLL_S),
        len(performance.commands) / FPS,
        samples, options, folder, progress,
    )  # fmt: skip


def play_motion(
    face: FaceConfig,
    motion: Callable[[float], Callable[[float], Floats]],
    seconds: float,
    samples: NDArray[np.float32],
    options: PlayOptions,
    folder: Path,
    progress: Callable[[float], None] = lambda _: None,
) -> PlayResult:
    """Play commands on the rig in lock-step, as ``play``.

    Args:
        motion: lead of the board in s -> commands (n,) as a function of time in s. The clip begins
            ``PREROLL_S`` later.
        seconds: duration of the clip.
    """
    check(options, face)
    rig = Rig(face, options.build, parse_faults(list(options.faults), face))
    sim = SimBoard(rig, _core(options.board, face))
    board = Board(face, sim, sim.now)
    trace, rest = Trace(face), rig.landmarks()
    rendered: list[float] = []
    with filming(rig, options.height, samples, folder / "film.mp4") as (shoot, writer):

        def observe(tick: Tick) -> None:
            t = tick.t - PREROLL_S
            end = t + 1.0 / RATE_HZ
            if end > -1e-9:
                trace.add(replace(tick, t=t), rig.landmarks())
                progress(min(1.0, end / seconds))
                if round(end * RATE_HZ) % (RATE_HZ // FILM_FPS) == 0:
                    began = perf_counter()
                    writer.frame(shoot())
                    rendered.append(1e3 * (perf_counter() - began))

        began = perf_counter()
        board.connect()
        loop = Loop(face, board, sim, observe)
        loop.play(motion(board.lead_s), seconds + PREROLL_S)
        spent = perf_counter() - began - 1e-3 * sum(rendered)
        link = board.report()
        board.close()
    return PlayResult(trace, rest, link, sim.now() / spent, np.array(rendered))


def write(
    folder: Path,
    calibrated: Calibrated,
    performance: Performance,
    samples: NDArray[np.float32],
    played: PlayResult,
    options: PlayOptions,
    about: dict[str, Any],
    emotion: dict[str, object] | None = None,
) -> dict[str, Any]:
    """Write figure, blendshapes with side-car, and metrics to ``folder``; returns the metrics.

    ``emotion`` is the emotion track of the clip, if there is one.
    """
    figure.draw(folder / "figure.png", samples, RATE, performance.targets, played.trace)
    sheet = folder / "blendshapes.csv"
    livelink.write_csv(sheet, performance.weights, FPS)
    livelink.write_sidecar(sheet, sidecar(performance, samples, about, emotion))
    numbers = {
        **origin(calibrated.face, int(about.get("seed", 0))),
        **about,
        "board": options.board,
        "build": options.build,
        "faults": list(options.faults),
        "self_model": calibrated.path.name,
        **measure(calibrated.face, performance, samples, played),
    }
    write_json(folder / "metrics.json", numbers)
    return numbers


def sidecar(
    performance: Performance,
    samples: NDArray[np.float32],
    about: dict[str, Any],
    emotion: dict[str, object] | None,
) -> dict[str, Any]:
    """Description of the blendshapes of a clip, for their side-car file.

    ``phones`` is the estimate of the speech network.
    """
    phones = estimate(speech.engine(), samples)
    return {
        "fps": FPS,
        "frames": len(performance.weights),
        "sound": about.get("sound"),
        "text": about.get("text"),
        "lookahead_ms": 1e3 * speech.lookahead_s(),
        "model": {"kind": "speech", "weights": content_hash(speech.WEIGHTS)},
        "phones_from": "the speech network's estimate",
        "phones": [
            {"phone": p.name, "start": round(p.start, 4), "end": round(p.end, 4)} for p in phones
        ],
        "emotion": emotion,
    }


def measure(
    face: FaceConfig, performance: Performance, samples: NDArray[np.float32], played: PlayResult
) -> dict[str, Any]:
    """Metrics of a play. Lengths are in mm at the true landmarks of the rig."""
    trace, frames = played.trace, np.arange(len(performance.targets)) / FPS
    t, observed = trace.t, trace.landmarks

    def target(of: Callable[[Floats], Floats]) -> Floats:
        return np.interp(t, frames, of(performance.targets))

    gap, target_gap = lip_gap(observed), target(lip_gap)
    late, r_gap = lag_and_correlation(target_gap, gap, RATE_HZ)
    late_jaw, r_jaw = lag_and_correlation(target(jaw_opening), jaw_opening(observed), RATE_HZ)
    db = loudness(samples, RATE, t)
    silent = _inside(db < db.max(initial=-80.0) - QUIET_DB)
    rest = float(lip_gap(played.rest))
    near = np.minimum(np.round(t * FPS).astype(int), len(frames) - 1)
    miss = np.linalg.norm(observed - performance.targets[near], axis=-1)
    return {
        **trace.limits(),
        "seconds": float(t[-1]),
        "lag_ms": late,
        "r_lip_gap": r_gap,
        "jaw_lag_ms": late_jaw,
        "r_jaw": r_jaw,
        "r_lip_gap_log_rms": lag_and_correlation(db, gap, RATE_HZ)[1],
        "lip_gap_p95_mm": float(np.percentile(gap, 95)),
        "lip_gap_wanted_p95_mm": float(np.percentile(target_gap, 95)),
        "silent_gap_mm": float(np.median(gap[silent]) - rest) if silent.any() else None,
        "landmark_error_mm": float(miss.mean()),
        "landmark_error_pct_of_mouth": float(100 * miss.mean() / mouth_width(played.rest)),
        "unreached_mm": performance.residual_mm,
        "inverse_ms_p50": float(np.percentile(performance.inverse_ms, 50)),
        "inverse_ms_p99": float(np.percentile(performance.inverse_ms, 99)),
        "realtime_factor": played.realtime_factor,
        "render_ms_p50": float(np.median(played.render_ms)) if len(played.render_ms) else None,
        "actuators": len(face.names),
        "link": played.link,
    }


def _inside(mask: NDArray[np.bool_], margin: int = RATE_HZ // 5) -> NDArray[np.bool_]:
    """Where ``mask`` holds for ``margin`` ticks to both sides, as lips need time to move."""
    from scipy.ndimage import binary_erosion

    return np.asarray(binary_erosion(mask, iterations=margin, border_value=1), dtype=np.bool_)


def check(options: PlayOptions, face: FaceConfig) -> None:
    """Check that ``options`` fit ``face``, before anything is made or moved.

    Raises:
        InputError: unknown board or fault.
    """
    if options.board not in get_args(BoardKind):
        raise InputError(f"board {options.board!r}: allowed are {', '.join(get_args(BoardKind))}")
    parse_faults(list(options.faults), face)


def _core(kind: str, face: FaceConfig) -> Core | None:
    if kind == "host":
        return None
    from tests.bench.firmware.emulated import emulated_avr

    return emulated_avr(face)
