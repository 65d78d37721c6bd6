"""Options that the trainings of small networks share."""

from __future__ import annotations

import argparse
from pathlib import Path

from mien.models.data.corpora.registry import default_cache


def parser(out: Path) -> argparse.ArgumentParser:
    """--data, --cache, --seed and --out; a training adds its own.

    Args:
        out: where the weights go by default.
    """
    made = argparse.ArgumentParser()
    made.add_argument("--data", type=Path, required=True)
    made.add_argument("--cache", type=Path, default=default_cache())
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--out", type=Path, default=out)
    return made
