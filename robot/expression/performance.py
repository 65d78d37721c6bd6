"""Performance: the commands of a whole clip, computed from its sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import FPS
from mien.models.fusion.rules import Fusion
from mien.robot.expression import voice_style
from mien.robot.expression.emotion.track import EmotionTrack
from mien.robot.expression.layers import Life, act
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import Floats
from mien.robot.face.solver import FaceSolver, head_gains
from mien.robot.media.audio import RATE

TAIL_S = 0.6
"""Time in s after the sound in which the mouth closes."""


@dataclass(frozen=True)
class Performance:
    """A clip that is ready to be played. Frame k belongs to k / 60 s.

    Attributes:
        weights: (T, 52) ARKit blendshapes, all layers.
        head: (T, 3) neck commands yaw, pitch, roll.
        targets: (T, 478, 3) mm, target landmarks of this face.
        commands: (T, n) result of the inverse.
        residual_mm: by region, RMS over the clip in mm between target and self-model.
        inverse_ms: (T,) computing time of each inversion in ms.
        spoken: (T, 52) output of the speech model alone.
    """

    weights: NDArray[np.float32]
    head: Floats
    targets: Floats
    commands: Floats
    residual_mm: dict[str, float]
    inverse_ms: Floats
    spoken: NDArray[np.float32]

    def at(self, lead_s: float) -> Callable[[float], Floats]:
        """Commands (n,) as a function of time in s, ``lead_s`` seconds ahead."""
        last = len(self.commands) - 1

        def command(t: float) -> Floats:
            x = min(max((t + lead_s) * FPS, 0.0), float(last))
            k = min(int(x), last - 1)
            return np.asarray(
                self.commands[k] + (x - k) * (self.commands[k + 1] - self.commands[k])
            )

        return command


def perform(
    calibrated: Calibrated,
    samples: NDArray[np.float32],
    seed: int = 0,
    progress: Callable[[float], None] = lambda _: None,
    emotion_track: EmotionTrack | None = None,
    fuse: Fusion | None = None,
    head_gain: float = 1.0,
    style: voice_style.Styles = None,
) -> Performance:
    """Compute the performance of a sound (n,) at 16 kHz.

    Args:
        seed: of blinks, gaze and head.
        progress: called with the share that is done, 0 to 1.
        emotion_track: emotions over the clip; None is neutral.
        fuse: blends emotion and speech; None takes the first of ``layers.FUSIONS``.
        head_gain: factor of the motion of the head, 0 to 2.
        style: of a voice, in each emotion.
    """
    padded = np.concatenate([samples, np.zeros(int(TAIL_S * RATE), np.float32)])
    mixed = (emotion_track or EmotionTrack()).whole
    spoken = voice_style.speak(padded, style, mixed)
    gains = head_gains(calibrated.face, head_gain)
    habits = voice_style.habits(style, mixed(np.arange(len(spoken)) / FPS))
    life = Life(seed=seed, head_gain=gains, habits=habits)
    acted = act(spoken, padded, RATE, life, emotion_track, fuse)
    return solved(calibrated, acted.weights, acted.head, spoken, progress)


def solved(
    calibrated: Calibrated,
    weights: NDArray[np.float32],
    head: Floats,
    spoken: NDArray[np.float32],
    progress: Callable[[float], None] = lambda _: None,
    dt: float = 1.0 / FPS,
) -> Performance:
    """Invert all frames of a clip: weights (T, 52) and neck (T, 3) to commands.

    Args:
        spoken: (T, 52) what the voice alone gives, kept with the clip.
        progress: called with the share that is done, 0 to 1.
        dt: time in s in which servos may make the way from frame to frame.
    """
    solver = FaceSolver(calibrated)
    targets, direct = solver.targets(weights), solver.direct(weights, head)
    commands, spent = np.zeros_like(direct), np.zeros(len(targets))
    squares: dict[str, float] = {}
    for k, target in enumerate(targets):
        began = perf_counter()
        found = solver.invert(target, direct[k], dt)
        spent[k] = 1e3 * (perf_counter() - began)
        commands[k] = found.commands
        for region, miss in found.residual_mm.items():
            squares[region] = squares.get(region, 0.0) + miss**2 / len(targets)
        progress((k + 1) / len(targets))
    missed = {region: float(np.sqrt(s)) for region, s in squares.items()}
    return Performance(weights, head, targets, commands, missed, spent, spoken)
