"""Training of the manner network: a break changes nothing, and what is known teaches nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from mien.models.data.manner import MannerClip
from mien.models.errors import ModelError
from mien.models.face.curves import CURVES
from mien.models.manner.config import COLUMNS, LIPS, Config
from mien.models.manner.features import FEATURES
from mien.models.train.manner import train as module
from mien.models.train.manner.train import LENGTH, Plan, flags_of, train

CONFIG = Config(widths=(8, 12, 12), hidden=8)


def _clips(count: int = 8) -> list[MannerClip]:
    rng = np.random.default_rng(0)
    given = np.zeros(len(CURVES), np.bool_)
    given[[*COLUMNS, *LIPS]] = True
    lips = np.zeros(len(CURVES), np.bool_)
    lips[LIPS] = True
    out = []
    for k in range(count):
        sound = rng.normal(size=(90, FEATURES)).astype(np.float32)
        mask = given if k % 3 else lips
        curves = np.repeat(sound[:, :1], len(CURVES), axis=1) * mask
        out.append(MannerClip(str(k), curves.astype(np.float32), mask, sound))
    return out


def test_a_run_that_was_broken_off_ends_as_one_without_a_break(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(steps=6, batch=4, every=3)
    whole, _ = train(CONFIG, plan, _clips(), tmp_path / "whole")
    part, clips, drawn = tmp_path / "part", _clips(), [0]
    real = module.flags_of

    def broken(*args: Any) -> Any:
        drawn[0] += 1
        if drawn[0] > 4 * 4:  # in the fifth batch
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(module, "flags_of", broken)
    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, plan, clips, part)
    monkeypatch.undo()
    again, curve = train(CONFIG, plan, clips, part, resume=True)
    assert [line["step"] for line in curve] == [3, 6]
    for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True):
        assert np.array_equal(a.numpy(), b.numpy())
    with pytest.raises(ModelError, match="other settings"):
        train(CONFIG, Plan(steps=6, batch=5, every=3), clips, part, resume=True)


def test_it_learns_what_the_sound_says(tmp_path: Path) -> None:
    plan = Plan(steps=60, batch=8, every=30, rate=5e-3)
    _, curve = train(CONFIG, plan, _clips(), tmp_path)
    assert curve[-1]["loss"] < 0.8 * curve[0]["loss"]


def test_lips_of_a_speaker_are_mostly_known_and_what_is_not_given_never_is() -> None:
    rng = np.random.default_rng(1)
    given = np.zeros(len(CURVES), np.bool_)
    given[[*COLUMNS, *LIPS]] = True
    flags = np.array([flags_of(given, rng) for _ in range(200)])
    assert flags.shape == (200, LENGTH, len(CURVES))
    assert not flags[:, :, ~given].any()
    assert flags[:, :, LIPS].all(axis=(1, 2)).mean() > 0.85
    free = ~flags[:, :, list(COLUMNS)]
    assert 0.4 < free.all(axis=(1, 2)).mean() < 0.6


def test_clips_that_are_too_short_are_refused(tmp_path: Path) -> None:
    short = [MannerClip(c.name, c.curves[:20], c.given, c.sound[:20]) for c in _clips(2)]
    with pytest.raises(ModelError, match="no clip lasts"):
        train(CONFIG, Plan(steps=1), short, tmp_path)
