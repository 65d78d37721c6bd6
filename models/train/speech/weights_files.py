"""Weights files of the speech network, as training writes and averages them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.speech.network import KIND, SpeechNet, load


def save(path: Path, net: SpeechNet, meta: dict[str, Any], half: bool = True) -> None:
    """Write weights (float16 if ``half``, else float32) and ``meta`` with the network's config."""
    tensors = {k: v.half() if half else v for k, v in net.state_dict().items()}
    config = net.config
    full = {
        "version": checkpoint.NEWEST[KIND],
        **meta,
        "kind": KIND,
        "config": asdict(config),
        "lookahead_ms": config.lookahead_ms,
        "parameters": net.parameters_count(),
    }
    checkpoint.save(path, tensors, full)


def mean(paths: Sequence[Path]) -> tuple[SpeechNet, checkpoint.Meta]:
    """Mean of several networks' weights; corpora and ``unseen`` results come from the first.

    Networks that were fine-tuned from common weights can be averaged, and the mean is about as good
    as their ensemble (Wortsman et al., "Model soups", ICML 2022).

    Raises:
        ModelError: fewer than two files, or networks with different configs.
    """
    if len(paths) < 2:
        raise ModelError(f"a mean needs two or more weights, got {len(paths)}")
    loaded = [load(p) for p in paths]
    first = loaded[0][0]
    for path, (net, _) in zip(paths, loaded, strict=True):
        if net.config != first.config:
            raise ModelError(f"{path} has another config than {paths[0]}: {net.config}")
    states = [net.state_dict() for net, _ in loaded]
    middle = {k: torch.stack([s[k] for s in states]).mean(dim=0) for k in states[0]}
    out = SpeechNet(first.config)
    out.load_state_dict(middle)
    kept: checkpoint.Meta = {k: loaded[0][1][k] for k in ("corpora", "unseen") if k in loaded[0][1]}
    return out.eval().requires_grad_(False), kept
