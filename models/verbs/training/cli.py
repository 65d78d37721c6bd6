"""``mien train`` (corpora -> weights) and ``mien export`` (weights -> ONNX)."""

from __future__ import annotations

import datetime
import json
import logging
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:  # `mien` imports this file for every verb, so torch is imported later
    from mien.models.data.corpora.grid import Take
    from mien.models.data.schema import Corpus
    from mien.models.speech.network import SpeechNet

train_app = typer.Typer(
    no_args_is_help=True,
    help="Train a network. Example: mien train speech --videos FOLDER --steps 500",
)
CORPORA: Final = "grid,facegood,flite,hibari,espeak,asterisk"
VALIDATION: Final = 40
"""Number of GRID training clips that are held out for the learning curve."""


@train_app.command("speech")
def train_speech(
    data: Annotated[
        Path | None, typer.Option(help="Folder with the corpora grid_s1 and facegood.")
    ] = None,
    videos: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder with your own videos with sound (mp4, mov, webm, mkv, avi). Each video "
            "shows one speaking person with visible lips. Give each speaker a subfolder. The faces "
            "are tracked once, in about the length of the videos, and stored in --cache. You can "
            "repeat this option. Example: --videos ~/talks"
        ),
    ] = None,
    livelink: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder with takes of the app Live Link Face. A take is NAME.csv with sound in "
            "NAME.wav (or flac, m4a, mov). Give each speaker a subfolder. If sound and face did "
            "not start together, their offset is estimated. A file offsets.csv (columns "
            "name,offset_ms) replaces the estimate. You can repeat this option. "
            "Example: --livelink ~/takes"
        ),
    ] = None,
    names: Annotated[
        str | None,
        typer.Option(
            "--corpora",
            help="Names of built-in corpora, separated by commas. A number after a colon sets how "
            f"often a corpus is drawn. Default: {CORPORA}. The default is empty if you give "
            "--videos or --livelink without --data. Example: --corpora grid:0.3,flite",
        ),
    ] = None,
    leave_out: Annotated[
        str,
        typer.Option(
            help="Train without this corpus and test on it: grid or facegood. "
            "Example: --leave-out grid"
        ),
    ] = "",
    steps: Annotated[
        int, typer.Option(min=1, help="Number of batches. A batch has 16 crops of 3 s.")
    ] = 6000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")] = 0,
    lookahead_frames: Annotated[
        int,
        typer.Option(min=0, max=30, help="Look-ahead in frames of 1/60 s. A window adds 12.5 ms."),
    ] = 5,
    cache: Annotated[Path | None, typer.Option(help="Folder that stores prepared corpora.")] = None,
    run: Annotated[Path | None, typer.Option(help="Folder of this run's files.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File for the weights. Default: speech.safetensors in --run."),
    ] = None,
    rate: Annotated[
        float, typer.Option(min=1e-6, help="Largest step size of the optimiser.")
    ] = 1.5e-3,
    changed: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of crops with changed speed or channel, 0 to 1."),
    ] = 0.75,
    dropped: Annotated[
        float, typer.Option(min=0, max=0.9, help="Dropout: share of channels that are 0 in a crop.")
    ] = 0.1,
    closures: Annotated[
        float, typer.Option(min=0, help="Weight of the loss for open lips at p, b and m.")
    ] = 0.3,
    phones: Annotated[
        float, typer.Option(min=0, help="Weight of the loss of the phone classifier.")
    ] = 2.0,
    changed_tracked: Annotated[
        float, typer.Option(min=0, max=1, help="As --changed, for crops of filmed faces.")
    ] = 0.15,
    rules: Annotated[
        str, typer.Option(help="Coarticulation rules: general, or fitted to the speaker of GRID.")
    ] = "general",
    unseen: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of a --leave-out run. Its result is stored with the weights. "
            "You can repeat this option."
        ),
    ] = None,
    music: Annotated[
        Path | None,
        typer.Option(help="Folder with recorded music without voices (ogg, flac, wav, mp3)."),
    ] = None,
    begin: Annotated[
        Path | None, typer.Option(help="Weights at which the training starts.")
    ] = None,
    resume: Annotated[
        bool, typer.Option(help="Continue from the last checkpoint of --run.")
    ] = False,
) -> None:
    """Train the speech network. The weights, curve.json and metrics.json are written to --run.

    Example, which adapts the shipped network to your own face:

    mien train speech --videos FOLDER --begin models/weights/speech.safetensors --steps 500
    --rate 3e-4
    """
    _needs_checkout()
    import torch

    from mien.models import checkpoint
    from mien.models.data.batches import Settings
    from mien.models.data.behind import read_music
    from mien.models.data.corpora import grid, user_recordings
    from mien.models.data.corpora import registry as corpora
    from mien.models.speech import network as speech
    from mien.models.train.speech import weights_files
    from mien.models.train.speech.evaluate import listener, on_grid
    from mien.models.train.speech.provenance import ancestor, commit, once
    from mien.models.train.speech.train import train
    from mien.models.train.speech.training_objective import Plan

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(1)
    folder = run or Path("runs") / f"{datetime.date.today()}-train-speech-{leave_out or 'all'}"
    kept_at = cache or corpora.default_cache()
    mine = user_recordings.user_corpora(videos or [], livelink or [], kept_at)
    if names is None:
        names = "" if mine and data is None else CORPORA
    requested = [n for n in names.split(",") if n]
    sources = [*corpora.prepare(requested, data, kept_at, leave_out, rules), *mine]
    bands = read_music(music) if music else ()
    kept: list[Take] = []
    if data is not None and any(c.name == "grid" for c, _ in sources):
        kept = grid.takes(data / corpora.REAL["grid"], held_out=False)[-VALIDATION:]
        sources = [(_without(c, kept), odds) for c, odds in sources]
    config = replace(speech.Config(), lookahead_frames=lookahead_frames)
    settings = Settings(
        lookahead=lookahead_frames, changed=changed, changed_tracked=changed_tracked
    )
    plan = Plan(steps=steps, seed=seed, rate=rate, dropped=dropped, contact=closures, phone=phones)
    net, curve = train(
        *(config, plan, settings, sources, folder),
        evaluate=(lambda n: on_grid(listener(n), kept)) if kept else None,
        resume=resume,
        begin=speech.load(begin)[0] if begin else None,
        bands=bands,
    )
    metrics = _measure(net, data, leave_out)
    meta: dict[str, Any] = {
        "seed": seed,
        "commit": commit(),
        "corpora": {c.name: {"source": c.source, "minutes": c.seconds / 60} for c, _ in sources},
        "leave_out": leave_out,
        "begun_from": ancestor(begin) if begin else None,
        "plan": asdict(plan),
        "settings": asdict(settings),
        "curve_end": curve[-1] if curve else {},
        "metrics": metrics,
        "unseen": _unseen(unseen or []),
    }
    target = out or folder / "speech.safetensors"
    weights_files.save(target, net, once(meta))
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    typer.echo(f"{target}  {checkpoint.content_hash(target)}")
    for key, value in metrics.items():
        typer.echo(f"  {key} {value:.4g}")


