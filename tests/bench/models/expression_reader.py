"""Reads an emotion off the landmarks of a clip: the judge of the emotion bench.

A clip becomes its mean displacement from the face at rest and how much each point moves about that
(single frames say too little: EMOTE found 58 %), both brought to a few principal components, and a
linear discriminant with a shrunk covariance does the rest. It knows nothing of blendshapes, of
commands, or of what was wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
COMPONENTS = 24
SHRINK = 0.3
"""Share of the covariance that is replaced by its own mean variance; clips are few."""


def describe(landmarks: NDArray[np.floating], rest: NDArray[np.floating]) -> Floats:
    """Landmarks (T, 478, 3) mm of a clip and of the face at rest (478, 3) -> features (2868,).

    Rows with NaN (no face seen) are left out.
    """
    seen = np.asarray(landmarks, np.float64)
    seen = seen[np.isfinite(seen).all(axis=(1, 2))] - rest
    if not len(seen):
        return np.zeros(2 * rest.size)
    return np.concatenate([seen.mean(axis=0).ravel(), 0.5 * seen.std(axis=0).ravel()])


@dataclass(frozen=True)
class Reader:
    """A fitted judge.

    Attributes:
        mean: (F,) of the features. axes: (F, k) principal components.
        centres: (C, k) class means. weights: (k, k) inverse of the shrunk covariance.
        classes: names, in the order of ``centres``.
    """

    mean: Floats
    axes: Floats
    centres: Floats
    weights: Floats
    classes: tuple[str, ...]

    @classmethod
    def fit(cls, features: Floats, labels: Sequence[str]) -> Reader:
        """From features (N, F) and N class names."""
        classes = tuple(sorted(set(labels)))
        which = np.array([classes.index(name) for name in labels])
        mean = features.mean(axis=0)
        _, _, rows = np.linalg.svd(features - mean, full_matrices=False)
        axes = rows[: min(COMPONENTS, len(features) - 1)].T
        x = (features - mean) @ axes
        centres = np.stack([x[which == k].mean(axis=0) for k in range(len(classes))])
        within = np.cov((x - centres[which]).T).reshape(axes.shape[1], -1)
        own = np.trace(within) / len(within) * np.eye(len(within))
        return cls(
            mean, axes, centres, np.linalg.inv((1 - SHRINK) * within + SHRINK * own), classes
        )

    def read(self, features: Floats) -> list[str]:
        """(N, F) -> the most likely class of each."""
        x = (features - self.mean) @ self.axes
        off = x[:, None, :] - self.centres[None, :, :]
        distance = np.einsum("nck,kl,ncl->nc", off, self.weights, off)
        return [self.classes[k] for k in distance.argmin(axis=1)]


def accuracy(wanted: Sequence[str], found: Sequence[str]) -> float:
    """Share of N labels that agree."""
    return float(np.mean([a == b for a, b in zip(wanted, found, strict=True)]))


def confused(wanted: Sequence[str], found: Sequence[str]) -> str:
    """The mistakes, most frequent first: ``fear as surprise 3, ...``; empty when there are none."""
    wrong = [(a, b) for a, b in zip(wanted, found, strict=True) if a != b]
    counts = {pair: wrong.count(pair) for pair in dict.fromkeys(wrong)}
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{a} as {b} {n}" for (a, b), n in ordered)
