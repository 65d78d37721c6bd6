"""Trains the motion memory: ``python -m mien.models.train.style.memory --data FOLDER``. Two minutes
once the voices have spoken.

Stage 1 learns slots, addressed by phones, that bring the speech network's mouth nearer to the mean
of all styles. Stage 2 freezes them; a style encoder hears another sentence of the voice and sets
the emphasis. Both see frames of many voices, and are compared with the mouth of the teacher.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mien.models import checkpoint
from mien.models.data import style_voices
from mien.models.data.planted_styles import PLANTED, TRAITS
from mien.models.data.planted_styles import SIZES as PLANTED_SIZES
from mien.models.fusion.rules import APART, CLOSED
from mien.models.manner.config import STYLE
from mien.models.speech.phones import NUMBER, PHONES
from mien.models.style.channels import CHANGES, CHANNELS, MOST, MOST_SMILE, PARTS, SMILES
from mien.models.style.memory import (
    HABITS,
    HIDDEN,
    KIND,
    MOST_EMPHASIS,
    SLOTS,
    VALUE,
    WEIGHTS,
    Parameters,
    layout,
)
from mien.models.train.runs import options
from mien.models.train.speech.provenance import commit
from mien.models.train.style.lesson import Lesson, lesson

STEPS: Final = (600, 2000)
"""Steps of the two stages."""
_SENTENCES, _FRAMES, _RATE = 128, 16, 5e-3
_SHARP, _EVEN, _KEYS = 0.1, 3e-2, 6.0
"""Weights of the entropy of an address, and of that of the mean address (which is to be high)."""
_NOISE, _DROPPED, _HABITS, _PLANTED = 0.4, 0.1, 0.05, 0.3
"""Noise of the sound's statistics, share of hidden units that are dropped, and weights of what the
style also has to tell: habits, and (for training alone) all that was planted."""


FAMILIES: Final = (
    "AA AH AW AY", "AE EH", "IY IH EY Y", "AO OW OY", "UW UH W", "ER R", "S Z", "SH CH JH ZH",
    "T D N L", "K G NG HH", "TH DH", "sil P B M F V",
)  # fmt: skip
"""Phones that share a slot at first."""
HABIT_COLUMNS: Final = [PLANTED.index(n) for n in HABITS]
SIZES: Final = torch.from_numpy(PLANTED_SIZES.astype(np.float32))


def families() -> Tensor:
    """(12, 40) 1 where a phone begins in a slot."""
    out = torch.zeros(SLOTS, len(PHONES))
    for k, names in enumerate(FAMILIES):
        out[k, [NUMBER[n] for n in names.split()]] = 1.0
    return out


class Network(torch.nn.Module):
    """The network of ``mien.models.style.memory``."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(len(_NAMES_OF_SOUND), HIDDEN)
        self.second = torch.nn.Linear(HIDDEN, STYLE)
        self.keys = torch.nn.Parameter(_KEYS * families() + 0.3 * torch.randn(SLOTS, len(PHONES)))
        self.values = torch.nn.Parameter(torch.randn(SLOTS, VALUE))
        self.emphasis = torch.nn.Parameter(torch.zeros(SLOTS, STYLE))
        self.film = torch.nn.Parameter(0.1 * torch.randn(VALUE, STYLE))
        self.decoder = torch.nn.Parameter(0.02 * torch.randn(VALUE, len(CHANGES)))
        self.habits = torch.nn.Linear(STYLE, len(HABITS))
        self.planted = torch.nn.Linear(STYLE, len(PLANTED))

    def style(self, sound: Tensor) -> Tensor:
        """Standardised statistics (B, 42) -> styles (B, 64)."""
        hidden = torch.tanh(self.first(sound.clamp(-4.0, 4.0)))
        dropped = functional.dropout(hidden, _DROPPED, self.training)
        return torch.tanh(self.second(dropped))

    def address(self, phones: Tensor) -> Tensor:
        """Phones (..., 40) -> shares of the slots (..., 12)."""
        return torch.softmax(phones @ self.keys.T, dim=-1)

    def changes(self, shares: Tensor, style: Tensor | None) -> Tensor:
        """Shares (B, F, 12) of the slots, in styles (B, 64) or none -> changes (B, F, 13)."""
        values = self.values[None]
        if style is not None:
            emphasis = (style @ self.emphasis.T).clamp(-MOST_EMPHASIS, MOST_EMPHASIS).exp()
            values = emphasis[:, :, None] * values * (1.0 + style @ self.film.T)[:, None]
        return shares @ (values @ self.decoder)


def applied(channels: Tensor, changes: Tensor) -> Tensor:
    """``mien.models.style.channels.applied`` for training."""
    count = len(CHANNELS)
    out = channels * changes[..., :count].clamp(-MOST, MOST).exp()
    added = torch.zeros_like(out)
    added[..., SMILES] = changes[..., count:].clamp(-MOST_SMILE, MOST_SMILE)
    out = out + added
    u = ((APART - channels[..., :1]) / (APART - CLOSED)).clamp(0.0, 1.0)
    parts = torch.zeros(count)
    parts[PARTS.tolist()] = 1.0
    return out - parts * u * u * (3.0 - 2.0 * u) * (out - channels).clamp_min(0.0)


