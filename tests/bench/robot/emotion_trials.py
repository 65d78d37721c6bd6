"""Sentences with feelings, played on a robot and judged: the parts of the emotion bench."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from mien.models.data import lip_metrics
from mien.models.face.blendshapes import FPS, lip_opening
from mien.models.face.emotion import EMOTIONS, Variation
from mien.models.speech import metrics
from mien.models.speech.phones import BILABIAL
from mien.robot.expression.emotion.prosody import voice
from mien.robot.expression.emotion.track import EmotionTrack, Label
from mien.robot.expression.layers import Life, act, fusion
from mien.robot.expression.performance import perform
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import Floats
from mien.robot.media.audio import RATE
from tests.bench.robot.clip_sequence import PROJECT_EVERY_TICKS, ClipObservation, ClipSequence
from tests.bench.robot.emotion_sentences import Sentence, recorded, synthetic

FELT: Final = EMOTIONS[1:]
GRADED: Final = 2
"""Sentences that are played at every one of the intensities STEPS."""
STEPS: Final = (0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Trial:
    """One sentence with one feeling, played."""

    sentence: Sentence
    spoken: NDArray[np.float32]
    targets: Floats
    observation: ClipObservation


def trial(
    calibrated: Calibrated,
    robot: ClipSequence,
    sentence: Sentence,
    sample: dict[str, float],
    kind: str,
    rendered: bool = True,
) -> Trial:
    """Play one sentence. The feeling is there from the beginning; life has the sentence's seed."""
    seed = sum(map(ord, sentence.name))
    done = perform(
        calibrated,
        sentence.samples,
        seed,
        emotion_track=_emotion_track(sample, seed),
        fuse=fusion(kind),
    )
    _say(f"{sentence.name[:30]:<30} {sample}")
    return Trial(
        sentence, done.spoken, done.targets[::PROJECT_EVERY_TICKS], robot.play(done, rendered)
    )


def graded(
    calibrated: Calibrated, robot: ClipSequence, some: list[Sentence], kind: str
) -> dict[str, float]:
    """Does more intensity show as more? Mean and worst rank correlation over emotions."""
    rho: dict[str, list[float]] = {name: [] for name in FELT}
    for sentence in some:

        def face(sample: dict[str, float], said: Sentence = sentence) -> Floats:
            return _mean_face(trial(calibrated, robot, said, sample, kind, rendered=False))

        still = face({"neutral": 0.0})
        for name in FELT:
            shown = [0.0, *(_apart(face({name: i}), still) for i in STEPS)]
            rho[name].append(float(spearmanr((0.0, *STEPS), shown).statistic))
    means = {name: float(np.mean(r)) for name, r in rho.items()}
    return {"monotone": float(np.mean(list(means.values()))), "monotone_worst": min(means.values())}


def lip_costs(trials: list[Trial]) -> dict[str, float]:
    """What feelings cost the lips; trials in the order sentence by sentence, all emotions each."""
    size = len(EMOTIONS)
    recall: dict[str, list[bool]] = {name: [] for name in EMOTIONS}
    own: dict[str, list[bool]] = {name: [] for name in EMOTIONS}
    r: dict[str, list[float]] = {name: [] for name in EMOTIONS}
    for start in range(0, len(trials), size):
        clip = trials[start : start + size]
        rest = clip[0]
        lag = _lag(rest)
        for name, one in zip(EMOTIONS, clip, strict=True):
            recall[name] += closures(one, _closed_mm(rest))
            own[name] += closures(one, _closed_mm(one))
            r[name].append(_r(one, lag))
    kept = {name: float(np.mean(v)) for name, v in recall.items()}
    follow = {name: float(np.mean(v)) for name, v in r.items()}
    kept_own = {name: float(np.mean(v)) for name, v in own.items()}
    felt_kept, felt_r, felt_own = (
        float(np.mean([x[n] for n in FELT])) for x in (kept, follow, kept_own)
    )
    return {
        "closure_recall_neutral": kept["neutral"],
        "closure_recall": felt_kept,
        "closure_cost": kept["neutral"] - felt_kept,
        "closure_cost_worst": kept["neutral"] - min(kept[n] for n in FELT),
        "closure_cost_own": kept_own["neutral"] - felt_own,
        "r_lip_neutral": follow["neutral"],
        "r_lip": felt_r,
        "r_lip_cost": follow["neutral"] - felt_r,
        "r_lip_cost_worst": follow["neutral"] - min(follow[n] for n in FELT),
    }


