"""Words of a recording -> phone times, by forced alignment with pocketsphinx (BSD-2).

Only training and benchmarks use it. The median error of a phone's start is 8 to 11 ms, measured on
four synthetic voices.
"""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.models.data.labels.phone_names import arpabet, merge_silence
from mien.models.errors import ModelError
from mien.models.speech.features import RATE
from mien.models.speech.phones import SILENCE, Phone

_FRAME: Final = 0.01  # seconds of pocketsphinx
_PAD: Final = 0.1  # seconds of near-silence that the search needs on both sides


class Aligner:
    """One decoder for many recordings.

    Raises:
        ModelError: pocketsphinx is not installed.
    """

    def __init__(self) -> None:
        try:
            import pocketsphinx
        except ImportError as e:
            raise ModelError("pocketsphinx is not installed", "pip install pocketsphinx") from e
        # Its default beams and no language model: hand-set beams failed on some sentences.
        self._decoder: Any = pocketsphinx.Decoder(lm=None, samprate=RATE, loglevel="FATAL")
        self._dither = np.random.default_rng(0)

    def knows(self, word: str) -> bool:
        """Whether the pronouncing dictionary has the word, in lower case."""
        return self._decoder.lookup_word(word) is not None

    def align(self, samples: NDArray[np.int16], text: str) -> list[Phone] | None:
        """Samples (n,) at 16 kHz and their words -> phones from 0 s to the end.

        Returns:
            The phones. None if a word is not in the dictionary or the search fails.
        """
        words = re.findall(r"[a-z']+", text.lower())
        if not words or not all(self.knows(w) for w in words):
            return None
        pad = np.zeros(round(_PAD * RATE), np.int16)
        padded = np.concatenate([pad, samples, pad]).astype(np.float64)
        padded += self._dither.normal(0, 3, len(padded))
        raw = np.clip(padded, -32768, 32767).astype(np.int16).tobytes()
        decoder = self._decoder
        try:
            decoder.set_align_text(" ".join(words))
            self._decode(raw)
            decoder.set_alignment()
            self._decode(raw)
            alignment = decoder.get_alignment()
        except RuntimeError:
            return None
        if alignment is None:
            return None
        length = len(samples) / RATE
        phones: list[Phone] = []
        for word in alignment:
            for phone in word:
                start = min(max(phone.start * _FRAME - _PAD, 0.0), length)
                end = min(max((phone.start + phone.duration) * _FRAME - _PAD, 0.0), length)
                phones += [Phone(name, start, end) for name in arpabet(phone.name)[:1]]
        if not phones:
            return None
        # Silence before the first and after the last phone.
        edges = [Phone(SILENCE, 0.0, phones[0].start), *phones]
        return merge_silence([*edges, Phone(SILENCE, phones[-1].end, length)])

    def _decode(self, raw: bytes) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(raw, full_utt=True)
        self._decoder.end_utt()
