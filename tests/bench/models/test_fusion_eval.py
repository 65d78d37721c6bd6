import os
from pathlib import Path

import numpy as np
import pytest

from mien.models.data.corpora.grid import Take, takes
from mien.models.fusion.learned import LearnedFusion
from mien.models.fusion.rules import Fusion, crossed, plain
from mien.models.train.fusion.train import Lips
from tests.bench.models.fusion_eval import KEYS, compare
from tests.paths import ROOT

LIPS = Lips.of(ROOT / "robot" / "faces" / "face_units.npz")


def take() -> Take:
    """Three seconds at 25 frames a second: open, closed twice, once rounded."""
    t = np.arange(75) / 25
    gap = 0.1 + 0.08 * np.sin(t * 11)
    for start in (1.0, 1.8):
        gap[(t >= start) & (t < start + 0.12)] = 0.0
    width = np.where((t > 1.2) & (t < 1.6), 0.6, 0.8)
    shapes = np.zeros((75, 52), np.float32)
    return Take("made", Path(), 25.0, shapes, gap, width, ((0.3, 2.7, "word"),))


def test_the_measures_tell_a_fusion_that_protects_from_one_that_adds() -> None:
    found = compare({"plain": plain, "crossed": crossed}, [take()], LIPS)
    assert set(found["plain"]["fear"]) == set(KEYS)
    assert found["plain"]["surprise"]["closures"] == 0.0
    assert found["crossed"]["surprise"]["closures"] == 1.0
    for row in found["plain"].values():
        assert row["lower"] == pytest.approx(1.0, abs=0.02)
        assert row["upper"] == pytest.approx(1.0)
    assert found["crossed"]["happiness"]["round_mm"] < found["plain"]["happiness"]["round_mm"]


@pytest.mark.data
def test_rules_follow_the_lips_best_and_the_learned_fusion_leaves_most_of_the_feeling() -> None:
    data = Path(os.environ.get("MIEN_DATA", ROOT.parent / "shared" / "data"))
    if not (data / "grid_s1").is_dir():
        pytest.skip(f"no {data / 'grid_s1'}; set MIEN_DATA")
    some = takes(data / "grid_s1", held_out=True)[:12]
    fusions: dict[str, Fusion] = {
        "plain": plain,
        "crossed": crossed,
        "learned": LearnedFusion.load(),
    }
    found = compare(fusions, some, LIPS)
    mean = {
        k: {key: np.mean([r[key] for r in v.values()]) for key in KEYS} for k, v in found.items()
    }
    assert min(mean[k]["closures"] for k in ("learned", "crossed")) > 0.98
    assert mean["plain"]["closures"] < 0.7
    assert mean["crossed"]["r_gap"] > 0.975
    assert mean["learned"]["r_gap"] > 0.955
    assert mean["learned"]["lower"] > mean["crossed"]["lower"]
