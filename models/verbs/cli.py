"""``mien train ...``: the networks, from corpora to weights; ``mien export ...``: and out."""

from __future__ import annotations

import datetime
import json
import logging
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from mien.models.errors import ModelError

if TYPE_CHECKING:  # `mien` imports this file for every verb: torch must wait until it is wanted
    from mien.models.data.corpora.grid import Take
    from mien.models.data.schema import Corpus
    from mien.models.speech.network import SpeechNet

train_app = typer.Typer(no_args_is_help=True, help="Train a network from corpora.")
export_app = typer.Typer(no_args_is_help=True, help="Write a network for other run-times.")
CORPORA: Final = "grid,facegood,flite,hibari,espeak,asterisk"
VALIDATION: Final = 40
"""Training clips of GRID that are kept for the curve."""
MAX_DIFFERENCE: Final = 1e-4
"""Of a network that was written, from torch's."""


@train_app.command("speech")
def train_speech(
    data: Annotated[
        Path | None, typer.Option(help="Folder that holds grid_s1 and facegood.")
    ] = None,
    videos: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of your own videos with sound (mp4, mov, webm, mkv, avi): one person in "
            "view who speaks, lips to be seen; a folder in it for each speaker. Their faces are "
            "tracked once, about as long as watching takes, and kept in --cache. May be repeated."
        ),
    ] = None,
    livelink: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of takes of the app Live Link Face: NAME.csv and its sound beside it as "
            "NAME.wav (or flac, m4a, the app's own .mov); a folder in it for each speaker. Where "
            "sound and face did not start together, the offset is found by listening, or said by "
            "you in offsets.csv (name,offset_ms). May be repeated."
        ),
    ] = None,
    names: Annotated[
        str | None,
        typer.Option(
            "--corpora",
            help="Known corpora, comma-separated, with odds if wanted (grid:0.3). "
            f"Default: {CORPORA}; none of them where --videos or --livelink are given "
            "without --data.",
        ),
    ] = None,
    leave_out: Annotated[
        str, typer.Option(help="Train on all but this corpus and test on it (grid or facegood).")
    ] = "",
    steps: Annotated[int, typer.Option(min=1, help="Batches of 16 crops of 3 s.")] = 6000,
    seed: Annotated[int, typer.Option()] = 0,
    lookahead_frames: Annotated[
        int, typer.Option(min=0, max=30, help="Of 1/60 s; the window adds 12.5 ms.")
    ] = 5,
    cache: Annotated[Path | None, typer.Option(help="Where prepared corpora are kept.")] = None,
    run: Annotated[Path | None, typer.Option(help="Folder of the run.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Weights to write (default: in the run).")
    ] = None,
    rate: Annotated[float, typer.Option(min=1e-6, help="Highest step size.")] = 1.5e-3,
    changed: Annotated[
        float, typer.Option(min=0, max=1, help="Share of crops with another speed or channel.")
    ] = 0.75,
    dropped: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of channels that a crop goes without.")
    ] = 0.1,
    closures: Annotated[
        float, typer.Option(min=0, help="How hard p, b and m are asked to shut the lips.")
    ] = 0.3,
    phones: Annotated[
        float, typer.Option(min=0, help="How hard phones are asked to be named.")
    ] = 2.0,
    changed_tracked: Annotated[
        float, typer.Option(min=0, max=1, help="The same for crops of a face that was filmed.")
    ] = 0.15,
    rules: Annotated[
        str, typer.Option(help="Of coarticulation: general, or fitted to GRID's speaker.")
    ] = "general",
    unseen: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of a --leave-out run whose result is kept with the weights."),
    ] = None,
    begin: Annotated[Path | None, typer.Option(help="Weights to go on from.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on with the last checkpoint of --run.")] = False,
) -> None:
    """Train the speech network; leaves weights, curve.json and metrics.json in the run's folder.

    To teach the network that ships your own face:

    mien train speech --videos FOLDER --begin models/weights/speech.safetensors --steps 500
    --rate 3e-4
    """
    import torch

    from mien.models import checkpoint
    from mien.models.data.batches import Settings
    from mien.models.data.corpora import grid, user_recordings
    from mien.models.data.corpora import registry as corpora
    from mien.models.speech import network as speech
    from mien.models.train.speech.evaluate import listener, on_grid
    from mien.models.train.speech.objective import Plan
    from mien.models.train.speech.provenance import ancestor, once
    from mien.models.train.speech.train import train

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(1)
    folder = run or Path("runs") / f"{datetime.date.today()}-train-speech-{leave_out or 'all'}"
    kept_at = cache or corpora.default_cache()
    mine = user_recordings.user_corpora(videos or [], livelink or [], kept_at)
    if names is None:
        names = "" if mine and data is None else CORPORA
    requested = [n for n in names.split(",") if n]
    sources = [*corpora.prepare(requested, data, kept_at, leave_out, rules), *mine]
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
    )
    metrics = _measure(net, data, leave_out)
    meta: dict[str, Any] = {
        "seed": seed,
        "commit": _commit(),
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
    speech.save(target, net, once(meta))
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    typer.echo(f"{target}  {checkpoint.content_hash(target)}")
    for key, value in metrics.items():
        typer.echo(f"  {key} {value:.4g}")


@train_app.command("mean")
def train_mean(
    weights: Annotated[list[Path], typer.Argument(help="Two or more, of one shape.")],
    out: Annotated[Path, typer.Option(help="Weights to write.")],
    unseen: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of a --leave-out run whose result is kept with the weights."),
    ] = None,
) -> None:
    """Mean of speech weights that went on from the same ones: as steady as all of them together."""
    from mien.models import checkpoint
    from mien.models.speech import network as speech
    from mien.models.train.speech.provenance import ancestor, once

    net, meta = speech.mean(weights)
    own = {"mean_of": [ancestor(w) for w in weights], "commit": _commit()}
    speech.save(out, net, once(meta | own | ({"unseen": _unseen(unseen)} if unseen else {})))
    typer.echo(f"{out}  {checkpoint.content_hash(out)}")


