"""Provenance of weights: how their ancestors were trained."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Final

from mien.models import checkpoint

KEPT_KEYS: Final = (
    *("seed", "commit", "corpora", "leave_out", "plan", "settings", "lookahead_ms"),
    *("curve_end", "metrics", "begun_from", "mean_of"),
)
"""Metadata keys that are kept of each ancestor."""


def ancestor(weights: Path) -> dict[str, Any]:
    """Provenance of ``weights``, for the metadata of weights that start from them."""
    meta = checkpoint.load(weights, "speech")[1]
    return {"weights": checkpoint.content_hash(weights)} | {
        k: meta[k] for k in KEPT_KEYS if k in meta
    }


def once(meta: dict[str, Any]) -> dict[str, Any]:
    """Metadata in which every ancestor is described once. Repetitions hold its hash only.

    Without this the mean of several networks would repeat their common ancestors.
    """
    written: set[str] = set()

    def describe(one: dict[str, Any]) -> dict[str, Any]:
        digest = one.get("weights", "")
        if digest and digest in written:
            return {"weights": digest}
        written.add(digest)
        out = dict(one)
        if out.get("begun_from"):
            out["begun_from"] = describe(out["begun_from"])
        if "mean_of" in out:
            out["mean_of"] = [describe(part) for part in out["mean_of"]]
        return out

    return describe(meta)


def commit() -> str:
    """Short hash of the checkout's commit; an empty string outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