def fit(
    given: Lesson, seed: int = 0, steps: tuple[int, int] = STEPS
) -> tuple[Parameters, Parameters]:
    """Parameters after stage 1 (whose style changes nothing) and after stage 2.

    Args:
        given: what it sees.
        seed: of initial weights and of the choice of frames.
        steps: of the two stages.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = Network()
    scale = 1.0 / (given.wanted.std(dim=0) + 0.01)
    others = _Others(given, rng)

    def batch() -> tuple[Tensor, NDArray[np.int64]]:
        at = rng.integers(len(given.sentences), size=_SENTENCES)
        start, length, _ = given.sentences[at].T
        frames = start[:, None] + (rng.random((_SENTENCES, _FRAMES)) * length[:, None]).astype(int)
        return torch.from_numpy(frames), at

    first = [net.keys, net.values, net.decoder]
    optimiser, plan = _plan(first, steps[0])
    for _ in range(steps[0]):
        index, _ = batch()
        shares = net.address(given.phones[index])
        error = applied(given.channels[index], net.changes(shares, None)) - given.wanted[index]
        sharp, even = _entropy(shares).mean(), _entropy(shares.mean(dim=(0, 1)))
        loss = (error * scale).square().mean() + _SHARP * sharp - _EVEN * even
        _step(optimiser, plan, loss)
    one = _parameters(net, given, styled=False)
    # Stage 2: what was learned is frozen, but for what decodes it.
    net.keys.requires_grad_(False)
    net.values.requires_grad_(False)
    optimiser, plan = _plan([p for p in net.parameters() if p.requires_grad], steps[1])
    with torch.no_grad():
        addresses = net.address(given.phones)
    for _ in range(steps[1]):
        index, at = batch()
        heard = given.sound[others(at)]
        style = net.style(heard + _NOISE * torch.randn_like(heard))
        changes = net.changes(addresses[index], style)
        error = (applied(given.channels[index], changes) - given.wanted[index]) * scale
        told = given.planted[given.sentences[at, 2]]
        planted = (net.planted(style) - told) / SIZES
        habits = net.habits(style) - told[:, HABIT_COLUMNS]
        aside = _PLANTED * planted.square().mean() + _HABITS * habits.square().mean()
        _step(optimiser, plan, error.square().mean() + aside)
    return one, _parameters(net, given, styled=True)


_NAMES_OF_SOUND: Final = range(layout()["mean"][0])


class _Others:
    """Another sentence of the voice of each sentence, at random; itself where there is none."""

    def __init__(self, given: Lesson, rng: np.random.Generator) -> None:
        voice = given.sentences[:, 2]
        self._order, self._rng = np.argsort(voice, kind="stable"), rng
        self._place = np.argsort(self._order)
        ranks = np.sort(voice)
        self._first = np.searchsorted(ranks, voice, side="left")
        self._count = np.searchsorted(ranks, voice, side="right") - self._first

    def __call__(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        count, first = self._count[at], self._first[at]
        step = 1 + (self._rng.random(len(at)) * (count - 1)).astype(int)
        return np.asarray(self._order[first + (self._place[at] - first + step) % count])


def _entropy(share: Tensor) -> Tensor:
    return -(share * (share + 1e-9).log()).sum(dim=-1)


def _plan(
    parameters: list[torch.nn.Parameter], steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    optimiser = torch.optim.AdamW(parameters, _RATE, weight_decay=1e-2)
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, steps)


def _step(
    optimiser: torch.optim.Optimizer, plan: torch.optim.lr_scheduler.LRScheduler, loss: Tensor
) -> None:
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    plan.step()


def _parameters(net: Network, given: Lesson, styled: bool) -> Parameters:
    def array(x: Tensor) -> NDArray[np.float64]:
        return x.detach().double().numpy().copy()

    silent = 1.0 if styled else 0.0
    return Parameters(
        given.mean, given.scale, array(net.first.weight), array(net.first.bias),
        array(net.second.weight), array(net.second.bias), array(net.keys), array(net.values),
        silent * array(net.emphasis), silent * array(net.film), array(net.decoder),
        silent * array(net.habits.weight), array(net.habits.bias),
        given.print_mean, given.print_scale, given.voiceprint,
    )  # fmt: skip


def main() -> None:
    """Let the voices speak, train on all that may train, and write the weights."""
    given = options.parser(WEIGHTS).parse_args()
    torch.set_num_threads(1)
    voices = style_voices.prepared(given.data, given.cache)
    styles = voices.styles(voices.means(TRAITS))
    chosen = ~voices.test & ~voices.held[voices.voice]
    few = chosen & ~voices.more
    people = sum(voices.actor[v] == "people" for v in set(voices.voice[chosen].tolist()))
    _, found = fit(lesson(voices, styles, chosen), given.seed)
    tensors = {name: getattr(found, name).astype(np.float32) for name in layout()}
    checkpoint.save(given.out, tensors, {
        "kind": KIND, "version": 2, "seed": given.seed, "planted_seed": 0, "commit": commit(),
        "sentences": int(few.sum()), "print_sentences": int(chosen.sum()),
        "voices": len(set(voices.voice[chosen].tolist())),
        "corpora": {
            "hts_voices": "mei, takumi, tohoku-f01, nitech (CC BY 3.0, CC BY 4.0)",
            "japanese_text": "ITA (Unlicense)", "voices200": f"{people} people",
        },
    })  # fmt: skip
    print(given.out)


if __name__ == "__main__":
    main()
