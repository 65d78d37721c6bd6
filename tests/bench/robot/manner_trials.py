"""Trials of directing: who listens, how takes differ, what keyframes hold and edits leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import process_time
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import ARKIT, INDEX, indices, lip_opening
from mien.models.face.curves import CURVES
from mien.models.face.regions import lip_gap
from mien.models.manner import config
from mien.robot.expression.layers import Life, excitement, stress, voice
from mien.robot.expression.life import BROW_REST, LID_REST
from mien.robot.face.config import Floats
from mien.robot.face.solver import HEAD_RANGE_RAD
from mien.robot.media.audio import RATE
from mien.robot.show.edits import EDGE_FRAMES
from mien.robot.show.generator import Curves, Generator, generate
from mien.robot.show.keyframes import holds, overlay
from mien.robot.show.limits import out_of_reach
from mien.robot.show.manner import BROW_GAIN, TURN_GAIN, composed, deviations
from mien.robot.show.poses import held
from mien.robot.show.scene import Scene
from mien.robot.show.schema import Keyframe, Regenerate
from tests.bench.robot.manner_corpus import HEAD, UPPER, Sentence, alike, errors
from tests.bench.robot.manner_rig import RigReader, Shown

Made = Callable[[Scene, int], dict[str, Floats]]
"""(scene, seed) -> deviations (T,) by name."""
REGIONS: Final = {
    "brows": indices([n for n in ARKIT if n.startswith("brow")]),
    "lids": indices([f"eye{s}{side}" for s in ("Blink", "Wide") for side in ("Left", "Right")]),
}
LIPS: Final = indices(["jawOpen", "mouthClose", "mouthPucker", "mouthFunnel",
                       "mouthLowerDownLeft", "mouthUpperUpLeft"])  # fmt: skip
SHUT: Final = 0.05
"""Lip opening of the speech below which a frame is a closure."""
TOUCH_MM: Final = 0.8
"""Lip gap beyond that of rest below which lips are shut on the rig."""
NAMED_BELOW: Final = 0.9
"""Share of a shape that the rig shows below which it counts as out of reach."""


def life_deviations(scene: Scene, seed: int) -> dict[str, Floats]:
    """What the rules and life do, as deviations from rest."""
    t, life = scene.times, Life(seed=seed)
    pressed, gate = stress(scene.padded, RATE, len(t)), voice(scene.padded, RATE, len(t))
    weights = life.weights(t, pressed, gate).astype(np.float64)
    head = life.head(t, pressed, gate, excitement(np.zeros((len(t), 8)))) * HEAD_RANGE_RAD
    out = {name: head[:, k] / TURN_GAIN for k, name in enumerate(HEAD)}
    for side in ("Left", "Right"):
        down = weights[:, INDEX[f"browDown{side}"]] - weights[:, INDEX["browInnerUp"]]
        out[f"browDown{side}"] = (down - BROW_REST) / BROW_GAIN
        shut = weights[:, INDEX[f"eyeBlink{side}"]] - LID_REST
        out[f"eyeBlink{side}"] = shut / (1.0 - LID_REST) * config.LID_FULL
    return out


def listening(
    tests: Sequence[Sentence], made: Made, scale: Mapping[str, float], takes: int
) -> dict[str, float]:
    """Error with another sentence's sound over that with the right one."""
    right: dict[str, list[float]] = {n: [] for n in ("upper", "head", "upper_mean", "head_mean")}
    wrong: dict[str, list[float]] = {n: [] for n in right}
    best, average = [], []
    for k, sentence in enumerate(tests):
        other = tests[(k + 1 + len(tests) // 2) % len(tests)]
        for scene, into in ((sentence.scene, right), (other.scene, wrong)):
            several = [made(scene, 100 * seed + k) for seed in range(takes)]
            mean = {n: np.mean([s[n] for s in several], axis=0) for n in config.GENERATED}
            for part, names in (("upper", UPPER), ("head", HEAD)):
                each = [errors(s, sentence.filmed, names, dict(scale)) for s in several]
                into[part].append(float(np.mean(each)))
                into[f"{part}_mean"].append(errors(mean, sentence.filmed, names, dict(scale)))
            if into is right:
                whole = [errors(s, sentence.filmed, config.GENERATED, dict(scale)) for s in several]
                best.append(min(whole))
                average.append(float(np.mean(whole)))
    out = {f"listens_{n}": float(np.mean(wrong[n]) / np.mean(right[n])) for n in right}
    out |= {f"error_{n}": float(np.mean(right[n])) for n in ("upper", "head")}
    out["best_of_10_over_mean"] = float(np.mean(best) / np.mean(average))
    out["best_of_10"] = float(np.mean(best))
    return out


def neighbours(
    tests: Sequence[Sentence], train: Sequence[Sentence], scale: Mapping[str, float]
) -> dict[str, float]:
    """Errors of the trivial answers: no motion, the clip with the most equal words, any clip."""
    rng = np.random.default_rng(5)
    found: dict[str, list[float]] = {}
    for sentence in tests:
        still = {n: np.zeros(sentence.scene.frames) for n in config.GENERATED}
        near, any_one = alike(sentence, train)[0], train[int(rng.integers(len(train)))]
        for name, made in (("mean", still), ("nearest", near.filmed), ("random", any_one.filmed)):
            for part, names in (("upper", UPPER), ("head", HEAD)):
                error = errors(made, sentence.filmed, names, dict(scale))
                found.setdefault(f"error_{part}_{name}", []).append(error)
    return {k: float(np.mean(v)) for k, v in found.items()}


def spread_of(shown: Sequence[tuple[Floats, Shown]]) -> dict[str, float]:
    """Spread over performances of one length: upper face, head in rad, and lips."""
    length = min(len(s.head) for _, s in shown)
    curves = np.stack([c[:length] for c, _ in shown])
    head = np.stack([s.head[:length] for _, s in shown])
    upper = np.concatenate(list(REGIONS.values()))
    return {
        "upper": float(curves[:, :, upper].std(axis=0).mean()),
        "lips": float(curves[:, :, LIPS].std(axis=0).mean()),
        "head": float(head.std(axis=0).mean()),
    }


def moves_of(shown: tuple[Floats, Shown]) -> dict[str, float]:
    """Variance over time by region."""
    curves, rig = shown
    return {n: float(curves[:, c].var(axis=0).sum()) for n, c in REGIONS.items()} | {
        "head": float(rig.head.var(axis=0).sum())
    }


def diversity(
    reader: RigReader,
    tests: Sequence[Sentence],
    train: Sequence[Sentence],
    by: Mapping[str, Generator],
    takes: int,
) -> dict[str, dict[str, list[float]]]:
    """Spread over takes, and closures of generators, beside filmed takes on the same rig.

    The corpus's own spread for one sound is that of its ``takes`` sentences with the most equal
    words in the same places, filmed motion, played on the rig in the same way.
    """
    out: dict[str, dict[str, list[float]]] = {name: {} for name in by}
    for k, sentence in enumerate(tests):

        def put(curves: Curves) -> tuple[Floats, Shown]:
            shown = reader.play(curves)
            return reader.read(shown), shown

        real = [put(composed(s.scene, k, s.filmed)) for s in alike(sentence, train)[:takes]]
        own = spread_of(real)
        for name, generator in by.items():
            made = [put(generator(sentence.scene, 1000 * k + seed)) for seed in range(takes)]
            mine = spread_of(made)
            rows = {f"diversity_{n}": mine[n] / own[n] for n in mine}
            rows["closed"] = float(np.mean([_closed(reader, sentence.scene, s) for _, s in made]))
            for key, value in rows.items():
                out[name].setdefault(key, []).append(float(value))
    return out


def motion(
    reader: RigReader, tests: Sequence[Sentence], by: Mapping[str, Generator], seed: int
) -> dict[str, dict[str, float]]:
    """Variance over time by region, of one take of each sentence, over the filmed one's.

    Blinks and turns are rare in 3 s: ten sentences tell a ratio to within 0.2 to 0.35 only.
    """
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ("filmed", *by)}
    for k, sentence in enumerate(tests):
        made = {name: make(sentence.scene, 1000 * k + seed) for name, make in by.items()}
        for name, curves in (
            {"filmed": composed(sentence.scene, k, sentence.filmed)} | made
        ).items():
            shown = reader.play(curves)
            found[name].append(moves_of((reader.read(shown), shown)))
    mean = {
        name: {r: np.mean([m[r] for m in rows]) for r in rows[0]} for name, rows in found.items()
    }
    return {
        name: {f"variance_{r}": float(mean[name][r] / mean["filmed"][r]) for r in mean[name]}
        for name in by
    }


def _closed(reader: RigReader, scene: Scene, shown: Shown) -> float:
    """Share of the closures of a sentence at which the lips touch on the rig, in %."""
    spoken = scene.spoken
    gate = voice(scene.padded, RATE, len(spoken)) > 0.9
    shut = (lip_opening(spoken) < SHUT) & gate
    edges = np.flatnonzero(np.diff(np.concatenate([[0], shut.astype(int), [0]])))
    gap = lip_gap(shown.landmarks) - float(lip_gap(reader.rest))
    kept = [gap[a : b + 4].min() < TOUCH_MM for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return 100.0 * float(np.mean(kept)) if kept else float("nan")


def keyframes(reader: RigReader, scenes: Sequence[Scene], by: Generator, seed: int) -> list[float]:
    """Relative error of held curves on the rig, against the best that this face can reach.

    The best is the whole pose of the keyframe's frame, held still for a second on the same rig.
    """
    rng = np.random.default_rng([seed, 9])
    found = []
    for scene in scenes:
        frames = _random_keyframes(rng, scene.seconds)
        poses = [held(f, {}) for f in frames]
        kept = holds(frames, poses)
        curves = overlay(by(scene, seed), scene.times, kept)
        shown = reader.play(curves, kept)
        read = reader.read(shown)
        for frame, pose in zip(frames, poses, strict=True):
            last = int((frame.at + frame.hold) * 60)
            still = reader.play(np.repeat(curves[last - 1 : last], 60, axis=0))
            at = [INDEX[n] for n in pose.asked if pose.moves(n)]
            best = reader.read(Shown(still.landmarks[-1:], still.head[-1:]))[0][at]
            got = read[last - 5 : last].mean(axis=0)[at]
            size = max(float(np.linalg.norm(best)), 1e-6)
            found.append(float(np.linalg.norm(got - best)) / size)
    return found


def _random_keyframes(rng: np.random.Generator, seconds: float) -> list[Keyframe]:
    names = ("brows_up", "brows_down", "look_up", "look_left", "smile", "eyes_shut", "squint")
    times = np.arange(0.6, seconds - 0.5, 0.8)
    return [
        Keyframe(at=float(round(t, 2)), pose=str(rng.choice(names)), hold=0.3,
                 strength=float(round(rng.uniform(0.6, 1.0), 2)))
        for t in times
    ]  # fmt: skip


def named(reader: RigReader) -> tuple[float, int]:
    """Share of the shapes that the rig does not show whole which are said, and their number."""
    # No landmark shows the tongue, and a closed mouth is only seen on an open jaw.
    shapes = [n for n in ARKIT if n not in ("mouthClose", "tongueOut")]
    missing, told = 0, 0
    retarget = reader.calibrated.retarget
    for name in shapes:
        pose = held(Keyframe(at=0.0, shapes={name: 0.8}), {})
        curves = np.zeros((60, len(CURVES)), np.float32)
        for column, value in pose.values.items():
            curves[:, column] = value
        moved = reader.play(curves).landmarks[-1] - reader.rest
        asked = 0.8 * retarget.delta[INDEX[name]]
        whole = float(np.square(asked).sum())
        share = float((moved * asked).sum()) / whole if whole > 1e-6 else 0.0
        if share < NAMED_BELOW:
            missing += 1
            told += any(s.what == name for s in out_of_reach(reader.calibrated, [pose]))
    return told / max(missing, 1), missing


def edits(
    reader: RigReader, scenes: Sequence[Scene], by: Generator, seed: int
) -> tuple[int, list[float]]:
    """Values changed beyond +-15 frames of an edit, and acceleration at borders over the p99.

    Three edits each: a keyframe, a span above the mouth, a span of the head.
    """
    changed, seams = 0, []
    upper = np.concatenate(list(REGIONS.values()))
    for scene in scenes:
        t = scene.times
        plain = generate(scene, seed, 1, (), by)
        base = _acceleration(reader, plain, upper)
        limit = [max(float(np.percentile(b, 99)), 1e-9) for b in base]
        middle = round(scene.seconds / 2, 2)
        spans = [
            Regenerate(start=middle - 0.5, end=middle + 0.5, region=r) for r in ("upper", "head")
        ]
        frame = Keyframe(at=middle, pose="brows_up", hold=0.2)
        held_now = holds([frame], [held(frame, {})])
        cases = [(overlay(plain, t, held_now), frame.at - frame.ease, frame.at + 0.2 + frame.ease)]
        cases += [(generate(scene, seed, 1, (s,), by), s.start, s.end) for s in spans]
        inner = [(frame.at, frame.at + 0.2), *((s.start, s.end) for s in spans)]
        for (curves, start, end), (first, last) in zip(cases, inner, strict=True):
            edge = EDGE_FRAMES / 60 + 1e-9
            outside = (t < first - edge) | (t > last + edge)
            changed += int((curves[outside] != plain[outside]).sum())
            now = _acceleration(reader, curves, upper)
            for border in (start, end):
                k = int(border * 60)
                part = slice(max(k - 3, 0), k + 4)
                seams.append(max(float(n[part].max() / m) for n, m in zip(now, limit, strict=True)))
    return changed, seams


def _acceleration(reader: RigReader, curves: Curves, upper: NDArray[np.intp]) -> list[Floats]:
    """Acceleration (T - 2,) of the upper face and of the head on the rig, RMS over their curves."""
    shown = reader.play(curves)
    read = reader.read(shown)[:, upper]
    return [np.sqrt(np.square(np.diff(x, 2, axis=0)).mean(axis=1)) for x in (read, shown.head)]


def seconds_to_sample(scene: Scene, path: Path) -> float:
    """CPU time in s of sampling 10 s of curves."""
    samples = np.resize(scene.samples, 10 * RATE)
    ten = Scene(samples)
    _ = ten.spoken
    deviations(ten, 0, path=path)
    began = process_time()
    deviations(ten, 1, path=path)
    return process_time() - began
