"""Weights know every stage of their training, not only the last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from typer.testing import CliRunner

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.face.blendshapes import FPS, INDEX
from mien.models.speech import network as speech
from mien.models.speech.features import RATE
from mien.models.train.speech import weights_files
from mien.models.train.speech.provenance import once
from mien.models.verbs.training.cli import train_app
from mien.robot.media.livelink_takes import write_csv


def test_a_third_stage_knows_the_first(tmp_path: Path) -> None:
    takes, rng = tmp_path / "me", np.random.default_rng(0)
    takes.mkdir()
    soundfile.write(takes / "a.wav", 0.1 * rng.normal(size=2 * RATE), RATE)
    shapes = np.full((2 * FPS, 52), 0.01)
    shapes[:, INDEX["jawOpen"]] = rng.random(2 * FPS)
    write_csv(takes / "a.csv", shapes)
    (takes / "offsets.csv").write_text("name,offset_ms\na,0\n")
    before, path = speech.WEIGHTS, tmp_path
    for stage in range(2):
        path = tmp_path / f"{stage}.safetensors"
        options = ["speech", "--livelink", str(takes), "--begin", str(before), "--steps", "1"]
        options += ["--seed", str(stage), "--run", str(tmp_path / f"run{stage}")]
        result = CliRunner().invoke(train_app, [*options, "--out", str(path)])
        assert result.exit_code == 0, result.output
        before = path
    meta = speech.load(path)[1]
    assert meta["seed"] == 1
    second = meta["begun_from"]
    assert second["weights"] == checkpoint.content_hash(tmp_path / "0.safetensors")
    assert second["seed"] == 0
    assert list(second["corpora"]) == ["livelink-me"]
    first = second["begun_from"]
    assert first["weights"] == checkpoint.content_hash(speech.WEIGHTS)
    stages = [first]  # what ships was itself trained in stages, or is a mean of networks that were
    for stage in stages:
        stages += [s for s in (stage.get("begun_from"), *stage.get("mean_of", ())) if s]
    assert any(s.get("plan", {}).get("steps", 0) > 1 and "grid" in s["corpora"] for s in stages)


def test_a_mean_lies_between_and_names_both(tmp_path: Path) -> None:
    net, meta = speech.load()
    with torch.no_grad():
        net.head.weight += 0.25
    moved, both = tmp_path / "moved.safetensors", tmp_path / "mean.safetensors"
    weights_files.save(moved, net, {k: meta[k] for k in ("corpora", "unseen")})
    command = ["mean", str(speech.WEIGHTS), str(moved), "--out", str(both)]
    result = CliRunner().invoke(train_app, command)
    assert result.exit_code == 0, result.output
    middle, meta = speech.load(both)
    assert [m["weights"] for m in meta["mean_of"]] == [
        checkpoint.content_hash(speech.WEIGHTS),
        checkpoint.content_hash(moved),
    ]
    step = middle.head.weight - speech.load()[0].head.weight
    np.testing.assert_allclose(step, 0.125, atol=1e-3)


def test_a_mean_needs_two_weights_of_one_config(tmp_path: Path) -> None:
    small = tmp_path / "small.safetensors"
    weights_files.save(small, speech.SpeechNet(speech.Config(width=8, dilations=(1,))), {})
    with pytest.raises(ModelError, match="two or more"):
        weights_files.mean([small])
    with pytest.raises(ModelError, match="another config"):
        weights_files.mean([speech.WEIGHTS, small])


def test_an_ancestor_is_told_once() -> None:
    first: dict[str, Any] = {"weights": "a", "seed": 1}
    parts = [
        {"weights": "b", "begun_from": first},
        {"weights": "c", "begun_from": {"weights": "d", "mean_of": [first, first]}},
    ]
    written = once({"seed": 3, "mean_of": parts})
    digest = {"weights": "a"}
    assert written["mean_of"][0] == parts[0]
    assert written["mean_of"][1]["begun_from"]["mean_of"] == [digest, digest]
    assert written["seed"] == 3
    assert first["seed"] == 1
