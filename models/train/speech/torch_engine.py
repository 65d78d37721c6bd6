"""The speech network in torch for one voice, as training and its checks stream it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from mien.models.speech.network import SpeechNet


class TorchEngine:
    """The network with the state of one voice, for ``mien.models.speech.stream``."""

    def __init__(self, net: SpeechNet) -> None:
        self.net = net
        self.lookahead_frames = net.config.lookahead_frames
        self.reset()

    def reset(self) -> None:
        """Return to the state before the first frame."""
        self._state = self.net.start()

    def __call__(self, x: NDArray[np.float32], /) -> NDArray[np.float32]:
        """(T, 2 * features) -> (T, 52)."""
        with torch.inference_mode():
            shapes, _, self._state = self.net(torch.from_numpy(x)[None], self._state)
        return np.asarray(shapes[0].numpy(), np.float32)
