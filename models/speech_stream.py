"""Samples in, blendshape frames out: features, network and look-ahead as one stream."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from models.blendshapes import ARKIT
from models.features import (
    FEATURES,
    FRAMES,
    HOPS_PER_FRAME,
    RATE,
    extract,
    samples_for,
    stack,
    start,
)
from models.speech import SpeechNet


def frame_count(samples: int) -> int:
    """Frames whose time k / 60 s lies inside a recording of that many samples."""
    return -(-samples * FRAMES // RATE)


class Stream:
    """One voice being listened to. Frame k of its output describes time k / 60 s of its input.

    Args:
        net: in evaluation mode.
    """

    def __init__(self, net: SpeechNet) -> None:
        self._net = net
        self._delay = net.config.lookahead_frames
        self._reset()

    def _reset(self) -> None:
        self._features = start()
        self._state = self._net.start()
        self._waiting = np.zeros((0, FEATURES), np.float32)
        self._steps = 0
        self._samples = 0

    @property
    def samples(self) -> int:
        """Samples heard."""
        return self._samples

    @property
    def frames(self) -> int:
        """Frames given."""
        return max(0, self._steps - self._delay)

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Any number of samples (n,) -> the frames (m, 52) that they complete, m may be 0."""
        self._samples += len(samples)
        return self._advance(samples)[0]

    def flush(self) -> NDArray[np.float32]:
        """The frames up to the end of what was heard; silence is assumed after it. Starts anew."""
        wanted = frame_count(self._samples)
        missing = wanted - self.frames
        out = np.zeros((0, len(ARKIT)), np.float32)
        if missing > 0:
            rest = samples_for(wanted - 1 + self._delay) - self._samples
            out = self._advance(np.zeros(max(rest, 0), np.float32))[0][:missing]
        self._reset()
        return out

    def _advance(
        self, samples: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """-> frames (m, 52), phone logits (m, phones)."""
        hops, self._features = extract(samples, self._features)
        hops = np.concatenate([self._waiting, hops])
        whole = len(hops) // HOPS_PER_FRAME * HOPS_PER_FRAME
        self._waiting = hops[whole:]
        if whole == 0:
            return np.zeros((0, len(ARKIT)), np.float32), np.zeros((0, 0), np.float32)
        steps = torch.from_numpy(stack(hops[:whole]))[None]
        with torch.inference_mode():
            shapes, phones, self._state = self._net(steps, self._state)
        # The first steps describe frames before the sound began.
        skip = max(0, self._delay - self._steps)
        self._steps += steps.shape[1]
        return shapes[0, skip:].numpy(), phones[0, skip:].numpy()


def speak(net: SpeechNet, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """A whole recording (n,) at 16 kHz -> (T, 52), frame k at k / 60 s."""
    stream = Stream(net)
    head = stream.push(np.asarray(samples, np.float32))
    return np.concatenate([head, stream.flush()])
