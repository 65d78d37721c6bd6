"""Trains the space of feeling: ``python -m mien.models.train.feeling.train --data FOLDER``.

Sound and motion are brought to common points: near the point of what they mean, and sound nearer to
a face that shows it than to faces that show something else (a contrastive loss over the eight
kinds). The reader of text goes on from the first layers of a sentence network (``teacher``) and
tells the kinds apart (``text_training``). Ten minutes on one core.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mien.models import checkpoint
from mien.models.data import voice_emotion
from mien.models.feeling.space import FEELINGS, KIND, TEXT, WEIGHTS
from mien.models.feeling.text_network import cut
from mien.models.feeling.words import words_of
from mien.models.style import emotion as voice
from mien.models.train.feeling import corpus
from mien.models.train.feeling import teacher as teachers
from mien.models.train.feeling.corpus import Told, texts
from mien.models.train.feeling.network import Encoder, Encoders, faces
from mien.models.train.feeling.teacher import Teacher
from mien.models.train.feeling.text_training import Reader, Texts, answers, tensors, train
from mien.models.train.runs import options
from mien.models.train.speech.provenance import commit

Floats = NDArray[np.float32]
EPOCHS, FOLDS = 7, 4
STEPS: Final = 2500
_BATCH, _RATE, _SOUNDS = 128, 3e-3, 5000
_NEAR: Final = 0.12
"""Squared distance at which a face counts e times less."""
_HEARD_AS: Final = 0.6
"""Intensity that is meant by an acted voice."""


def heard(data: Path, cache: Path, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Acted voices: answers (N, 6) to their sound, and classes (N,)."""
    train, _ = voice_emotion.prepared(data, cache)
    speakers = voice_emotion.Speakers(train, voice_emotion.people(data))
    inputs, classes = voice_emotion.conversations(speakers, _SOUNDS, seed + 50)
    shares, plane = voice.answer(voice.read(), inputs)
    return np.concatenate([shares, plane], axis=1).astype(np.float32), classes


def as_texts(told: Sequence[Told], pieces: Mapping[str, int]) -> Texts:
    """Texts as the reader learns them."""
    mix = np.array([[t.mix.get(name, 0.0) for name in FEELINGS] for t in told], np.float32)
    total = mix.sum(axis=1, keepdims=True)
    rest = np.array([t.kind == 0 for t in told], np.float32)[:, None]
    share = np.concatenate([rest, (1.0 - rest) * mix / np.maximum(total, 1e-6)], axis=1)
    return Texts(
        [cut(words_of(t.text).text, pieces) for t in told],
        share.astype(np.float32), np.minimum(total[:, 0], 0.95), likely(told),
    )  # fmt: skip


def likely(told: Sequence[Told]) -> Floats:
    """How likely a text is used in an epoch (N,): scenes and directions always, words and acts
    every second time, and compositions, which are scenes again, seldom."""
    scene = np.array([t.scene for t in told])
    alone = np.arange(len(told)) <= scene.max()
    return np.where(alone, 1.0, np.where(scene < 0, 0.5, 0.1)).astype(np.float32)


