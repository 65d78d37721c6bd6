"""Trials of key frames: are they where a face and a head really turn, and what do they spare?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import process_time
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from mien.models.data.keyframes import f1, filmed, spread_of, taught
from mien.models.face.blendshapes import ARKIT, INDEX
from mien.models.face.regions import lip_gap
from mien.models.manner.features import NAMES
from mien.models.manner.keyframes import TRACKS, WEIGHTS, Key, Proposer
from mien.models.speech.metrics import pearson
from mien.robot.live.manner import MannerLayer
from mien.robot.show.generator import Curves, Generator
from mien.robot.show.keyframes import holds, overlay
from mien.robot.show.poses import held
from mien.robot.show.propose import proposals
from mien.robot.show.scene import Scene
from mien.robot.show.schema import Keyframe
from tests.bench.robot.manner_corpus import Sentence
from tests.bench.robot.manner_rig import RigReader, Shown
from tests.bench.robot.manner_trials import REGIONS

_PROMINENCES: Final = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
_SPACINGS: Final = range(12, 36, 2)
HEAD: Final = slice(len(ARKIT), len(ARKIT) + 3)
Sound = NDArray[np.float32]
Placer = Callable[[Sound], list[Key]]
"""Features (T, 13) -> keys, of which the frames and tracks count."""


def uniform(spacing: int, phase: int) -> Placer:
    """Keys of both tracks in even steps."""
    return lambda x: [Key(k, t, ()) for k in range(phase, len(x), spacing) for t in TRACKS]


def loud(prominence: float) -> Placer:
    """Keys of both tracks on peaks of the level."""
    column = NAMES.index("energy")
    return lambda x: [
        Key(int(k), t, ()) for k in find_peaks(x[:, column], prominence=prominence)[0]
        for t in TRACKS
    ]  # fmt: skip


def best(placers: Sequence[Placer], rows: Sequence[tuple[Sound, list[Key]]]) -> Placer:
    """The one with the highest F1 on training clips."""
    scores = [np.mean([f1(p(x), keys) for x, keys in rows]) for p in placers]
    return placers[int(np.argmax(scores))]


def on_film(train: Sequence[Sentence], tests: Sequence[Sentence]) -> dict[str, float]:
    """``keyframe_f1_grid`` of the network that ships, and of the two baselines at their best."""
    spread = spread_of([s.clip.curves for s in train])
    known = [(s.clip.sound, filmed(s.clip.curves, spread)) for s in train]
    held_out = [(s.clip.sound, filmed(s.clip.curves, spread)) for s in tests]
    steps = [uniform(d, p) for d in _SPACINGS for p in range(0, d, 2)]
    placers: dict[str, Placer] = {
        "": Proposer(WEIGHTS).propose,
        "_uniform": best(steps, known),
        "_loudness": best([loud(p) for p in _PROMINENCES], known),
    }
    out = {}
    for name, place in placers.items():
        out[f"keyframe_f1_grid{name}"] = float(np.mean([f1(place(x), k) for x, k in held_out]))
        for track in TRACKS:
            scores = [
                f1([k for k in place(x) if k.track == track], [k for k in keys if k.track == track])
                for x, keys in held_out
            ]
            out[f"keyframe_f1_grid_{track}{name}"] = float(np.mean(scores))
    return out


def of_teacher(
    train: Sequence[Sentence], tests: Sequence[Sentence], seed: int, steps: int
) -> dict[str, float]:
    """``keyframe_f1``: a network that is trained on the teacher's keys, on held-out sentences."""
    from mien.models.train.manner.keyframes import Example, fit

    examples = [Example(s.clip.sound, taught(s.clip.sound)) for s in train]
    net = Proposer(fit(examples, seed, steps))
    rows = [(s.clip.sound, taught(s.clip.sound)) for s in tests]
    known = [(e.sound, e.keys) for e in examples[:100]]
    loudest = best([loud(p) for p in _PROMINENCES], known)
    return {
        "keyframe_f1": float(np.mean([f1(net.propose(x), keys) for x, keys in rows])),
        "keyframe_f1_loudness": float(np.mean([f1(loudest(x), keys) for x, keys in rows])),
    }


