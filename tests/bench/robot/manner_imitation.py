"""Trials of imitation: is the style of a clip seen on the rig, and is it only the style?

The clips are filmed sentences of one man to which documented styles were added: other means, other
amplitudes of each region, and one pose that comes and goes. So each style is known, and its words
are those of other sentences than the ones that are performed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from scipy.linalg import sqrtm

from mien.models.face.blendshapes import ARKIT, FPS
from mien.models.face.curves import CURVES
from mien.models.manner.style_file import STYLED, Style, analysed, learned
from mien.models.speech.metrics import pearson
from mien.robot.face.config import Floats
from mien.robot.show.generator import Curves, Generator
from mien.robot.show.imitation import styled, within_reach
from mien.robot.show.scene import Scene
from tests.bench.robot.manner_corpus import Sentence
from tests.bench.robot.manner_rig import RigReader

STYLES: Final = 4
"""Styles that are planted for a seed."""
PARTS: Final = 4
"""Sentences of a clip, which lasts about 12 s."""
_MEANS: Final = {
    "browInnerUp": 0.35, "browDown": 0.35, "browOuterUp": 0.35, "eyeSquint": 0.3, "mouthSmile": 0.4,
    "mouthFrown": 0.4, "cheekSquint": 0.3, "HeadYaw": 0.08, "HeadPitch": 0.08, "HeadRoll": 0.08,
}  # fmt: skip
"""Group of curves -> largest mean of a style; angles in rad to both sides."""


class Planted(NamedTuple):
    """A style, and the curves (T, 55) that it was learned from."""

    style: Style
    curves: Floats


def planted(sentences: Sequence[Sentence], count: int, seed: int) -> list[Planted]:
    """Styles that are learned from clips of ``PARTS`` sentences, each clip of other ones."""
    rng = np.random.default_rng(seed)
    out = []
    for k in range(count):
        parts = sentences[k * PARTS : (k + 1) * PARTS]
        columns: Floats = np.zeros((sum(s.scene.frames for s in parts), len(CURVES)))
        for name in parts[0].filmed:
            gain = float(np.exp(rng.uniform(-0.7, 1.2)))
            row = np.concatenate([s.filmed[name][: s.scene.frames] for s in parts])
            columns[:, CURVES.index(name)] = gain * row
        t = np.arange(len(columns)) / FPS
        sway = np.sin(2 * np.pi * (rng.uniform(0.3, 0.8) * t + rng.uniform()))
        for group, most in _MEANS.items():
            lowest = -most if group.startswith("Head") else 0.0
            mean = float(rng.uniform(lowest, most) * (rng.random() < 0.6))
            pulse = float(rng.uniform(0, 0.5 * most) * (rng.random() < 0.4))
            for i, name in enumerate(CURVES):
                if name.startswith(group):
                    columns[:, i] += mean + pulse * sway
        shapes = slice(0, len(ARKIT))
        columns[:, shapes] = np.clip(columns[:, shapes], 0.0, 1.0)
        with tempfile.NamedTemporaryFile() as none:
            style = learned(columns, FPS, f"style{k}", Path(none.name), "synthetic")
        out.append(Planted(style, columns))
    return out


def distance(curves: Floats, style: Style) -> float:
    """Distance of curves (T, 55) from a style: of the means, and of the principal poses.

    Poses of equal size may turn into each other. So what is compared is the root of the covariance
    that the four make.
    """
    mean, poses, _, _ = analysed(curves, FPS)
    return float(np.hypot(np.linalg.norm(mean - style.means), np.linalg.norm(
        _root(poses) - _root(style.axes))))  # fmt: skip


def _root(poses: Floats) -> Floats:
    return np.asarray(np.real(sqrtm(poses.T @ poses + 1e-9 * np.eye(poses.shape[1]))))


def imitation(
    reader: RigReader, scenes: Sequence[Scene], styles: Sequence[Planted], by: Generator, seed: int
) -> dict[str, float]:
    """Whether a take shows the style that it was given, on the rig.

    Returns:
        ``imitation_distance``: distance of the styled take from the style, as far as the face can
        reach it, over that of the same take without a style. ``style_auc``: probability that a
        take is nearer to its style than to another one. ``content_leak``: correlation of a take
        with the clip of its style beyond that with another style's clip, mean over the curves.
    """
    near = [within_reach(reader.calibrated, one.style) for one in styles]
    plain = _shown(reader, scenes, by, seed)
    ratios, own, others, leaks = [], [], [], []
    for k, style in enumerate(near):
        take = _shown(reader, scenes, styled(by, style), seed)
        ratios.append(distance(take, style) / distance(plain, style))
        found = [distance(take, other) for other in near]
        own.append(found[k])
        others += [(found[k], d) for i, d in enumerate(found) if i != k]
        leaks += [
            _likeness(take, styles[k].curves) - _likeness(take, one.curves)
            for i, one in enumerate(styles)
            if i != k
        ]
    auc = np.mean([float(mine < other) + 0.5 * float(mine == other) for mine, other in others])
    return {
        "imitation_distance": float(np.mean(ratios)),
        "style_auc": float(auc),
        "content_leak": float(np.abs(np.mean(leaks))),
    }


def _shown(reader: RigReader, scenes: Sequence[Scene], by: Generator, seed: int) -> Floats:
    """Curves (T, 55) that the rig shows of some scenes, one after the other."""
    parts = []
    for scene in scenes:
        made: Curves = by(scene, seed)
        shown = reader.play(made)
        parts.append(np.concatenate([reader.read(shown), shown.head], axis=1))
    return np.concatenate(parts)


def _likeness(one: Floats, other: Floats) -> float:
    """Mean correlation of the styled curves that move in both."""
    n = min(len(one), len(other))
    pairs = ((one[:n, k], other[:n, k]) for k in STYLED)
    return float(np.mean([pearson(a, b) for a, b in pairs if a.std() > 1e-3 and b.std() > 1e-3]))
