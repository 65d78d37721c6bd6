"""Synthetic voices with exact phone times, for training only.

flite (Debian, BSD-like), hibari-tts (PyPI, Apache-2.0) and espeak-ng (Debian, GPL-3, loaded as a
shared library). Each converts text to samples and phones.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from mien.models.data.labels.phone_names import arpabet, ipa, merge_silence, spread
from mien.models.data.schema import to_int16
from mien.models.errors import ModelError
from mien.models.speech.features import RATE
from mien.models.speech.phones import SILENCE, Phone


@dataclass(frozen=True)
class Spoken:
    """A synthesised utterance."""

    samples: NDArray[np.int16]
    """(n,) at 16 kHz."""
    phones: list[Phone]
    """From 0 s to the end."""


Voice = Callable[[str, np.random.Generator], Spoken]
"""Text and a random generator (for pitch and tempo) -> utterance."""

FLITE: Final[dict[str, float]] = {"awb": 130.0, "kal16": 105.0, "rms": 100.0, "slt": 175.0}
"""Voice -> mean pitch, Hz."""


def flite(voice: str) -> Voice:
    """A voice of flite. Its option ``-psdur`` prints each phone with its end time."""
    program = shutil.which("flite")
    if program is None:
        raise ModelError("flite is not installed", "apt-get install flite")

    def speak(text: str, rng: np.random.Generator) -> Spoken:
        with tempfile.TemporaryDirectory() as folder:
            wav = Path(folder) / "a.wav"
            options = {
                "duration_stretch": rng.uniform(0.8, 1.3),
                "int_f0_target_mean": FLITE[voice] * rng.uniform(0.85, 1.25),
                "int_f0_target_stddev": rng.uniform(10, 35),
            }
            settings = [a for k, v in options.items() for a in ("--setf", f"{k}={v:.3f}")]
            command = [
                str(program),
                "-voice",
                voice,
                *settings,
                "-psdur",
                "-t",
                text,
                "-o",
                str(wav),
            ]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
            samples, rate = soundfile.read(str(wav), dtype="float32")
        phones, start = [], 0.0
        for item in done.stdout.split():
            name, end = item.rsplit(":", 1)
            phones += spread(arpabet(name), start, float(end))
            start = float(end)
        return _whole(to_int16(samples, rate), phones)

    return speak


def hibari() -> Voice:
    """The voice of the hibari-tts wheel, with random changes of the pitch contour."""
    try:
        import hibari as package
        import onnx
        import onnxruntime
        from hibari import dsp
    except ImportError as e:
        raise ModelError(f"{e.name} is not installed", "pip install hibari-tts onnx") from e
    engine: Any = package.Hibari()
    model = onnx.load(engine.model_path)
    frames = "/Cast_32_output_0"  # integer frames of 25 ms for every token
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(frames))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    letters = {v: k for k, v in engine.vocab.items()}

    def speak(text: str, rng: np.random.Generator) -> Spoken:
        tokens = engine.ids(" ".join(engine.phonemize(text)))[:510]
        speed = np.asarray([rng.uniform(0.8, 1.25)], np.float32)
        out = session.run(None, {"ids": np.asarray([tokens], np.int64), "speed": speed})
        lh, th, ln, lr, phi, f0 = (o[0] for o in out[:6])
        durations = np.asarray(out[6], np.float64).reshape(-1)
        mean = f0[f0 > 0].mean() if (f0 > 0).any() else 200.0
        f0 = np.where(f0 > 0, mean + (f0 - mean) * rng.uniform(0.6, 1.5), f0) * rng.uniform(
            0.75, 1.3
        )
        wave = dsp.synth(lh, th, ln, lr, phi, f0.astype(np.float32), rng)
        step = len(wave) / package.SAMPLE_RATE / durations.sum()
        edges = np.concatenate([[0.0], np.cumsum(durations) * step])
        return _whole(to_int16(wave, package.SAMPLE_RATE), _letters(tokens, letters, edges))

    return speak


HIBARI_DELAY_S: Final = 0.06
"""Delay of hibari's durations after its sound, s (median against a forced alignment)."""


