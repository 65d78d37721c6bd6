from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mien.robot.errors import InputError
from mien.robot.media.audio import LJ_DEMO, RATE, load, to_mono_16k


def tone(rate: int, seconds: float = 0.5, hertz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT"])
def test_any_rate_and_width_is_the_same_tone(tmp_path: Path, rate: int, subtype: str) -> None:
    soundfile.write(tmp_path / "a.wav", tone(rate), rate, subtype=subtype)
    samples = load(tmp_path / "a.wav")
    assert samples.dtype == np.float32
    assert abs(len(samples) - RATE // 2) <= 1
    inner = slice(800, -800)  # the resampler's own edges
    tolerance = 0.02 if subtype == "PCM_U8" else 2e-3
    assert np.abs(samples[inner] - tone(RATE)[: len(samples)][inner]).max() < tolerance


def test_stereo_is_averaged(tmp_path: Path) -> None:
    both = np.stack([tone(RATE), np.zeros(RATE // 2)], axis=1)
    soundfile.write(tmp_path / "a.wav", both, RATE, subtype="FLOAT")
    np.testing.assert_allclose(load(tmp_path / "a.wav"), tone(RATE) / 2, atol=1e-6)


def test_bad_samples_become_silence_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    samples = tone(RATE).astype(np.float32)
    samples[100], samples[200] = np.nan, np.inf
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    with caplog.at_level(logging.WARNING):
        got = load(tmp_path / "a.wav")
    assert np.isfinite(got).all()
    assert got[100] == got[200] == 0
    assert "2 samples" in caplog.text


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "no samples", "folder"])
def test_useless_files_are_named_with_the_next_command(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.wav"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("this is not audio")
    elif kind == "no samples":
        soundfile.write(path, np.zeros(0), RATE)
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(InputError, match=r"a\.wav") as e:
        load(path)
    assert e.value.exit_code == 2
    assert "mien" in e.value.hint


def test_an_impossible_rate_is_refused() -> None:
    with pytest.raises(InputError, match="12 Hz"):
        to_mono_16k(np.zeros(10), 12)


def test_the_demo_sentence_ships() -> None:
    samples = load(LJ_DEMO)
    assert 2 < len(samples) / RATE < 12
    assert np.sqrt(np.mean(samples**2)) > 0.01
