"""Trains the network that hears the emotion of a voice: ``python -m
mien.models.train.style.emotion --data FOLDER``. Half a minute once the sentences are spoken.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch.nn import functional

from mien.models import checkpoint
from mien.models.data import voice_emotion
from mien.models.data.corpora import emotional
from mien.models.face.emotion_table import table
from mien.models.style.emotion import CLASSES, HIDDEN, INPUTS, KIND, WEIGHTS, Parameters, layout
from mien.models.train.runs import options
from mien.models.train.speech.provenance import commit

STEPS: Final = 300
CONVERSATIONS: Final = 5000
_BATCH, _RATE, _NOISE, _DROPPED = 512, 1e-2, 0.3, 0.2


def plane() -> torch.Tensor:
    """Arousal and valence (4, 2) of ``CLASSES``."""
    return torch.tensor([[table()[n].arousal, table()[n].valence] for n in CLASSES])


def fit(
    speakers: voice_emotion.Speakers,
    seed: int = 0,
    without: tuple[int, ...] = (),
) -> Parameters:
    """Parameters that tell the emotions of ``speakers`` in random conversations.

    Args:
        speakers: who train.
        seed: of conversations and initial weights.
        without: inputs that are withheld, for an ablation.
    """
    rows, emotions = voice_emotion.conversations(speakers, CONVERSATIONS, seed)
    rows[:, list(without)] = 0.0
    x, y = torch.from_numpy(rows.astype(np.float32)), torch.from_numpy(emotions)
    torch.manual_seed(seed)
    first, second = torch.nn.Linear(INPUTS, HIDDEN), torch.nn.Linear(HIDDEN, len(CLASSES) + 2)
    drop = torch.nn.Dropout(_DROPPED)
    optimiser = torch.optim.AdamW(
        [*first.parameters(), *second.parameters()], _RATE, weight_decay=3e-2
    )
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, STEPS)
    where = plane().float()
    for _ in range(STEPS):
        at = torch.randint(0, len(x), (_BATCH,))
        out = second(drop(torch.tanh(first(x[at] + _NOISE * torch.randn(_BATCH, INPUTS)))))
        n = len(CLASSES)
        loss = functional.cross_entropy(out[:, :n], y[at], label_smoothing=0.05)
        loss = loss + 2.0 * functional.mse_loss(torch.tanh(out[:, n:]), where[y[at]])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        plan.step()
    weight = first.weight.detach().double().numpy().copy()
    weight[:, list(without)] = 0.0
    return Parameters(
        speakers.mean, 1.0 / (speakers.spread + 1e-3), weight, first.bias.detach().double().numpy(),
        second.weight.detach().double().numpy(), second.bias.detach().double().numpy(),
    )  # fmt: skip


def main() -> None:
    """Speak the sentences, train on all actors, and write the weights."""
    given = options.parser(WEIGHTS).parse_args()
    torch.set_num_threads(1)
    train, _ = voice_emotion.prepared(given.data, given.cache)
    found = fit(voice_emotion.Speakers(train, voice_emotion.people(given.data)), given.seed)
    tensors = {name: getattr(found, name).astype(np.float32) for name in layout()}
    checkpoint.save(given.out, tensors, {
        "kind": KIND, "version": 1, "seed": given.seed, "commit": commit(),
        "classes": list(CLASSES), "sentences": len(train.text),
        "corpora": {
            "hts_voices": f"{', '.join(emotional.ACTORS)} (CC BY 3.0, CC BY 4.0)",
            "japanese_text": "ITA (Unlicense)", "voices200": "160 people without emotion",
        },
    })  # fmt: skip
    print(given.out)


if __name__ == "__main__":
    main()
