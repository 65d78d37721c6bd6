"""Registry of the built-in corpora. Prepared corpora are stored in a cache."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np

from mien.models.data.corpora import acted, facegood, grid, hts, prompts, synthetic, voices200
from mien.models.data.held import held
from mien.models.data.labels import coarticulation
from mien.models.data.labels.level import with_level
from mien.models.data.schema import Clip, Corpus, files_hash, prepared
from mien.models.errors import ModelError
from mien.models.user_folders import cache_folder

_log = logging.getLogger(__name__)
REAL: Final = {"grid": "grid_s1", "facegood": "facegood"}
"""Corpus with recorded shapes -> name of its folder."""
READ: Final = {"voices200": ("voices200", "words.csv"), "hts": ("hts_voices", "takumi/README.txt")}
"""Corpus of voices in the folder of --data -> its folder, and a file that tells its version."""
HELD_FROM: Final = ("flite", "espeak", "voices200", "hts")
"""Corpora whose vowels are stretched."""
HELD_CLIPS: Final = 100
"""Stretched clips of each of them."""
ALL: Final = (*REAL, *READ, "held", "flite", "hibari", "espeak", "asterisk", *acted.GAMES)
ODDS: Final = {
    "grid": 0.3,
    "facegood": 0.05,
    "flite": 0.08,
    "hibari": 0.07,
    "espeak": 0.25,
    "asterisk": 0.1,
    "queen": 0.2,
    "steelsky": 0.15,
    "voices200": 0.2,
    "hts": 0.1,
    "held": 0.2,
}
"""Corpus -> default odds with which it is drawn."""
RULES: Final = ("general", "fitted")
_VERSION: Final = 3  # of the preparation; a change invalidates all caches
_RULES_VERSION: Final = 4  # of the rules; a change invalidates the caches of clips with rules


def default_cache() -> Path:
    """``$XDG_CACHE_HOME/mien/speech``, or ``~/.cache/mien/speech``."""
    return cache_folder() / "speech"


def dictionary_words() -> list[str]:
    """Words of pocketsphinx's pronouncing dictionary; empty if it is not installed."""
    try:
        import pocketsphinx
    except ImportError:
        return []
    path = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
    words = (line.split()[0] for line in path.read_text().splitlines() if line)
    return [w for w in words if w.isalpha() and 3 <= len(w) <= 12]


def prepare(
    names: Sequence[str],
    data: Path | None,
    cache: Path,
    leave_out: str = "",
    rules: str = "general",
) -> list[tuple[Corpus, float]]:
    """Prepare corpora.

    Args:
        names: names of corpora. A name may carry odds, as in ``grid:0.2``.
        data: folder with the recorded corpora.
        cache: folder of prepared corpora.
        leave_out: name of a corpus to skip.
        rules: coarticulation rules. ``general``: from phonetics only. ``fitted``: to the speaker of
            GRID. The general rules are better for new faces.

    Returns:
        The corpora, each with its odds.

    Raises:
        ModelError: an unknown name, or the sources of a corpus are not installed.
    """
    odds = {name: _odds(name, given) for name, _, given in (n.partition(":") for n in names)}
    names = list(odds)
    unknown = set(names) - set(ALL)
    if unknown:
        raise ModelError(f"no corpus {sorted(unknown)}, there are {', '.join(ALL)}")
    if rules not in RULES:
        raise ModelError(f"no rules {rules!r}, there are {', '.join(RULES)}")
    if rules == "fitted" and leave_out == "grid":
        raise ModelError("fitted rules contain GRID, which --leave-out excludes", "--rules general")
    out = []
    for name in names:
        if name == leave_out:
            continue
        if name in REAL:
            folder = _folder(name, data)
            key = [_VERSION, files_hash(folder, "face.npz")]
            corpus = prepared(cache, name, key, _real(name, folder))
        else:
            key = [_RULES_VERSION, coarticulation.TABLE.read_text()]
            key += [acted.MINUTES] if name in acted.GAMES else []
            if name in READ:
                folder, version = _folder(name, data), READ[name][1]
                key += [files_hash(folder, version)]
            corpus = prepared(cache, name, key, _ruled(name, data, cache))
            clips = corpus.clips
            if rules == "general":
                general = coarticulation.default_rules()
                clips = tuple(synthetic.with_rules(c, general) for c in clips)
            clips = tuple(synthetic.joined([with_level(c) for c in clips]))
            corpus = Corpus(name, clips, f"{corpus.source}, {rules} rules, joined")
        _log.info("%s: %d clips, %.1f minutes", name, len(corpus), corpus.seconds / 60)
        out.append((corpus, odds[name]))
    return out


def _odds(name: str, given: str) -> float:
    try:
        odds = float(given or ODDS.get(name, 1.0))
    except ValueError:
        odds = -1.0
    if not 0 < odds < float("inf"):
        raise ModelError(f"odds of {name} are {given!r}, must be a number above 0")
    return odds


def _real(name: str, folder: Path) -> Callable[[], list[Clip]]:
    return lambda: grid.clips(folder) if name == "grid" else facegood.clips(folder)


def _ruled(name: str, data: Path | None, cache: Path) -> Callable[[], list[Clip]]:
    if name in acted.GAMES:
        return lambda: acted.clips(name)
    if name == "voices200":
        return lambda: voices200.clips(_folder(name, data))
    if name == "hts":
        return lambda: hts.clips(_folder(name, data).parent)
    if name == "held":
        return lambda: _held(data, cache)
    return prompts.clips if name == "asterisk" else synthetic.makers(dictionary_words())[name]


def _held(data: Path | None, cache: Path) -> list[Clip]:
    """Stretched clips of the corpora ``HELD_FROM``."""
    chosen: list[Clip] = []
    for corpus, _ in prepare(HELD_FROM, data, cache):
        order = np.random.default_rng(len(chosen)).permutation(len(corpus))
        chosen += [corpus.clips[int(i)] for i in order[:HELD_CLIPS]]
    with ProcessPoolExecutor() as pool:
        made = pool.map(_held_clip, enumerate(chosen), chunksize=8)
        return [clip for clip in made if clip is not None]


def _held_clip(numbered: tuple[int, Clip]) -> Clip | None:
    number, clip = numbered
    return held(clip, np.random.default_rng(number))


def _folder(name: str, data: Path | None) -> Path:
    if data is None:
        raise ModelError(f"corpus {name} needs --data", "mien train speech --data FOLDER")
    named = REAL[name] if name in REAL else READ[name][0]
    folder = data / named
    if not folder.is_dir():
        raise ModelError(f"no {named} in {data}", "mien train speech --corpora flite,hibari")
    return folder
