"""From dots to landmarks: smooth interpolation of the dots' displacement over the skin.

The displacement of the skin is a Gaussian process along the surface of the face at rest (kriging).
Lips and lids are apart on that surface, so a lower lip says nothing about the upper one. The
posterior covariance tells how uncertain each landmark is between the dots, and where dots are
missing. Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006), ch. 2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.models.face.face_mesh import distances, edges
from mien.models.face.regions import COUNT, IRIS_LEFT, IRIS_RIGHT
from mien.models.vision.markers import layout

Floats = NDArray[np.float64]

LENGTH_MM, SPREAD_MM = 20.0, 4.0
"""Correlation length along the skin, and standard deviation of a displacement per axis."""
_BESIDE_DESIGN_MM = 0.4  # standard deviation of what the modes of a design do not explain
NOISE_PX = 0.25
"""Standard deviation of a dot's centre, pixels; it includes what the dot's shape adds."""
PUPILS = (IRIS_LEFT[0], IRIS_RIGHT[0])
"""Landmarks of the pupils."""
_SEPARATE_MM = 1e6
_PREDICTED_MM = 30.0  # correlation length of the errors of predicted dots


class SkinField:
    """Displacement of the skin between dots.

    Args:
        neutral: (478, 3) mm, landmarks of the face at rest.
        places: (D, 3) mm, the dots on it; NaN for a dot that is not there.
        modes: (r, 1434) mm, a factor M of the covariance M' M of the landmarks' displacement, where
            the design of the face is known; None: any skin.
    """

    def __init__(self, neutral: Floats, places: Floats, modes: Floats | None = None) -> None:
        self.neutral = neutral
        far = distances(neutral)
        kernel = _positive(_matern(np.where(np.isfinite(far), far, _SEPARATE_MM)))
        spread = SPREAD_MM if modes is None else _BESIDE_DESIGN_MM
        self._covariance = np.kron(spread**2 * kernel, np.eye(3))
        if modes is not None:
            self._covariance += modes.T @ modes
        self.on_skin = ~layout.is_reference() & np.isfinite(places).all(1)
        at = np.flatnonzero(self.on_skin)
        ties = np.zeros((len(at) + len(PUPILS), COUNT))
        ties[len(at) + np.arange(len(PUPILS)), list(PUPILS)] = 1.0
        for row, dot in enumerate(at):
            corners, share = _tied(neutral, int(layout.landmarks()[dot]), places[dot])
            ties[row, corners] = share
        self._ties = np.kron(ties, np.eye(3))
        self._across = self._covariance @ self._ties.T
        self._between = self._ties @ self._across

    def landmarks(self, moved: Floats, information: Floats) -> tuple[Floats, Floats]:
        """Landmarks from dots.

        Args:
            moved: (D', 3) mm, displacement of the dots on the skin, then of the left and the right
                pupil.
            information: (D', 3, 3) 1/mm^2 per pixel^2; 0 for what is not seen.

        Returns:
            displacement (478, 3) mm of the landmarks, and how far each dot (D',) is from what the
            other dots tell, in standard deviations.
        """
        count = len(moved)
        whole = self._between.reshape(count, 3, count, 3).copy()
        index = np.arange(count)
        whole[index, :, index, :] += _errors(information)
        inverse = np.linalg.inv(whole.reshape(3 * count, 3 * count))
        pull = inverse @ moved.ravel()
        out = (self._across @ pull).reshape(COUNT, 3)
        own = inverse.reshape(count, 3, count, 3)[index, :, index, :]
        left_out = np.linalg.solve(own, pull.reshape(count, 3, 1))[..., 0]
        odd = np.sqrt(np.maximum(np.einsum("di,dij,dj->d", left_out, own, left_out), 0.0))
        return out, odd

    def uncertainty(self, information: Floats) -> Floats:
        """Posterior covariance (1434, 1434) mm^2 of the landmarks, from dots that are seen so."""
        count = len(information)
        whole = self._between.reshape(count, 3, count, 3).copy()
        index = np.arange(count)
        whole[index, :, index, :] += _errors(information)
        inner = np.linalg.solve(whole.reshape(3 * count, 3 * count), self._across.T)
        return np.asarray(self._covariance - self._across @ inner)


def dot_correlation(neutral: Floats, places: Floats) -> Floats:
    """Correlation (D, D) of the errors of predicted dots at places (D, 3) mm: smooth along the
    skin of a face with landmarks (478, 3) mm."""
    far = np.linalg.norm(places[:, None] - places[None], axis=-1)
    at = layout.landmarks()
    on = np.flatnonzero(~layout.is_reference())
    along = distances(neutral)[np.ix_(at[on], at[on])]
    far[np.ix_(on, on)] = np.minimum(along, _SEPARATE_MM)
    return _positive(_matern(far, _PREDICTED_MM))


def _errors(information: Floats) -> Floats:
    """Covariance (D', 3, 3) mm^2 of the dots' places."""
    return np.asarray(np.linalg.inv(information / NOISE_PX**2 + 1e-4 * np.eye(3)))


def _matern(far: Floats, length_mm: float = LENGTH_MM) -> Floats:
    """Matern correlation (smoothness 5/2) at distances (n, n) mm."""
    r = np.sqrt(5.0) * far / length_mm
    return np.asarray((1.0 + r + r * r / 3.0) * np.exp(-r))


def _positive(kernel: Floats) -> Floats:
    """The nearest positive matrix: on a curved surface a correlation of distances may not be."""
    values, vectors = np.linalg.eigh((kernel + kernel.T) / 2.0)
    return np.asarray((vectors * np.maximum(values, 1e-9)) @ vectors.T)


def _tied(neutral: Floats, landmark: int, place: Floats) -> tuple[list[int], Floats]:
    """Landmarks and weights that make the place of a dot near ``landmark``: the triangle of the
    mesh around that landmark in which the dot lies."""
    pairs = edges()
    beside = {int(v) for v in pairs[(pairs == landmark).any(1)].ravel()} - {landmark}
    joined = {(int(a), int(b)) for a, b in pairs} | {(int(b), int(a)) for a, b in pairs}
    best: tuple[float, list[int], Floats] = (np.inf, [landmark], np.ones(1))
    for a in beside:
        for b in beside:
            if a >= b or (a, b) not in joined:
                continue
            arms = (neutral[[a, b]] - neutral[landmark]).T
            share, *_ = np.linalg.lstsq(arms, place - neutral[landmark], rcond=None)
            share = np.maximum(share, 0.0)
            share /= max(float(share.sum()), 1.0)
            miss = float(np.linalg.norm(arms @ share - (place - neutral[landmark])))
            if miss < best[0]:
                best = (miss, [landmark, a, b], np.array([1.0 - share.sum(), *share]))
    return best[1], best[2]
