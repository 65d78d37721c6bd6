"""Files that cannot be used, as a user meets them: a sentence, exit code 2, no time, no memory."""

from __future__ import annotations

import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from mien.models import checkpoint
from mien.robot.faces import __file__ as faces
from mien.robot.verbs.cli import main

MAX_CPU_S = 1.0
MAX_MEMORY_KB = 200_000
FACE = (Path(faces).parent / "hobby9.yaml").read_text(encoding="utf-8")
LOCK = "interlocks:\n  - {name: a, terms: {jaw_open: COEFFICIENT}, max: LIMIT}\n"


def face(old: str, new: str) -> bytes:
    assert old in FACE
    return FACE.replace(old, new, 1).encode()


def lock(coefficient: str, limit: str) -> bytes:
    return FACE.encode() + LOCK.replace("COEFFICIENT", coefficient).replace("LIMIT", limit).encode()


FACES = {
    "lists as boards": (face("boards: [0x40]", "boards: [[0x40], [0x40]]"), "boards.0"),
    "texts as boards": (face("boards: [0x40]", "boards: [a, a]"), "boards.0"),
    "5,000 digits": (face("pwm_hz: 50", f"pwm_hz: {'9' * 5000}"), "line 6, column 9"),
    "a board of 39 digits": (face("board: 0", f"board: {'9' * 39}"), "gaze_x.board"),
    "deep nesting": (b"[" * 100_000, "exceeded maximum nesting depth"),
    "deep objects": (b"face: " + b"{a: " * 100, "more than 32"),
    "!!int x": (face("pwm_hz: 50", "pwm_hz: !!int x"), "'x' is no int"),
    "a list as a key": (face("pwm_hz: 50", "? [a]\n: 1"), "key a sequence is no text"),
    "an object as a key": (face("pwm_hz: 50", "? {a: 1}\n: 1"), "key a mapping is no text"),
    "a number as an actuator": (face("  jaw_open:", "  5:"), "key '5' is no text"),
    "a date": (face("face: hobby9", "face: 2024-01-01"), "face: String should match"),
    "NaN as a limit": (lock("1.0", ".nan"), "interlocks.0.max: Input should be a finite"),
    "infinity as a limit": (lock("1.0", ".inf"), "interlocks.0.max: Input should be a finite"),
    "infinity as a coefficient": (lock(".inf", "0.5"), "interlocks.0.terms.jaw_open"),
    "a vast coefficient": (lock("1.0e+308", "0.5"), "jaw_open: Input should be less than or equal"),
    "a tiny coefficient": (lock("1.0e-320", "0.5"), "0 or at least 0.001"),
    "1e-320 as a speed": (face("speed: 9.0", "speed: 1.0e-320"), "gaze_x.speed: Input should be"),
    "NaN as a speed": (face("speed: 9.0", "speed: .nan"), "gaze_x.speed: Input should be a finite"),
    "tiny amps": (face("amps: 10.0", "amps: 1.0e-320"), "supplies.0.amps: Input should be"),
    "a pulse without a way": (face("[1100, 1500,", "[1499.999, 1500,"), "must rise"),
    "limits without a way": (face("[-0.1, 1.0]", "[-1.0e-320, 1.0e-320]"), "must rise"),
    "no text": (bytes(range(256)), "not UTF-8 text"),
    "escapes": (face("face: hobby9", r'"\e[2J\e]0;x": 1'), r"'\\x1b\[2J\\x1b\]0;x'"),
}  # fmt: skip


