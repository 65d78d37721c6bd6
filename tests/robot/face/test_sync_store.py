from pathlib import Path

import pytest

from mien.robot.face import sync_store
from mien.robot.face.config import load_face


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def test_what_was_measured_is_found_for_this_face_only() -> None:
    face = load_face("hobby9")
    assert sync_store.stored_lag(face) is None
    sync_store.store(face, 0.083, 0.004)
    assert sync_store.stored_lag(face) == 0.083
    assert sync_store.stored_lag(load_face("morpheus33")) is None


@pytest.mark.parametrize("content", ["", "{}", '{"lag_s": NaN}', '{"lag_s": 9.0}', '{"lag_s": []}'])
def test_a_broken_file_is_as_none(content: str) -> None:
    face = load_face("hobby9")
    sync_store.store(face, 0.08, 0.0).write_text(content)
    assert sync_store.stored_lag(face) is None
