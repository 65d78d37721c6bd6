"""``mien export``: a trained network in a format for other run-times."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from mien.models.errors import ModelError

export_app = typer.Typer(
    no_args_is_help=True, help="Export a network. Example: mien export speech --out speech.onnx"
)
MAX_DIFFERENCE: Final = 1e-4
"""Largest allowed difference of an exported network from torch, in units of a blendshape."""


@export_app.callback()
def export() -> None:
    """Export a network for other run-times."""


@export_app.command("speech")
def export_speech(
    out: Annotated[Path, typer.Option(help="Path of the ONNX file.")] = Path("speech.onnx"),
    weights: Annotated[
        Path | None, typer.Option(help="Weights to export. Default: the shipped weights.")
    ] = None,
) -> None:
    """Export the speech network as ONNX, and compare its output and speed with torch.

    Example: mien export speech --out speech.onnx
    """
    import numpy as np
    import torch

    from mien.models import checkpoint
    from mien.models.speech import network as speech
    from mien.models.speech import runtime_onnx as speech_onnx

    torch.set_num_threads(1)
    source = weights or speech.WEIGHTS
    net, _ = speech.load(source)
    speech_onnx.write(out, net, checkpoint.content_hash(source))
    found = speech_onnx.compare(out, net)
    if found.difference > MAX_DIFFERENCE:
        raise ModelError(f"{out} differs from torch by {found.difference:.2g}", "mien doctor")
    median_ms, p99_ms = np.percentile(found.frame_ms, [50, 99])
    typer.echo(
        f"{out}  {out.stat().st_size / 1e6:.2f} MB, look-ahead {net.config.lookahead_ms:.0f} ms\n"
        f"  largest difference from torch {found.difference:.1e}, in pieces of "
        f"{', '.join(map(str, speech_onnx.SIZES))} frames\n"
        f"  {median_ms:.2f} ms a frame (p50), {p99_ms:.2f} (p99), one core of this machine"
    )
