"""Sound files that users sent: each case stands for a kind."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from mien.robot.errors import InputError
from mien.robot.media import sound_file
from mien.robot.media.audio import LJ_DEMO, RATE, load

VOICE = load(LJ_DEMO)[:RATE]


def wav(path: Path, samples: Any, subtype: str = "PCM_16", fmt: str | None = None) -> Path:
    soundfile.write(path, samples, RATE, subtype=subtype, format=fmt)
    return path


@pytest.mark.parametrize("gains", [(1, -1), (1, -0.9), (-0.2, 0.22), (1, 0, 0, 0, 0)])
def test_channels_that_cancel_give_the_better_one_and_it_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, gains: tuple[float, ...]
) -> None:
    got = load(wav(tmp_path / "a.wav", np.stack([g * VOICE for g in gains], axis=1)))
    assert np.abs(np.corrcoef(got, VOICE)[0, 1]) > 0.999
    assert np.std(got) == pytest.approx(np.std(VOICE) * np.abs(gains).max(), rel=0.02)
    assert "cancel" in caplog.text


@pytest.mark.parametrize("bits", [15, 23, 31])
def test_a_float_file_in_the_scale_of_integers_is_recognised_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, bits: int
) -> None:
    got = load(wav(tmp_path / "a.wav", VOICE * 2.0**bits, "FLOAT"))
    np.testing.assert_allclose(got, VOICE, atol=1e-4)
    assert f"{bits + 1}-bit" in caplog.text


def test_an_unknown_scale_is_refused_and_a_glitch_is_clipped(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="allowed are -1 to 1"):
        load(wav(tmp_path / "a.wav", VOICE * 100, "FLOAT"))
    click = VOICE.copy()
    click[100] = 1e6
    np.testing.assert_allclose(
        load(wav(tmp_path / "b.wav", click, "FLOAT"))[200:], VOICE[200:], atol=1e-3
    )


def test_silence_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    load(wav(tmp_path / "a.wav", np.zeros(1600)))
    assert "silence" in caplog.text


@pytest.mark.parametrize("offset", [0.01, -0.2])
def test_a_constant_offset_is_removed(tmp_path: Path, offset: float) -> None:
    got = load(wav(tmp_path / "a.wav", 0.3 * VOICE + offset))
    assert abs(got.mean()) < 1e-5
    np.testing.assert_allclose(got, 0.3 * (VOICE - VOICE.mean()), atol=1e-4)


@pytest.mark.parametrize(
    ("suffix", "at", "order", "sizes"),
    [
        ("wav", 40, "<I", (0, 100, 1 << 20, 0xFFFFFFFF)),
        ("wav", 4, "<I", (0, 100, 0xFFFFFFFF)),
        ("au", 8, ">I", (0, 100, 1 << 20, 0xFFFFFFFF)),
        ("flac", 22, ">I", (0, 100, 1 << 20, 0xFFFFFFFF)),
    ],
)
def test_the_length_comes_from_the_data_not_from_the_header(
    tmp_path: Path, suffix: str, at: int, order: str, sizes: tuple[int, ...]
) -> None:
    path = wav(tmp_path / f"a.{suffix}", VOICE)
    right, whole = load(path), path.read_bytes()
    for size in sizes:
        path.write_bytes(whole[:at] + struct.pack(order, size) + whole[at + 4 :])
        np.testing.assert_array_equal(load(path), right, err_msg=f"{suffix} {size}")


@pytest.mark.parametrize("suffix", ["m4a", "aac", "mp4", "mov", "webm", "mkv"])
def test_what_ffmpeg_reads_is_read(tmp_path: Path, suffix: str) -> None:
    import imageio_ffmpeg

    source, path = wav(tmp_path / "in.wav", VOICE), tmp_path / f"a b.{suffix}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(source), str(path)]
    subprocess.run(command, check=True)
    got = load(path)
    match = np.correlate(got, VOICE, "full").max() / np.sum(VOICE**2)
    assert match > 0.8
    assert len(got) == pytest.approx(RATE, abs=0.15 * RATE)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff", "au"])
def test_what_libsndfile_reads_needs_no_ffmpeg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(sound_file, "ffmpeg", lambda: "")
    sound = 0.3 * np.sin(np.arange(48000) / 9.0)
    path = tmp_path / f"sound.{suffix}"
    soundfile.write(path, sound, 16000)
    samples, rate = sound_file.read(path)
    assert rate == 16000
    assert len(samples) == pytest.approx(48000, abs=0 if suffix != "mp3" else 3000)
    np.testing.assert_allclose(samples[8000:40000].std(), sound.std(), rtol=0.02)


def test_without_ffmpeg_one_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound_file, "ffmpeg", lambda: "")
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(range(1, 200)))
    with pytest.raises(InputError, match="ffmpeg, which reads others, is missing") as e:
        load(tmp_path / "a.m4a")
    assert "imageio-ffmpeg" in e.value.hint


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        (b"  \r\n<html>not found", "web page"),
        ("<html>nicht gefunden".encode("utf-16"), "web page"),
        (b'{"error": "expired"}', "JSON"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
        (b"PK\x03\x04rest", "zip"),
        (b"%PDF-1.7", "PDF"),
        (b"#EXTM3U\nhttp://example.invalid/a.mp3\n", "text that begins"),
        ("Tonspur fehlt: Ü".encode(), "text that begins"),
        (b"", "empty"),
    ],
)
def test_what_is_no_sound_is_called_what_it_is(tmp_path: Path, content: bytes, kind: str) -> None:
    (tmp_path / "a.mp3").write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.mp3 is not a sound file: it is .*{kind}"):
        load(tmp_path / "a.mp3")


@pytest.mark.parametrize("name", ["für Zoë [red].wav", "\udcff.wav", "-n.wav"])
def test_any_name_of_a_file_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(wav(tmp_path / "a.wav", VOICE).read_bytes())
    assert len(load(tmp_path / name)) == RATE
