"""Every corpus by name, prepared once and kept in a cache outside the repository."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from models.data import acted, coarticulation, facegood, grid, prompts, synthetic
from models.data.schema import Clip, Corpus, files_hash, prepared
from models.errors import ModelError

_log = logging.getLogger(__name__)
REAL: Final = {"grid": "grid_s1", "facegood": "facegood"}
"""Corpora with shapes of a face -> their folders."""
ALL: Final = ("grid", "facegood", "flite", "hibari", "espeak", "asterisk", *acted.GAMES)
ODDS: Final = {
    "grid": 0.35,
    "facegood": 0.15,
    "flite": 0.15,
    "hibari": 0.1,
    "espeak": 0.15,
    "asterisk": 0.15,
    **dict.fromkeys(acted.GAMES, 0.1),
}
"""How often each is drawn when all are there."""
_VERSION: Final = 3  # of the code that prepares; a change makes every cache anew
_RULES_VERSION: Final = 4  # and of what rules add


def default_cache() -> Path:
    """``$XDG_CACHE_HOME/mien/speech``, or ``~/.cache/mien/speech``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "mien" / "speech"


def dictionary_words() -> list[str]:
    """Plain words of pocketsphinx's pronouncing dictionary, or none if it is not installed."""
    try:
        import pocketsphinx
    except ImportError:
        return []
    path = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
    words = (line.split()[0] for line in path.read_text().splitlines() if line)
    return [w for w in words if w.isalpha() and 3 <= len(w) <= 12]


def prepare(
    names: Sequence[str], data: Path | None, cache: Path, leave_out: str = ""
) -> list[tuple[Corpus, float]]:
    """Prepare corpora and say how often to draw from each.

    Without ``grid`` the rules of coarticulation are not fitted to it either: nothing of a
    corpus that was left out reaches the training.

    Raises:
        ModelError: an unknown name, or a corpus that this machine cannot make.
    """
    unknown = set(names) - set(ALL)
    if unknown:
        raise ModelError(f"no corpus {sorted(unknown)}, there are {', '.join(ALL)}")
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
            corpus = prepared(cache, name, key, _ruled(name))
            clips = corpus.clips
            if leave_out == "grid":
                rules = coarticulation.default_rules()
                clips = tuple(synthetic.with_rules(c, rules) for c in clips)
            said = "default" if leave_out == "grid" else "fitted"
            clips = tuple(synthetic.joined(clips))
            corpus = Corpus(name, clips, f"{corpus.source}, {said} rules, joined")
        _log.info("%s: %d clips, %.1f minutes", name, len(corpus), corpus.seconds / 60)
        out.append((corpus, ODDS[name]))
    return out


def _real(name: str, folder: Path) -> Callable[[], list[Clip]]:
    return lambda: grid.clips(folder) if name == "grid" else facegood.clips(folder)


def _ruled(name: str) -> Callable[[], list[Clip]]:
    if name in acted.GAMES:
        return lambda: acted.clips(name)
    return prompts.clips if name == "asterisk" else synthetic.makers(dictionary_words())[name]


def _folder(name: str, data: Path | None) -> Path:
    if data is None:
        raise ModelError(f"corpus {name} needs --data", "mien train speech --data FOLDER")
    folder = data / REAL[name]
    if not folder.is_dir():
        raise ModelError(f"no {REAL[name]} in {data}", "mien train speech --corpora flite,hibari")
    return folder
