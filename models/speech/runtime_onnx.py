"""The speech network as one ONNX file, for run-times without torch and numpy.

    features (1, steps, 2 x 66), state_0 .. -> shapes (1, steps, 52), phones, next_state_0 ..

The number of steps per call is free. Pass zeros as every ``state_i`` of the first call. Pass each
``next_state_i`` as ``state_i`` of the next call. ``mien.models.speech.features`` computes the
features. The file's metadata holds the names of the shapes, the look-ahead and the hash of the
weights file.
"""

from __future__ import annotations

import json
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.models.errors import ModelError
from mien.models.face.blendshapes import ARKIT, FPS
from mien.models.files import whole
from mien.models.speech import features
from mien.models.speech.network import SpeechNet, State
from mien.models.speech.phones import PHONES

OPSET: Final = 17
SIZES: Final = (1, 2, 3, 7, 16, 61)
"""Numbers of steps per call that :func:`compare` tests."""
_MISSING: Final = "pip install 'mien[export]'   (in a checkout: pip install -e '.[export]')"


class _Explicit(nn.Module):
    """The network with its state as arguments and results, which a graph needs."""

    def __init__(self, net: SpeechNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, *caches: Tensor) -> tuple[Tensor, ...]:
        shapes, phones, state = self.net(x, State(list(caches)))
        return shapes, phones, *state.caches


def write(path: Path, net: SpeechNet, weights_hash: str = "") -> None:
    """Write ``net`` to ``path``, atomically.

    Raises:
        ModelError: the package onnx is not installed.
    """
    try:
        import onnx
    except ImportError as e:
        raise ModelError(f"{e.name} is not installed", _MISSING) from e
    caches = net.start().caches
    states = [f"state_{i}" for i in range(len(caches))]
    following = [f"next_{name}" for name in states]
    with whole(path) as part:
        with warnings.catch_warnings():
            # The newer exporter needs onnxscript and gives no better graph for this network.
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.onnx.export(
                _Explicit(net).eval(),
                (torch.zeros(1, 3, net.mean.shape[0]), *caches),
                str(part),
                input_names=["features", *states],
                output_names=["shapes", "phones", *following],
                dynamic_axes={n: {1: "steps"} for n in ("features", "shapes", "phones")},
                opset_version=OPSET,
                dynamo=False,
            )
        graph = onnx.load(str(part))
        onnx.helper.set_model_props(graph, _about(net, weights_hash))
        onnx.checker.check_model(graph)
        onnx.save(graph, str(part))


def _about(net: SpeechNet, weights_hash: str) -> dict[str, str]:
    return {
        "kind": "mien speech",
        "weights": weights_hash,
        "lookahead_frames": str(net.config.lookahead_frames),
        "lookahead_ms": f"{net.config.lookahead_ms:.3f}",
        "sample_rate": str(features.RATE),
        "frames_a_second": str(FPS),
        "shapes": json.dumps(ARKIT),
        "phones": json.dumps(PHONES),
    }


class OnnxEngine:
    """An ONNX file with the state of one voice, for ``mien.models.speech.stream``.

    Raises:
        ModelError: onnxruntime is not installed, or the file was not written by :func:`write`.
    """

    def __init__(self, path: Path) -> None:
        try:
            import onnxruntime
        except ImportError as e:
            raise ModelError(f"{e.name} is not installed", _MISSING) from e
        if not path.is_file():
            raise ModelError(f"no network at {path}", "mien export speech")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # beside a live loop
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as e:  # its own errors share no base but this one
            raise ModelError(f"{path} is no network that onnxruntime reads: {e}") from e
        about: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        if about.get("kind") != "mien speech":
            raise ModelError(f"{path} was not made by `mien export speech`")
        self.about = about
        self.lookahead_frames = int(about["lookahead_frames"])
        self._sizes = {i.name: tuple(i.shape) for i in self._session.get_inputs()[1:]}
        self.reset()

    def reset(self) -> None:
        """Return to the state before the first frame."""
        self._state = {name: np.zeros(size, np.float32) for name, size in self._sizes.items()}

    def __call__(self, x: NDArray[np.float32], /) -> NDArray[np.float32]:
        """(T, 2 * features) -> (T, 52)."""
        found = self._session.run(None, {"features": x[None], **self._state})
        self._state = dict(zip(self._state, found[2:], strict=True))
        shapes: NDArray[np.float32] = found[0][0]
        return shapes


@dataclass(frozen=True)
class Comparison:
    """Accuracy and speed of a written file."""

    difference: float
    """Largest absolute difference from torch in any shape, over all of SIZES."""
    frame_ms: NDArray[np.float64]
    """(n,) ms of each single step."""


def compare(path: Path, net: SpeechNet, seconds: float = 10.0, seed: int = 0) -> Comparison:
    """Compare ``path`` with ``net`` on random features, in pieces of each of SIZES."""
    engine = OnnxEngine(path)
    count = round(seconds * FPS)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, net.mean.shape[0])).astype(np.float32)
    # In the range of the features of real sound.
    x = x / net.scale.numpy() + net.mean.numpy()
    with torch.inference_mode():
        expected = net(torch.from_numpy(x)[None])[0][0].numpy()
    worst = 0.0
    for size in SIZES:
        engine.reset()
        got = np.concatenate([engine(x[at : at + size]) for at in range(0, count, size)])
        worst = max(worst, float(np.abs(got - expected).max()))
    engine.reset()
    spent = []
    for k in range(count):
        begin = time.perf_counter()
        engine(x[k : k + 1])
        spent.append(1e3 * (time.perf_counter() - begin))
    return Comparison(worst, np.asarray(spent))