def run(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[str, float]:
    """What ``mien`` with ``words`` says, and its CPU time in s; it must exit with 2."""
    monkeypatch.setattr(sys, "argv", ["mien", *words])
    start = time.process_time()
    with pytest.raises(SystemExit) as end:
        main()
    spent = time.process_time() - start
    assert end.value.code == 2
    return capsys.readouterr().err, spent


@pytest.mark.parametrize("kind", FACES)
def test_a_face_that_cannot_be_used_is_refused_by_its_fault(
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content, said = FACES[kind]
    path = tmp_path / "face.yaml"
    path.write_bytes(content)
    error, _ = run(["demo", "--face", str(path)], monkeypatch, capsys)
    assert error.startswith("mien: ")
    assert str(path) in error
    assert "Traceback" not in error
    assert re.search(said, error), error
    assert all(c.isprintable() or c == "\n" for c in error)
    assert max(map(len, error.splitlines())) < 600


def sparse(size: int) -> Callable[[Path], None]:
    """A file of ``size`` zeros that takes no room."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(size)

    return write


def weights(kind: str, **changes: NDArray[np.float32]) -> Callable[[Path], None]:
    """Weights that ship, with other tensors."""

    def write(path: Path) -> None:
        tensors, meta = checkpoint.load(checkpoint.WEIGHTS / f"{kind}.safetensors")
        checkpoint.save(path, tensors | changes, meta)

    return write


def silence(path: Path) -> None:
    """Twenty minutes of sound in 50 kB."""
    soundfile.write(path, np.zeros(20_000_000, np.int16), 16_000, "PCM_16", format="FLAC")


TIMELINE = ["speak", "--wav", "none.wav", "--timeline", "FILE"]
SELF_MODEL = ["demo", "--face", "hobby9", "--calibration", "FILE"]
OTHERS: dict[str, tuple[list[str], bytes | Callable[[Path], None], str]] = {
    "a timeline of 100 MB": (TIMELINE, sparse(100_000_000), "it is 100.0 MB, at most 1.0 MB"),
    "a deep timeline": (TIMELINE, b"[" * 100_000, "nested too deep"),
    "a timeline of 5,000 digits": (TIMELINE, b'[{"start": ' + b"9" * 5000 + b"}]", "5000 digits"),
    "a vast time": (
        TIMELINE, b'[{"start": 0, "end": 1e308, "emotion": "happy"}]', "end is 1e.308, at most",
    ),
    "a timeline of lists": (
        TIMELINE, b'[{"start": [], "end": {}, "emotion": [], "region": []}]', "cue 1: start",
    ),
    "an endless timeline": (TIMELINE, b"[" + b"1," * 400_000 + b"1]", "400001 cues, at most 10000"),
    "a self-model with NaN": (
        SELF_MODEL, weights("self_model_hobby9", b1=np.full(36, np.nan, np.float32)), "NaN",
    ),
    "a self-model of other shapes": (
        SELF_MODEL, weights("self_model_hobby9", b1=np.zeros(35, np.float32)), r"shape \(35",
    ),
    "a self-model of texts": (SELF_MODEL, b"hello", "it is cut"),
    "a self-model of 1 GB": (SELF_MODEL, sparse(1 << 30), "at most 67.1 MB"),
    "a fusion as a self-model": (SELF_MODEL, weights("fusion"), "'fusion', expected 'self_model'"),
    "a recording of zeros": (["replay", "FILE"], sparse(1 << 30), "does not begin as an MCAP"),
    "a face in place of a recording": (["replay", "FILE"], FACE.encode(), "is not a whole"),
    "many subtitles": (TIMELINE, b"x\n\n" * 100_000, "100000 blocks, at most 10000"),
    "a sound that grows": (["demo", "--wav", "FILE"], silence, "more than 16777216 samples"),
}  # fmt: skip


@pytest.mark.parametrize("kind", OTHERS)
def test_any_other_file_that_cannot_be_used_is_refused_by_its_fault(
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words, content, said = OTHERS[kind]
    path = tmp_path / "file"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content(path)
    words = [str(path) if word == "FILE" else word for word in words]
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run(words, monkeypatch, capsys)  # imports
    error, spent = run(words, monkeypatch, capsys)
    assert spent < MAX_CPU_S
    assert error.startswith("mien: ")
    assert re.search(said, error), error
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < MAX_MEMORY_KB
