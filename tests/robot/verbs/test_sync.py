from pathlib import Path

import numpy as np
import pytest

from mien.models.face.blendshapes import FPS
from mien.robot.errors import MienError
from mien.robot.face import sync_store
from mien.robot.face.config import load_face
from mien.robot.verbs.sync import compare, sync

RNG = np.random.default_rng(0)
FRAMES = 6 * FPS
SYLLABLES = np.convolve(
    np.repeat(RNG.uniform(0, 8, FRAMES // 8), 8), np.hanning(9) / np.hanning(9).sum(), "same"
)


def seen(late_s: float, noise_mm: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """What a camera of 30 pictures a second sees of lips that are late."""
    times = np.arange(0.1, 6.0, 1 / 30)
    gaps = np.interp(times - late_s, np.arange(FRAMES) / FPS, SYLLABLES)
    return times, 0.7 * gaps + 1.0 + noise_mm * RNG.normal(size=len(times))


@pytest.mark.parametrize("late_s", [-0.08, 0.0, 0.033, 0.15])
@pytest.mark.parametrize("noise_mm", [0.0, 0.3])
def test_the_lag_is_found(late_s: float, noise_mm: float) -> None:
    found = compare(*seen(late_s, noise_mm), SYLLABLES)
    assert found.offset_ms == pytest.approx(1e3 * late_s, abs=6.0)
    assert found.spread_ms < 12.0
    assert found.r > 0.8


def test_lips_that_do_something_else_are_no_measurement() -> None:
    times, _ = seen(0.0)
    with pytest.raises(MienError, match="do not follow"):
        compare(times, RNG.normal(size=len(times)), SYLLABLES)


def test_a_camera_that_saw_nothing_is_named() -> None:
    with pytest.raises(MienError, match="saw the face 3 times"):
        compare(np.arange(3.0), np.zeros(3), SYLLABLES)


def test_the_rig_is_in_time_after_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    said: list[str] = []
    monkeypatch.setattr("builtins.print", lambda *a, **k: said.append(str(a[0])) if not k else None)
    sync(as_json=True)
    report = json.loads(said[-1])
    assert abs(report["offset_ms_after"]) < 20.0
    assert abs(report["offset_ms_after"]) <= abs(report["offset_ms_before"]) + 2.0
    stored = sync_store.stored_lag(load_face("morpheus33"))
    assert stored is not None
    assert 1e3 * stored == pytest.approx(report["lag_ms"])
