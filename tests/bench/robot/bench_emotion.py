"""``mien bench emotion``: is a feeling seen after the servos, and what does it cost the lips?

Every clip goes the whole way: speech model, feeling, fusion, retargeting, inverse, limiter,
firmware, servos, skin. Keys:

- ``accuracy`` (``accuracy_rendered`` for the other camera): share of test clips whose emotion, of
  eight at one intensity, a judge (``tests.bench.models.expression_reader``) names from landmarks
  alone; the
  judge was fitted on other sentences played by another build. ``ceiling``: the same judge fitted
  and tested on the targets, before any servo.
- ``monotone``: mean Spearman rank correlation of expression strength (RMS displacement of the mean
  face from that of the neutral clip) with intensity, over emotions and sentences.
- ``closure_recall_neutral``, ``closure_recall``, ``closure_cost``: share of p, b, m with a lip gap
  (above that of the closed lips) below ``metrics.CLOSED`` of the *neutral* clip's 95th percentile
  within ``metrics.REACH``; mean over emotions; loss. ``closure_cost_own``: the same loss with each
  clip's own 95th percentile, which moves where a feeling opens the mouth more or less.
- ``r_lip_neutral``, ``r_lip``, ``r_lip_cost``: Pearson r of the rig's lip gap with the speech
  model's own opening, while somebody speaks, at the neutral clip's best lag; mean over emotions;
  loss.
- ``zero_intensity_error``: largest difference of weights between intensity 0 and neutral.
- ``plain_*``, ``crossed_*``, ``learned_*``: the two costs by fusion, on a part of the sentences,
  and ``shown_mm``, how far the mean face is from the neutral clip's (RMS), so that a fusion which
  spares the lips by not feeling is found out.

``--judges`` measures other things: what networks see that nobody here trained
(``tests.bench.robot.outside``), on builds 0 to 3. Keys:

- ``JUDGE_07``, ``JUDGE_10``: share of the seven classes' stills at that intensity which a judge
  names; ``face_api_10_CLASS``, ``face_api_worst_10`` by class; ``judges_mean_10`` over the judges.
- ``rising``: classes of six whose probability (face-api) grows from 0.35 over 0.7 to 1.0.
- ``speech_face_api``: share of 91 frames of the shipped sentence, in seven classes at 0.8.
- ``closure_kept``: recall of p, b, m under each emotion over that of the neutral clip; the worst.
- ``oo_width``, ``pressed_lip_height`` (of rest), ``fv_contact_mm``: lips of single sounds.
- ``blink_film``: smallest opening of the lids in the neutral sentence at 30 frames/s, of open.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from mien.robot.errors import InputError

if TYPE_CHECKING:
    from mien.robot.face.calibrated import Calibrated
    from tests.bench.robot.clip_sequence import CameraKind
    from tests.bench.robot.emotion_sentences import Sentence

_BUILDS = (0, 1, 2, 3)
_CLOSURES, _SPOKEN = 8, 0.8  # sentences and intensity of the closures that judges are not asked for


def bench(
    face: Annotated[str, typer.Option(help="A face that ships, or a YAML file.")] = "morpheus33",
    calibration: Annotated[
        Path | None, typer.Option(help="A self-model of the tested build; default: the shipped.")
    ] = None,
    build: Annotated[int, typer.Option(min=0, help="The robot that is tested.")] = 1,
    other_build: Annotated[int, typer.Option(min=0, help="The robot that the judge knows.")] = 2,
    intensity: Annotated[float, typer.Option(min=0.0, max=1.0)] = 0.8,
    sentences: Annotated[int, typer.Option(min=2, help="Tested.")] = 20,
    fitted: Annotated[int, typer.Option(min=2, help="Sentences that the judge is fitted on.")] = 6,
    compared: Annotated[int, typer.Option(min=0, help="Sentences for the three fusions.")] = 4,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of sound and TextGrids; default $MIEN_DATA/lj_phones."),
    ] = None,
    camera: Annotated[str, typer.Option(help="projected, rendered (slow) or both.")] = "projected",
    judges: Annotated[
        bool, typer.Option("--judges", help="Ask the judges from outside instead (.ci/judges).")
    ] = False,
    kind: Annotated[str, typer.Option("--fusion", help="crossed, learned or plain.")] = "crossed",
) -> dict[str, float | int | str | None]:
    """Emotion after the servos: recognised, graded, and kind to the lips."""
    import numpy as np

    from mien.models.face.emotion import EMOTIONS
    from mien.robot.expression.layers import FUSIONS
    from mien.robot.face.calibrated import Calibrated
    from mien.robot.face.config import load_face
    from tests.bench.models.expression_reader import Reader, accuracy, confused, describe
    from tests.bench.robot import emotion_trials
    from tests.bench.robot.clip_sequence import ClipSequence
    from tests.bench.robot.emotion_trials import lip_costs, shown_mm, trial

    config = load_face(face)
    calibrated = Calibrated(config, calibration)
    if judges:
        return dict(outside(calibrated, emotion_trials.spoken_sentences(data, _CLOSURES), kind))
    said = emotion_trials.spoken_sentences(data, sentences + fitted)
    test, learn = said[:sentences], said[sentences:]
    cameras = camera_kind(camera)
    out: dict[str, float | int | str | None] = {}
    with ClipSequence(calibrated, other_build, cameras) as robot:
        known = [trial(calibrated, robot, s, {e: intensity}, kind) for s in learn for e in EMOTIONS]
        rest_known = robot.rest
    with ClipSequence(calibrated, build, cameras) as robot:
        tried = [trial(calibrated, robot, s, {e: intensity}, kind) for s in test for e in EMOTIONS]
        rest = robot.rest
        out |= emotion_trials.graded(calibrated, robot, test[: emotion_trials.GRADED], kind)
        for other in FUSIONS if compared else ():
            part = test[:compared]
            again = [
                tried[len(EMOTIONS) * i + k]
                if other == kind or e == "neutral"
                else trial(calibrated, robot, s, {e: intensity}, other, rendered=False)
                for i, s in enumerate(part)
                for k, e in enumerate(EMOTIONS)
            ]
            out |= {f"{other}_{k}": v for k, v in lip_costs(again).items() if "cost" in k}
            out[f"{other}_shown_mm"] = shown_mm(again)
    labels, known_labels = list(EMOTIONS) * len(test), list(EMOTIONS) * len(learn)
    for name in rest:
        judge = Reader.fit(
            np.stack([describe(t.observation.landmarks[name], rest_known[name]) for t in known]),
            known_labels,
        )
        found = judge.read(
            np.stack([describe(t.observation.landmarks[name], rest[name]) for t in tried])
        )
        tail = "" if name == cameras or (cameras == "both" and name == "rendered") else f"_{name}"
        out[f"accuracy{tail}"] = accuracy(labels, found)
        out[f"confused{tail}"] = confused(labels, found)
    neutral = calibrated.retarget.neutral
    judge = Reader.fit(np.stack([describe(t.targets, neutral) for t in known]), known_labels)
    out["ceiling"] = accuracy(
        labels, judge.read(np.stack([describe(t.targets, neutral) for t in tried]))
    )
    out |= lip_costs(tried)
    out["zero_intensity_error"] = emotion_trials.zero_error(test[0], tried[0].spoken, kind)
    return out | {
        "build": build, "other_build": other_build, "sentences": len(test), "camera": cameras,
        "speech": "recorded" if test[0].phones and " " not in test[0].name else "synthetic",
        "fusion": kind, "self_model": calibrated.path.name,
    }  # fmt: skip


def outside(calibrated: Calibrated, sentences: list[Sentence], kind: str) -> dict[str, float]:
    """What judges from outside see, and what an emotion costs the closures.

    Raises:
        InputError: a judge is missing.
    """
    from mien.models.face.emotion import EMOTIONS
    from tests.bench.robot import outside as seen
    from tests.bench.robot.clip_sequence import ClipSequence
    from tests.bench.robot.emotion_trials import closures_kept, trial
    from tests.bench.robot.judges.networks import MissingJudgeError

    try:
        out = seen.judged(seen.stills(calibrated, _BUILDS))
        frames, out["blink_film"] = seen.spoken(calibrated, seen.demo_sentence())
        out["speech_face_api"] = seen.recognised(frames)
    except MissingJudgeError as error:
        raise InputError(str(error), "bash .ci/judges") from error
    with ClipSequence(calibrated, _BUILDS[1], "projected") as robot:
        trials = [
            trial(calibrated, robot, s, {e: _SPOKEN}, kind) for s in sentences for e in EMOTIONS
        ]
    return out | seen.lips(calibrated, _BUILDS) | {"closure_kept": closures_kept(trials)}


def camera_kind(name: str) -> CameraKind:
    """The kind of camera that an option names.

    Raises:
        InputError: there is none of that name.
    """
    from tests.bench.robot.clip_sequence import CameraKind

    for kind in get_args(CameraKind):
        if kind == name:
            return kind
    raise InputError(f"no camera {name!r}", f"--camera {' | '.join(get_args(CameraKind))}")
