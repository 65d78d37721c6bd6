"""Trials of the space of feeling: do text, sound and label find the motion that is meant?

The motions are those of the rig: each of the seven feelings at three intensities and a rest,
held for two thirds of a second, read back from the true landmarks and the true neck. What is near
is asked of the points of the space. The texts were written before the network was trained
(``feeling/*.txt``), and their scenes do not name a feeling.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.models.data import voice_emotion
from mien.models.data.corpora import emotional
from mien.models.data.corpora.registry import default_cache
from mien.models.face.curves import CURVES
from mien.models.face.emotion import EMOTIONS, blend
from mien.models.feeling.space import FEELINGS, Space
from mien.models.style.emotion import CLASSES, answer, read
from mien.robot.expression.posture import posture
from mien.robot.face.config import Floats
from mien.robot.face.solver import HEAD_RANGE_RAD
from mien.robot.show.generator import curves_of
from tests.bench.models.style_trials import conversations
from tests.bench.robot.manner_rig import RigReader

KINDS: Final = ("neutral", *FEELINGS)
INTENSITIES: Final = (0.35, 0.6, 0.85)
LADDER: Final = ("slightly", "", "very", "extremely")
SWEEP: Final = (0.2, 0.4, 0.6, 0.8, 1.0)
FRAMES: Final = 40
LEAST_MM: Final = 0.01
"""What moves by less more than before does not count as more."""
SEEN: Final = 0.1
"""Intensity from which a face is seen to feel something."""
TEXTS: Final = Path(__file__).parent / "feeling"


class Motions(NamedTuple):
    """Motions of a rig: points (K, 64), and their kinds (K,) of ``KINDS``."""

    points: Floats
    kinds: NDArray[np.int64]


def texts(name: str) -> list[tuple[str, int]]:
    """Lines of a file under headings, with their kinds."""
    out, kind = [], 0
    for line in (TEXTS / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            kind = KINDS.index(line.strip("[]"))
        elif line and not line.startswith("#"):
            out.append((line, kind))
    return out


def shown(reader: RigReader, mix: Floats) -> tuple[Floats, Floats]:
    """What the rig shows of intensities (7,): a face (55,) as the space sees it, and landmarks."""
    whole = np.zeros((1, len(EMOTIONS)))
    whole[0, [EMOTIONS.index(n) for n in FEELINGS]] = mix
    curves = np.repeat(curves_of(blend(whole), posture(whole)), FRAMES, axis=0)
    assert curves.shape[1] == len(CURVES)
    found = reader.play(curves)
    shapes = reader.read(found)[-1]
    return np.concatenate([shapes, found.head[-1] / HEAD_RANGE_RAD]), found.landmarks[-1]


def motions(reader: RigReader, space: Space) -> Motions:
    """All candidates on a rig."""
    faces, kinds = [shown(reader, np.zeros(len(FEELINGS)))[0]], [0]
    for k in range(len(FEELINGS)):
        for strength in INTENSITIES:
            faces.append(shown(reader, strength * np.eye(len(FEELINGS))[k])[0])
            kinds.append(k + 1)
    return Motions(space.of_motion(np.array(faces)), np.array(kinds))


def nearest(points: Floats, among: Motions) -> NDArray[np.int64]:
    """Kinds (N,) of the nearest motions of points (N, 64)."""
    far = np.linalg.norm(points[:, None] - among.points, axis=2)
    return np.asarray(among.kinds[far.argmin(axis=1)])


def recall(space: Space, among: Motions, name: str) -> float:
    """Share of the texts of a file whose nearest motion is of the right kind."""
    rows = texts(name)
    points = np.stack([space.of_text(text) for text, _ in rows])
    return float((nearest(points, among) == [kind for _, kind in rows]).mean())


def heard(data: Path) -> tuple[Floats, NDArray[np.int64]]:
    """Held-out sentences of acted voices after others of them: answers (N, 6) and classes (N,)."""
    _, test = voice_emotion.prepared(data, default_cache())
    rows, classes = [], []
    for a in range(len(emotional.ACTORS)):
        x, emotions = conversations(read(), test.of(test.actor == a), "random")
        shares, plane = answer(read(), x)
        rows.append(np.concatenate([shares, plane], axis=1))
        classes.append(emotions)
    return np.concatenate(rows), np.concatenate(classes)


def of_sound(
    space: Space, among: Motions, data: Path
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Kinds of the motions nearest to held-out sounds, among those that sound can tell, and the
    true kinds."""
    rows, classes = heard(data)
    told = np.array([KINDS.index(c) for c in CLASSES])
    own = np.isin(among.kinds, told)
    part = Motions(among.points[own], among.kinds[own])
    n = len(CLASSES)
    return nearest(space.of_sound(rows[:, :n], rows[:, n:]), part), told[classes]


