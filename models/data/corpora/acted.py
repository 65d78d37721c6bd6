"""Acted speech of two games: transcribed, aligned, and filtered by the confidence of both.

The games have thousands of lines, so a doubtful line is dropped and not corrected.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from re import findall, search
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.data.corpora import queen, steelsky
from mien.models.data.corpora.synthetic import rule_clip, with_pauses
from mien.models.data.corpora.voices import Spoken
from mien.models.data.labels.align import Aligner
from mien.models.data.labels.phone_names import frame_labels
from mien.models.data.labels.transcribe import Transcriber, Transcription
from mien.models.data.schema import Clip
from mien.models.speech.features import RATE
from mien.models.speech.phones import CONSONANTS, NUMBER, SILENCE, VOWELS, Phone

_log = logging.getLogger(__name__)
_Lines = Callable[[], Iterator[tuple[str, bytes]]]
_Decode = Callable[[bytes], NDArray[np.int16]]
GAMES: Final[dict[str, tuple[_Lines, _Decode]]] = {
    "queen": (queen.lines, queen.decode),
    "steelsky": (steelsky.lines, steelsky.decode),
}
"""Corpus -> (reader of its lines by name, decoder of a line to samples at 16 kHz)."""
MINUTES: Final = 240.0
"""Largest length of accepted lines per game, minutes. It exceeds what either game has: every
further voice in training improves the phones of a new voice."""
_LINE_S: Final = (1.5, 11.0)
_MIN_WORDS: Final = 4
_MIN_LOG_PROBABILITY: Final = -0.4
_PHONES_PER_S: Final = (6.0, 20.0)  # phones a second of speech
_MAX_PHONE_S: Final = {**dict.fromkeys(VOWELS, 0.6), **dict.fromkeys(CONSONANTS, 0.35)}  # seconds
_SHORT_PHONE_S: Final = (0.031, 0.4)  # shortest phone of the aligner; largest share of such phones
_STEP_S: Final = 0.01  # seconds between two levels
_MIN_ABOVE_SILENCE_DB: Final = 15.0  # of the median vowel
# dB below the median vowel, and the largest share of vowels that are so faint
_FAINT_DB_SHARE: Final = (18.0, 0.1)
# dB below the median vowel, and the largest share of silence that is so loud
_LOUD_DB_SHARE: Final = (10.0, 0.1)


def clips(game: str, minutes: float = MINUTES) -> list[Clip]:
    """Accepted lines of one game in the order of its file. The speaker is the name of the game.

    Raises:
        ModelError: the game, the speech recogniser or the aligner is not installed.
    """
    read, decode = GAMES[game]
    rows = list(read())
    transcriber, aligner = Transcriber(), Aligner()
    rng = np.random.default_rng(0)
    kept: dict[int, Spoken] = {}
    why: Counter[str] = Counter()
    total = 0.0
    for n, i in enumerate(rng.permutation(len(rows)).tolist()):
        if n % 200 == 199:
            _log.info("%s: %d lines, %.1f minutes; %s", game, n, total / 60, dict(why))
        if total >= minutes * 60:
            break
        samples = decode(rows[i][1])
        reason, phones = _labelled(samples, transcriber, aligner)
        why[reason or "kept"] += 1
        if not reason:
            kept[i] = with_pauses(Spoken(samples, phones), rng)
            total += len(samples) / RATE
    _log.info("%s: %.1f minutes; %s", game, total / 60, dict(why.most_common()))
    return [rule_clip(rows[i][0], game, game, kept[i]) for i in sorted(kept)]


def _labelled(
    samples: NDArray[np.int16], transcriber: Transcriber, aligner: Aligner
) -> tuple[str, list[Phone]]:
    """Reason to drop a line ("" for none), and its phones."""
    if not _LINE_S[0] <= len(samples) / RATE <= _LINE_S[1]:
        return "length", []
    transcript = transcriber.transcribe(samples)
    reason = doubtful_text(transcript)
    if reason:
        return reason, []
    phones = aligner.align(samples, transcript.text)
    if phones is None:
        return "not aligned", []
    reason = doubtful_times(samples, phones)
    if reason:
        return reason, []
    # A shift of 0.5 s changes the result of an uncertain recogniser.
    later = np.concatenate([np.zeros(RATE // 2, np.int16), samples])
    if plain_words(transcriber.transcribe(later).text) != plain_words(transcript.text):
        return "another text after a shift of 0.5 s", []
    return "", phones


def plain_words(text: str) -> list[str]:
    """Words of a text in small letters, without punctuation."""
    return findall(r"[a-z']+", text.lower())


def doubtful_text(transcript: Transcription) -> str:
    """Reason to reject the words, or "" for none."""
    words = plain_words(transcript.text)
    if len(words) < _MIN_WORDS:
        return "few words"
    if transcript.log_probability < _MIN_LOG_PROBABILITY or transcript.no_speech > 0.5:
        return "unsure words"
    if search(r"[^A-Za-z' ,.!?;:\"-]", transcript.text):
        return "digits, noises or signs"
    if repeats(words):
        return "repetition"
    return ""


def repeats(words: Sequence[str]) -> bool:
    """Whether a sequence of one to four words is repeated three times in a row."""
    for n in range(1, 5):
        for i in range(len(words) - 3 * n + 1):
            if words[i : i + n] == words[i + n : i + 2 * n] == words[i + 2 * n : i + 3 * n]:
                return True
    return False


def doubtful_times(samples: NDArray[np.int16], phones: Sequence[Phone]) -> str:
    """Reason to reject the phone times of samples (n,) at 16 kHz, or "" for none."""
    spoken = [p for p in phones if p.name != SILENCE]
    lengths = np.asarray([p.end - p.start for p in spoken])
    if not len(spoken) or not _PHONES_PER_S[0] <= len(spoken) / lengths.sum() <= _PHONES_PER_S[1]:
        return "phone rate"
    if any(n > _MAX_PHONE_S[p.name] for n, p in zip(lengths, spoken, strict=True)):
        return "a phone too long"
    if np.mean(lengths < _SHORT_PHONE_S[0]) > _SHORT_PHONE_S[1]:
        return "phones too short"
    level = levels(samples)
    labels = frame_labels(phones, len(level), 1 / _STEP_S)
    vowels = np.isin(labels, [NUMBER[v] for v in VOWELS])
    # The sound of a neighbour reaches 30 ms into a pause.
    near = np.convolve(labels != NUMBER[SILENCE], np.ones(7), mode="same") > 0
    if not vowels.any():
        return "no vowel"
    loud = float(np.median(level[vowels]))
    quiet = level[~near] if (~near).sum() >= 5 else np.sort(level)[: max(len(level) // 20, 1)]
    if loud - np.median(quiet) < _MIN_ABOVE_SILENCE_DB:
        return "vowels no louder than silence"
    if (
        np.mean(level[~near] > loud - _LOUD_DB_SHARE[0]) > _LOUD_DB_SHARE[1]
        if (~near).any()
        else False
    ):
        return "speech in labelled silence"
    peaks = np.asarray([_peak(level, p) for p in spoken if p.name in VOWELS])
    if np.mean(peaks < loud - _FAINT_DB_SHARE[0]) > _FAINT_DB_SHARE[1]:
        return "vowels in quiet"
    return ""


def levels(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Samples (n,) at 16 kHz -> levels in dBFS over 20 ms, frame k centred on k / 100 s."""
    step = round(_STEP_S * RATE)
    padded = np.pad(samples.astype(np.float64) / 32768, (step, 2 * step)) ** 2
    sums = np.concatenate([[0.0], np.cumsum(padded)])
    starts = np.arange(0, len(samples), step)
    power = (sums[starts + 2 * step] - sums[starts]) / (2 * step)
    out: NDArray[np.float64] = 10 * np.log10(np.maximum(power, 1e-8))
    return out


def _peak(level: NDArray[np.float64], phone: Phone) -> float:
    first = min(int(phone.start / _STEP_S), len(level) - 1)
    return float(level[first : max(int(np.ceil(phone.end / _STEP_S)), first + 1)].max())
