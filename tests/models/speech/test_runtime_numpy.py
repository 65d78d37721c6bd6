from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.speech import network as speech
from mien.models.speech import runtime_numpy as speech_light
from mien.models.speech.features import FEATURES


def frames(n: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 2 * FEATURES)).astype(np.float32)


def test_the_same_numbers_as_torch() -> None:
    net, _ = speech.load()
    light = speech_light.load()
    x = frames(150)
    expected = net(torch.from_numpy(x)[None])[0][0].numpy()
    np.testing.assert_allclose(light(x), expected, rtol=0, atol=1e-4)
    assert light.lookahead_frames == net.config.lookahead_frames
    light.reset()
    logits = net(torch.from_numpy(x)[None])[1][0].numpy()
    np.testing.assert_allclose(light.phones(x), logits, rtol=0, atol=1e-3)


def test_frame_by_frame_and_anew() -> None:
    light, x = speech_light.load(), frames(60)
    whole = light(x)
    light.reset()
    single = np.concatenate([light(x[i : i + 1]) for i in range(60)])
    np.testing.assert_allclose(single, whole, rtol=0, atol=1e-5)


def test_it_needs_no_torch() -> None:
    code = (
        "import sys, mien.models.speech.runtime_numpy as s; s.load(); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_missing_tensors_are_named() -> None:
    tensors, meta = checkpoint.load(speech_light.WEIGHTS)
    del tensors["head.bias"]
    with pytest.raises(ModelError, match=r"head\.bias"):
        speech_light.LightSpeech(tensors, meta["config"])