@train_app.command("mean")
def train_mean(
    weights: Annotated[
        list[Path], typer.Argument(help="Two or more weights files with one configuration.")
    ],
    out: Annotated[Path, typer.Option(help="File for the mean weights.")],
    unseen: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of a --leave-out run. Its result is stored with the weights. "
            "You can repeat this option."
        ),
    ] = None,
) -> None:
    """Average speech weights that were fine-tuned from common weights.

    Example: mien train mean a.safetensors b.safetensors --out mean.safetensors
    """
    _needs_checkout()
    from mien.models import checkpoint
    from mien.models.train.speech import weights_files
    from mien.models.train.speech.provenance import ancestor, commit, once

    net, meta = weights_files.mean(weights)
    own = {"mean_of": [ancestor(w) for w in weights], "commit": commit()}
    weights_files.save(out, net, once(meta | own | ({"unseen": _unseen(unseen)} if unseen else {})))
    typer.echo(f"{out}  {checkpoint.content_hash(out)}")


@train_app.command("coarticulation")
def train_coarticulation(
    data: Annotated[Path, typer.Option(help="Folder with the corpus grid_s1.")],
    cache: Annotated[Path | None, typer.Option(help="Folder that stores prepared corpora.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File for the table. Default: the shipped table is replaced."),
    ] = None,
) -> None:
    """Fit the coarticulation rules to the training clips of GRID's speaker.

    Example: mien train coarticulation --data ~/corpora --out rules.yaml
    """
    _needs_checkout()
    import torch

    from mien.models.data.corpora import registry as corpora
    from mien.models.data.labels import coarticulation
    from mien.models.data.labels.coarticulation_fit import fit

    torch.set_num_threads(1)
    [(corpus, _)] = corpora.prepare(["grid"], data, cache or corpora.default_cache())
    rules, quality = fit(corpus.clips, steps=600, rate=0.01)
    out = out or coarticulation.TABLE
    correlations = ", ".join(f"{k} {v:.3f}" for k, v in quality.items())
    coarticulation.write_rules(
        rules,
        out,
        f"fitted by `mien train coarticulation` to GRID s1 (CC BY 4.0); r: {correlations}",
    )
    typer.echo(f"{out}  r: {correlations}")


def _needs_checkout() -> None:
    """Corpora and trainings are no part of a wheel. Said first, before a missing torch is.

    Raises:
        ModuleNotFoundError: of ``mien.models.data``.
    """
    import_module("mien.models.data")


def _unseen(runs: list[Path]) -> dict[str, float]:
    """Metrics of --leave-out runs on the corpus that they left out."""
    from mien.models.reading.json_file import read_object

    return {
        key: value
        for path in runs
        for key, value in read_object(path / "metrics.json").items()
        if key.startswith("unseen_")
    }


def _without(corpus: Corpus, kept: list[Take]) -> Corpus:
    if corpus.name != "grid":
        return corpus
    names = {t.name for t in kept}
    clips = tuple(c for c in corpus.clips if c.name not in names)
    return replace(corpus, clips=clips)


def _measure(net: SpeechNet, data: Path | None, leave_out: str) -> dict[str, float]:
    """Metrics on the held-out clips, or on the corpus that was left out."""
    from mien.models.data.corpora import grid
    from mien.models.data.corpora import registry as corpora
    from mien.models.train.speech.evaluate import listener, on_facegood, on_grid

    if data is None:
        return {}
    if leave_out == "facegood":
        found = on_facegood(listener(net), data / corpora.REAL["facegood"])
        return {f"unseen_{k.removeprefix('r_')}": v for k, v in found.items()} | {
            "unseen_facegood": found["r_opening"]
        }
    folder = data / corpora.REAL["grid"]
    if not (folder / "face.npz").is_file():
        return {}
    found = on_grid(listener(net), grid.takes(folder, held_out=True))
    return found | ({"unseen_grid": found["r_lip_gap"]} if leave_out == "grid" else {})
