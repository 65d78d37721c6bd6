"""``mien bench life``: does the face move as a person does?

Keys:

- ``human_NAME``, ``ours_NAME``: the sentences of GRID's speaker that nothing was tuned on (every
  second one), filmed, and this face with the same voices. ``AXIS_deg``: standard deviation within a
  sentence of 3 s; ``AXIS_wander_deg``: between the sentences; ``AXIS_deg_s``: speed (RMS);
  ``AXIS_share_LOW_HIGH_hz``: share of the power; ``brow`` in units of its own, so that only its
  spectrum and r compare; ``NAME_r_loudness`` while he speaks; ``blinks_per_min``, ``blink_s``.
- ``saccades_per_min``, ``saccade_deg``, ``fixation_s``, ``away_s``, ``away_share_speaking``,
  ``away_share_listening``: the gaze of this face in the same sentences.
- ``idle_*``: ten minutes without a voice (``tests.bench.robot.idle``).
- ``brow_r_EMOTION``, ``brow_r_worst``: r of the brows' height on the rig with the loudness of the
  shipped sentence, under each emotion at ``--intensity``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mien.robot.errors import InputError


def bench(
    face: Annotated[str, typer.Option(help="A face that ships, or a YAML file.")] = "morpheus33",
    data: Annotated[
        Path | None, typer.Option(help="Folder in GRID's layout; default $MIEN_DATA/grid_s1.")
    ] = None,
    sentences: Annotated[int, typer.Option(min=2, help="Compared, at most.")] = 500,
    tuned: Annotated[
        bool, typer.Option("--tuned", help="The half that the amounts were tuned on instead.")
    ] = False,
    intensity: Annotated[float, typer.Option(min=0.0, max=1.0)] = 0.8,
    rig: Annotated[bool, typer.Option(help="Play the sentence under each emotion.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Of the face's life.")] = 0,
) -> dict[str, float | int | str | None]:
    """Head, brows, blinks and gaze beside those of a filmed speaker."""
    import numpy as np

    from mien.models.face.blendshapes import FPS
    from mien.robot.expression.emotion.prosody import voice
    from mien.robot.expression.life import Life
    from mien.robot.media.audio import RATE
    from tests.bench.robot import brows_on_rig, idle, life_measures

    folder = data or Path(os.environ.get("MIEN_DATA", "")) / "grid_s1"
    if not (folder / "face.npz").is_file():
        raise InputError(f"no filmed sentences in {folder}", "set MIEN_DATA, or --data FOLDER")
    life = Life(seed=seed)
    talks = life_measures.filmed(folder, 0 if tuned else 1)[:sentences]
    ours = life_measures.played(talks, life)
    out: dict[str, float | int | str | None] = {"face": face, "sentences": len(talks)}
    human, own = life_measures.measures(talks), life_measures.measures(ours)
    for name, value in human.items():
        out[f"human_{name}"], out[f"ours_{name}"] = value, own[name]
    sound = np.concatenate([t.sound for t in talks[:100]])
    gate = voice(sound, RATE, len(sound) * FPS // RATE)
    out |= life_measures.of_gaze(life.gaze(np.arange(len(gate)) / FPS, gate), gate)
    out |= {f"idle_{k}": v for k, v in idle.measured(seed, 600.0).items()}
    if rig:
        found = brows_on_rig.correlations(face, intensity)
        out |= {f"brow_r_{name}": r for name, r in found.items()}
        out["brow_r_worst"] = min(found.values())
    return out
