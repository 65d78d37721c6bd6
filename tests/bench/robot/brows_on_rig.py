"""Brows on the rig: how well their height follows the loudness of a voice, under each emotion."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.models.face.blendshapes import FPS
from mien.models.face.emotion import EMOTIONS, Variation
from mien.robot.control.loop import RATE_HZ, Loop, Tick
from mien.robot.expression.emotion.prosody import loudness, smooth, voice
from mien.robot.expression.emotion.track import EmotionTrack, Label
from mien.robot.expression.performance import TAIL_S, perform
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import load_face
from mien.robot.link.board import Board
from mien.robot.media.audio import RATE
from mien.robot.sim.rig import Rig
from mien.robot.sim.sim_board import SimBoard
from tests.bench.robot.outside import demo_sentence

BROWS: Final = (52, 105, 66, 107, 282, 334, 296, 336)
"""Landmarks of the brows' upper edges."""
_LATEST: Final = 12  # frames by which skin and servos may be behind the voice


def correlations(face: str, intensity: float) -> dict[str, float]:
    """r by emotion of the brows' height with the loudness while the face speaks."""
    calibrated = Calibrated(load_face(face), None)
    rig = Rig(calibrated.face)
    sim = SimBoard(rig)
    board = Board(calibrated.face, sim, sim.now)
    board.connect()
    heights: list[float] = []

    def watch(tick: Tick) -> None:
        if tick.t >= -1e-9:
            heights.append(float(rig.landmarks()[list(BROWS), 1].mean()))

    loop = Loop(calibrated.face, board, sim, watch)
    loop.play(lambda _t: np.zeros(len(calibrated.face.names)), 1.0)
    sound = demo_sentence()
    padded = np.concatenate([sound, np.zeros(int(TAIL_S * RATE), np.float32)])
    out = {}
    for name in EMOTIONS:
        track = EmotionTrack((Label({name: intensity}, -np.inf),), Variation(seed=1))
        done = perform(calibrated, sound, 1, emotion_track=track)
        heights.clear()
        frames = len(done.commands)
        loop.play(done.at(board.lead_s + calibrated.lag_s), frames / RATE_HZ)
        level = smooth(loudness(padded, RATE, frames), 0.08)
        speaks = np.flatnonzero(voice(padded, RATE, frames) > 0.5)
        speaks = speaks[(speaks > FPS // 3) & (speaks < len(heights) - _LATEST)]
        height = np.array(heights)
        out[name] = max(
            float(np.corrcoef(height[speaks + late], level[speaks])[0, 1])
            for late in range(_LATEST)
        )
    board.close()
    return out