def fit(sounds: Floats, classes: NDArray[np.int64], seed: int = 0) -> Encoders:
    """Encoders of sound and motion, and the axes.

    Args:
        sounds: (N, 6) answers to sound.
        classes: (N,) their classes.
        seed: of everything random.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, 32])
    net = Encoders()
    net.sound.standardise(sounds)
    mixed = (rng.dirichlet(np.full(len(FEELINGS), 0.3), 2000) * rng.random((2000, 1))).astype("f4")
    net.motion.standardise(faces(mixed, rng), 0.5)
    optimiser = torch.optim.AdamW(net.parameters(), _RATE, weight_decay=1e-3)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=STEPS, pct_start=0.1)
    columns = [voice.CLASSES.index(n) if n in voice.CLASSES else -1 for n in FEELINGS]
    kinds = np.arange(_BATCH) % (len(FEELINGS) + 1)
    for _ in range(STEPS):
        shown = rng.uniform(0.3, 0.9, (_BATCH, 1)) * np.eye(len(FEELINGS) + 1)[kinds]
        single = torch.from_numpy(shown[:, 1:].astype("f4"))
        other = rng.dirichlet(np.full(len(FEELINGS), 0.5), _BATCH) * rng.random((_BATCH, 1))
        mixes = torch.from_numpy(other.astype("f4"))
        one, moved = (net.motion(torch.from_numpy(faces(m.numpy(), rng))) for m in (single, mixes))
        of = rng.integers(len(sounds), size=_BATCH)
        points = net.sound(torch.from_numpy(sounds[of]))
        meant = np.stack([_HEARD_AS * (classes[of] == c) for c in columns], axis=1)
        as_kind = torch.from_numpy(_kind_of(meant))
        candidates = one[: len(FEELINGS) + 1]
        axes = net.axes
        loss = 4.0 * (_toward(axes, mixes, moved) + _toward(axes, single, one))
        loss = loss + 2.0 * _toward(axes, torch.from_numpy(meant.astype("f4")), points)
        loss = loss + _contrast(points, candidates, as_kind)
        centres = torch.cat([torch.zeros(1, axes.shape[1]), 0.6 * axes])
        loss = loss + 0.3 * _contrast(one, centres, torch.from_numpy(kinds))
        loss = loss + 0.1 * (axes @ axes.T - torch.eye(len(axes))).square().sum()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        plan.step()
    return net.eval().requires_grad_(False)


def _toward(axes: Tensor, mix: Tensor, points: Tensor) -> Tensor:
    """Squared distance of points (B, 64) from those of mixes (B, 7)."""
    length = mix.sum(dim=1, keepdim=True).clamp_min(1e-6)
    meant = mix @ axes * (length.clamp_max(0.97) / length)
    return (points - meant).square().sum(dim=1).mean()


def _contrast(points: Tensor, candidates: Tensor, kind: Tensor) -> Tensor:
    far = torch.cdist(points, candidates).square()
    return functional.cross_entropy(-far / _NEAR, kind, label_smoothing=0.05)


def _kind_of(mix: Floats) -> NDArray[np.int64]:
    return np.where(mix.any(axis=1), mix.argmax(axis=1) + 1, 0)


def of_encoders(net: Encoders) -> dict[str, Any]:
    """Tensors of the encoders of sound and motion, and of the axes."""
    out: dict[str, Any] = {"axes": net.axes.numpy().astype(np.float32)}
    for name in ("sound", "motion"):
        encoder: Encoder = getattr(net, name)
        for layer in ("first", "second"):
            linear = getattr(encoder, layer)
            out[f"{name}.{layer}"] = linear.weight.numpy().astype(np.float16)
            out[f"{name}.{layer}_bias"] = linear.bias.numpy().astype(np.float32)
        out[f"{name}.mean"], out[f"{name}.scale"] = encoder.mean.numpy(), encoder.scale.numpy()
    return out


def read_right(reader: Reader, teacher: Teacher, told: Sequence[Told]) -> float:
    """Share of texts whose kind is told."""
    found = answers(reader, as_texts(told, teacher.ids).pieces)[:, :-1].argmax(axis=1)
    return float((found == [t.kind for t in told]).mean())


def main() -> None:
    """Train, tell how well texts are read that it never saw, and write the weights."""
    parser = options.parser(WEIGHTS)
    parser.add_argument("--minilm", type=Path, default=teachers.installed())
    parser.add_argument("--fold", type=int, help="leave out every fourth scene: 0 to 3")
    parser.add_argument("--keep", type=Path, help="weights whose sound, motion and axes stay")
    given = parser.parse_args()
    torch.set_num_threads(1)
    teacher = teachers.read(given.minilm or Path(teachers.PACKAGE))
    told = texts(given.seed)
    scene = np.array([t.scene for t in told])
    held = (scene >= 0) & (scene % FOLDS == given.fold) if given.fold is not None else scene < -1
    reader = train(teacher, as_texts(told, teacher.ids).of(~held), EPOCHS, given.seed)
    for name in corpus.HELD:
        print(name, read_right(reader, teacher, corpus.read(corpus.HERE / name)), flush=True)
    if given.fold is not None:
        left = [t for t, out in zip(told[: scene.max() + 1], held, strict=False) if out]
        print("scenes and directions left out", read_right(reader, teacher, left))
        return
    if given.keep:
        before, _ = checkpoint.load(given.keep, KIND)
        stay = ("axes", "sound", "motion")
        encoders = {k: v for k, v in before.items() if k.split(".")[0] in stay}
    else:
        encoders = of_encoders(fit(*heard(given.data, given.cache, given.seed), given.seed))
    checkpoint.save(given.out, encoders | tensors(reader, teacher, TEXT), {
        "kind": KIND, "version": 2, "seed": given.seed, "commit": commit(),
        "texts": len(told), "scenes": int(scene.max()) + 1,
        "corpora": {"texts": "our own", "hts_voices": "CC BY 3.0, CC BY 4.0",
                    "all-MiniLM-L6-v2": "Apache-2.0, its first layers, changed"},
    })  # fmt: skip
    print(given.out)


if __name__ == "__main__":
    main()
