"""The user's recordings as corpora, in addition to the built-in corpora or instead of them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from mien.models.data.corpora import livelink, videos
from mien.models.data.schema import Clip, Corpus
from mien.models.errors import ModelError

_log = logging.getLogger(__name__)
FULL_MINUTES: Final = 40.0
"""Length of a folder from which on its odds are MAX_ODDS, minutes. Below it they are
proportional."""
MAX_ODDS: Final = 0.35
"""Largest odds of a folder."""


def user_corpora(
    video_folders: Sequence[Path], take_folders: Sequence[Path], cache: Path
) -> list[tuple[Corpus, float]]:
    """Folders of videos and of Live Link Face takes -> corpora, each with its odds.

    Raises:
        ModelError: a folder is missing or has no usable recording.
    """
    kinds = [("videos", f.resolve(), _videos(cache)) for f in video_folders]
    kinds += [("livelink", f.resolve(), livelink.clips) for f in take_folders]
    names = [f"{kind}-{folder.name}" for kind, folder, _ in kinds]
    if len(set(names)) < len(names):
        raise ModelError(
            f"two folders have the same name: {', '.join(names)}", "rename one of them"
        )
    return [
        _corpus(name, _there(folder), make)
        for name, (_, folder, make) in zip(names, kinds, strict=True)
    ]


def _videos(cache: Path) -> Callable[[Path], list[Clip]]:
    return lambda folder: videos.clips(folder, cache)


def _there(folder: Path) -> Path:
    if not folder.is_dir():
        raise ModelError(f"no folder {folder}")
    return folder


def _corpus(name: str, folder: Path, make: Callable[[Path], list[Clip]]) -> tuple[Corpus, float]:
    clips = tuple(make(folder))
    digest = hashlib.sha256()
    for clip in clips:
        digest.update(clip.name.encode() + clip.samples.tobytes() + clip.shapes.tobytes())
    corpus = Corpus(name, clips, digest.hexdigest()[:16])
    minutes = corpus.seconds / 60
    speakers = len({c.speaker for c in clips})
    summary = f"{len(clips)} clips of {speakers} speaker(s)"
    _log.info("%s: %s, %.1f minutes", name, summary, minutes)
    return corpus, max(0.02, MAX_ODDS * min(minutes / FULL_MINUTES, 1.0))
