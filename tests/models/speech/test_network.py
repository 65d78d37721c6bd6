from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.face.blendshapes import INDEX, SPEECH, lip_opening
from mien.models.speech.features import FEATURES, HOPS_PER_FRAME, RATE
from mien.models.speech.network import WEIGHTS, Config, SpeechNet, load, save
from mien.models.speech.stream import Stream, frame_count, speak
from mien.models.train.speech.torch_engine import TorchEngine

SMALL = Config(width=16, dilations=(1, 2, 4), lookahead_frames=3)


def small_net(seed: int = 0) -> SpeechNet:
    torch.manual_seed(seed)
    net = SpeechNet(SMALL)
    for head in (net.head, net.own, net.known):
        torch.nn.init.normal_(head.weight, std=0.3)
    return net.eval().requires_grad_(False)


def sound(seconds: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    pitch = 120 + 40 * np.sin(2 * np.pi * 1.3 * t)
    buzz = np.sign(np.sin(2 * np.pi * np.cumsum(pitch) / RATE))
    out = 0.1 * buzz * np.sin(2 * np.pi * 2 * t) ** 2 + 1e-3 * rng.normal(size=len(t))
    return np.asarray(out, np.float32)


def steps(n: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, n, HOPS_PER_FRAME * FEATURES, generator=generator)


def test_later_input_never_changes_earlier_output() -> None:
    net, x = small_net(), steps(60)
    other = x.clone()
    other[:, 30:] = 5.0
    torch.testing.assert_close(net(x)[0][:, :30], net(other)[0][:, :30], rtol=0, atol=0)
    assert not torch.equal(net(x)[0][:, 30], net(other)[0][:, 30])


@given(st.lists(st.integers(1, 20), min_size=1, max_size=10))
@settings(max_examples=20, deadline=None)
def test_streaming_is_the_same_forward(sizes: list[int]) -> None:
    net, x = small_net(), steps(80)
    whole, phones, _ = net(x)
    state, shapes, logits, at = None, [], [], 0
    for size in [*sizes, 80]:
        if at >= 80:
            break
        y, p, state = net(x[:, at : at + size], state)
        shapes.append(y)
        logits.append(p)
        at += size
    torch.testing.assert_close(torch.cat(shapes, 1), whole, rtol=0, atol=1e-5)
    torch.testing.assert_close(torch.cat(logits, 1), phones, rtol=0, atol=1e-4)


def test_only_shapes_of_speech_move_and_stay_in_range() -> None:
    net = small_net()
    y = net(10 * steps(200))[0].numpy()
    still = [i for n, i in INDEX.items() if n not in SPEECH]
    assert (y[..., still] == 0).all()
    assert y.min() >= 0
    assert y.max() <= 1
    assert y.std() > 0.01


def test_closing_never_passes_the_jaw() -> None:
    y = small_net()(steps(200))[0].numpy()
    assert (y[..., INDEX["mouthClose"]] <= y[..., INDEX["jawOpen"]] + 1e-6).all()


def test_the_look_ahead_is_what_it_says() -> None:
    net = small_net()
    samples = sound(1.5)
    base = speak(TorchEngine(net), samples)
    reach = round(SMALL.lookahead_ms * RATE / 1000)
    for frame in (20, 45):
        at = round(frame * RATE / 60)
        changed = samples.copy()
        changed[at + reach + 1 :] += 0.3
        np.testing.assert_array_equal(
            speak(TorchEngine(net), changed)[: frame + 1], base[: frame + 1]
        )
        changed = samples.copy()
        changed[at + reach - 40 :] += 0.3
        assert np.abs(speak(TorchEngine(net), changed)[frame] - base[frame]).max() > 1e-6


@pytest.mark.parametrize("n", [0, 1, 100, 266, 267, 268, 1600, 16000, 16001])
def test_every_length_gives_its_frames(n: int) -> None:
    got = speak(TorchEngine(small_net()), sound(2.0)[:n])
    assert got.shape == (frame_count(n), 52)
    assert frame_count(n) == int(np.ceil(n * 60 / RATE))


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=15))
@settings(max_examples=15, deadline=None)
def test_a_stream_of_any_pieces_is_the_whole(sizes: list[int]) -> None:
    net, samples = small_net(), sound(1.0)
    stream, parts, at = Stream(TorchEngine(net)), [], 0
    for size in sizes:
        parts.append(stream.push(samples[at : at + size]))
        at += size
    parts += [stream.push(samples[at:]), stream.flush()]
    np.testing.assert_allclose(
        np.concatenate(parts), speak(TorchEngine(net), samples), rtol=0, atol=1e-5
    )


def test_a_flushed_stream_begins_anew() -> None:
    net, samples = small_net(), sound(0.8)
    stream = Stream(TorchEngine(net))
    first = np.concatenate([stream.push(samples), stream.flush()])
    second = np.concatenate([stream.push(samples), stream.flush()])
    np.testing.assert_array_equal(first, second)


def test_save_and_load(tmp_path: Path) -> None:
    net = small_net()
    save(tmp_path / "a.safetensors", net, {"seed": 3})
    again, meta = load(tmp_path / "a.safetensors")
    assert meta["seed"] == 3
    assert meta["kind"] == "speech"
    assert again.config == SMALL
    x = steps(20)
    torch.testing.assert_close(again(x)[0], net(x)[0], rtol=0, atol=5e-3)  # float16 on disk


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    net = small_net()
    save(tmp_path / "a.safetensors", net, {})
    tensors, meta = checkpoint.load(tmp_path / "a.safetensors")
    meta["config"]["width"] = 32
    checkpoint.save(tmp_path / "b.safetensors", tensors, meta)
    with pytest.raises(ModelError, match=r"stem\.weight .*\(16, 132, 1\), expected \(32, 132, 1\)"):
        load(tmp_path / "b.safetensors")
    checkpoint.save(tmp_path / "c.safetensors", tensors, {**meta, "kind": "self_model"})
    with pytest.raises(ModelError, match="self_model"):
        load(tmp_path / "c.safetensors")


def test_shipped_weights_are_small_and_prompt() -> None:
    net, meta = load()
    assert WEIGHTS.stat().st_size <= 8_000_000
    assert net.config.lookahead_ms <= 100
    assert meta["lookahead_ms"] == net.config.lookahead_ms
    assert meta["corpora"]


def test_shipped_weights_keep_quiet_lips_shut() -> None:
    net, _ = load()
    rng = np.random.default_rng(0)
    t = np.arange(4 * RATE) / RATE
    for name, samples in {
        "digital silence": np.zeros(4 * RATE),
        "room": 0.002 * rng.normal(size=4 * RATE),
        "hum": 0.02 * np.sin(2 * np.pi * 50 * t) + 0.01 * np.sin(2 * np.pi * 150 * t),
    }.items():
        opening = lip_opening(speak(TorchEngine(net), samples.astype(np.float32)))[60:]
        assert opening.max() < 0.06, name
        assert np.abs(np.diff(opening)).max() < 0.03, name
