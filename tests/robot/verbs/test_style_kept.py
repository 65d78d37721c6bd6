"""A style that was learned is not lost to a blend, and every refusal names the next command."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mien.models.errors import MienError
from mien.models.face.blendshapes import ARKIT
from mien.robot.expression.voices import style_path
from mien.robot.media.livelink_takes import write_csv
from mien.robot.verbs.cli import build


@pytest.fixture(autouse=True)
def anna(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A style that was learned from a clip."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    weights = 0.3 + 0.1 * rng.normal(size=(400, len(ARKIT))).cumsum(axis=0) / 20
    write_csv(tmp_path / "take.csv", np.clip(weights, 0, 1), 60.0)
    words = ["style", "learn", "anna", "--consent", "public", "--clip", "take.csv"]
    assert CliRunner().invoke(build(), words).exit_code == 0
    return style_path("anna")


@pytest.mark.parametrize(
    ("words", "proposed"),
    [
        ("blend anna anna 1", "mien style blend anna2 anna 1"),
        ("blend x anna", "mien style blend x A 0.6 B 0.4"),
        ("blend x anna 0", "mien style blend NEW A 0.6 B 0.4"),
        ("show ../x", "a name such as x"),
        ("show broken", "mien style forget broken"),
    ],
)
def test_a_refused_style_changes_nothing_and_names_what_is_next(
    words: str, proposed: str, anna: Path
) -> None:
    anna.with_name("broken.json").write_text("{")
    before = {path.name: path.read_bytes() for path in anna.parent.iterdir()}
    error = CliRunner().invoke(build(), ["style", *words.split()]).exception
    assert isinstance(error, MienError)
    assert (error.exit_code, error.hint) == (2, proposed)
    assert {path.name: path.read_bytes() for path in anna.parent.iterdir()} == before
