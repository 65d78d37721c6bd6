"""``mien bench manner``: what directing is worth, beside rules and life, on the rig.

Keys, each for the generator that ``mien direct`` uses; with the suffix of another one beside it
(``_rules``: rules and life, ``_manner``: the manner network):

- ``keyframe_error``: curves that a keyframe holds, read back from the rig's true landmarks, against
  the same pose held still for a second (relative). ``keyframes_named``: of the shapes of which the
  rig shows less than 0.9, the share that is said before anything moves.
- ``outside_edit_changed``: values of a take changed beyond +-15 frames of an edit. ``seam``:
  acceleration at the borders of edits over the clip's own 99th percentile, their median;
  ``seam_worst``.
- ``diversity_upper``, ``diversity_head``, ``diversity_lips``: spread over takes, over that of ten
  filmed takes with the most equal words on the same rig. ``variance_ratio_min``, ``_max``:
  variance over time of brows, lids and head over the filmed one, least and most of the three.
- ``listens_upper``, ``listens_head``: error with another sentence's sound over that with the right
  one, of single takes; with ``_mean`` of the mean of the takes. ``error_*``: the error itself, in
  spreads of the corpus; ``_mean``, ``_nearest``, ``_random`` are those of no motion, of the filmed
  clip with the most equal words, and of any clip. ``best_of_10_over_mean``: the best of the takes
  over their mean error; ``best_of_10`` is its error.
- ``closure_change``: points of p, b, m and other closures that lips lose against rules and life.
- ``imitation_distance``, ``style_auc``, ``content_leak``: see
  ``manner_imitation.imitation``; styles are planted on filmed sentences.
- ``sample_10s_s``: CPU time of sampling 10 s.
- ``recall_at_1``: share of held-out directions, of held-out voices and of labels whose nearest
  motion is of the feeling that is meant, mean of the three (``recall_text``, ``recall_sound`` among
  four, ``recall_label``). ``scenes``: the same of held-out scenes without the name of a feeling;
  ``outside``: of lines of other kinds, a fourth of them neutral. ``neutral_intensity``: strongest
  intensity that those neutral lines get, mean (``_p90``: ninth decile; 0 is right);
  ``neutral_shown``: share of them that get more than 0.1.
  ``agreement``: pairs of sources of one feeling that find the same motion. ``monotone``: steps
  along degree words and labels that move the skin more. The seeds are builds of the rig. See
  ``manner_feeling``.
- ``keyframe_f1``: placed key frames within two frames of the teacher's (30 Hz), a network trained
  on the teacher; ``keyframe_f1_grid``: those of the filmed speaker, with ``_uniform`` and
  ``_loudness`` beside it. ``peak_error_with_keyframes``, ``path_leak``, ``live_ms``,
  ``live_differs``: see ``manner_keys``.

``--part`` measures only feelings, keys, or shows (all that is not one of the two).

Each number is the mean over three seeds, ``*_spread`` the standard deviation between them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.robot.errors import InputError

SEEDS = (0, 1, 2)
PARTS = ("all", "shows", "feelings", "keys")
TEACHER_STEPS = 800
MOTION_CLIPS = 30
"""Sentences of a seed whose motion is compared with the filmed one."""
PEAK_CLIPS = 8
"""Sentences of a seed whose key frames are played on the rig."""


def bench(
    face: Annotated[str, typer.Option(help="A face that ships, or a YAML file.")] = "morpheus33",
    data: Annotated[
        Path | None, typer.Option(help="Folder in GRID's layout; default $MIEN_DATA/grid_s1.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Weights of the manner network; default those that ship.")
    ] = None,
    clips: Annotated[int, typer.Option(min=2, help="Sentences that are played on the rig.")] = 3,
    heard: Annotated[int, typer.Option(min=4, help="Sentences for listens.")] = 40,
    takes: Annotated[int, typer.Option(min=2, help="Takes of each sentence.")] = 10,
    part: Annotated[str, typer.Option(help="all, shows, feelings or keys.")] = "all",
) -> dict[str, float | int | str | None]:
    """Keyframes, edits, takes and listening of what directs a show."""
    from functools import partial

    import numpy as np

    from mien.models.manner.weights import WEIGHTS
    from mien.robot.face.calibrated import Calibrated
    from mien.robot.face.config import load_face
    from mien.robot.show import manner as net
    from mien.robot.show.direct import default_generator
    from mien.robot.show.generator import Generator, rules
    from tests.bench.robot import manner_corpus as corpus
    from tests.bench.robot import manner_imitation as styles
    from tests.bench.robot import manner_trials as trials
    from tests.bench.robot.manner_rig import RigReader

    folder = data or Path(os.environ.get("MIEN_DATA", "")) / "grid_s1"
    if not (folder / "face.npz").is_file():
        raise InputError(f"no filmed sentences in {folder}", "set MIEN_DATA, or --data FOLDER")
    if part not in PARTS:
        raise InputError(f"no part {part!r}; there are {', '.join(PARTS)}", "--part keys")
    path = weights or WEIGHTS
    by: dict[str, Generator] = {"rules": rules}
    made: dict[str, Callable[..., Any]] = {"rules": trials.life_deviations}
    if path.is_file():
        by["manner"] = partial(net.manner, path=path)
        made["manner"] = partial(net.deviations, path=path)
    chosen = default_generator()
    tests, train = corpus.sentences(folder, True, heard), corpus.sentences(folder, False, 400)
    scale = corpus.spreads(train)
    filmed_too = corpus.sentences(folder, True, len(SEEDS) * MOTION_CLIPS)
    reader = RigReader(Calibrated(load_face(face)))
    several: dict[str, list[float]] = {}

    def add(name: str, generator: str, value: float) -> None:
        several.setdefault(f"{name}_{generator}", []).append(value)
        if generator == chosen:
            several.setdefault(name, []).append(value)

    out: dict[str, float | int | str | None] = {"face": face, "generator": chosen}
    if part in ("all", "feelings"):
        out |= _feelings(face, folder.parent)
    if part in ("all", "keys"):
        out |= _keys(reader, train, tests, by[chosen], clips)
    if part not in ("all", "shows"):
        return out
    for seed in SEEDS:
        part_of = tests[seed :: len(SEEDS)]
        for name, maker in made.items():
            for key, value in trials.listening(part_of, maker, scale, takes).items():
                add(key, name, value)
        found = trials.diversity(reader, part_of[:clips], train, by, takes)
        for name, rows in found.items():
            mean = {k: float(np.nanmean(v)) for k, v in rows.items()}
            for key, value in mean.items():
                if key != "closed":
                    add(key, name, value)
            closed = np.array(rows["closed"]) - np.array(found["rules"]["closed"])
            add("closure_change", name, float(np.nanmean(closed)))
        moved = trials.motion(reader, filmed_too[seed :: len(SEEDS)], by, seed)
        for name, ratios in moved.items():
            add("variance_ratio_min", name, min(ratios.values()))
            add("variance_ratio_max", name, max(ratios.values()))
            for key, value in ratios.items():
                add(key, name, value)
        scenes = [s.scene for s in part_of[:clips]]
        for name, generator in by.items():
            add("keyframe_error", name, float(np.mean(
                trials.keyframes(reader, scenes, generator, seed))))  # fmt: skip
            changed, seams = trials.edits(reader, scenes[:2], generator, seed)
            add("outside_edit_changed", name, changed)
            add("seam", name, float(np.median(seams)))
            add("seam_worst", name, max(seams))
            known = styles.planted(train, styles.STYLES, seed)
            copied = styles.imitation(reader, scenes[:2], known, generator, seed)
            for key, value in copied.items():
                add(key, name, value)
    for key, values in several.items():
        out[key] = float(np.mean(values))
        if len(values) > 1 and key != "outside_edit_changed":
            out[f"{key}_spread"] = float(np.std(values))
    out |= trials.neighbours(tests, train, scale)
    out["keyframes_named"], out["keyframes_unreachable"] = trials.named(reader)
    if path.is_file():
        out["sample_10s_s"] = trials.seconds_to_sample(tests[0].scene, path)
    return out


def _feelings(face: str, data: Path) -> dict[str, float | int | str | None]:
    """The space of feeling on three builds of the rig."""
    import numpy as np

    from mien.models.feeling.space import space
    from mien.robot.face.calibrated import Calibrated
    from mien.robot.face.config import load_face
    from tests.bench.robot import manner_feeling as trials
    from tests.bench.robot.manner_rig import RigReader

    calibrated, found = Calibrated(load_face(face)), []
    for build in SEEDS:
        reader = RigReader(calibrated, build)
        found.append(trials.trials(reader, space(), data))
        if build == 0:
            steps = trials.monotone(reader, space()) | trials.ordinary(space())
    out: dict[str, float | int | str | None] = {**steps}
    for key in found[0]:
        out[key] = float(np.mean([f[key] for f in found]))
        out[f"{key}_spread"] = float(np.std([f[key] for f in found]))
    return out


def _keys(
    reader: Any, train: Any, tests: Any, by: Any, clips: int
) -> dict[str, float | int | str | None]:
    """Key frames, paths and the live manner."""
    import numpy as np

    from tests.bench.robot import manner_keys as trials

    out: dict[str, float | int | str | None] = {**trials.on_film(train, tests)}
    several: dict[str, list[float]] = {}
    for seed in SEEDS:
        scenes = [s.scene for s in tests[seed :: len(SEEDS)][:clips]]
        found = trials.of_teacher(train, tests, seed, TEACHER_STEPS)
        several_of = [s.scene for s in tests[seed :: len(SEEDS)][:PEAK_CLIPS]]
        found |= trials.peaks(reader, several_of, by, seed)
        found |= trials.leaks(reader, scenes, by, seed)
        found |= trials.live(scenes)
        for key, value in found.items():
            several.setdefault(key, []).append(value)
    for key, values in several.items():
        out[key], out[f"{key}_spread"] = float(np.mean(values)), float(np.std(values))
    return out
