"""Random faces of the bench can be computed; what cannot be is counted and named."""

from __future__ import annotations

import numpy as np
import pytest

from mien.robot.sim.design.drawing import design
from tests.bench.robot.bench_faces import bench, failure, random_design


@pytest.mark.parametrize("seed", range(4))
def test_a_random_face_can_be_computed(seed: int) -> None:
    assert failure(random_design(np.random.default_rng(seed)), seed) == ""


def test_a_large_servo_on_a_light_jaw_can_be_computed() -> None:
    drawn = design("own", {"jaw": 1, "corners": 2}, [], volts=8.4, large=["jaw"])
    assert [failure(drawn, build) for build in range(4)] == [""] * 4


def test_random_faces_differ() -> None:
    rng = np.random.default_rng(0)
    chosen = [str(random_design(rng).chosen) for _ in range(20)]
    assert len(set(chosen)) == 20


def test_what_diverges_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.bench.robot import bench_faces

    monkeypatch.setattr(bench_faces, "failure", lambda _, build: "own: why" if build else "")
    assert bench(faces=4, calibrate=False) == {"random": 4, "diverged": 3}
    assert capsys.readouterr().err == "own: why\n" * 3
