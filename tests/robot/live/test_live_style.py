"""The voice process goes over to a style that the panel chose, and outlives one that is gone."""

import time
from pathlib import Path

import numpy as np
import pytest

from mien.models.face.blendshapes import INDEX
from mien.models.manner.style_file import Style, save
from mien.models.style.described import described
from mien.robot.expression.voices import style_of_voice, style_path
from mien.robot.live.voice_process import VoiceProcess
from mien.robot.live.voice_setup import VoiceSetup
from mien.robot.media.audio import LJ_DEMO

SMILE = [INDEX["mouthSmileLeft"], INDEX["mouthSmileRight"]]


@pytest.fixture
def smiling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Style:
    """A user who learned the style that smiles most."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    steps = np.random.default_rng(0).uniform(-1, 1, (64, 64))
    slope = np.linalg.lstsq(steps, [described(s)["smile"] for s in steps], rcond=None)[0]
    style = style_of_voice(LJ_DEMO, "smiles", "synthetic")
    style = style.model_copy(update={"code": tuple(np.sign(slope).tolist())})
    save(style_path("smiles"), style)
    return style


def smile_of(process: VoiceProcess, seconds: float) -> float:
    """Mean smile of the frames of some seconds while somebody speaks."""
    found, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        found += [f.weights[SMILE].mean() for f in process.poll(0.0) if f.gate > 0.5]
        process.wait(0.05)
    return float(np.mean(found))


def test_styles_change_while_somebody_speaks(
    smiling: Style, capfd: pytest.CaptureFixture[str]
) -> None:
    assert described(np.array(smiling.code))["smile"] > 0.1
    process = VoiceProcess(VoiceSetup("hobby9", source="wav", path=LJ_DEMO, repeat=True, life=0.0))
    try:
        process.start()
        process.begin()
        plain = smile_of(process, 4.0)
        process.set_style("smiles")
        smile_of(process, 2.0)
        worn = smile_of(process, 4.0)
        process.set_style("gone")
        assert smile_of(process, 4.0) > plain + 0.5 * (worn - plain)  # the old one stays
        process.set_style("none")
        smile_of(process, 2.0)
        again = smile_of(process, 4.0)
    finally:
        process.close()
    assert worn > plain + 0.05
    assert again == pytest.approx(plain, abs=0.3 * (worn - plain))
    assert "note: there is no style 'gone'" in capfd.readouterr().err
