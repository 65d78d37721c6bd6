"""``mien bench speech``: the shipped speech network on recordings that it was never trained on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import numpy as np
import typer

from mien.models import checkpoint

WEIGHTS: Final = checkpoint.WEIGHTS / "speech.safetensors"
LOOKAHEAD0: Final = checkpoint.WEIGHTS / "speech_lookahead0.safetensors"
MUSIC: Final = Path("/usr/share/games/wesnoth/1.16/data/core/music")
"""Debian's wesnoth-1.16-music (GPL-2+): 41 pieces that no training heard."""
CONTACT: Final = ("closure_recall", "closure_false", "vowel_closed", "silence_open")
Result: TypeAlias = dict[str, float | int | str | None]


def bench_speech(
    data: Annotated[
        Path | None,
        typer.Option(help="Folder in the layout of grid_s1; its last 200 clips are measured."),
    ] = None,
    phones: Annotated[
        Path | None,
        typer.Option(
            help="Folder of .flac with phone .TextGrid (default: lj_phones beside --data)."
        ),
    ] = None,
    weights: Annotated[Path, typer.Option(help="Weights to measure.")] = WEIGHTS,
    clips: Annotated[int, typer.Option(min=1, help="Measure at most this many clips.")] = 200,
    music: Annotated[
        Path | None,
        typer.Option(help="Folder of music without voices (default: the wesnoth package's)."),
    ] = None,
    lookahead0: Annotated[
        Path, typer.Option(help="Weights of the 12 ms variant, keys la0_.")
    ] = LOOKAHEAD0,
) -> Result:
    """Measure the speech network; definitions are in models/data/lip_metrics.py.

    Raises:
        ModelError: no such data, or weights of another network.
    """
    # `mien` imports this file for every verb: torch must wait until it is wanted.
    from mien.models.data.corpora import grid
    from mien.models.speech import network as speech
    from mien.models.speech import runtime_numpy as speech_light
    from mien.models.speech.stream import speak
    from mien.models.train.speech.evaluate import audio, listener, on_grid
    from mien.models.train.speech.torch_engine import TorchEngine
    from tests.bench.models.speech_conditions import conditions, heard, on_phones, recordings
    from tests.bench.models.speech_scores import frame_times, stream_vs_offline

    beside = Path(os.environ.get("MIEN_DATA", ""))
    if data is None and beside.joinpath("grid_s1").is_dir():
        data = beside / "grid_s1"
    net, meta = speech.load(weights)
    out: Result = {
        "speech.lookahead_ms": net.config.lookahead_ms,
        "speech.parameters": net.parameters_count(),
        "speech.weights_bytes": weights.stat().st_size,
    }
    sound = np.random.default_rng(0).normal(0, 0.05, 16000 * 8).astype(np.float32)
    if data is not None:
        takes = grid.takes(data, held_out=True)[:clips]
        out["speech.clips"] = len(takes)
        out |= {f"speech.{k}": v for k, v in on_grid(listener(net), takes).items()}
        sound = audio(takes[0].audio)
        beside = data.resolve().parent / "lj_phones"
        phones = phones or (beside if beside.is_dir() else None)
    if phones is not None:
        score = on_phones(listener(net), recordings(phones))
        out |= {f"speech.{k}": score[k] for k in CONTACT}
    while len(sound) < 16000 * 8:
        sound = np.concatenate([sound, sound])
    light = speech_light.load(weights)
    for suffix, engine in (("", light), ("_torch", TorchEngine(net))):
        times = frame_times(engine, sound)[60:]
        out[f"speech.frame_ms_p50{suffix}"] = float(np.percentile(times, 50))
        out[f"speech.frame_ms_p99{suffix}"] = float(np.percentile(times, 99))
    out["speech.stream_vs_offline"] = stream_vs_offline(light, sound)
    difference = speak(light, sound) - speak(TorchEngine(net), sound)
    out["speech.light_vs_torch"] = float(np.abs(difference).max())
    stored: dict[str, Any] = meta.get("unseen", {})
    for key in ("grid", "facegood"):
        out[f"speech.unseen_{key}"] = stored.get(f"unseen_{key}")
    if data is not None:
        sounds = heard(data.resolve().parent, music or (MUSIC if MUSIC.is_dir() else None))
        for prefix, one in (("", net), ("la0_", speech.load(lookahead0)[0])):
            found = conditions(listener(one), sounds, one.config.lookahead_ms)
            out |= {f"speech.{prefix}{k}": v for k, v in found.items()}
    return out