def _letters(tokens: list[int], names: dict[int, str], edges: NDArray[np.float64]) -> list[Phone]:
    """Tokens with times -> phones. The time of stress and length marks goes to their neighbours."""
    out: list[Phone] = []
    lent: float | None = None
    for i, token in enumerate(tokens):
        start, end = float(edges[i]), float(edges[i + 1])
        letter = names.get(token, " ") if token else "pad"
        found = ipa(letter) if token else (SILENCE,)
        if found:
            out += spread(found, start if lent is None else lent, end)
            lent = None
        elif letter in "ˈˌ":
            lent = start
        elif letter in "ː ʲʰ" and end - start < 0.08:
            out[-1] = Phone(out[-1].name, out[-1].start, end)
        else:
            out.append(Phone(SILENCE, start, end))
    moved = [
        Phone(p.name, max(p.start - HIBARI_DELAY_S, 0.0), max(p.end - HIBARI_DELAY_S, 0.0))
        for p in out
    ]
    return [p for p in moved if p.end > p.start]


def _whole(samples: NDArray[np.int16], phones: list[Phone]) -> Spoken:
    """Fit phones to the length of the sound, with silence up to its end."""
    length = len(samples) / RATE
    inside = [Phone(p.name, p.start, min(p.end, length)) for p in phones if p.start < length]
    last = inside[-1].end if inside else 0.0
    return Spoken(samples, merge_silence([*inside, Phone(SILENCE, last, length)]))


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user", ctypes.c_void_p),
        ("string", ctypes.c_char * 8),
    )


_PHONEME: Final = 7
_IPA_EVENTS: Final = 0x0003
_SYNCHRONOUS: Final = 2
_library: Any = None


def _espeak() -> tuple[Any, int]:
    """The library, initialised once, and its sample rate."""
    global _library
    name = ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1"
    if _library is None:
        try:
            library = ctypes.CDLL(name)
        except OSError as e:
            raise ModelError("espeak-ng is not installed", "apt-get install libespeak-ng1") from e
        rate = library.espeak_Initialize(_SYNCHRONOUS, 200, None, _IPA_EVENTS)
        _library = (library, rate)
    return _library  # type: ignore[no-any-return]


def espeak(language: str, variant: str = "") -> Voice:
    """A language of espeak-ng with one of its voice variants (``f2``, ``m5``, ``Andy``...)."""
    library, rate = _espeak()
    name = f"{language}+{variant}" if variant else language
    if library.espeak_SetVoiceByName(name.encode()) != 0:
        raise ModelError(f"espeak-ng has no voice {name}", "espeak-ng --voices")
    kind = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
    )

    def speak(text: str, rng: np.random.Generator) -> Spoken:
        library.espeak_SetVoiceByName(name.encode())
        for parameter, value in ((1, rng.integers(125, 215)), (3, rng.integers(25, 80))):
            library.espeak_SetParameter(parameter, int(value), 0)
        pieces: list[NDArray[np.int16]] = []
        marks: list[tuple[float, str]] = []

        def take(wave: Any, count: int, events: Any) -> int:
            if wave and count > 0:
                pieces.append(np.ctypeslib.as_array(wave, (count,)).copy())
            i = 0
            while events[i].type != 0:
                if events[i].type == _PHONEME:
                    text = events[i].string.decode("utf-8", "ignore")
                    marks.append((events[i].audio_position / 1000, text))
                i += 1
            return 0

        callback = kind(take)
        library.espeak_SetSynthCallback(callback)
        raw = text.encode()
        library.espeak_Synth(raw, len(raw) + 1, 0, 1, 0, 1, None, None)
        wave = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
        length = len(wave) / rate
        ends = [m[0] for m in marks[1:]] + [length]
        phones = [
            phone
            for (start, mark), end in zip(marks, ends, strict=True)
            for phone in spread(ipa(re.sub(r"[ˈˌ]", "", mark)) or (SILENCE,), start, end)
        ]
        if marks:
            phones.insert(0, Phone(SILENCE, 0.0, marks[0][0]))
        return _whole(to_int16(wave.astype(np.float32) / 32768, rate), phones)

    return speak
