"""``mien train prior``: learns the prior of a design and the tracker's bias from simulated builds.

The other subcommands of ``mien train`` are in ``mien.models.verbs.training``. This one drives the
rig.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from mien.models.verbs.training.manner import train_app as train_app
from mien.robot.verbs.options import Face


@train_app.command("prior")
def train_prior(
    face: Face = "morpheus33",
    builds: Annotated[
        int,
        typer.Option(
            min=18,
            help="Number of simulated builds. Every third is also rendered, every "
            "sixth with dots on its skin.",
        ),
    ] = 60,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the builds' poses; builds that are there already are not made again.",
            show_default="runs/prior-FACE",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the weights.", show_default="the folder of --data"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")] = 0,
) -> None:
    """Learn the prior of a design and the tracker's bias from simulated builds.

    A build takes 4 s on one idle core, 8 s more where it is rendered, and about 15 s more with
    dots on its skin; the training takes half as long again. An interrupted command goes on where it
    stopped.

    Example: mien train prior --face morpheus33 --builds 60
    """
    import_module("mien.models.data")  # part of no wheel; said first, before a missing torch is
    from mien.calibration.capture.open_rig import mechanism_hash
    from mien.calibration.verbs.training import simulated_builds as simulated
    from mien.models.self_model import prior as design_prior
    from mien.models.train.prior.prior_fit import BuildPoses, fit_prior
    from mien.models.train.prior.prior_layers import FamilyConfig
    from mien.models.train.prior.tracker_bias_fit import (
        dot_errors,
        fit_tracker_bias,
        tracker_response,
    )
    from mien.models.vision import tracker_bias
    from mien.robot.face.config import load_face

    config = load_face(face)
    folder = data or Path("runs") / f"prior-{config.name}"
    seeds = range(simulated.FIRST_SEED, simulated.FIRST_SEED + builds)
    failed = set(simulated.generate(config, folder, seeds))
    if failed:
        typer.echo(f"builds that the rig cannot compute: {sorted(failed)}", err=True)
    made = [
        simulated.BuildSample.load(simulated.sample_path(folder, s))
        for s in seeds
        if s not in failed
    ]
    tendons = [i for i, tendon in enumerate(config.has_hysteresis) if tendon]
    poses = [BuildPoses(s.commands, s.rest, s.true, s.wider) for s in made]
    target = out or folder
    target.mkdir(parents=True, exist_ok=True)
    settings, last = FamilyConfig(seed=seed), target / "training.pt"
    prior = fit_prior(config.names, tendons, poses, settings, last=last)
    meta = {
        "face": config.name,
        "face_hash": config.hash,
        "mechanism": mechanism_hash(config),
        "robots": len(made),
        "seed": seed,
    }
    seen = [s for s in made if len(s.seen)]
    tracked, true = [s.seen for s in seen], [s.true[: len(s.seen)] for s in seen]
    bias = fit_tracker_bias(tracked, true)
    response = tracker_response(prior.decoder, bias.residual, tracked, true)
    path = target / design_prior.shipped(config.name).name
    with_dots = [s for s in made if len(s.marked)]
    dots, seen_dots = dot_errors(
        prior.decoder,
        [s.marked for s in with_dots],
        [s.true[: len(s.marked)] for s in with_dots],
    )
    learned = replace(prior, seen=response, dots=dots, seen_dots=seen_dots, meta=meta)
    design_prior.save(path, learned)
    typer.echo(f"{path}: learned from {len(made)} robots")
    path = target / tracker_bias.PATH.name
    tracker_bias.save(path, bias)
    typer.echo(f"{path}: error {bias.meta['raw_mm']} -> {bias.meta['left_mm']} mm")