def closures_kept(trials: list[Trial]) -> float:
    """Recall of p, b and m under each emotion over that of the neutral clip: the worst emotion.

    Args:
        trials: as for ``lip_costs``.
    """
    size = len(EMOTIONS)
    hits: dict[str, list[bool]] = {name: [] for name in EMOTIONS}
    for start in range(0, len(trials), size):
        clip = trials[start : start + size]
        for name, one in zip(EMOTIONS, clip, strict=True):
            hits[name] += closures(one, _closed_mm(clip[0]))
    recall = {name: float(np.mean(v)) for name, v in hits.items()}
    return min(recall[name] for name in FELT) / max(recall["neutral"], 1e-9)


def _closed_mm(one: Trial) -> float:
    """Gap in mm below which the lips of a clip count as closed."""
    return lip_metrics.CLOSED * float(np.percentile(one.observation.lip_gap, 95))


def shown_mm(trials: list[Trial]) -> float:
    """RMS displacement of the mean face from that of the neutral clip, mean over feelings."""
    size = len(EMOTIONS)
    out = []
    for start in range(0, len(trials), size):
        still, *sample = (_mean_face(one) for one in trials[start : start + size])
        out += [_apart(face, still) for face in sample]
    return float(np.mean(out))


def closures(one: Trial, limit_mm: float) -> list[bool]:
    """For every p, b and m: did the lips come closer than ``limit_mm``?"""
    gap = one.observation.lip_gap
    t = np.arange(len(gap)) / FPS
    out = []
    for phone in one.sentence.phones:
        near = (t >= phone.start - lip_metrics.REACH) & (t <= phone.end + lip_metrics.REACH)
        if phone.name in BILABIAL and near.any():
            out.append(bool(gap[near].min() < limit_mm))
    return out


def zero_error(sentence: Sentence, spoken: NDArray[np.float32], kind: str) -> float:
    """Largest difference of weights or head between any emotion at intensity 0 and no emotion."""
    sound = np.concatenate([sentence.samples, np.zeros(RATE, np.float32)])
    still = act(spoken, sound, RATE, Life(seed=0))
    worst = 0.0
    for name in EMOTIONS:
        zero = act(spoken, sound, RATE, Life(seed=0), _emotion_track({name: 0.0}, 0), fusion(kind))
        change = np.abs(zero.weights - still.weights).max(), np.abs(zero.head - still.head).max()
        worst = max(worst, *map(float, change))
    return worst


def spoken_sentences(folder: Path | None, count: int) -> list[Sentence]:
    """From the folder, from $MIEN_DATA, or said by a synthetic voice."""
    data = os.environ.get("MIEN_DATA")
    if folder is None and data:
        folder = Path(data) / "lj_phones"
    if folder is not None:
        return recorded(folder, count)
    return synthetic(count)


def _emotion_track(sample: dict[str, float], seed: int) -> EmotionTrack:
    return EmotionTrack((Label(sample, -np.inf),), Variation(seed=seed))


def _mean_face(one: Trial) -> Floats:
    landmarks = one.observation.landmarks
    points = landmarks.get("projected", next(iter(landmarks.values()))).astype(np.float64)
    return np.asarray(np.nanmean(points, axis=0))


def _apart(face: Floats, other: Floats) -> float:
    return float(np.sqrt(np.square(face - other).sum(axis=1).mean()))


def _speaks(one: Trial) -> NDArray[np.bool_]:
    return voice(one.sentence.samples, RATE, len(one.observation.lip_gap)) > 0.5


def _lag(one: Trial) -> int:
    reach = range(-3, 16)
    return max(reach, key=lambda k: _r(one, k))


def _r(one: Trial, late: int) -> float:
    """r of the rig's gap, ``late`` frames on, with the wanted opening, while somebody speaks."""
    frames = np.flatnonzero(_speaks(one))
    frames = frames[(frames + late >= 0) & (frames + late < len(one.observation.lip_gap))]
    wanted = lip_opening(one.spoken)[np.minimum(frames, len(one.spoken) - 1)]
    return metrics.pearson(one.observation.lip_gap[frames + late], wanted)


def _say(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\x1b[2K{what}", file=sys.stderr, end="\r", flush=True)
