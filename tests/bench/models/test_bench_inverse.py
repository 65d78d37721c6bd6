"""The inverse's bench measures the shipped model and finds no limit broken."""

from __future__ import annotations

import pytest

from mien.models.errors import ModelError
from tests.bench.models.bench_inverse import inverse


def test_every_key_is_there_and_the_laws_hold() -> None:
    found = inverse("morpheus33", frames=64, reference=2)
    for key in ("frame_ms_p50", "frame_ms_p99", "batch_fps", "speedup_vs_adam500"):
        value = found[f"inverse.{key}"]
        assert isinstance(value, float)
        assert value > 0
    ratio = found["inverse.loss_vs_adam500"]
    assert isinstance(ratio, float)
    assert ratio <= 1.02
    assert found["inverse.limit_violations"] == 0


def test_a_face_without_a_model_is_said() -> None:
    with pytest.raises(ModelError, match="no weights"):
        inverse("nobody")
