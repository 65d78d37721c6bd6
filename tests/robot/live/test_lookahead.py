"""The choice of the network that listens, with small random ones in place of trained ones."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.models.speech import network as speech
from mien.models.speech.features import WINDOW
from mien.models.train.speech.weights_files import save
from mien.robot.errors import ConfigError, InputError
from mien.robot.expression.speech import SpeechStream
from mien.robot.face.calibrated import Calibrated
from mien.robot.face.config import load_face
from mien.robot.live import lookahead
from mien.robot.live.capture.recorded import blocks
from mien.robot.live.speech_to_commands import SpeechToCommands
from mien.robot.live.streaming_layers import LiveExpression
from mien.robot.live.voice_process import VoiceProcess
from mien.robot.live.voice_setup import VoiceSetup
from mien.robot.media import audio
from mien.robot.media.audio import RATE
from mien.robot.verbs.doctor import examine

HALF_WINDOW_MS = 1000 * WINDOW / 2 / RATE


def network(path: Path, frames: int) -> Path:
    """A small network that nobody trained, with a look-ahead of so many frames."""
    torch.manual_seed(frames)
    config = speech.Config(width=8, dilations=(1, 2), lookahead_frames=frames)
    save(path, speech.SpeechNet(config), {"version": 1})
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All variants installed, in a folder of their own."""
    files = {100: tmp_path / "speech.safetensors", 0: tmp_path / "speech_lookahead0.safetensors"}
    network(files[100], 5)
    network(files[0], 0)
    monkeypatch.setattr(lookahead, "FILES", files)
    return tmp_path


def test_a_monitor_gets_the_one_that_hears_ahead_and_the_room_the_one_that_does_not(
    folder: Path,
) -> None:
    assert lookahead.chosen(None, monitored=True).name == "speech.safetensors"
    assert lookahead.chosen(None, monitored=False).name == "speech_lookahead0.safetensors"
    assert VoiceSetup("hobby9", monitor="").weights.parent == folder
    assert VoiceSetup("hobby9").weights.name == "speech_lookahead0.safetensors"


def test_what_the_user_says_wins(folder: Path) -> None:
    assert lookahead.chosen(0, monitored=True).name == "speech_lookahead0.safetensors"
    assert VoiceSetup("hobby9", lookahead=100).weights == folder / "speech.safetensors"
    assert VoiceSetup("hobby9", lookahead=100, speech=Path("mine")).weights == Path("mine")


def test_a_variant_that_is_not_installed_is_an_error_only_when_it_was_asked_for(
    folder: Path,
) -> None:
    (folder / "speech_lookahead0.safetensors").unlink()
    with pytest.raises(ConfigError, match=r"speech_lookahead0\.safetensors is missing") as wrong:
        lookahead.chosen(0, monitored=False)
    assert "--lookahead 100" in wrong.value.hint
    assert lookahead.chosen(None, monitored=False).name == "speech.safetensors"
    with pytest.raises(InputError, match="50 ms: allowed are 100, 0"):
        lookahead.chosen(50, monitored=False)


def test_what_is_said_over_there_is_how_far_that_network_hears(tmp_path: Path) -> None:
    for frames in (0, 5):
        path = network(tmp_path / "net.safetensors", frames)
        voice = VoiceProcess(VoiceSetup("hobby9", source="quiet", speech=path))
        try:
            voice.start()
            assert 1e3 * voice.lookahead_s == pytest.approx(HALF_WINDOW_MS + 1000 * frames / 60)
        finally:
            voice.close()


def test_without_look_ahead_a_frame_is_there_half_a_window_after_its_sound(tmp_path: Path) -> None:
    calibrated = Calibrated(load_face("hobby9"))
    sound = audio.load(audio.LJ_DEMO)[: 2 * RATE]
    waits = {}
    for frames in (0, 5):
        path = network(tmp_path / f"{frames}.safetensors", frames)
        stream = SpeechStream(path)
        converter = SpeechToCommands(
            calibrated, partial(lambda s: s, stream), LiveExpression(), lambda: 0.0
        )
        late = [
            block.end - frame.t for block in blocks(sound, 0.0) for frame in converter.push(block)
        ]
        assert len(late) > 100
        waits[frames] = 1e3 * np.array(late)
    for frames, wait in waits.items():
        ahead = HALF_WINDOW_MS + 1000 * frames / 60
        assert wait.min() > ahead - 0.1
        assert wait.max() < ahead + 3.5  # what a block of 5 ms makes it wait, begun at its best


def test_the_doctor_says_what_each_costs(folder: Path) -> None:
    rows = {row.name: row for row in examine()}
    assert "needs 12 ms of sound ahead: lips 38 ms behind" in rows["look-ahead 0"].found
    assert "needs 96 ms of sound ahead: lips 121 ms behind" in rows["look-ahead 100"].found
    (folder / "speech_lookahead0.safetensors").unlink()
    row = {row.name: row for row in examine()}["look-ahead 0"]
    assert not row.ok
    assert not row.needed
    assert row.fix == "mien live --lookahead 100"
