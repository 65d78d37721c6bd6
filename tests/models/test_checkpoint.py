import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from mien.models.checkpoint import content_hash, load, save
from mien.models.errors import ModelError


def test_tensors_and_metadata_come_back(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save(
        path,
        {"a": torch.arange(6).reshape(2, 3).float(), "b": np.ones(2, np.float16)},
        {"kind": "x", "n": 3},
    )
    tensors, meta = load(path, kind="x")
    np.testing.assert_array_equal(tensors["a"], np.arange(6).reshape(2, 3))
    assert tensors["b"].dtype == np.float32
    assert meta == {"kind": "x", "n": 3}
    assert not list(tmp_path.glob("*.part"))


def test_same_content_same_hash(tmp_path: Path) -> None:
    for name, value in (("1", 1.0), ("2", 1.0), ("3", 2.0)):
        save(tmp_path / name, {"a": np.full(3, value)}, {})
    one, two, three = (content_hash(tmp_path / n) for n in "123")
    assert one == two != three


def test_wrong_kind_missing_foreign_and_broken_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save(path, {"a": np.ones(1)}, {"kind": "speech"})
    with pytest.raises(ModelError, match=r"'speech'.*'self_model'"):
        load(path, kind="self_model")
    with pytest.raises(ModelError, match="no weights"):
        load(tmp_path / "none")
    save_file({"a": np.ones(1)}, str(tmp_path / "foreign"), metadata={"who": json.dumps("else")})
    with pytest.raises(ModelError, match="no Mien metadata"):
        load(tmp_path / "foreign")
    (tmp_path / "broken").write_bytes(path.read_bytes()[:20])
    with pytest.raises(ModelError, match="not a readable"):
        load(tmp_path / "broken")