def trials(reader: RigReader, space: Space, data: Path) -> dict[str, float]:
    """``recall_at_1`` with its three parts, ``agreement``, ``scenes``, ``outside``."""
    among = motions(reader, space)
    out = {
        "scenes": recall(space, among, "scenes.txt"),
        "outside": recall(space, among, "outside.txt"),
        "recall_text": recall(space, among, "named.txt"),
    }
    by_sound, true = of_sound(space, among, data)
    out["recall_sound"] = float((by_sound == true).mean())
    labels = np.stack([
        space.of_label({KINDS[k]: s} if k else {}) for k in range(len(KINDS)) for s in INTENSITIES
    ])  # fmt: skip
    by_label = nearest(labels, among)
    meant = np.repeat(np.arange(len(KINDS)), len(INTENSITIES))
    out["recall_label"] = float((by_label == meant).mean())
    out["recall_at_1"] = float(np.mean([out[f"recall_{n}"] for n in ("text", "sound", "label")]))
    rows = texts("named.txt")
    by_text = nearest(np.stack([space.of_text(text) for text, _ in rows]), among)
    agreed = []
    for kind in sorted(set(true.tolist())):
        several = (
            by_text[[k == kind for _, k in rows]], by_sound[true == kind], by_label[meant == kind],
        )  # fmt: skip
        for one, other in combinations(several, 2):
            agreed.append(float((one[:, None] == other[None]).mean()))
    out["agreement"] = float(np.mean(agreed))
    return out


def ordinary(space: Space) -> dict[str, float]:
    """Strongest intensity of the neutral lines of ``outside.txt``, mean and ninth decile, and the
    share of the lines in which it is above ``SEEN``."""
    lines = [text for text, kind in texts("outside.txt") if kind == 0]
    most = np.array([space.intensities(space.of_text(text)).max() for text in lines])
    return {
        "neutral_intensity": float(most.mean()),
        "neutral_intensity_p90": float(np.quantile(most, 0.9)),
        "neutral_shown": float((most > SEEN).mean()),
    }


def monotone(reader: RigReader, space: Space) -> dict[str, float]:
    """Share of the steps along degree words, and along a label, that move the rig's skin more."""
    rest = shown(reader, np.zeros(len(FEELINGS)))[1]

    def size(mix: Floats) -> float:
        moved = shown(reader, mix)[1] - rest
        return float(np.sqrt(np.square(moved).sum(axis=1).mean()))

    words, labels = [], []
    for text, _ in texts("degrees.txt"):
        said = [" ".join(text.format(degree).split()) for degree in LADDER]
        found = [size(space.intensities(space.of_text(one))) for one in said]
        words += [b - a > LEAST_MM for a, b in pairwise(found)]
    for name in FEELINGS:
        found = [size(space.intensities(space.of_label({name: s}))) for s in SWEEP]
        labels += [b - a > LEAST_MM for a, b in pairwise(found)]
    return {
        "monotone": float(np.mean(words + labels)), "monotone_words": float(np.mean(words)),
        "monotone_label": float(np.mean(labels)),
    }  # fmt: skip
