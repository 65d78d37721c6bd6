"""How late one face is, as ``mien sync`` measured it: a small file, tied to the face."""

from __future__ import annotations

import logging
import math
import shlex
from pathlib import Path

from mien.models.formats import read_json
from mien.models.user_folders import data_folder
from mien.robot.face.config import FaceConfig
from mien.robot.runs import write_json

_log = logging.getLogger(__name__)


def store(face: FaceConfig, lag_s: float, spread_s: float) -> Path:
    """Remember the lag of skin behind pulses and how much it varied. Returns the file."""
    path = data_folder() / f"{face.name}-{face.hash}.sync.json"
    write_json(path, {"face": face.name, "hash": face.hash, "lag_s": lag_s, "spread_s": spread_s})
    return path


def stored_lag(face: FaceConfig) -> float | None:
    """The lag in s, or None where it was never measured for this very configuration."""
    for made_for in face.hashes:
        path = data_folder() / f"{face.name}-{made_for}.sync.json"
        try:
            lag = float(read_json(path)["lag_s"])
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError, OverflowError) as e:
            _log.warning(
                "%s is left out: %s; the lag of %s is measured by: mien sync --face %s",
                *(path, e, face.name, shlex.quote(face.given)),
            )
            continue
        return lag if math.isfinite(lag) and -0.05 <= lag <= 0.5 else None
    return None
