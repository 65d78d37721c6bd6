"""Files of a song that was played on the simulated face: film, take, subtitles, numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import FPS
from mien.models.song.hearing import Heard
from mien.models.song.subtitles import MotionCue
from mien.robot.clip import figure, play_on_rig
from mien.robot.expression.performance import Performance
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.provenance import origin
from mien.robot.face.solver import HEAD_RANGE_RAD
from mien.robot.media import livelink_takes as livelink
from mien.robot.media.audio import RATE
from mien.robot.runs import write_json


@dataclass(frozen=True)
class Song:
    """A song that is ready to be played.

    Attributes:
        calibrated: the face.
        samples: (n,) at 16 kHz, the sound of the film.
        performance: its motion.
        heard: what was heard in it.
        cues: the subtitles that were performed.
        seed: of blinks, gaze, head and variation.
        name: of the sound.
        words: what became of its lyrics or score.
    """

    calibrated: Calibrated
    samples: NDArray[np.float32]
    performance: Performance
    heard: Heard
    cues: tuple[MotionCue, ...]
    seed: int
    name: str
    words: str = ""


def write(
    song: Song,
    folder: Path,
    options: play_on_rig.PlayOptions,
    progress: Callable[[float], None] = lambda _: None,
) -> dict[str, Any]:
    """Play a song on the rig and write its files to ``folder``; returns the metrics.

    ``take.csv`` is a Live Link Face take with the turns of the head, for ``mien play``.
    """
    performance = song.performance
    played = play_on_rig.play(song.calibrated, performance, song.samples, options, folder, progress)
    figure.draw(folder / "figure.png", song.samples, RATE, performance.targets, played.trace)
    take = folder / "take.csv"
    rotations = np.zeros((len(performance.weights), len(livelink.ROTATIONS)))
    for axis, name in enumerate(("HeadYaw", "HeadPitch", "HeadRoll")):
        column = livelink.ROTATIONS.index(name)
        rotations[:, column] = performance.head[:, axis] * HEAD_RANGE_RAD[axis]
    livelink.write_csv(take, performance.weights, FPS, rotations)
    livelink.write_sidecar(take, {"fps": FPS, "sound": song.name, **described(song.heard)})
    numbers = {
        **origin(song.calibrated.face, song.seed),
        "sound": song.name,
        "board": options.board,
        "build": options.build,
        "self_model": song.calibrated.path.name,
        "cues": len(song.cues),
        "words": song.words,
        **play_on_rig.measure(song.calibrated.face, performance, song.samples, played),
    }
    write_json(folder / "metrics.json", numbers)
    return numbers


def described(heard: Heard) -> dict[str, Any]:
    """What was heard in a song, for a file."""
    return {
        "voice": heard.has_voice,
        "alone": heard.alone,
        "sung_s": round(heard.seconds, 2),
        "beat_s": round(heard.beat.period_s, 3),
        "notes": [
            {
                "start": round(n.start, 3),
                "end": round(n.end, 3),
                "hertz": round(n.hertz, 1),
                "level_db": round(n.level_db, 1),
                "vibrato_hz": round(n.vibrato_hz, 1),
                "vibrato_cents": round(n.vibrato_cents),
            }
            for n in heard.notes
        ],
        "phrases": [{"start": round(p.start, 3), "end": round(p.end, 3)} for p in heard.phrases],
    }
