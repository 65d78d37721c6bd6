import os
import subprocess
import sys
from pathlib import Path

import pytest

from mien.models.errors import ModelError
from mien.models.face.emotion_table import SHIPPED, extended

SMUG = """
version: 1
emotions:
  smug:
    words: [self_satisfied]
    units: [{unit: 12, strength: 0.5, side: right}, {unit: 43, strength: 0.3}]
    timing: {onset_s: 0.8}
    arousal: 0.1
    valence: 0.5
    head: {pitch: 0.2}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "emotions.yaml"
    path.write_text(text)
    return path


def test_an_emotion_of_ones_own_stands_behind_the_eight(tmp_path: Path) -> None:
    found = extended(written(tmp_path, SMUG))
    assert list(found) == [*SHIPPED, "smug"]
    assert found["smug"].timing.onset_s == 0.8
    assert found["smug"].timing.offset_s > 0  # what is not written has a default


def test_an_emotion_of_the_same_name_replaces_the_shipped_one_in_its_place(tmp_path: Path) -> None:
    text = "version: 1\nemotions: {anger: {units: [{unit: 4, strength: 1.0}]}}"
    found = extended(written(tmp_path, text))
    assert list(found) == list(SHIPPED)
    assert len(found["anger"].units) == 1


def test_one_file_is_enough_for_an_emotion_to_be_used_by_name(tmp_path: Path) -> None:
    code = (
        "from mien.models.face.emotion import EMOTIONS, blend, envelope, mix;"
        "from mien.models.face.blendshapes import INDEX;"
        "from mien.robot.expression.posture import posture;"
        "import numpy as np;"
        "mixed = mix({'self_satisfied': 1.0});"
        "assert EMOTIONS[-1] == 'smug' and mixed.shape == (9,);"
        "assert blend(mixed)[INDEX['mouthSmileRight']] == 0.5;"
        "assert blend(mixed)[INDEX['mouthSmileLeft']] == 0.0;"
        "assert posture(mixed[None])[0, 1] == 0.2;"
        "assert envelope('smug', np.array([0.8]), 0.0, 9.0)[0] == 1.0"
    )
    environment = {**os.environ, "MIEN_EMOTIONS": str(written(tmp_path, SMUG))}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 1\nemotions: {smug: {unit: 3}}", "line 2: emotions.smug.unit"),
        ("emotions:\n  smug: {}\nversion: 2", "line 3: version"),
        ("version: 1\nemotions:\n smug:\n  units:\n  - {unit: 12, strength: 7}",
         "line 5: emotions.smug.units.0.strength"),
        ("version: 1\nemotions:\n happiness:\n  words: [angry]",
         "line 4: 'angry' is a word of both anger and happiness"),
        ("version: 1\nemotions: {}", "emotions"),
        ("version: 1\nemotions: {../x: {}}", "emotions"),
        ("version: 1\nemotions: {smug: {units: [{unit: 99, strength: 1}]}}", "no action unit 99"),
        ("version: 1\nemotions: {smug: {units: [{unit: 12, strength: .nan}]}}", "strength"),
        ("version: 1\nemotions: {smug: {arousal: 1.5}}", "arousal"),
        ("version: 1\nemotions: {smug: {timing: {onset_s: 0}}}", "onset_s"),
        ("version: 1\nemotions: {neutral: {arousal: 1}}", "line 2: neutral cannot be replaced"),
        ("version: 1\nemotions: {smug: {words: [happy]}}", "line 2: 'happy' is a word of both"),
        ("[", "not valid YAML"),
        ("[" * 20000, "not valid YAML"),
        ("x: " + "9" * 5000, ""),
        ("", "the file"),
        ("a: " + "b" * 70000, "at most 65536 bytes"),
    ],
)  # fmt: skip
def test_a_faulty_file_is_refused_and_each_fault_named(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ModelError) as found:
        extended(written(tmp_path, text))
    assert message in found.value.message
    assert "emotions.yaml" in found.value.message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing\.yaml"):
        extended(tmp_path / "nothing.yaml")
