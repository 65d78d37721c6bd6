"""The ablation names its parts and prints numbers only, the worst of all robots."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.models.train.self_model.fit_config import PARTS
from mien.robot.errors import InputError
from mien.robot.face.config import FaceConfig
from tests.bench.calibration import bench_calibration as bench


@pytest.mark.parametrize(
    ("named", "parts"),
    [
        ([], []),
        (["shrinkage"], ["shrinkage"]),
        (["shrinkage", "hysteresis", "shrinkage"], ["hysteresis", "shrinkage"]),
        (["all"], list(PARTS)),
        (["shrinkage", "all"], list(PARTS)),
    ],
)
def test_each_part_is_left_out_once(
    monkeypatch: pytest.MonkeyPatch, named: list[str], parts: list[str]
) -> None:
    asked: list[list[str]] = []

    def measured(
        _folder: Path, _face: FaceConfig, build: int, _camera: str, _poses: int, parts: list[str]
    ) -> object:
        asked.append(parts)
        return {part: {"inverse_mean_pct": 1.0 + build} for part in ("nothing", *parts)}

    monkeypatch.setattr(bench, "ablation", measured)
    monkeypatch.setattr(bench, "one", lambda *_: {"inverse_mean_pct": 0.5})
    out = bench.calibration("hobby9", "1,3,2", "projected", 400, named, faults=0, outside=False)
    if not parts:
        assert asked == []
        assert out["projected.inverse_mean_pct"] == 0.5
        return
    assert asked == [parts] * 3
    assert out == {"poses": 400} | {
        f"without.{part}.inverse_mean_pct": 4.0 for part in ("nothing", *parts)
    }


def test_an_unknown_part_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="no part nose; it has hysteresis") as e:
        bench.calibration("hobby9", "1", "projected", 400, ["nose"])
    assert e.value.hint == "mien bench calibration --without all"