@train_app.command("coarticulation")
def train_coarticulation(
    data: Annotated[Path, typer.Option(help="Folder that holds grid_s1.")],
    cache: Annotated[Path | None, typer.Option(help="Where prepared corpora are kept.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Table to write (default: the one that ships).")
    ] = None,
) -> None:
    """Fit the rules of coarticulation to the tracked speaker's training clips."""
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


@export_app.callback()
def export() -> None:
    """Write a network for other run-times."""


@export_app.command("speech")
def export_speech(
    out: Annotated[Path, typer.Option(help="ONNX file to write.")] = Path("speech.onnx"),
    weights: Annotated[
        Path | None, typer.Option(help="Weights to write (default: those that ship).")
    ] = None,
) -> None:
    """Write the speech network as ONNX, compare it with torch, say how big and how fast it is."""
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
        f"  at most {found.difference:.1e} from torch, in pieces of "
        f"{', '.join(map(str, speech_onnx.SIZES))} frames\n"
        f"  {median_ms:.2f} ms a frame (p50), {p99_ms:.2f} (p99), one core of this machine"
    )


def _unseen(runs: list[Path]) -> dict[str, float]:
    """What --leave-out runs found on the corpus that they left out."""
    return {
        key: value
        for path in runs
        for key, value in json.loads((path / "metrics.json").read_text()).items()
        if key.startswith("unseen_")
    }


def _without(corpus: Corpus, kept: list[Take]) -> Corpus:
    if corpus.name != "grid":
        return corpus
    names = {t.name for t in kept}
    clips = tuple(c for c in corpus.clips if c.name not in names)
    return replace(corpus, clips=clips)


def _measure(net: SpeechNet, data: Path | None, leave_out: str) -> dict[str, float]:
    """What the run is for: the corpus that it did not see."""
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


def _commit() -> str:
    """Of the checkout that trains, or an empty string outside of one."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
