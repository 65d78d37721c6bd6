"""What each feature does to the skin, cleaned: skin is smooth, and most of it does not move.

A least-squares fit gives every feature a displacement field over the landmarks, with the camera's
noise in it: independent from point to point, of known size. A field of skin is smooth and mostly
zero. So each field is estimated in several ways (zero, as it is, smoothed over windows of several
widths and shrunk), and Stein's unbiased estimate says, around each landmark, how wrong each way
is; the mean of the ways, weighted by that, is kept (Stein, "Estimation of the mean of a
multivariate normal distribution", Annals of Statistics 9 (1981); weights after Leung and Barron,
"Information theory and mixing least-squares regressions", IEEE Trans. Inf. Theory 52 (2006)).

Some features are kin: what a lever's square does to the skin is, around each landmark, much like
what the lever itself does, only more or less of it. So for these there are more ways: the clean
field of the kin, times what fits best within a window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.models.face.face_mesh import distances
from mien.models.train.self_model.observation_noise import LookErrors

Floats = NDArray[np.float64]
Way: TypeAlias = tuple[Floats, Floats]
"""Fields (F, 478, 3) estimated in some way, and Stein's estimate of their squared errors."""

_WINDOWS_MM = (4.0, 7.0, 12.0, 20.0, 35.0)
_KIN_MM = (15.0, 25.0, 40.0)
_AROUND_MM = 10.0  # over which the estimated error is averaged
_SOFT = 0.3  # of the noise's variance: how much worse a way may be and still count


def clean_fields(
    phi: Floats,
    landmarks: Floats,
    errors: LookErrors | None = None,
    families: Sequence[Sequence[int]] = (),
    kin: Mapping[int, Sequence[int]] | None = None,
) -> tuple[Floats, Floats]:
    """Coefficients (F, 478, 3) of features phi (N, F) for landmarks (N, 478, 3).

    Args:
        phi: features; the constant one must be the last column. Its field, the face itself, is left
            as it is.
        landmarks: mm.
        errors: what is known of the looks' errors; None: all alike, and independent.
        families: features that belong together, as the powers of one lever, and whose fields may be
            like that of the first.
        kin: of other features, by column: those whose fields their own may be like.

    Returns:
        the coefficients, and (N, 478, 3) mm: what they leave.
    """
    count, size = phi.shape
    flat, rows = landmarks.reshape(count, -1), phi
    if errors is not None:
        flat, rows = errors.apart(flat), errors.apart(rows)
    basis, order = _basis(rows, families)
    inverse = np.linalg.inv(basis.T @ basis)
    raw = inverse @ (basis.T @ flat)
    left = np.square(flat - basis @ raw).sum(0)
    sigma = np.sqrt(np.maximum(left / max(1, count - size), 1e-12)).reshape(landmarks.shape[1:])
    noise = np.sqrt(np.diag(inverse))[:, None, None] * sigma
    fields = raw.reshape(noise.shape)
    like: dict[int, Sequence[int]] = {f: family[:1] for family in families for f in family[1:]}
    at = np.argsort(order)
    by_place = {int(at[f]): at[list(others)] for f, others in (like | dict(kin or {})).items()}
    cleaned = noise * _mixed(fields / noise, distances(landmarks.mean(0)), by_place)
    cleaned[0] = fields[0]
    said = basis @ cleaned.reshape(size, -1)
    coefficients = np.linalg.lstsq(rows, said, rcond=None)[0]
    left = landmarks - (phi @ coefficients).reshape(landmarks.shape)
    return coefficients.reshape(fields.shape), left


def _basis(rows: Floats, families: Sequence[Sequence[int]]) -> tuple[Floats, NDArray[np.intp]]:
    """(N, F) columns of length 1 that span the features rows (N, F), and which each comes from.

    The constant one is the first. What is in a family is taken without what those before it in the
    family explain, and not without more: for by chance levers go a little together, and a small
    lever's field would hold that much of a large one's. The rest is taken without all others.
    """
    last = rows.shape[1] - 1
    members = [f for family in families for f in family]
    rest = [f for f in range(last) if f not in members]
    own = [_without(rows[:, [last]], rows[:, list(family)]) for family in families]
    known = np.concatenate([rows[:, [last]] / np.linalg.norm(rows[:, last]), *own], axis=1)
    basis = np.concatenate([known, _without(known, rows[:, rest])], axis=1)
    return basis, np.array([last, *members, *rest], dtype=np.intp)


def _without(known: Floats, rows: Floats) -> Floats:
    """Rows (N, F), each without what ``known`` and those before it explain, of length 1."""
    both = np.concatenate([known, rows], axis=1)
    return np.asarray(np.linalg.qr(both)[0][:, known.shape[1] :])


def _mixed(fields: Floats, apart: Floats, kin: Mapping[int, NDArray[np.intp]]) -> Floats:
    """Fields (F, 478, 3) with noise of variance 1 -> weighted mean of all ways to clean them."""
    around = _window(apart, _AROUND_MM)
    ways = [
        (np.zeros_like(fields), np.square(fields) - 1.0),
        (fields, np.ones_like(fields)),
        *(_smoothed(fields, _window(apart, width), around) for width in _WINDOWS_MM),
    ]
    mixed = _mean(ways, around)
    if kin:
        related = list(kin)
        ways = [(way[related], risk[related]) for way, risk in ways]
        for which in range(max(map(len, kin.values()))):
            like = mixed[[others[min(which, len(others) - 1)] for others in kin.values()]]
            ways += [_scaled(like, fields[related], _window(apart, width)) for width in _KIN_MM]
        mixed[related] = _mean(ways, around)
    return mixed


def _smoothed(fields: Floats, window: Floats, around: Floats) -> Way:
    """The mean within a window, shrunk by what of it is noise."""
    smooth = _over(window, fields)
    noise = np.square(window).sum(1)[:, None]
    size = _over(around, np.square(smooth).mean(2, keepdims=True))
    keep = np.maximum(1.0 - noise / np.maximum(size, 1e-9), 0.0)
    way = keep * smooth
    return way, np.square(way - fields) + 2.0 * np.diag(window)[:, None] * keep - 1.0


def _scaled(patterns: Floats, fields: Floats, window: Floats) -> Way:
    """Patterns, each times what fits its field best within a window."""
    size = _over(window, np.square(patterns).sum(2, keepdims=True))
    share = patterns / np.maximum(size, 1e-9)
    way = _over(window, (patterns * fields).sum(2, keepdims=True)) * share
    slope = np.diag(window)[:, None] * patterns * share
    return way, np.square(way - fields) + 2.0 * slope - 1.0


def _mean(ways: list[Way], around: Floats) -> Floats:
    """The ways' mean, weighted by how wrong each is around a landmark, over its three axes."""
    risks = np.stack([_over(around, risk.mean(2, keepdims=True)) for _, risk in ways])
    weights = np.exp(-(risks - risks.min(0)) / _SOFT)
    weights /= weights.sum(0)
    return np.asarray(sum(weight * way for weight, (way, _) in zip(weights, ways, strict=True)))


def _over(window: Floats, values: Floats) -> Floats:
    """Means of values (F, 478, C) within each landmark's window."""
    return np.asarray(np.einsum("pq,fqc->fpc", window, values, optimize=True))


def _window(apart: Floats, width: float) -> Floats:
    """(478, 478) weights of a mean over the neighbourhood, rows of sum 1."""
    near = np.exp(-0.5 * np.square(np.where(np.isfinite(apart), apart, np.inf) / width))
    return np.asarray(near / near.sum(1, keepdims=True))
