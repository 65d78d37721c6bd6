"""Valid files of a show, its take and the manner network, and how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.models.face.curves import CURVES
from mien.models.manner.config import Config
from mien.models.manner.features import FEATURES
from mien.models.manner.runtime_numpy import Manner
from mien.models.manner.weights import layout
from mien.robot.media.livelink_takes import write_csv
from mien.robot.show.edits import items
from mien.robot.show.show_file import read_show
from mien.robot.show.takes import TakeFiles, read_take

SHOW_TREE: Final[dict[str, Any]] = {
    "version": 1, "sound": "a.wav", "seed": 3, "head_gain": 1.0,
    "emotions": [{"start": 0.1, "end": 1.0, "emotion": "happy", "strength": 0.5}],
    "keyframes": [{"at": 0.5, "pose": "mine", "hold": 0.2}, {"at": 1.5, "pose": "smile"}],
    "regenerate": ["0.2-0.9 upper", "1-2 head 2"],
    "poses": {"mine": {"shapes": {"browInnerUp": 0.5}, "head": {"yaw": 3.0}}},
}  # fmt: skip
RECORD_TREE: Final[dict[str, Any]] = {
    "version": 1, "sha256": "00", "basis": {"seed": 1},
    "items": [{"kind": "keyframe", "start_s": 0.1, "end_s": 0.6, "curves": ["jawOpen", "HeadYaw"],
               "content": "{}"}],
}  # fmt: skip
_SIZES: Final = Config(widths=(2, 2, 2), hidden=2)


def read_whole_show(path: Path) -> object:
    """A show with what it changes; times are checked against a sound of 3 s."""
    file = read_show(path)
    file.check_times(3.0)
    return [(i.start, i.end, i.columns) for i in items(file.show, file.poses)]


def read_record(path: Path) -> object:
    """The record of a take beside its curves."""
    files = TakeFiles(path.with_suffix(""))
    if not files.csv.is_file():
        write_csv(files.csv, np.zeros((2, 52)))
    return read_take(files)


def read_manner(path: Path) -> object:
    """A manner network that makes four frames."""
    with np.errstate(all="ignore"):  # finite weights may still overflow
        known = np.full((4, len(CURVES)), np.nan, np.float32)
        return Manner(path).sample(np.zeros((4, FEATURES), np.float32), known, 0)


def manner_file() -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensors and metadata of a narrow manner network."""
    tensors = {name: np.full(shape, 0.1) for name, shape in layout(_SIZES).items()}
    return tensors, {"kind": "manner", "version": 1, "config": vars(_SIZES)}
