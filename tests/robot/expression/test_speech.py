from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mien.models.data.lip_metrics import contact
from mien.models.face.blendshapes import FPS, lip_opening
from mien.robot.errors import ConfigError
from mien.robot.expression.speech import SpeechStream, description, lookahead_s, speak
from mien.robot.media.audio import LJ_DEMO, RATE, load


@pytest.fixture(scope="module")
def demo() -> np.ndarray:
    return load(LJ_DEMO)


def test_speak_gives_a_frame_for_every_sixtieth(demo: np.ndarray) -> None:
    weights = speak(demo)
    assert weights.shape == (int(np.ceil(len(demo) * FPS / RATE)), 52)
    assert weights.dtype == np.float32
    assert 0 <= weights.min() <= weights.max() <= 1


def test_the_mouth_moves_with_the_voice(demo: np.ndarray) -> None:
    opening = lip_opening(speak(demo))
    assert np.percentile(opening, 95) > 0.15
    assert np.percentile(opening, 10) < 0.1
    rise = np.sum((opening[1:] > 0.12) & (opening[:-1] <= 0.12))
    assert rise >= 6  # syllables, not one long opening


def test_a_live_voice_is_the_same_voice(demo: np.ndarray) -> None:
    stream = SpeechStream()
    parts = [stream.push(demo[at : at + 160]) for at in range(0, len(demo), 160)]
    parts.append(stream.flush())
    np.testing.assert_allclose(np.concatenate(parts), speak(demo), rtol=0, atol=1e-5)


def test_frames_come_exactly_when_promised(demo: np.ndarray) -> None:
    stream = SpeechStream()
    frame = 30
    wanted = stream.ready_at(frame)
    assert wanted / RATE - frame / FPS == pytest.approx(lookahead_s(), abs=1 / RATE)
    stream.push(demo[: wanted - 1])
    assert stream.frames == frame
    assert len(stream.push(demo[wanted - 1 : wanted])) == 1
    assert (stream.frames, stream.samples) == (frame + 1, wanted)


def test_a_broken_driver_does_not_stop_the_face(demo: np.ndarray) -> None:
    stream = SpeechStream()
    bad = demo[:8000].copy()
    bad[1000:1100] = np.nan
    bad[2000] = np.inf
    assert np.isfinite(stream.push(bad)).all()
    assert np.isfinite(stream.push(demo[8000:16000])).all()
    assert len(stream.push(np.zeros(0, np.float32))) == 0


def test_to_speak_needs_no_torch() -> None:
    code = (
        "import sys, mien.robot.expression.speech as s; s.SpeechStream(); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_weights_describe_themselves() -> None:
    assert description()["lookahead_ms"] == pytest.approx(1000 * lookahead_s())


def test_missing_weights_name_the_next_command(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no weights") as e:
        SpeechStream(tmp_path / "none.safetensors")
    assert e.value.exit_code == 2
    assert e.value.hint


def test_metrics_take_the_output_as_it_is(demo: np.ndarray) -> None:
    assert contact(lip_opening(speak(demo)), [], FPS).bilabials == 0
