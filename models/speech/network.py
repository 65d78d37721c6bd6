"""Speech -> blendshapes: a causal convolutional network with a declared look-ahead.

    features (B, T, 2 x 66) at 60 Hz -> stem -> residual blocks -> 28 shapes of jaw, mouth and
    tongue, written by name into ARKit's 52

Brows, eyes, cheeks and nose stay 0: the expression moves them. A generic head and a
speaker-specific head compute the shapes. The speaker posterior mixes them. The lip opening of the
generic head passes one more stage, which depends on the loudness of the voice
(``mien.models.speech.loudness``). The tip of the tongue follows the phone head
(``mien.models.speech.tongue``).

The network is causal. The look-ahead is a delay: the output of step i describes frame
``i - lookahead_frames``. The state is explicit, so one ``forward`` serves a file and a stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.models import checkpoint
from mien.models.errors import ModelError
from mien.models.face.blendshapes import ARKIT, INDEX
from mien.models.speech import loudness, tongue, weights
from mien.models.speech.config import Config as Config
from mien.models.speech.features import HOPS_PER_FRAME

KIND: Final = "speech"
"""``kind`` in the metadata of a weights file."""
WEIGHTS: Final = checkpoint.WEIGHTS / "speech.safetensors"


@dataclass
class State:
    """State of a stream: the earlier inputs that each block still needs."""

    caches: list[Tensor] = field(default_factory=list)
    """One cache (B, width, (kernel - 1) * dilation) per block, then the power (B, 1, taps - 1) and
    the opening (B, 1, 1) of the previous steps."""


@dataclass(frozen=True)
class Heads:
    """Outputs of the heads before they are mixed; (B, T, 52) unless stated otherwise."""

    generic_plain: Tensor
    """Shapes of the generic head, before the loudness stage."""
    generic: Tensor
    """Shapes of the generic head, after the loudness stage."""
    specific: Tensor
    """Shapes of the speaker-specific head: the faces that were filmed."""
    posterior_logit: Tensor
    """(B, T) logit of the speaker posterior: the voice belongs to a filmed face."""
    phones: Tensor
    """(B, T, phones) logits."""


class _Block(nn.Module):
    """x + mix(silu(causal convolution of the normalised x))."""

    def __init__(self, width: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.reach = (kernel - 1) * dilation
        self.norm = nn.LayerNorm(
            width
        )  # over the channels of one frame, so streaming equals offline
        self.conv = nn.Conv1d(width, width, kernel, dilation=dilation)
        self.dropped = nn.Dropout1d(0.0)  # of whole channels; the trainer sets the rate
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        # x (B, C, T), cache (B, C, reach)
        y = self.norm(x.transpose(1, 2)).transpose(1, 2)
        y = torch.cat([cache, y], dim=2)
        kept = y[:, :, y.shape[2] - self.reach :]
        return x + self.mix(self.dropped(functional.silu(self.conv(y)))), kept


class SpeechNet(nn.Module):
    """The network; see the module's docstring."""

    mean: Tensor
    scale: Tensor
    targets: Tensor
    taps: Tensor
    bands: Tensor
    height: Tensor

    def __init__(self, config: Config | None = None) -> None:
        super().__init__()
        self.config = config = config or Config()
        inputs = config.features * HOPS_PER_FRAME
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.stem = nn.Conv1d(inputs, config.width, 1)
        self.blocks = nn.ModuleList(
            _Block(config.width, config.kernel, d) for d in config.dilations
        )
        self.norm = nn.LayerNorm(config.width)
        self.head = nn.Linear(config.width, len(config.outputs))
        # "own" and "known" are names of tensors in weights files: the speaker-specific head and
        # the speaker posterior.
        self.own = nn.Linear(config.width, len(config.outputs))
        self.known = nn.Linear(config.width, 1)
        self.phone_head = nn.Linear(config.width, config.phones)
        where = torch.tensor([INDEX[n] for n in config.outputs])
        self.register_buffer("targets", where, persistent=False)
        self._jaw = config.outputs.index("jawOpen")
        self._close = config.outputs.index("mouthClose")
        taps = torch.from_numpy(loudness.taps(config.lookahead_frames))
        self.register_buffer("taps", taps[None, None], persistent=False)
        self.register_buffer("bands", torch.from_numpy(loudness.BANDS), persistent=False)
        self.register_buffer("height", torch.from_numpy(tongue.HEIGHT), persistent=False)
        for head in (self.head, self.own):
            nn.init.normal_(head.weight, std=0.01)
            nn.init.constant_(head.bias, 0.0)
            nn.init.constant_(head.bias[self._jaw], 0.1)
        nn.init.zeros_(self.known.weight)

    def start(self, batch: int = 1) -> State:
        """The state before the first frame, all zeros."""
        config = self.config
        sizes = [(config.width, (config.kernel - 1) * d) for d in config.dilations]
        sizes += [(1, self.taps.shape[2] - 1), (1, 1)]
        return State([self.mean.new_zeros(batch, *size) for size in sizes])

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, Tensor, State]:
        """Run T steps of 1/60 s.

        Args:
            x: (B, T, 2 * features), two hops per step (hops 2k - 1 and 2k at step k).
            state: returned by the previous call, or None at the beginning.

        Returns:
            shapes (B, T, 52) in 0..1, phone logits (B, T, phones), the new state. Step i of the
            stream describes frame ``i - lookahead_frames``.
        """
        heads, state = self.heads(x, state)
        posterior = torch.sigmoid(heads.posterior_logit)[..., None]
        shapes = torch.lerp(heads.generic, heads.specific, posterior)
        height = torch.softmax(heads.phones, dim=-1) @ self.height - tongue.HEARD_ANYWAY
        tip = tongue.FULL * (tongue.GAIN * height).clamp(0.0, 1.0)
        where = self.targets.new_tensor([INDEX["tongueOut"]])
        return shapes.index_copy(-1, where, tip[..., None]), heads.phones, state

    def heads(self, x: Tensor, state: State | None = None) -> tuple[Heads, State]:
        """As ``forward``, with the outputs of the heads before they are mixed."""
        state = self.start(x.shape[0]) if state is None else state
        y = self.stem(((x - self.mean) * self.scale).transpose(1, 2))  # (B, width, T)
        caches = []
        for block, cache in zip(self.blocks, state.caches[:-2], strict=True):
            y, kept = block(y, cache)
            caches.append(kept)
        y = self.norm(y.transpose(1, 2))  # (B, T, width)
        requested = _positive(self.head(y).float())
        specific = _positive(self.own(y).float())
        lips, kept = self._opened(requested[..., self._jaw], x.float(), state.caches[-2:])
        generic_plain = self._shapes(requested, requested[..., self._jaw])
        heads = Heads(
            generic_plain=generic_plain,
            generic=self._shapes(requested, lips) if self.config.loudness else generic_plain,
            specific=self._shapes(specific, specific[..., self._jaw]),
            posterior_logit=self.known(y)[..., 0].float(),
            phones=self.phone_head(y).float(),
        )
        return heads, State(caches + kept)

    def _opened(
        self, requested: Tensor, x: Tensor, caches: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """Requested opening (B, T) -> opening (B, T) after ``mien.models.speech.loudness``, and the
        new caches."""
        hops = x.reshape(*x.shape[:2], HOPS_PER_FRAME, -1)[..., self.bands]
        hops = hops.clamp(max=loudness.MAX_FEATURE)
        power = torch.cat([caches[0], (10.0 ** (2 * (hops - 1))).mean(dim=(2, 3))[:, None]], dim=2)
        decibels = 10 * torch.log10(functional.conv1d(power, self.taps)[:, 0] + 1e-9)
        loud = ((decibels - loudness.FLOOR_DB) / loudness.RANGE_DB).clamp(
            0.0, loudness.MAX_LOUDNESS
        )
        both = torch.cat([caches[1], requested[:, None]], dim=2)
        mean = 0.5 * (both[:, 0, :-1] + both[:, 0, 1:])
        share, corner = self.config.loudness, loudness.LINEAR_OPENING
        bent = (mean + corner) ** (1 - share) - corner ** (1 - share)
        kept = [power[:, :, power.shape[2] - self.taps.shape[2] + 1 :], both[:, :, -1:]]
        return (loudness.gain(share) * bent * loud**share).clamp_min(0.0), kept

    def _shapes(self, positive: Tensor, lips: Tensor) -> Tensor:
        """(B, T, outputs) and lip opening (B, T) -> (B, T, 52)."""
        # The jaw's channel is the opening of the *lips*; mouthClose is added to it. So
        # jawOpen - mouthClose is one output, and a closure can be exact.
        jaw = lips + positive[..., self._close]
        where = self.targets.new_tensor([self._jaw])
        shapes = positive.index_copy(-1, where, jaw[..., None])
        out = positive.new_zeros(*positive.shape[:-1], len(ARKIT))
        return out.index_copy(-1, self.targets, shapes.clamp(max=1.0))

    def parameters_count(self) -> int:
        """Number of learned parameters."""
        return sum(p.numel() for p in self.parameters())


def _positive(x: Tensor) -> Tensor:
    """Softplus: max(0, x) with a gradient also where the mouth is closed."""
    return functional.softplus(x, beta=25.0)


def save(path: Path, net: SpeechNet, meta: dict[str, Any], half: bool = True) -> None:
    """Write weights (float16 if ``half``, else float32) and ``meta`` with the network's config."""
    tensors = {k: v.half() if half else v for k, v in net.state_dict().items()}
    config = net.config
    full = {
        "version": checkpoint.NEWEST[KIND],
        **meta,
        "kind": KIND,
        "config": asdict(config),
        "lookahead_ms": config.lookahead_ms,
        "parameters": net.parameters_count(),
    }
    checkpoint.save(path, tensors, full)


def load(path: Path = WEIGHTS) -> tuple[SpeechNet, checkpoint.Meta]:
    """Read a network in evaluation mode.

    Raises:
        ModelError: not the weights of a speech network, or they do not fit their own config.
    """
    tensors, meta, config = weights.read(path)
    net = SpeechNet(config)
    try:
        net.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in tensors.items()})
    except RuntimeError as e:
        raise ModelError(
            f"{path} does not fit its own description: {e}", "mien train speech"
        ) from e
    return net.eval().requires_grad_(False), meta


def mean(paths: Sequence[Path]) -> tuple[SpeechNet, checkpoint.Meta]:
    """Mean of several networks' weights; corpora and ``unseen`` results come from the first.

    Networks that were fine-tuned from common weights can be averaged, and the mean is about as good
    as their ensemble (Wortsman et al., "Model soups", ICML 2022).

    Raises:
        ModelError: fewer than two files, or networks with different configs.
    """
    if len(paths) < 2:
        raise ModelError(f"a mean needs two or more weights, got {len(paths)}")
    loaded = [load(p) for p in paths]
    first = loaded[0][0]
    for path, (net, _) in zip(paths, loaded, strict=True):
        if net.config != first.config:
            raise ModelError(f"{path} has another config than {paths[0]}: {net.config}")
    states = [net.state_dict() for net, _ in loaded]
    middle = {k: torch.stack([s[k] for s in states]).mean(dim=0) for k in states[0]}
    out = SpeechNet(first.config)
    out.load_state_dict(middle)
    kept: checkpoint.Meta = {k: loaded[0][1][k] for k in ("corpora", "unseen") if k in loaded[0][1]}
    return out.eval().requires_grad_(False), kept
