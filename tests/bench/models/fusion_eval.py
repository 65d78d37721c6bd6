"""The three fusions side by side on tracked speech that no training saw, in a face's millimetres.

    python -m tests.bench.models.fusion_eval --grid DIR --units robot/faces/face_units.npz

Speech is real (held-out takes of the GRID layout); the expressions are the prototypes at one
intensity, so this says what a fusion does to lips and expression, not whether people do the same.

- ``closures``: share of runs of frames in which speech closes the lips (gap below 1 mm, while
  somebody speaks) that are still closed (below 1.5 mm) with the expression.
- ``r_gap``: Pearson r of the lip gap with and without the expression, while somebody speaks.
- ``round_mm``: how much wider the mouth is with it where speech rounds the lips.
- ``lower``, ``upper``: share of the expression left in the lower and upper face (projection).
- ``opening``: lip gap with and without it where speech opens the mouth most (a fifth of the time).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mien.models.data.corpora.grid import Take, takes
from mien.models.face.emotion import EMOTIONS, blend, mix
from mien.models.fusion.learned import LearnedFusion
from mien.models.fusion.rules import Floats, Fusion, crossed, plain, rounding
from mien.models.train.fusion.train import LOWER, UPPER, Lips, speech_frames

INTENSITY = 0.8
KEYS = ("closures", "r_gap", "round_mm", "lower", "upper", "opening")


def compare(
    fusions: Mapping[str, Fusion], some: Sequence[Take], lips: Lips, intensity: float = INTENSITY
) -> dict[str, dict[str, dict[str, float]]]:
    """By fusion and emotion, the measures of this file."""
    return {
        kind: {name: _measure(fuse, some, lips, name, intensity) for name in EMOTIONS[1:]}
        for kind, fuse in fusions.items()
    }


def _measure(
    fuse: Fusion, some: Sequence[Take], lips: Lips, name: str, intensity: float
) -> dict[str, float]:
    closed: list[bool] = []
    rows: list[list[float]] = []
    for take in some:
        said, voice = speech_frames([take])
        felt = np.repeat(blend(mix({name: intensity}))[None], len(said), axis=0)
        out = fuse(said, felt, voice)
        gap, met = (np.maximum(x @ lips.gap, 0.0) for x in (said, out))
        closed += [bool(met[a:b].min() < 1.5) for a, b in _runs((gap < 1.0) & (voice > 0.9))]
        speaks = voice > 0.5
        wide = speaks & (gap > np.percentile(gap, 80))
        round_ = speaks & (rounding(said) > 0.4)
        rows.append(
            [
                float(np.corrcoef(gap[speaks], met[speaks])[0, 1]),
                float(((out - said) @ lips.width)[round_].mean()) if round_.any() else np.nan,
                *(_left(out - said, felt, part) for part in (LOWER, UPPER)),
                float(met[wide].mean() / gap[wide].mean()),
            ]
        )
    return dict(zip(KEYS, [float(np.mean(closed)), *np.nanmean(rows, axis=0)], strict=True))


def _left(change: Floats, felt: Floats, part: Sequence[int] | np.ndarray) -> float:
    whole = float(np.square(felt[:, part]).sum())
    return float((change[:, part] * felt[:, part]).sum()) / whole if whole else 1.0


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def main() -> None:
    """Print the means over emotions, and each emotion."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--grid", type=Path, required=True, help="a corpus in the GRID layout")
    parser.add_argument("--units", type=Path, required=True, help="robot/faces/face_units.npz")
    parser.add_argument("--takes", type=int, default=60, help="held-out takes")
    given = parser.parse_args()
    fusions: dict[str, Fusion] = {
        "plain": plain,
        "crossed": crossed,
        "learned": LearnedFusion.load(),
    }
    found = compare(fusions, takes(given.grid, held_out=True)[: given.takes], Lips.of(given.units))
    print(f"{'':<22}" + "".join(f"{k:>10}" for k in KEYS))
    for kind, table in found.items():
        rows = {f"{kind} (mean)": {k: float(np.mean([r[k] for r in table.values()])) for k in KEYS}}
        rows |= {f"  {name}": row for name, row in table.items()}
        for name, row in rows.items():
            print(f"{name:<22}" + "".join(f"{row[k]:>10.3f}" for k in KEYS))


if __name__ == "__main__":
    main()