def peaks(reader: RigReader, scenes: Sequence[Scene], by: Generator, seed: int) -> dict[str, float]:
    """``peak_error_with_keyframes``: error at the proposed keys when they are keyframes, over that
    when curves only pass them; and both errors, of faces and of heads.

    A curve that passes has the same pose at the same time, and its way there and back is as long;
    its servos know of no key.
    """
    found: dict[tuple[str, str], list[float]] = {}
    for scene in scenes:
        frames = proposals(scene)
        made = by(scene, seed)
        for into, hold in (("kept", None), ("passed", 0.0)):
            now = [f if hold is None else f.model_copy(update={"hold": hold}) for f in frames]
            poses = [held(f, {}) for f in now]
            kept = holds(now, poses)
            curves = overlay(made, scene.times, kept)
            shown = reader.play(curves, kept if hold is None else [])
            for frame, pose in zip(now, poses, strict=True):
                at = list(pose.values)
                track = "face" if at[0] < len(ARKIT) else "head"
                error = _error(reader, curves, shown, frame, at)
                found.setdefault((into, track), []).append(error)
    mean = {
        into: float(np.mean([e for (i, _), rows in found.items() if i == into for e in rows]))
        for into in ("kept", "passed")
    }
    return {
        "peak_error_with_keyframes": mean["kept"] / mean["passed"],
        "peak_error_keys": sum(len(v) for (i, _), v in found.items() if i == "kept"),
    } | {f"peak_error_{track}_{into}": float(np.mean(v)) for (into, track), v in found.items()}


def _error(
    reader: RigReader, curves: Curves, shown: Shown, frame: Keyframe, at: list[int]
) -> float:
    """Distance of columns on the rig from a keyframe's pose, the least of four frames.

    For a face it is the pose held still for a second on the same rig, for a head the angles.
    """
    k = min(round(frame.at * 60), len(curves) - 1)
    if at[0] < len(ARKIT):
        still = reader.play(np.repeat(curves[k : k + 1], 60, axis=0))
        goal = reader.read(Shown(still.landmarks[-1:], still.head[-1:]))[0]
        read, asked = reader.read(shown)[k : k + 4][:, at], goal[at]
    else:
        columns = [c - len(ARKIT) for c in at]
        read, asked = shown.head[k : k + 4][:, columns], curves[k, at]
    return float(np.linalg.norm(read - asked, axis=1).min())


def leaks(reader: RigReader, scenes: Sequence[Scene], by: Generator, seed: int) -> dict[str, float]:
    """Correlation on the rig that is lost when the other path is zero: of the mouth's opening with
    the head held still, and of the turns with brows and lids at rest."""
    mouth, head = [], []
    upper = np.concatenate(list(REGIONS.values()))
    for scene in scenes:
        curves = by(scene, seed)
        still, plain = curves.copy(), curves.copy()
        still[:, HEAD] = 0.0
        plain[:, upper] = np.median(curves[:, upper], axis=0)
        goal = curves[:, INDEX["jawOpen"]]
        whole, no_head, no_face = (reader.play(c) for c in (curves, still, plain))
        mouth.append(
            pearson(lip_gap(whole.landmarks), goal) - pearson(lip_gap(no_head.landmarks), goal)
        )
        for axis in range(3):
            asked = curves[:, HEAD][:, axis]
            head.append(pearson(whole.head[:, axis], asked) - pearson(no_face.head[:, axis], asked))
    return {
        "path_leak": float(max(np.mean(mouth), np.mean(head))),
        "path_leak_mouth": float(np.mean(mouth)), "path_leak_head": float(np.mean(head)),
    }  # fmt: skip


def live(scenes: Sequence[Scene], runs: int = 4) -> dict[str, float]:
    """``live_ms``: CPU time of the live manner for a frame of 1/60 s; ``live_differs``: spread of
    its turns over runs of one sound, over their spread in time."""
    from mien.robot.expression.emotion.prosody import loudness, voice
    from mien.robot.media.audio import RATE

    spent, frames, ratios = 0.0, 0, []
    for scene in scenes:
        level = loudness(scene.padded, RATE, scene.frames)
        gate = voice(scene.padded, RATE, scene.frames)
        several = []
        for run in range(runs):
            layer, living = MannerLayer("reader", run + 1), np.zeros(len(ARKIT))
            began = process_time()
            turns = [
                layer.frame(float(d), float(g), living) for d, g in zip(level, gate, strict=True)
            ]
            spent, frames = spent + process_time() - began, frames + len(turns)
            several.append(turns)
        x = np.array(several)
        ratios.append(float(x.std(axis=0).mean() / x.std(axis=1).mean()))
    return {"live_ms": 1e3 * spent / frames, "live_differs": float(np.mean(ratios))}
