"""Weights files: safetensors with JSON metadata, never pickle."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file

from mien.models.errors import ModelError
from mien.models.files import whole
from mien.models.formats import VERSION_KEY, check_version
from mien.models.reading.arrays import check_shapes
from mien.models.reading.bounded import FileError
from mien.models.reading.json_file import parse_json
from mien.models.reading.tensors import read_tensors

Meta: TypeAlias = dict[str, Any]
_META_KEY = "mien"
NEWEST: Final = {
    "speech": 2,
    "self_model": 1,
    "fusion": 1,
    "self_model_prior": 1,
    "tracker_bias": 1,
    "manner": 1,
    "song_voice": 1,
    "voice_emotion": 1,
    "style_memory": 2,
    "feeling": 2,
    "manner_live": 1,
    "keyframes": 1,
}
"""Version of each kind of weights file that this Mien writes, and the newest that it reads."""
WEIGHTS = Path(__file__).parent / "weights"
"""Folder of the shipped weights."""


def save(path: Path, tensors: Mapping[str, Any], meta: Meta) -> None:
    """Write tensors (torch or numpy, any shape) and JSON metadata to ``path``, atomically.

    Raises:
        OSError: the file cannot be written.
    """
    arrays = {k: np.ascontiguousarray(_to_numpy(v)) for k, v in tensors.items()}
    with whole(path) as part:
        try:
            save_file(arrays, str(part), metadata={_META_KEY: json.dumps(meta, sort_keys=True)})
        except SafetensorError as e:  # a full disk
            raise OSError(errno.EIO, str(e), str(path)) from e


def load_shaped(
    path: Path, kind: str, layout: Mapping[str, tuple[int | str, ...]]
) -> tuple[dict[str, NDArray[Any]], Meta]:
    """Tensors and metadata, as ``load``, whose tensors have the shapes of ``layout``.

    Raises:
        ModelError: as ``load``, or a tensor is missing or has another shape.
    """
    tensors, meta = load(path, kind)
    check_shapes(path, tensors, layout)
    return tensors, meta


def load(path: Path, kind: str | None = None) -> tuple[dict[str, NDArray[Any]], Meta]:
    """Read tensors and metadata of ``path``; float16 becomes float32.

    Raises:
        ModelError: the file is missing, is not safetensors, has no Mien metadata, has another kind
            or a newer version, or a tensor holds NaN or infinity.
    """
    if not path.is_file():
        raise ModelError(f"no weights at {path}", "mien doctor")
    try:
        tensors, raw = read_tensors(path)
    except OSError as e:
        raise ModelError(f"cannot read {path}: {e.strerror}", "mien doctor") from e
    if _META_KEY not in raw:
        raise ModelError(f"{path} carries no Mien metadata: it was not made by this project")
    try:
        meta: Meta = parse_json(raw[_META_KEY])
    except ValueError as e:
        raise FileError(path, f"its metadata is no JSON: {e}", "mien doctor") from e
    if not isinstance(meta, dict):
        raise FileError(path, f"its metadata is a {type(meta).__name__}, expected an object")
    if kind is not None and meta.get("kind") != kind:
        raise ModelError(f"{path} has the kind {meta.get('kind')!r}, expected {kind!r}")
    try:
        check_version(meta.get(VERSION_KEY), NEWEST.get(str(meta.get("kind")), 1))
    except ValueError as e:
        raise ModelError(f"{path} cannot be used: {e}", "mien --version, then update Mien") from e
    return {k: _widen(v) for k, v in tensors.items()}, meta


def content_hash(path: Path) -> str:
    """First 16 hex digits of the file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _to_numpy(value: Any) -> NDArray[Any]:
    detach = getattr(value, "detach", None)
    return np.asarray(detach().cpu().numpy() if detach else value)


def _widen(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.float32) if array.dtype == np.float16 else array
