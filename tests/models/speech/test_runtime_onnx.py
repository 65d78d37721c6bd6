from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.face.blendshapes import ARKIT
from mien.models.speech import network as speech
from mien.models.speech import runtime_onnx as speech_onnx
from mien.models.speech.features import RATE
from mien.models.speech.network import Config, SpeechNet
from mien.models.speech.stream import Stream, speak
from mien.models.train.speech.torch_engine import TorchEngine
from mien.models.verbs.export import export_app
from mien.robot.media import audio
from tests.paths import ROOT

pytest.importorskip("onnx", reason="pip install -e .[export]")
pytest.importorskip("onnxruntime", reason="pip install -e .[export]")


def sound(seconds: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    t = np.arange(round(seconds * RATE)) / RATE
    voice = np.sign(np.sin(2 * np.pi * 130 * t)) * np.sin(2 * np.pi * 2 * t) ** 2
    return np.asarray(0.1 * voice + 1e-3 * rng.normal(size=len(t)), np.float32)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "speech.onnx"
    speech_onnx.write(path, speech.load()[0], "abc")
    return path


def test_the_shipped_network_says_the_same_in_any_pieces(shipped: Path) -> None:
    net, _ = speech.load()
    found = speech_onnx.compare(shipped, net, seconds=6.0)
    assert found.difference < 1e-4
    assert len(found.frame_ms) == 360
    # A voice: a tone hardly parts the lips of a network that knows music.
    samples, rng = audio.load(audio.LJ_DEMO)[: 3 * RATE], np.random.default_rng(1)
    stream, parts, at = Stream(speech_onnx.OnnxEngine(shipped)), [], 0
    while at < len(samples):
        size = int(rng.integers(0, 4000))
        parts.append(stream.push(samples[at : at + size]))
        at += size
    parts.append(stream.flush())
    expected = speak(TorchEngine(net), samples)
    assert expected.std() > 0.01
    np.testing.assert_allclose(np.concatenate(parts), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("frames", [0, 5, 12])
def test_any_shape_of_network_and_look_ahead(tmp_path: Path, frames: int) -> None:
    torch.manual_seed(frames)
    small = Config(width=24, kernel=2 + frames % 3, dilations=(1, 3, 2))
    net = SpeechNet(replace(small, lookahead_frames=frames)).eval().requires_grad_(False)
    torch.nn.init.normal_(net.head.weight, std=0.3)
    speech_onnx.write(tmp_path / "a.onnx", net)
    assert speech_onnx.compare(tmp_path / "a.onnx", net, seconds=3.0).difference < 1e-4
    engine = speech_onnx.OnnxEngine(tmp_path / "a.onnx")
    assert engine.lookahead_frames == frames
    samples = sound(1.5)
    np.testing.assert_allclose(
        speak(engine, samples), speak(TorchEngine(net), samples), rtol=0, atol=1e-4
    )


def test_a_wrong_network_is_noticed(shipped: Path) -> None:
    net, _ = speech.load()
    net.head.bias = torch.nn.Parameter(net.head.bias + 0.01)
    assert speech_onnx.compare(shipped, net, seconds=1.0).difference > 1e-4


def test_the_file_says_what_it_is(shipped: Path) -> None:
    about = speech_onnx.OnnxEngine(shipped).about
    assert json.loads(about["shapes"]) == list(ARKIT)
    assert about["weights"] == "abc"
    assert float(about["lookahead_ms"]) == pytest.approx(speech.load()[1]["lookahead_ms"], abs=1e-3)


def test_another_file_is_refused(tmp_path: Path) -> None:
    import onnx

    (tmp_path / "a.onnx").write_bytes(b"no network")
    with pytest.raises(ModelError, match=r"a\.onnx"):
        speech_onnx.OnnxEngine(tmp_path / "a.onnx")
    with pytest.raises(ModelError, match="no network"):
        speech_onnx.OnnxEngine(tmp_path / "b.onnx")
    one = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    same = onnx.helper.make_node("Identity", ["x"], ["y"])
    out = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([same], "other", [one], [out])
    other = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
    )
    onnx.save(other, str(tmp_path / "c.onnx"))
    with pytest.raises(ModelError, match="not made by"):
        speech_onnx.OnnxEngine(tmp_path / "c.onnx")


def test_without_the_packages_it_names_the_command() -> None:
    for hidden, call in (
        ("onnx", "speech_onnx.write(Path('a.onnx'), speech.SpeechNet())"),
        ("onnxruntime", "speech_onnx.OnnxEngine(Path('a.onnx'))"),
    ):
        code = (
            f"import sys; sys.modules[{hidden!r}] = None\n"
            "from pathlib import Path\nfrom mien.models import errors\n"
            "from mien.models.speech import network as speech, runtime_onnx as speech_onnx\n"
            f"try:\n    {call}\nexcept errors.ModelError as e:\n    print(e.hint)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            cwd=ROOT,
        )  # fmt: skip
        assert "export" in done.stdout


def test_the_verb_writes_measures_and_says_so(tmp_path: Path) -> None:
    out = tmp_path / "new" / "s.onnx"
    result = CliRunner().invoke(export_app, ["speech", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert speech_onnx.OnnxEngine(out).about["weights"] == checkpoint.content_hash(speech.WEIGHTS)
    assert [p.name for p in out.parent.iterdir()] == ["s.onnx"]
    for word in ("MB", "ms a frame", "torch"):
        assert word in result.output
