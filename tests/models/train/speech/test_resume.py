"""A run that was stopped and goes on is the run that never stopped, bit for bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.models.data.batches import Settings
from mien.models.data.schema import Clip, Corpus, frame_count
from mien.models.errors import ModelError
from mien.models.face.blendshapes import INDEX
from mien.models.speech.features import RATE
from mien.models.speech.network import Config, SpeechNet
from mien.models.speech.phones import NUMBER
from mien.models.train.speech.train import train
from mien.models.train.speech.training_objective import Plan

CONFIG = Config(width=12, dilations=(1, 2))
PLAN = Plan(steps=8, every=3, half=False, seed=2)
"""Checkpoints after 3, 6 and 8 steps."""
SETTINGS = Settings(size=3, frames=40, warmup=8)


def babble(name: str, speaker: str, kind: str) -> Clip:
    """Bursts of a tone, the mouth open while they sound."""
    seconds, rng = 3.0, np.random.default_rng(len(name))
    t = np.arange(round(seconds * RATE)) / RATE
    loud = (t % 0.6) < 0.3
    samples = 0.3 * np.sin(2 * np.pi * 300 * t) * loud + 1e-3 * rng.normal(size=len(t))
    frames = frame_count(len(samples))
    open_ = (np.arange(frames) / 60 % 0.6) < 0.3
    shapes = np.zeros((frames, 52), np.float16)
    shapes[:, INDEX["jawOpen"]] = 0.5 * open_
    given = np.zeros(52, np.bool_)
    given[[INDEX["jawOpen"], INDEX["mouthClose"]]] = True
    phones = np.where(open_, NUMBER["AA"], NUMBER["sil"]).astype(np.int8)
    raw = (samples * 32767).astype(np.int16)
    return Clip(name, "test", speaker, kind, raw, shapes, given, phones)


CORPORA = [
    (Corpus("a", (babble("a", "one", "tracked"), babble("bb", "two", "mapped")), "x"), 0.7),
    (Corpus("b", (babble("ccc", "three", "rules"),), "y"), 0.3),
]


def measured(net: SpeechNet) -> dict[str, float]:
    """Some number of the averaged weights, so that the curve holds them too."""
    return {"size": float(sum(p.double().abs().sum() for p in net.parameters()))}


class _StoppedError(Exception):
    pass


def run(folder: Path, resume: bool = False, stop_after: int = 99) -> tuple[SpeechNet, list[object]]:
    """The network and the curve, less the time that it took; stops before a checkpoint."""
    lines = 0

    def evaluate(net: SpeechNet) -> dict[str, float]:
        nonlocal lines
        lines += 1
        if lines > stop_after:
            raise _StoppedError
        return measured(net)

    net, curve = train(CONFIG, PLAN, SETTINGS, CORPORA, folder, evaluate, resume=resume)
    return net, [{k: v for k, v in line.items() if k != "minutes"} for line in curve]


@pytest.mark.parametrize("checkpoints", [1, 2])
def test_resumed_is_uninterrupted(tmp_path: Path, checkpoints: int) -> None:
    expected, curve = run(tmp_path / "whole")
    assert [line["step"] for line in curve] == [3, 6, 8]  # type: ignore[index]
    with pytest.raises(_StoppedError):
        run(tmp_path / "parts", stop_after=checkpoints)
    torch.manual_seed(99)  # another process has another history
    got, other = run(tmp_path / "parts", resume=True)
    assert other == curve
    states = expected.state_dict(), got.state_dict()
    assert states[0].keys() == states[1].keys()
    for key, value in states[0].items():
        assert torch.equal(value, states[1][key]), key
    kept = [
        torch.load(tmp_path / name / "last.pt", weights_only=True) for name in ("whole", "parts")
    ]
    for part in ("net", "speakers", "average"):
        for key, value in kept[0][part].items():
            assert torch.equal(value, kept[1][part][key]), (part, key)


def test_another_seed_is_another_run(tmp_path: Path) -> None:
    one, _ = train(CONFIG, PLAN, SETTINGS, CORPORA, tmp_path / "a")
    two, _ = train(CONFIG, replace(PLAN, seed=3), SETTINGS, CORPORA, tmp_path / "b")
    assert not torch.equal(one.head.weight, two.head.weight)


def test_a_finished_run_resumes_to_itself(tmp_path: Path) -> None:
    expected, curve = run(tmp_path)
    again, other = run(tmp_path, resume=True)
    assert other == curve
    assert torch.equal(expected.head.weight, again.head.weight)


def test_another_plan_does_not_go_on_with_it(tmp_path: Path) -> None:
    run(tmp_path)
    for plan, corpora in ((replace(PLAN, rate=1e-4), CORPORA), (PLAN, CORPORA[:1])):
        with pytest.raises(ModelError, match="other settings"):
            train(CONFIG, plan, SETTINGS, corpora, tmp_path, resume=True)


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    run(tmp_path)
    whole = (tmp_path / "last.pt").read_bytes()
    for damaged in (b"", b"text", whole[: len(whole) // 2], whole[:-40], b"\0" * 1000):
        (tmp_path / "last.pt").write_bytes(damaged)
        with pytest.raises(ModelError, match=r"cannot resume from .*last\.pt"):
            run(tmp_path, resume=True)
