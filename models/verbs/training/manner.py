"""``mien train manner``: filmed faces with sound -> weights that generate brows, lids and head."""

from __future__ import annotations

import datetime
import logging
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.models.verbs.training.cli import train_app as train_app


@train_app.command("manner")
def train_manner(
    data: Annotated[
        Path, typer.Option(help="Folder with the corpus grid_s1, and facegood if it is there.")
    ],
    steps: Annotated[
        int, typer.Option(min=1, help="Number of batches. A batch has 32 crops of 2.1 s.")
    ] = 4000,
    small: Annotated[
        bool, typer.Option("--small", help="A quarter of the size, for a quick trial.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")] = 0,
    cache: Annotated[Path | None, typer.Option(help="Folder that stores prepared corpora.")] = None,
    run: Annotated[Path | None, typer.Option(help="Folder of this run's files.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File for the weights. Default: manner.safetensors in --run."),
    ] = None,
    resume: Annotated[
        bool, typer.Option(help="Continue from the last checkpoint of --run.")
    ] = False,
) -> None:
    """Train the network that generates brows, lids and head for a sound.

    The weights and curve.json are written to --run. On one quiet core 1000 steps take 3 minutes,
    with --small one minute.

    Example: mien train manner --data ~/corpora --small --steps 2000
    """
    import_module("mien.models.data")  # said first, before a missing torch is
    import torch

    from mien.models import checkpoint
    from mien.models.data.corpora.registry import default_cache
    from mien.models.data.manner import prepared
    from mien.models.manner.config import Config
    from mien.models.manner.runtime_numpy import Manner
    from mien.models.speech import stream
    from mien.models.speech import weights as speech_weights
    from mien.models.speech.runtime_numpy import WEIGHTS, LightSpeech
    from mien.models.train.manner import network
    from mien.models.train.manner.spread import measured
    from mien.models.train.manner.train import Plan, train
    from mien.models.train.speech.provenance import commit

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(1)
    folder = run or Path("runs") / f"{datetime.date.today()}-train-manner"
    tensors, _, speech_config = speech_weights.read(WEIGHTS)
    engine = LightSpeech(tensors, asdict(speech_config))
    clips = prepared(data, lambda s: stream.speak(engine, s), WEIGHTS, cache or default_cache())
    config = Config(widths=(48, 64, 72)) if small else Config()
    plan = Plan(steps=steps, seed=seed)
    net, curve = train(config, plan, clips, folder, resume)
    meta: dict[str, Any] = {
        "seed": seed,
        "commit": commit(),
        "corpora": {"grid_s1": "GRID s1 (CC BY 4.0)", "facegood": "FACEGOOD-Audio2Face (MIT)"},
        "clips": len(clips),
        "speech": checkpoint.content_hash(WEIGHTS),
        "plan": asdict(plan),
        "curve_end": curve[-1],
    }
    target = out or folder / "manner.safetensors"
    network.save(target, net, meta)
    meta["spread"] = measured(Manner(target), clips)
    network.save(target, net, meta)
    typer.echo(f"{target}  {checkpoint.content_hash(target)}  loss {curve[-1]['loss']:.4g}")
